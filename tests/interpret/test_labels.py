"""Planted truth with labels (any of several): each label is made by one subsystem, and the measures tell which.

The toy's causal term makes the first label, a bystander the second, and the third is a coin: nothing makes it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas
import pytest
from flax import nnx

from kgnn.data import toy
from kgnn.data.measured import Targets
from kgnn.interpret import importance
from kgnn.knowledge.provenance import Provenance
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.perturb import knockdown
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, TrainConfig, train_model

LABELS = ("causal (A and B)", "bystander 3.1", "coin")
CAUSAL, OTHER = "TOY:0001", "TOY:0013"
BRANCH = {"TOY:0001", "TOY:0002", "TOY:0003", "TOY:0004"}


@cache
def fitted(seed: int = 0) -> Run:
    """A network fitted on 500 samples, and 300 others to look at it with."""
    example = toy("and", n_samples=800, noise=0.0, seed=seed)
    samples = example.samples
    genes = example.ontology.gene_sets[OTHER]
    altered = samples.gene_values()[:, [gene in genes for gene in samples.genes]].sum(axis=1)
    coin = np.random.default_rng(seed).random(800) < 0.5
    found = np.stack([samples.require_targets().values[:, 0] > 0.5, altered > np.median(altered), coin], axis=1)
    samples = replace(samples, targets=Targets(found.astype(np.float32), LABELS, "labels"))
    hierarchy, _ = compile_hierarchy(example.ontology, samples.genes)
    train, test = (samples.take(np.arange(*part)) for part in ((0, 500), (500, 800)))
    model = VisibleNetwork(hierarchy, SubsystemSettings(4), outputs=LABELS, task="labels", rngs=nnx.Rngs(seed))
    config = TrainConfig(epochs=40, batch_size=64, learning_rate=0.01, weight_decay=0.3, optimizer="adamw", seed=seed)
    model, history, _ = train_model(model, train, None, config)
    return Run(model, test, config, history, {}, {}, Provenance())


def below_root(table: pandas.DataFrame, label: str) -> pandas.DataFrame:
    return table[(table["term"] != "TOY:0000") & (table["output"] == label)].reset_index(drop=True)


@pytest.mark.parametrize("measure", ["sensitivity", "knockdown"])
def test_each_label_leans_on_the_subsystem_that_makes_it(measure: str) -> None:
    table = importance(fitted(), measure)
    causal, other = (below_root(table, label) for label in LABELS[:2])
    assert set(causal["term"].iloc[:3]) < BRANCH
    # Its parent, through which all of it passes, and the root have no other share in this label.
    assert set(other["term"].iloc[:2]) == {OTHER, "TOY:0007"}
    for rows, own in ((causal, BRANCH), (other, {OTHER, "TOY:0007"})):
        outside = rows.loc[~rows["term"].isin(own), "importance"].max()
        # A derivative is small on the plateaus of a network that has learned to switch, so it stands out less.
        assert rows["importance"].iloc[0] > (1.5 if measure == "sensitivity" else 3) * outside


def test_rlipp_finds_the_term_in_which_a_label_is_made_and_nothing_in_a_coin() -> None:
    table = importance(fitted(), "rlipp")
    causal, coin = below_root(table, LABELS[0]), below_root(table, LABELS[2])
    assert causal["term"].iloc[0] == CAUSAL
    assert causal["q_value"].iloc[0] < 0.05
    assert causal["rho_parent"].iloc[0] > 0.9 > causal["rho_children"].iloc[0]
    # A false discovery rate of 5 % allows one now and then.
    assert (coin["q_value"] < 0.05).sum() <= 1
    assert coin["rho_parent"].max() < 0.3


def test_knockdowns_move_the_label_of_their_subsystem_alone() -> None:
    run = fitted()
    table = knockdown(run, "all", samples=run.samples, states=False).pivot(
        index="perturbation", columns="name", values="effect"
    )
    genes = {label: run.hierarchy.gene_sets[run.hierarchy.term_index[term]] for label, term in
             zip(LABELS[:2], (CAUSAL, OTHER), strict=True)}  # fmt: skip
    for label, own in genes.items():
        inside = table.index.isin([run.hierarchy.genes[gene] for gene in own])
        assert table.loc[inside, label].min() > 0.05
        assert table.loc[inside, label].min() > 2 * table.loc[~inside, label].abs().max()
