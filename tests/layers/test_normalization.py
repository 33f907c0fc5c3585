"""Batch normalization of rows against NumPy, with sample weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.layers import RowBatchNorm
from kgnn.layers.normalization import weighted_moments

X = np.random.default_rng(0).normal(2, 3, size=(5, 7)).astype(np.float32)


def make() -> RowBatchNorm:
    norm = RowBatchNorm(5, momentum=0.8, epsilon=1e-3)
    for variable, values in (
        (norm.scale, [1, 2, -1, 0.5, 3]), (norm.bias, [0, 1, -2, 3, 0.5]), (norm.mean, [1, 2, 3, 4, 5]),
        (norm.variance, [0.5, 1, 2, 3, 4]),
    ):  # fmt: skip
        variable[...] = jnp.asarray(values, jnp.float32)
    return norm


def by_numpy(x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalized rows and running averages after a batch in which every sample counts so often."""
    norm = make()
    arrays = (norm.scale, norm.bias, norm.mean, norm.variance)
    scale, bias, mean, variance = (np.asarray(array[...], np.float64)[:, None] for array in arrays)
    repeated = np.repeat(x.astype(np.float64), counts, axis=1)
    m, v = repeated.mean(axis=1, keepdims=True), repeated.var(axis=1, keepdims=True)
    running = 0.8 * mean + 0.2 * m, 0.8 * variance + 0.2 * repeated.var(axis=1, keepdims=True, ddof=1)
    return (x - m) / np.sqrt(v + 1e-3) * scale + bias, running[0][:, 0], running[1][:, 0]


def test_inference():
    norm = make()
    expected = (X - np.array([[1, 2, 3, 4, 5]]).T) / np.sqrt(np.array([[0.5, 1, 2, 3, 4]]).T + 1e-3)
    expected = expected * np.array([[1, 2, -1, 0.5, 3]]).T + np.array([[0, 1, -2, 3, 0.5]]).T
    np.testing.assert_allclose(norm(jnp.asarray(X)), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(norm.mean[...], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(norm.variance[...], np.float32([0.5, 1, 2, 3, 4]))


@pytest.mark.parametrize("counts", [None, [1] * 7, [1, 2, 0, 3, 1, 0, 4]])
def test_training_counts_samples_by_weight(counts):
    norm = make()
    weights = None if counts is None else jnp.asarray(counts, jnp.float32)
    found = norm(jnp.asarray(X), weights=weights, train=True)
    expected, mean, variance = by_numpy(X, np.ones(7, int) if counts is None else np.array(counts))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(norm.mean[...], mean, rtol=1e-5)
    np.testing.assert_allclose(norm.variance[...], variance, rtol=1e-5)


def test_padding_and_repeats_change_nothing():
    plain, padded, counted = make(), make(), make()
    chosen = [0, 1, 1, 3, 3, 3]
    garbage = np.full((5, 2), 1e3, np.float32)
    expected = plain(jnp.asarray(X[:, chosen]), train=True)
    found = padded(
        jnp.asarray(np.hstack([X[:, chosen], garbage])), weights=jnp.asarray([1.0] * 6 + [0.0] * 2), train=True
    )
    np.testing.assert_allclose(found[:, :6], expected, rtol=1e-5, atol=1e-5)
    once = counted(jnp.asarray(X[:, [0, 1, 3]]), weights=jnp.asarray([1.0, 2.0, 3.0]), train=True)
    np.testing.assert_allclose(once, expected[:, [0, 1, 3]], rtol=1e-5, atol=1e-5)
    for other in (padded, counted):
        np.testing.assert_allclose(other.mean[...], plain.mean[...], rtol=1e-5)
        np.testing.assert_allclose(other.variance[...], plain.variance[...], rtol=1e-5)


def test_gradient_does_not_reach_padding():
    norm = make()
    weights = jnp.asarray([1.0, 1, 0, 1, 1, 0, 2])
    graph, state = nnx.split(norm)

    def loss(x):
        found = nnx.merge(graph, state, copy=True)(x, weights=weights, train=True)
        return ((found**3) @ weights).sum()

    gradient = np.asarray(jax.jit(jax.grad(loss))(X))
    assert (gradient[:, [2, 5]] == 0).all() and (gradient[:, [0, 1, 3, 4, 6]] != 0).all()


def test_one_sample():
    norm = make()
    found = norm(jnp.asarray(X[:, :1]), train=True)
    np.testing.assert_allclose(found[:, 0], [0, 1, -2, 3, 0.5], atol=1e-6)
    np.testing.assert_allclose(norm.mean[...], 0.8 * np.array([1, 2, 3, 4, 5]) + 0.2 * X[:, 0], rtol=1e-6)
    np.testing.assert_allclose(norm.variance[...], 0.8 * np.array([0.5, 1, 2, 3, 4]), rtol=1e-6)


def test_small_weights_do_not_shrink_the_variance():
    # Weights that sum to less than 1 are no counts: the running variance is then the biased one.
    norm = make()
    norm(jnp.asarray(X), weights=jnp.full(7, 0.01, jnp.float32), train=True)
    np.testing.assert_allclose(norm.variance[...], 0.8 * np.array([0.5, 1, 2, 3, 4]) + 0.2 * X.var(axis=1), rtol=1e-5)


def test_rows_that_hardly_vary_keep_their_digits():
    norm = make()
    norm.mean[...] = jnp.full(5, 1_000.0, jnp.float32)
    norm.variance[...] = jnp.full(5, 1e-6, jnp.float32)
    off = np.arange(-17, 18, dtype=np.float32).reshape(5, 7) / 1_024
    factor = np.array([[1, 2, -1, 0.5, 3]]).T / np.sqrt(1e-6 + 1e-3)
    expected = off * factor + np.array([[0, 1, -2, 3, 0.5]]).T
    np.testing.assert_allclose(norm(jnp.asarray(1_000 + off)), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 5, width=32), min_size=7, max_size=7).filter(lambda w: sum(w) > 0.1))
def test_moments(weights):
    mean, variance, count = weighted_moments(jnp.asarray(X), jnp.asarray(weights, jnp.float32))
    w = np.array(weights, np.float64)
    expected = (X * w).sum(axis=1) / w.sum()
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(variance, (w * (X - expected[:, None]) ** 2).sum(axis=1) / w.sum(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(count, w.sum(), rtol=1e-5)


def test_no_array_is_weakly_typed():
    # A weak type becomes a strong one in the first step, and everything is compiled again.
    state = nnx.state(RowBatchNorm(3, scale=0.1))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
