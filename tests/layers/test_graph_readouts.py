"""Readouts equal NumPy, see no padding, and do not depend on the order of nodes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers.graph_readouts import READOUTS, RelationReadout, max_of_clusters
from tests.layers.dense_graphs import weights_of

N_NODES, N_SAMPLES, N_FEATURES = 9, 4, 3
VALUES = np.random.default_rng(5).normal(size=(N_NODES, N_SAMPLES, N_FEATURES)).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum()


def naive(kind: str, w: dict[str, np.ndarray], nodes: np.ndarray, keep: int) -> np.ndarray:
    """One sample, ``[node, feature]``."""
    if kind == "mean":
        return nodes.mean(axis=0)
    if kind == "nodes":
        return nodes.reshape(-1)
    if kind == "attention":
        score = np.tanh(nodes @ w["hidden.kernel"] + w["hidden.bias"]) @ w["score.kernel"]
        return softmax(score[:, 0]) @ nodes
    if kind == "sort":
        best = nodes[np.argsort(-nodes[:, -1])][:keep]
        return np.pad(best, ((0, keep - len(best)), (0, 0))).reshape(-1)
    if kind == "top_k":
        score = nodes @ w["direction"] / np.linalg.norm(w["direction"])
        best = np.argsort(-score)[:keep]
        return (np.tanh(score[best])[:, None] * nodes[best]).mean(axis=0)
    if "direction" in w:
        score = nodes @ w["direction"]
        best = np.argsort(-score)[:keep]
        nodes = nodes[best] * np.tanh(score[best])[:, None]
    total, n = np.zeros(w["pair.bias"].shape), len(nodes)
    for i in range(n):
        for j in range(n):
            if i != j:
                first = np.maximum(nodes[i] @ w["left.kernel"] + w["left.bias"] + nodes[j] @ w["right.kernel"], 0)
                total += np.maximum(first @ w["pair.kernel"] + w["pair.bias"], 0)
    return np.maximum(total / (n * (n - 1)) @ w["after.kernel"] + w["after.bias"], 0)


def made(kind: str, n_padded: int, keep: int) -> Any:
    further = {"keep": keep} if kind in ("sort", "top_k", "relation") else {}
    return READOUTS[kind](np.arange(n_padded) < N_NODES, N_FEATURES, **further, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("keep", [4, 14], ids=["some nodes", "all nodes"])
@pytest.mark.parametrize("kind", READOUTS)
def test_equals_numpy_padded_or_not(kind: str, keep: int):
    weights = weights_of(made(kind, N_NODES, keep))
    expected = np.stack([naive(kind, weights, VALUES[:, k].astype(np.float64), keep) for k in range(N_SAMPLES)])
    assert np.abs(expected).max() > 0.01
    for n_padded in (N_NODES, N_NODES + 6):
        values = np.pad(VALUES, ((0, n_padded - N_NODES), (0, 0), (0, 0)), constant_values=55.0)
        readout = made(kind, n_padded, keep)
        found = readout(jnp.asarray(values))
        assert found.shape == (N_SAMPLES, readout.n_features)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(READOUTS.keys() - {"nodes"}))
def test_the_order_of_nodes_does_not_matter(kind: str):
    order = np.random.default_rng(6).permutation(N_NODES)
    readout = made(kind, N_NODES, 4)
    np.testing.assert_allclose(readout(jnp.asarray(VALUES[order])), readout(jnp.asarray(VALUES)), atol=1e-5)


def test_attention_sums_to_one():
    attention = made("attention", N_NODES, 4).attention(jnp.asarray(VALUES))
    np.testing.assert_allclose(attention.sum(axis=0), np.ones(N_SAMPLES), atol=1e-6)


def test_clusters_keep_the_largest_value():
    members = np.array([[0, 3], [1, 1], [2, 8]])
    found = np.asarray(max_of_clusters(jnp.asarray(VALUES), members))
    for row, pair in zip(found, members, strict=True):
        np.testing.assert_array_equal(row, VALUES[pair].max(axis=0))
    assert all((one != two).any() for one, two in pairwise(found))


def test_one_node_has_no_relation():
    with pytest.raises(KgnnError, match="1 nodes have no relations"):
        RelationReadout(np.array([True]), 3, rngs=nnx.Rngs(0))
