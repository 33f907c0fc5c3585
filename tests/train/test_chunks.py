"""Functions over stacked replicates: the same as one by one, whatever the chunks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kgnn.train.chunks import InChunks
from kgnn.train.memory import Chunking

STACKED = {"a": np.arange(7 * 3, dtype=np.float32).reshape(7, 3), "b": np.arange(7, dtype=np.int32)}


def scaled(one: dict[str, jax.Array], shared: jax.Array) -> dict[str, jax.Array]:
    return {"sum": (one["a"] * shared).sum(), "power": one["a"] ** 2 + one["b"]}


@pytest.mark.parametrize("chunking", [(7, 1), (7, 2), (3, 1), (3, 2), (2, 3), (1, 2), (4, 1)])
def test_every_replicate_comes_back_once_and_in_its_place(chunking: tuple[int, int]) -> None:
    stacked = jax.tree.map(jnp.asarray, STACKED)
    function = InChunks(scaled, 7, Chunking(*chunking))
    weights = np.array([1, -2, 0.5], np.float32)
    for factor in (1.0, 2.0):
        found = function(stacked, jnp.asarray(factor * weights))
        np.testing.assert_allclose(found["sum"], STACKED["a"] @ (factor * weights))
        np.testing.assert_allclose(found["power"], STACKED["a"] ** 2 + STACKED["b"][:, None])
    assert function.n_programs == 1


def test_random_keys_are_dealt_out_like_everything_else() -> None:
    keys = jax.random.split(jax.random.key(0), 5)
    draw = InChunks(lambda key: jax.random.uniform(key, (2,)), 5, Chunking(2, 2))
    np.testing.assert_array_equal(draw(keys), jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys))


def test_other_shapes_and_settings_of_the_caller_are_seen_in_every_thread() -> None:
    seen = []

    def precision(one: jax.Array, other: jax.Array) -> jax.Array:
        seen.append(jax.config.values["jax_default_matmul_precision"])
        return one @ other

    function = InChunks(precision, 4, Chunking(1, 2))
    stacked = jnp.ones((4, 3, 2))
    with jax.default_matmul_precision("highest"):
        for width in (2, 5):
            assert function(stacked, jnp.ones((2, width))).shape == (4, 3, width)
    assert function.n_programs == 2
    assert set(seen) == {"highest"} or set(seen) == {None}


def test_a_failure_in_a_thread_is_raised() -> None:
    def refuse(one: jax.Array) -> jax.Array:
        raise ValueError("no such replicate")

    with pytest.raises(ValueError, match="no such replicate"):
        InChunks(refuse, 4, Chunking(2, 2))(jnp.ones((4, 3)))
