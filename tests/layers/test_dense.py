"""Fully connected layers: order of operations, heads and dropout."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.layers.dense import Dense, DenseStack

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def test_dense_is_feature_major():
    dense = Dense(5, 4, rngs=nnx.Rngs(0))
    assert dense.kernel.shape == (4, 5)
    expected = np.asarray(dense.kernel[...]) @ X + np.asarray(dense.bias[...])[:, None]
    np.testing.assert_allclose(dense(jnp.asarray(X)), expected, rtol=1e-5, atol=1e-6)
    assert 0 < np.abs(dense.kernel[...]).max() <= 5**-0.5
    scaled = Dense(5, 4, initial_scale=0.1, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(scaled.kernel[...], 0.1 * np.asarray(dense.kernel[...]), rtol=1e-6)


def test_stack_without_norm_and_heads():
    stack = DenseStack((5, 4, 2), activation="relu", norm=False, rngs=nnx.Rngs(0))
    hidden = X
    for layer in stack.layers:
        hidden = np.maximum(np.asarray(layer.kernel[...]) @ hidden + np.asarray(layer.bias[...])[:, None], 0)
    found, heads = stack(jnp.asarray(X))
    np.testing.assert_allclose(found, hidden, rtol=1e-5, atol=1e-6)
    assert found.shape == (2, 3) and heads.shape == (0, 1, 3)
    assert len(stack.norms) == 0 and stack.dropout is None


def test_heads_of_every_layer():
    stack = DenseStack((5, 4, 2), n_heads_outputs=6, rngs=nnx.Rngs(0))
    found, heads = stack(jnp.asarray(X))
    assert found.shape == (2, 3) and heads.shape == (2, 6, 3)


def test_dropout_only_in_training():
    stack = DenseStack((5, 40), norm=False, dropout=0.25, rngs=nnx.Rngs(0))
    still, _ = stack(jnp.asarray(X))
    trained, _ = stack(jnp.asarray(X), train=True)
    dropped = np.asarray(trained) == 0
    assert 0.1 < dropped.mean() < 0.4 and not (np.asarray(still) == 0).any()
    np.testing.assert_allclose(np.asarray(trained)[~dropped], np.asarray(still)[~dropped] / 0.75, rtol=1e-5)
