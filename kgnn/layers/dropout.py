"""`RowDropout`: dropout of feature-major rows from one random byte an element."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

LEVELS = 256
PER_WORD = 4
"""Bytes of a random word of 32 bits."""


class RowDropout(nnx.Dropout):
    r"""Dropout of ``[row, sample]``: an element is 0 with the given rate, else divided by one minus the rate.

    `nnx.Dropout` draws 32 random bits (64 inside) an element, which takes a quarter of the training step of a small
    network on a CPU. Here an element takes one byte. A byte knows rates in steps of 1/256 only, so every row draws its
    threshold, one of the two whole numbers beside :math:`256\,r`, such that the rate is exactly :math:`r`.

    Args:
        rate: Share of elements that become 0.
        rngs: Stream ``dropout``.
    """

    def __init__(self, rate: float, *, rngs: nnx.Rngs | None = None):
        super().__init__(rate, rngs=rngs)

    def __call__(self, inputs: Array, *, deterministic: bool | None = None, rngs: Any = None) -> Array:
        """Drop elements, unless `deterministic`."""
        stream = self.rngs if rngs is None else rngs
        if deterministic or self.rate == 0:
            return inputs
        for_bytes, for_rows = jax.random.split(stream())  # type: ignore[misc]
        n_rows, n_samples = inputs.shape
        words = jax.random.bits(for_bytes, (n_rows, -(-n_samples // PER_WORD)), jnp.uint32)
        drawn = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(n_rows, -1)[:, :n_samples]
        level = jnp.floor(LEVELS * self.rate + jax.random.uniform(for_rows, (n_rows, 1)))
        return jnp.where(drawn.astype(jnp.int32) < level.astype(jnp.int32), 0.0, inputs / (1.0 - self.rate))
