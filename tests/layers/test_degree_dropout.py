"""KPNN's rule of degrees, dropout of genes, and weights of known sign inside the layer."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.knowledge import build_network
from kgnn.layers import RowDropout, Subsystems, SubsystemSettings, degree_rates
from kgnn.structure import compile_regulation

#  a ▶ A ▶ P ▶ out     A is an only child; B and C are two, one of them with the gene of Q;
#  b ▶ B ▶ Q ▶ out     D, E, F are three, G shares Q's parent with P, Q, R and S
EDGES = [
    *("a>A", "b>B", "c>Q", "d>D", "d>E", "d>F", "A>P", "B>Q", "D>R", "E>R", "F>R", "d>S"),
    *("P>out", "Q>out", "R>out", "S>out"),
]


def hierarchy():
    pairs = [edge.split(">") for edge in EDGES]
    names = sorted({name for pair in pairs for name in pair})
    ends = np.array([[names.index(name) for name in pair] for pair in pairs])
    return compile_regulation(build_network(names, ends[:, 0], ends[:, 1], directed=True))[0]


@pytest.mark.parametrize(
    ("rate", "two", "three", "more"), [(0.5, 0.1, 0.3, 0.5), (0.2, 0.1, 0.2, 0.2), (0.05, 0.05, 0.05, 0.05)]
)
def test_degree_rates(rate, two, three, more):
    graph = hierarchy()
    expected = {"A": 0.0, "B": two, "D": three, "E": three, "F": three, "P": more, "Q": more, "R": more, "S": more}
    found = dict(zip(graph.terms, degree_rates(graph, rate).tolist(), strict=True))
    assert found == {**expected, "out": 0.0}


def test_rows_are_dropped_at_their_own_rate():
    rates = (0.0, 0.1, 0.3, 0.6)
    rows = RowDropout(0.6, rates, rngs=nnx.Rngs(dropout=0))(jnp.ones((4, 40_000)), deterministic=False)
    dropped = np.asarray(rows == 0).mean(axis=1)
    assert dropped[0] == 0
    np.testing.assert_allclose(dropped, rates, atol=0.012)
    np.testing.assert_allclose(np.asarray(rows.max(axis=1)), 1 / (1 - np.array(rates)), rtol=1e-6)


def test_dropout_of_genes_and_nodes_in_training_alone():
    graph = hierarchy()
    chosen = SubsystemSettings(1, "identity", "none", heads="none", gene_dropout=0.25, last_activation="identity")
    layer = Subsystems(graph, chosen, 1, root_head=False, rngs=nnx.Rngs(0))
    genes = jnp.ones((4000, 4))
    calm = layer(genes).states
    assert (np.asarray(calm) == np.asarray(calm)[:, :1]).all()
    states = np.asarray(layer(genes, train=True).states)
    # A sees a alone, kept in three of four samples and then 4/3 times as large.
    weight, bias = (float(each[...][0]) for each in (layer.gene_weights, layer.bias))
    dropped = np.isclose(states[0], bias)
    assert abs(dropped.mean() - 0.25) < 0.03
    np.testing.assert_allclose(states[0][~dropped], bias + weight / 0.75, rtol=1e-5)


def test_the_last_level_has_its_own_activation():
    graph = hierarchy()
    chosen = SubsystemSettings(1, "sigmoid", "none", heads="none")
    plain, linear = (
        Subsystems(graph, each, 1, root_head=False, rngs=nnx.Rngs(0))
        for each in (chosen, chosen._replace(last_activation="identity"))
    )
    genes = jnp.asarray(np.random.default_rng(0).random((5, 4)), jnp.float32)
    np.testing.assert_allclose(jax.nn.sigmoid(linear(genes).root), plain(genes).root, rtol=1e-6)
    np.testing.assert_array_equal(linear(genes).states[:-1], plain(genes).states[:-1])


def test_states_by_level():
    chosen = SubsystemSettings((4, 2, 1), "tanh", "none", heads="none")
    graph = hierarchy()
    found = chosen.states_of_terms(graph)
    assert dict(zip(graph.level_of_term.tolist(), found.tolist(), strict=True)) == {0: 4, 1: 2, 2: 1}
    assert Subsystems(graph, chosen, 1, root_head=False, rngs=nnx.Rngs(0))(jnp.zeros((3, 4))).root.shape == (1, 3)
    with pytest.raises(KgnnError, match=r"n_states is \(2, 0\)"):
        SubsystemSettings((2, 0)).check()
    with pytest.raises(KgnnError, match="gene_dropout is 1"):
        SubsystemSettings(gene_dropout=1.0).check()
