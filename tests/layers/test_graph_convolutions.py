"""Graph layers equal dense NumPy at 1e-5; padding changes nothing; permuted nodes give permuted values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers import messages as messages_module
from kgnn.layers.graph_convolutions import CONVOLUTIONS, GraphConvolution, messages_of
from kgnn.layers.messages import products_along, received
from kgnn.structure import Adjacency
from kgnn.structure.messages import Messages
from tests.layers.dense_graphs import (
    DENSE,
    FURTHER,
    GRAPH_OF,
    N_IN,
    N_NODES,
    N_OUT,
    N_SAMPLES,
    matrix_of,
    node_major,
    padded,
    random_graph,
    weights_of,
)

VALUES = np.random.default_rng(0).normal(size=(N_SAMPLES, N_NODES, N_OUT))


def made(kind: str, adjacency: Adjacency, seed: int = 0) -> Any:
    n_in = N_OUT if kind == "gated" else N_IN
    layer = CONVOLUTIONS[kind](adjacency, n_in, N_OUT, **FURTHER.get(kind, {}), rngs=nnx.Rngs(seed))
    random = np.random.default_rng(seed)
    for _, variable in nnx.iter_graph(layer):
        if isinstance(variable, nnx.Param):
            variable[...] = jnp.asarray(random.normal(size=variable.shape).astype(np.float32))
    return layer


def values_for(kind: str) -> np.ndarray:
    return VALUES if kind == "gated" else VALUES[..., :N_IN]


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_equals_dense_numpy_padded_or_not(kind: str):
    adjacency = random_graph(**GRAPH_OF[kind])
    x = values_for(kind)
    weights = weights_of(made(kind, adjacency))
    expected = np.stack([DENSE[kind](adjacency, weights, sample) for sample in x], axis=1)
    for graph in (adjacency, padded(adjacency)):
        found = made(kind, graph)(node_major(x, graph.n_padded_nodes, fill=77.0))
        np.testing.assert_allclose(found[:N_NODES], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_permuted_nodes_give_permuted_values(kind: str):
    order = np.random.default_rng(1).permutation(N_NODES)
    x = values_for(kind)
    found = made(kind, random_graph(**GRAPH_OF[kind]))(node_major(x, N_NODES))
    permuted = made(kind, random_graph(order=order, **GRAPH_OF[kind]))(node_major(x[:, order], N_NODES))
    np.testing.assert_allclose(permuted, found[order], atol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_parameter_has_a_gradient_and_so_has_every_edge(kind: str):
    adjacency = random_graph(**GRAPH_OF[kind])
    layer = made(kind, adjacency)
    graph, params = nnx.split(layer)
    values = jnp.asarray(node_major(values_for(kind), N_NODES))

    def loss(params: Any, coefficient: Any) -> Any:
        return jnp.square(nnx.merge(graph, params)(values, coefficient)).sum()

    coefficient = jnp.asarray(adjacency.coefficient, jnp.float32)
    to_params, to_edges = jax.jit(jax.grad(loss, (0, 1)))(params, coefficient)
    for path, gradient in nnx.to_flat_state(to_params):
        assert np.any(gradient[...] != 0), path
    assert (np.asarray(to_edges) != 0).all()


def test_heads_must_divide_and_a_gate_keeps_its_width():
    with pytest.raises(KgnnError, match="4 heads do not divide 6"):
        CONVOLUTIONS["gat"](random_graph(), 3, 6, n_heads=4, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="keeps its 3 features, but 6"):
        CONVOLUTIONS["gated"](random_graph(), 3, 6, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("together", [7, 40, 10_000], ids=["tiny blocks", "blocks", "one block"])
def test_messages_in_blocks_and_their_gradients(monkeypatch: pytest.MonkeyPatch, together: int):
    # Constants of speed, not the subject.
    monkeypatch.setattr(messages_module, "VALUES_TOGETHER", together)
    monkeypatch.setattr(messages_module, "FEW_VALUES", 0)
    random = np.random.default_rng(2)
    senders, receivers = random.integers(0, 9, 120), random.integers(0, 5, 120)
    receivers[receivers == 3] = 0  # one receives nothing, another much
    messages = Messages(senders.astype(np.int32), receivers.astype(np.int32), 9, 5)
    coefficient, values, wanted = (
        jnp.asarray(random.normal(size=size).astype(np.float32)) for size in ((120,), (9, 3), (5, 3))
    )
    dense = np.zeros((5, 9))
    np.add.at(dense, (receivers, senders), np.asarray(coefficient))
    np.testing.assert_allclose(received(messages, coefficient, values), dense @ np.asarray(values), atol=1e-5)

    def loss(coefficient: Any, values: Any) -> Any:
        return (received(messages, coefficient, values) * wanted).sum()

    to_edges, to_values = jax.jit(jax.grad(loss, (0, 1)))(coefficient, values)
    np.testing.assert_allclose(to_values, dense.T @ np.asarray(wanted), atol=1e-5)
    np.testing.assert_allclose(
        to_edges, (np.asarray(values)[senders] * np.asarray(wanted)[receivers]).sum(axis=1), atol=1e-5
    )
    np.testing.assert_allclose(products_along(messages, values, wanted), to_edges, atol=1e-5)


def test_equal_graphs_share_one_program_and_one_definition():
    one, two = (GraphConvolution(random_graph(), 2, 3, rngs=nnx.Rngs(0)) for _ in range(2))
    other = GraphConvolution(random_graph(5), 2, 3, rngs=nnx.Rngs(0))
    assert nnx.graphdef(one) == nnx.graphdef(two) and hash(nnx.graphdef(one)) == hash(nnx.graphdef(two))
    assert nnx.graphdef(one) != nnx.graphdef(other)
    assert repr(messages_of(random_graph())).startswith("Messages(13 to 13, ")


def test_the_reference_is_not_trivial():
    matrix = matrix_of(random_graph())
    assert 0.05 < (matrix != 0).mean() < 0.4 and not matrix[-1].any()
