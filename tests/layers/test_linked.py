"""`Linked` and its plans: every link has a weight, nothing else has one, and gradients are those of the dense map."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.layers.linked import Linked, linked_product
from kgnn.structure.links import Links

#  sources 0..5, targets 0..3; target 2 reads nothing, source 4 is read by nobody
SOURCES = [np.array([3, 0, 5]), np.array([0]), np.array([], np.int64), np.array([0, 1, 2, 3, 5])]
LINKS = Links.of(SOURCES, 6)


def dense(weights: np.ndarray, links: Links = LINKS) -> np.ndarray:
    """``[target, output, source, input]``"""
    found = np.zeros((links.n_targets, weights.shape[1], links.n_sources, weights.shape[2]), weights.dtype)
    for link, (target, source) in enumerate(zip(links.target, links.source, strict=True)):
        found[target, :, source] = weights[link]
    return found


def test_links_are_sorted_and_each_once():
    assert LINKS.source.tolist() == [0, 3, 5, 0, 0, 1, 2, 3, 5]
    assert LINKS.target.tolist() == [0, 0, 0, 1, 3, 3, 3, 3, 3]
    assert LINKS.mask.astype(int).tolist() == [
        [1, 0, 0, 1, 0, 1],
        [1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 1],
    ]
    assert Links.of([np.array([3, 0, 5, 3]), *SOURCES[1:]], 6) == LINKS
    assert hash(Links.of(SOURCES, 6)) == hash(LINKS) != hash(Links.of(SOURCES, 7))


def test_product_and_gradients_equal_the_dense_map():
    rng = np.random.default_rng(0)
    weights, rows = rng.normal(size=(len(LINKS), 3, 2)), rng.normal(size=(6, 2, 7))
    wave = rng.normal(size=(4, 3, 7))
    expected = np.einsum("tasb,sbn->tan", dense(weights), rows)
    given = (jnp.asarray(weights, jnp.float32), jnp.asarray(rows, jnp.float32))
    found = np.asarray(linked_product(LINKS, *given))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not found[2].any()
    of_weights, of_rows = jax.grad(lambda w, x: (linked_product(LINKS, w, x) * jnp.float32(wave)).sum(), (0, 1))(*given)
    by_pair = np.einsum("tan,sbn->tasb", wave, rows)
    expected_weights = np.stack([by_pair[t, :, s] for t, s in zip(LINKS.target, LINKS.source, strict=True)])
    np.testing.assert_allclose(of_weights, expected_weights, atol=1e-5)
    np.testing.assert_allclose(of_rows, np.einsum("tasb,tan->sbn", dense(weights), wave), atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_random_links_of_unequal_size(seed: int):
    rng = np.random.default_rng(seed)
    links = Links.of([np.flatnonzero(rng.random(23) < rng.random()) for _ in range(11)], 23)
    weights, rows = rng.normal(size=(len(links), 2, 1)), rng.normal(size=(23, 1, 5))
    found = linked_product(links, jnp.asarray(weights, jnp.float32), jnp.asarray(rows, jnp.float32))
    np.testing.assert_allclose(found, np.einsum("tasb,sbn->tan", dense(weights, links), rows), atol=1e-5)


def test_no_weight_below_zero_is_used_whatever_is_written():
    linked = Linked(LINKS, 2, 3, non_negative=True, rngs=nnx.Rngs(0))
    assert (linked.weights[...] >= 0).all()
    linked.weights[...] = jnp.linspace(-1.0, 1.0, linked.weights[...].size).reshape(linked.weights.shape)
    rows = jnp.ones((6, 2, 4))
    expected = np.einsum("tasb,sbn->tan", dense(np.maximum(np.asarray(linked.weights[...]), 0)), np.ones((6, 2, 4)))
    np.testing.assert_allclose(linked(rows), expected, atol=1e-5)
    gradient: Any = nnx.grad(lambda each: each(rows).sum())(linked)
    assert gradient["weights"][...].all()
