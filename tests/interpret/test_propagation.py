"""Propagated attention equals the closed form, and a planted pathway brings its genes up."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, Targets, random_ontology
from kgnn.errors import KgnnError
from kgnn.interpret import propagate_attention
from kgnn.models import DenseNetwork, PathwayGraphs
from kgnn.structure import compile_hierarchy
from kgnn.train import TrainConfig, fit

HIERARCHY, _ = compile_hierarchy(random_ontology(5, 11, seed=2))
RANDOM = np.random.default_rng(0)
SAMPLES = Samples.from_values(
    RANDOM.random((24, 11)),
    HIERARCHY.genes,
    meaning="abundance",
    targets=Targets(np.arange(24, dtype=np.int32) % 2, ("sick", "well"), "classes"),
)


def test_equals_the_closed_form():
    model = PathwayGraphs(HIERARCHY, senders=(0, 3), receivers=(1, 7), outputs=("sick", "well"), rngs=nnx.Rngs(0))
    run = fit(model, SAMPLES, TrainConfig(epochs=2, batch_size=8), baselines=())
    found = propagate_attention(run, samples=SAMPLES, restart=0.4)
    fitted, n = run.model, len(model.terms)
    joined = np.zeros((n + 11, n + 11))
    joined[
        n + HIERARCHY.annotation_gene, np.searchsorted(np.unique(HIERARCHY.annotation_term), HIERARCHY.annotation_term)
    ] = 1
    joined[n, n + 1] = joined[n + 3, n + 7] = 1
    joined = np.maximum(joined, joined.T)
    walk = joined / joined.sum(axis=0)
    states = fitted.states_of_pathways(SAMPLES.gene_values())
    attention = np.asarray(fitted.attention(states)).mean(axis=0)
    for code, name in enumerate(("sick", "well")):
        start = np.r_[attention[:, code::2].mean(axis=1), np.zeros(11)]
        expected = 0.4 * np.linalg.solve(np.eye(n + 11) - 0.6 * walk, start)
        table = found[found["class"] == name].set_index("node")["score"]
        np.testing.assert_allclose(table[[*model.terms, *model.genes]], expected, atol=1e-6)
        assert table.sum() == pytest.approx(1)


def test_refuses_other_networks():
    dense = DenseNetwork(HIERARCHY.genes, hidden=3, outputs=("sick", "well"), task="classes", rngs=nnx.Rngs(0))
    run = fit(dense, SAMPLES, TrainConfig(epochs=1, batch_size=8), baselines=())
    with pytest.raises(KgnnError, match="the run is of DenseNetwork"):
        propagate_attention(run)
