"""A pathway clock finds the pathways that age, and doses of a knockdown act through the right one."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, Targets
from kgnn.errors import AlignmentError, KgnnError
from kgnn.interpret import importance
from kgnn.knowledge import Annotation, Ontology, Relation, Term, insert_hidden_terms
from kgnn.knowledge.hidden_terms import HIDDEN
from kgnn.models import VisibleNetwork
from kgnn.perturb import dose_response, knockdown
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, TrainConfig, fit, load_run
from kgnn.zoo import fit_recipe, recipe

PATHWAYS = {f"P{p}": [f"G{g:02d}" for g in range(4 * p, 4 * p + 5)] for p in range(6)}
"""Neighboring pathways share a gene."""


def gene_sets() -> Ontology:
    terms = {name: Term(name, f"pathway {name}") for name in ("root", *PATHWAYS)}
    annotations = tuple(Annotation(gene, name) for name, genes in PATHWAYS.items() for gene in genes)
    return Ontology(terms, tuple(Relation(name, "root") for name in PATHWAYS), annotations)


def aging(n: int = 400, seed: int = 0) -> Samples:
    """Age rises with the activity of P1, which saturates, and falls with that of P4; the other genes are noise."""
    random = np.random.default_rng(seed)
    genes = sorted({gene for own in PATHWAYS.values() for gene in own})
    values = np.abs(random.normal(3, 1, (n, len(genes)))).astype(np.float32)
    column = {gene: values[:, place] for place, gene in enumerate(genes)}
    up = np.tanh(sum(column[gene] for gene in PATHWAYS["P1"][1:4]) - 9)
    down = column["G17"] - 3
    age = 55 + 12 * up - 6 * down + random.normal(0, 2, n)
    targets = Targets(age[:, None].astype(np.float32), ("age",), "regression")
    return Samples.from_values(values, genes, meaning="abundance", targets=targets)


@pytest.fixture(scope="module")
def clock(tmp_path_factory) -> Run:
    samples = aging()
    settings = {"epochs": 40, "replicates": 2, "valid_fraction": 0.0, "learning_rate": 0.01}
    return fit_recipe(
        recipe("pathway_clock"), gene_sets(), samples.take(range(300)), test=samples.take(range(300, 400)),
        settings=settings, baselines=("mean", "linear"), out=tmp_path_factory.mktemp("clock") / "run",
    )  # fmt: skip


def test_hidden_terms():
    before = gene_sets()
    after = insert_hidden_terms(before)
    assert after.gene_sets["P1"] == before.gene_sets["P1"] and not after.direct_genes["P1"]
    assert after.children["P1"] == (f"P1{HIDDEN}",) and after.roots == ("root",)
    hierarchy, _ = compile_hierarchy(after)
    assert hierarchy.n_levels == 3 and hierarchy.n_terms == 13


def test_beats_its_baselines(clock: Run):
    best = max(found["test"]["pearson"] or 0.0 for found in clock.metrics["baselines"].values())
    assert clock.metrics["model"]["test"]["pearson"] > best + 0.01


def test_doses_act_through_the_pathway(clock: Run):
    table = dose_response(clock, ["G17", "G06", "G00"], doses=(0.25, 0.5, 1.0))
    assert len(table) == 3 * 3 * (1 + len(clock.model.terms))
    effects = table[table.target == "output"].pivot(index="gene", columns="dose", values="effect")
    # G17 makes younger, 6 years a unit, so that its knockdown ages; far from the samples the network saturates. G06
    # makes older, and G00 does nothing.
    assert (np.diff(effects.loc["G17"]) > 0).all() and 6 < effects.loc["G17", 1.0] < 26
    assert effects.loc["G06", 1.0] < -4 and abs(effects.loc["G00", 1.0]) < 4
    own = table[(table.target == "subsystem") & (table.dose == 1.0)].set_index(["gene", "term"])["effect"]
    # The output is a sum over pathways: they add up to its change, and nothing else moves.
    for gene, pathways in (("G17", ["P4"]), ("G06", ["P1"]), ("G00", ["P0"])):
        assert abs(sum(own[gene, name] for name in PATHWAYS) - effects.loc[gene, 1.0]) < 1e-3
        assert {name for name in PATHWAYS if abs(own[gene, name]) > 1e-6} == set(pathways)
        assert abs(own[gene, "root"] - effects.loc[gene, 1.0]) < 1e-3
    # The states of the pathways themselves, turned so that up is older; a hidden layer has several, without one sign.
    state = table[(table.target == "subsystem") & (table.dose == 1.0)].set_index(["gene", "term"])["state_change"]
    assert state["G17", "P4"] > 0.3 and state["G06", "P1"] < -0.3
    assert all(state["G17", name] == 0 for name in PATHWAYS if name != "P4")
    assert np.isnan(state["G17", f"P4{HIDDEN}"])


def test_agrees_with_knockdown_and_with_the_stored_run(clock: Run):
    table = dose_response(clock, "G06", doses=[0.5])
    other = knockdown(clock, ["G06"], dose=0.5, max_samples=256)
    same = other[other.target == "output"]["effect"].item()
    assert table[table.target == "output"]["effect"].item() == pytest.approx(same, rel=1e-4)
    assert clock.folder is not None
    again = dose_response(load_run(clock.folder), "G06", doses=[0.5])
    np.testing.assert_allclose(again.effect, table.effect, rtol=1e-6, atol=1e-7)


def test_importance_names_the_pathways_that_age(clock: Run):
    ranking = importance(clock, "sensitivity", n_null=0)
    own = ranking[ranking.term.isin(PATHWAYS)].sort_values("importance", ascending=False)
    assert set(own.term[:2]) == {"P1", "P4"}


def test_any_network_has_doses_and_errors():
    samples = aging(40)
    hierarchy, _ = compile_hierarchy(gene_sets(), samples.genes)
    config = TrainConfig(epochs=1, batch_size=20, valid_fraction=0)
    run = fit(VisibleNetwork(hierarchy, outputs=["age"], rngs=nnx.Rngs(0)), samples, config, baselines=())
    table = dose_response(run, ["G17"], doses=[0.0, 1.0])
    assert np.isfinite(table.effect).all() and (table[table.dose == 0].effect == 0).all()
    with pytest.raises(AlignmentError, match="does not know 1 of 2 genes: nobody"):
        dose_response(run, ["G17", "nobody"])
    with pytest.raises(KgnnError, match=r"the doses are 0.5, 1.5"):
        dose_response(run, "G17", doses=[0.5, 1.5])
