"""The scaling of features inside a model."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.layers import InputScaling

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def test_starts_as_the_identity():
    scaling = InputScaling(3)
    np.testing.assert_array_equal(scaling(jnp.asarray(X)), X)
    np.testing.assert_array_equal(scaling.restore(jnp.asarray(X.T)), X.T)


def test_scales_and_restores():
    scaling = InputScaling(3)
    scaling.set(np.array([1, -2, 3]), np.array([2.0, 0.5, 4.0]))
    expected = (X - np.array([[1], [-2], [3]])) / np.array([[2], [0.5], [4]])
    found = scaling(jnp.asarray(X))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(scaling.restore(found.T), X.T, rtol=1e-5)
    deeper = scaling.restore(jnp.asarray(np.stack([expected.T, expected.T]), jnp.float32))
    np.testing.assert_allclose(deeper, np.stack([X.T, X.T]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scaling.restore(jnp.asarray(expected[:, 0], jnp.float32)), X[:, 0], rtol=1e-5)


def test_statistics_are_not_trained_and_keep_their_shape():
    scaling = InputScaling(3)
    assert not nnx.to_flat_state(nnx.state(scaling, nnx.Param))
    with pytest.raises(ValueError, match="broadcast"):
        scaling.set(np.zeros(4), np.ones(4))
    assert scaling.center.shape == scaling.scale.shape == (3,)
    assert scaling.center.dtype == jnp.float32
