"""Operators, each against its definition."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kgnn.layers import InformationBound, NonNegative, NonPositive

RATE = jnp.float32(0.5)


def test_bounds_and_prices():
    value = jnp.array([-1.0, 0.1, 2.0])
    np.testing.assert_allclose(NonNegative()(value, RATE), [0, 0.1, 2])
    np.testing.assert_allclose(NonNegative(price=0.4)(value, RATE), [0, 0, 1.8])
    np.testing.assert_allclose(NonPositive()(value, RATE), [-1, 0, 0])


def test_no_position_holds_more_than_two_bits():
    random = np.random.default_rng(0)
    value = random.normal(size=(3, 5, 4)).astype(np.float32) * 2
    found = np.asarray(InformationBound()(jnp.asarray(value), RATE))
    expected = np.maximum(value, 0)
    total = expected.sum(axis=2, keepdims=True)
    expected = np.where(total > 2, expected * 2 / np.where(total > 0, total, 1), expected)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.sum(axis=2).max() <= 2 + 1e-6
    assert (found.sum(axis=2) < 1.9).any()
    np.testing.assert_allclose(InformationBound()(jnp.asarray(found), RATE), found, rtol=1e-6)


def test_the_price_grows_to_the_ends_of_a_filter():
    value = jnp.full((1, 5, 4), 0.4)
    found = InformationBound(price=0.2)(value, RATE)
    np.testing.assert_allclose(found[0, :, 0], [0.3, 0.35, 0.4, 0.35, 0.3], rtol=1e-6)
    np.testing.assert_allclose(InformationBound(price=0.2)(value[:, :1], RATE), 0.4)
