"""Graphs in JAX: equal to dense NumPy at 1e-5, padded or not, and jraph's own layers run on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kgnn.errors import AlignmentError
from kgnn.knowledge import build_network
from kgnn.layers.graphs import chebyshev_features, graphs_tuple, random_walk_with_restart, spread
from kgnn.structure import Adjacency, compile_adjacency, graph_matrix, laplacian
from kgnn.structure import chebyshev_features as reference_chebyshev
from kgnn.structure import random_walk_with_restart as reference_walk

N_NODES, N_FEATURES = 17, 3


def graph(**options: str) -> Adjacency:
    random = np.random.default_rng(7)
    source, target = random.integers(0, N_NODES - 1, (2, 40))
    names = [f"g{number:02}" for number in range(N_NODES)]  # the last one is alone
    network = build_network(names, source, target, weight=random.uniform(0.1, 1, 40))
    return compile_adjacency(network, **options)[0]


def made_of(adjacency: Adjacency, values: np.ndarray | None = None) -> Any:
    return graphs_tuple(adjacency, values)


def padded(adjacency: Adjacency) -> Adjacency:
    return adjacency.pad(N_NODES + 6, adjacency.n_edges + 11)


VALUES = np.random.default_rng(8).normal(size=(N_NODES, N_FEATURES)).astype(np.float32)


@pytest.mark.parametrize("normalization", ["none", "symmetric", "random_walk", "mean"])
def test_one_step_of_messages(normalization: str):
    adjacency = graph(normalization=normalization)
    expected = graph_matrix(adjacency).toarray() @ VALUES
    for each in (adjacency, padded(adjacency)):
        made = made_of(each, VALUES)
        found = spread(made, made.nodes)
        np.testing.assert_allclose(found[:N_NODES], expected, atol=1e-5)
        assert not found[N_NODES:].any()


def test_padding_is_a_second_graph_and_sends_nothing_to_the_first():
    adjacency = padded(graph(normalization="symmetric"))
    made = made_of(adjacency, VALUES)
    assert made.n_node.tolist() == [N_NODES, 6]
    assert made.n_edge.tolist() == [adjacency.n_edges, 11]
    assert made.edges["features"].shape == (adjacency.n_padded_edges, len(adjacency.feature_names))
    noise = made.nodes.at[N_NODES:].set(1e6)
    np.testing.assert_array_equal(spread(made, noise)[:N_NODES], spread(made, made.nodes)[:N_NODES])
    with pytest.raises(AlignmentError, match="values has 16 rows, the graph 17 nodes"):
        graphs_tuple(adjacency, VALUES[:16])


def test_graphs_of_one_size_share_a_compiled_program():
    count = 0

    @jax.jit
    def step(made, values):
        nonlocal count
        count += 1
        return spread(made, values)

    full = graph()
    fewer, _ = compile_adjacency(
        build_network([f"g{n:02}" for n in range(5)], np.array([0, 1]), np.array([1, 2]))
    )  # fmt: skip
    for adjacency in (full.pad(23, 99), fewer.pad(23, 99)):
        made = made_of(adjacency)._replace(nodes=None)
        step(made, jnp.ones((23, 2)))
    assert count == 1


def test_chebyshev_features():
    adjacency = graph(normalization="symmetric")
    matrix = laplacian(adjacency, "symmetric")
    for largest in (2.0, 1.6):
        expected = reference_chebyshev(matrix, VALUES, 4, largest=largest)
        for each in (adjacency, padded(adjacency)):
            made = made_of(each, VALUES)
            found = chebyshev_features(made, made.nodes, 4, largest=largest)
            np.testing.assert_allclose(found[:, :N_NODES], expected, atol=1e-5)


def test_random_walk_with_restart():
    adjacency = graph(normalization="random_walk", self_loops="add")
    seeds = np.zeros((N_NODES, 2), dtype=np.float32)
    seeds[[0, 5], 0], seeds[3, 1] = 0.5, 1
    expected = reference_walk(adjacency, seeds, restart=0.4)
    for each in (adjacency, padded(adjacency)):
        made = made_of(each, seeds)
        found = random_walk_with_restart(made, made.nodes, restart=0.4)
        np.testing.assert_allclose(found[:N_NODES], expected, atol=1e-5)
        assert not found[N_NODES:].any()


def test_permuted_nodes_give_permuted_values():
    adjacency = graph(normalization="symmetric", self_loops="add")
    order = np.random.default_rng(9).permutation(N_NODES)
    place = np.argsort(order)  # where each node stands now
    moved = replace(
        adjacency, nodes=tuple(adjacency.nodes[node] for node in order), senders=place[adjacency.senders],
        receivers=place[adjacency.receivers],
    )  # fmt: skip
    seeds = np.abs(VALUES)
    for way, values in (
        (lambda made: spread(made, made.nodes), VALUES),
        (lambda made: chebyshev_features(made, made.nodes, 4).transpose(1, 0, 2), VALUES),
        (lambda made: random_walk_with_restart(made, made.nodes, restart=0.4), seeds),
    ):
        found = way(made_of(adjacency, values))
        np.testing.assert_allclose(way(made_of(moved, values[order])), found[order], atol=1e-5)
        assert np.abs(found[order] - found).max() > 0.1


def test_gradients_reach_the_values_of_neighbours_only():
    adjacency = padded(graph(normalization="mean"))
    made = made_of(adjacency, VALUES)
    jacobian = jax.jacobian(lambda values: spread(made, values)[:, 0])(made.nodes)[:, :, 0]
    reached = np.zeros((N_NODES + 6,) * 2, dtype=bool)
    reached[adjacency.receivers[adjacency.edge_mask], adjacency.senders[adjacency.edge_mask]] = True
    np.testing.assert_array_equal(np.asarray(jacobian) != 0, reached)


def test_layers_of_jraph_run_on_it():
    import jraph

    adjacency = padded(graph(self_loops="add"))
    made = made_of(adjacency, VALUES)
    layer = jraph.GraphConvolution(lambda nodes: 2.0 * jnp.asarray(nodes), symmetric_normalization=True)
    with jax.numpy_dtype_promotion("standard"):  # jraph mixes integers and floats
        found = layer(made).nodes
    matrix = (graph_matrix(adjacency, normalized=False).toarray() > 0).astype(float)
    degree = np.maximum(matrix.sum(axis=0), 1)
    expected = (matrix / np.sqrt(degree)[:, None] / np.sqrt(degree)[None, :]) @ (2 * VALUES)
    np.testing.assert_allclose(found[:N_NODES], expected, atol=1e-5)
