"""Laplacian, Chebyshev basis and random walk against dense NumPy, at 1e-10; padding changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from kgnn.errors import AlignmentError, KgnnError, StructureError
from kgnn.knowledge import Network, build_network
from kgnn.structure import (
    Adjacency,
    chebyshev_basis,
    chebyshev_features,
    compile_adjacency,
    laplacian,
    largest_eigenvalue,
    random_walk_with_restart,
)

N_NODES, N_EDGES = 90, 260  # more nodes than are solved densely


def random_network(seed: int, directed: bool = False) -> Network:
    """One node is alone, and one only receives."""
    random = np.random.default_rng(seed)
    source, target = random.integers(0, N_NODES - 2, (2, N_EDGES))
    source, target = np.r_[source, 3], np.r_[target, N_NODES - 2]
    names = [f"g{number:03}" for number in range(N_NODES)]
    return build_network(names, source, target, weight=random.uniform(0.1, 1, N_EDGES + 1), directed=directed)


def dense(network: Network) -> np.ndarray:
    found = np.zeros((N_NODES, N_NODES))
    for s, t, w, d in zip(network.source, network.target, network.weight, network.directed, strict=True):
        found[t, s] = max(found[t, s], w)
        if not d:
            found[s, t] = max(found[s, t], w)
    return found


def both(network: Network, **options: str) -> list[Adjacency]:
    plain, _ = compile_adjacency(network, **options)
    return [plain, plain.pad(N_NODES + 13, plain.n_edges + 31)]


@pytest.mark.parametrize("directed", [False, True])
def test_combinatorial_laplacian(directed: bool):
    network = random_network(1, directed)
    matrix = dense(network)
    for adjacency in both(network, normalization="mean"):
        found = laplacian(adjacency).toarray()
        np.testing.assert_allclose(found, np.diag(matrix.sum(axis=1)) - matrix, atol=1e-10)
        np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-10)


def test_symmetric_laplacian():
    network = random_network(2)
    matrix = dense(network)
    degree = matrix.sum(axis=1)
    assert (degree == 0).sum() == 1
    scale = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1)), 0)
    expected = np.diag((degree > 0).astype(float)) - scale[:, None] * matrix * scale[None, :]
    for adjacency in both(network):
        np.testing.assert_allclose(laplacian(adjacency, "symmetric").toarray(), expected, atol=1e-10)
    values = np.linalg.eigvalsh(expected)
    assert values[0] >= -1e-12
    assert values[-1] <= 2
    assert largest_eigenvalue(laplacian(adjacency, "symmetric")) == pytest.approx(values[-1], abs=1e-10)
    with pytest.raises(StructureError, match="needs a graph that is the same in both directions"):
        laplacian(compile_adjacency(random_network(2, directed=True))[0], "symmetric")
    with pytest.raises(KgnnError, match="kind is 'normalized', which is not known"):
        laplacian(adjacency, "normalized")


def test_the_laplacian_of_a_signed_graph_has_no_negative_eigenvalue():
    random = np.random.default_rng(5)
    network = random_network(5)
    signed = build_network(
        network.nodes, network.source, network.target, sign=random.choice([-1, 1], network.n_edges)
    )  # fmt: skip
    adjacency, _ = compile_adjacency(signed, signs="apply")
    assert np.linalg.eigvalsh(laplacian(adjacency).toarray())[0] >= -1e-10


@pytest.mark.parametrize("kind", ["combinatorial", "symmetric"])
def test_chebyshev_basis(kind: str):
    network = random_network(3)
    for adjacency in both(network):
        matrix = laplacian(adjacency, kind)
        values, vectors = np.linalg.eigh(matrix.toarray())
        scaled = 2 * values / values[-1] - 1
        signal = np.random.default_rng(0).normal(size=(N_NODES, 3))
        features = chebyshev_features(matrix, signal, 4)
        assert features.shape == (5, N_NODES, 3)
        for power, found in enumerate(chebyshev_basis(matrix, 4)):
            coefficients = [0] * power + [1]
            expected = vectors @ np.diag(chebyshev.chebval(scaled, coefficients)) @ vectors.T
            np.testing.assert_allclose(found.toarray(), expected, atol=1e-9)
            np.testing.assert_allclose(features[power], expected @ signal, atol=1e-9)
    assert len(chebyshev_basis(matrix, 0)) == 1
    with pytest.raises(KgnnError, match="order is -1"):
        chebyshev_basis(matrix, -1)
    with pytest.raises(KgnnError, match="the largest eigenvalue is 0, so the graph has no edge"):
        chebyshev_basis(matrix, 1, largest=0)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("restart", [0.1, 0.7])
def test_random_walk_with_restart(directed: bool, restart: float):
    network = random_network(4, directed)
    seeds = np.zeros((N_NODES, 2))
    seeds[[3, 10], 0], seeds[N_NODES - 1, 1] = (1, 3), 2  # the second set is a node without an edge
    start = seeds / seeds.sum(axis=0)
    weights = dense(network)
    expected = np.zeros_like(start)
    for column in range(2):
        # From a node that nothing leaves, the walk begins anew.
        leaving = weights.sum(axis=0)
        walk = np.where(leaving > 0, weights / np.where(leaving > 0, leaving, 1), start[:, [column]])
        expected[:, column] = np.linalg.solve(np.eye(N_NODES) - (1 - restart) * walk, restart * start[:, column])
    for adjacency in both(network, normalization="symmetric"):
        found = random_walk_with_restart(adjacency, seeds, restart=restart)
        np.testing.assert_allclose(found, expected, atol=1e-10)
        np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-10)
        np.testing.assert_allclose(random_walk_with_restart(adjacency, seeds[:, 0], restart=restart), found[:, 0])


def test_walks_that_cannot_be():
    adjacency, _ = compile_adjacency(random_network(6))
    seeds = np.ones(N_NODES)
    with pytest.raises(AlignmentError, match="seeds has 3 rows, the graph 90 nodes"):
        random_walk_with_restart(adjacency, np.ones(3))
    with pytest.raises(KgnnError, match="restart is 0"):
        random_walk_with_restart(adjacency, seeds, restart=0)
    with pytest.raises(KgnnError, match="seeds are negative, or a set has none"):
        random_walk_with_restart(adjacency, np.zeros((N_NODES, 2)))
    with pytest.raises(KgnnError, match="still changed by .* after 2 steps"):
        random_walk_with_restart(adjacency, np.eye(N_NODES)[0], restart=0.1, max_steps=2)
    network = build_network(["A", "B"], np.array([0]), np.array([1]), sign=np.array([-1]))
    with pytest.raises(KgnnError, match="needs weights that are not negative"):
        random_walk_with_restart(compile_adjacency(network, signs="apply")[0], np.ones(2))
