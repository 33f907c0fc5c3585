"""Laplacian penalty and `FactorizationNetwork` against dense NumPy; what is joined grows alike."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers.graph_penalty import laplacian_penalty
from kgnn.models import FactorizationNetwork, Model
from kgnn.structure import graph_matrix, laplacian
from tests.layers.dense_graphs import N_NODES, padded, random_graph
from tests.models.compiled import call
from tests.models.weights import named_arrays

WEIGHTS = np.random.default_rng(0).normal(size=(N_NODES, 3)).astype(np.float32)
VIEWS = {
    "gene": np.random.default_rng(1).normal(size=(5, N_NODES)).astype(np.float32),
    "methylation": np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32),
    "mirna": np.random.default_rng(3).normal(size=(5, 6)).astype(np.float32),
}


def test_the_penalty_is_the_trace_with_the_laplacian():
    graph = random_graph()
    joined = graph_matrix(graph, normalized=False).toarray()
    joined /= np.linalg.norm(joined)
    matrix = laplacian(graph).toarray() / np.linalg.norm(graph_matrix(graph, normalized=False).toarray())
    unit = WEIGHTS / np.linalg.norm(WEIGHTS, axis=1, keepdims=True) / np.sqrt(N_NODES)
    for each in (graph, padded(graph)):
        found = laplacian_penalty(jnp.asarray(WEIGHTS), each)
        np.testing.assert_allclose(found, np.trace(unit.T @ matrix @ unit), atol=1e-5)
    cosine = np.abs(unit @ unit.T) * N_NODES
    expected = -(joined * cosine).sum()
    np.testing.assert_allclose(laplacian_penalty(jnp.asarray(WEIGHTS), graph, kind="cosine"), expected, atol=1e-5)
    with pytest.raises(KgnnError, match="kind of penalty is 'ridge'"):
        laplacian_penalty(jnp.asarray(WEIGHTS), graph, kind="ridge")


def test_the_penalty_does_not_depend_on_the_order_of_genes():
    order = np.random.default_rng(4).permutation(N_NODES)
    one = laplacian_penalty(jnp.asarray(WEIGHTS), random_graph())
    two = laplacian_penalty(jnp.asarray(WEIGHTS[order]), random_graph(order=order))
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("fusion", ["mean", "concat"])
def test_equals_numpy(fusion: str):
    sizes, names = (4, 6), ("gene", "methylation", "mirna")
    model = FactorizationNetwork(
        random_graph(), views=sizes, view_names=names, n_factors=3, hidden=5, fusion=fusion, similarity=0.7,
        reconstruction=0.4, outputs=2, rngs=nnx.Rngs(0),
    )  # fmt: skip
    assert isinstance(model, Model)
    w = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    factors, errors = [], []
    for k, view in enumerate(VIEWS.values()):
        hidden = np.maximum(view @ w[f"encoders.{k}.layers.0.kernel"].T + w[f"encoders.{k}.layers.0.bias"], 0)
        factors.append(hidden @ w[f"to_factors.{k}.kernel"].T + w[f"to_factors.{k}.bias"])
        decoded = factors[-1] @ w[f"decoders.{k}.kernel"].T + w[f"decoders.{k}.bias"]
        errors.append(((decoded - view) ** 2).mean(axis=1))
    fused = np.concatenate(factors, axis=1) if fusion == "concat" else np.mean(factors, axis=0)
    found = call(model, VIEWS)
    np.testing.assert_allclose(found.output, fused @ w["output_layer.kernel"].T + w["output_layer.bias"], atol=1e-5)
    np.testing.assert_allclose(found.states, factors[0], atol=1e-5)
    apart = sum(((factors[a] - factors[b]) ** 2).mean(axis=1) for a, b in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_allclose(found.penalty, 0.4 * sum(errors) + 0.7 * apart, atol=1e-5)
    shut = call(model, VIEWS, gate=np.array([1.0, 0, 1], np.float32))
    assert not shut.states[:, 1].any() and not np.allclose(shut.output, found.output)
    moved = call(model, VIEWS, shift=np.tile(np.array([0, 1.0, 0], np.float32), (5, 1)))
    np.testing.assert_allclose(moved.states - found.states, np.tile([0, 1, 0], (5, 1)), atol=1e-6)


def test_the_penalty_makes_joined_genes_alike():
    graph = random_graph()
    model = FactorizationNetwork(graph, n_factors=3, rngs=nnx.Rngs(0))
    apart, state = nnx.split(model)

    def price(state):
        return nnx.merge(apart, state).penalty(None, None, None, None)

    before, step = price(state), jax.jit(jax.grad(price))
    for _ in range(100):
        state = jax.tree.map(lambda array, slope: array - 0.3 * slope, state, step(state))
    assert price(state) < 0.3 * before


def test_names_of_views():
    with pytest.raises(KgnnError, match="1 names for 2 views"):
        FactorizationNetwork(random_graph(), views=(3,), view_names=("gene",), rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="fusion is 'sum'"):
        FactorizationNetwork(random_graph(), fusion="sum", rngs=nnx.Rngs(0))
