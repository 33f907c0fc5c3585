"""`RowDropout`: exact rate, kept mean, no pattern between rows, samples or calls."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.layers.dropout import RowDropout


def dropped(rate: float, shape: tuple[int, int] = (401, 1003), seed: int = 0, calls: int = 1) -> list[np.ndarray]:
    layer = RowDropout(rate, rngs=nnx.Rngs(dropout=seed))
    return [np.asarray(layer(jnp.ones(shape, jnp.float32), deterministic=False)) for _ in range(calls)]


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.999])
def test_the_rate_is_exact_and_the_mean_is_kept(rate: float) -> None:
    [found] = dropped(rate)
    np.testing.assert_allclose(np.unique(found), [0, 1 / (1 - rate)], rtol=1e-6)
    share = (found == 0).mean()
    # Between rows the threshold moves by a step of 1/256; four standard errors.
    error = np.sqrt(rate * (1 - rate) / found.size + 0.25 / 256**2 / len(found))
    assert abs(share - rate) < 4 * error
    assert abs((found == 0).mean(axis=0) - rate).max() < 6 * np.sqrt(rate * (1 - rate) / len(found)) + 0.01


def test_elements_are_independent() -> None:
    one, two = (np.asarray(each == 0, np.float64) for each in dropped(0.3, calls=2))
    for other in (two, np.roll(one, 1, axis=0), np.roll(one, 1, axis=1), np.roll(one, 4, axis=1)):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size) + 1e-3


def test_same_seed_same_elements_and_nothing_in_inference() -> None:
    [one], [same], [other] = dropped(0.4, (3, 7)), dropped(0.4, (3, 7)), dropped(0.4, (3, 7), seed=1)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    rows = jnp.arange(6.0).reshape(2, 3)
    for layer, wish in ((RowDropout(0.4, rngs=nnx.Rngs(dropout=0)), True), (RowDropout(0.0), False)):
        np.testing.assert_array_equal(layer(rows, deterministic=wish), rows)


def test_the_gradient_passes_where_the_element_did() -> None:
    layer = RowDropout(0.3, rngs=nnx.Rngs(dropout=0))
    graph, state = nnx.split(layer)
    rows = jnp.asarray(np.random.default_rng(0).normal(size=(5, 9)), jnp.float32)

    def total(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
        out = nnx.merge(graph, state, copy=True)(rows, deterministic=False)
        return out.sum(), out

    gradient, out = jax.grad(total, has_aux=True)(rows)
    np.testing.assert_allclose(gradient, np.where(np.asarray(out) == 0, 0, 1 / 0.7), rtol=1e-6)
