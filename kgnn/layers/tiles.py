"""Tiles: the samples of a batch cut into equal parts that fit into the processor's cache."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

SAMPLES_OF_A_TILE = 128
"""Measured on the DrugCell ontology: a gathered tile of twice as many falls out of the cache of one core."""
VALUES_OF_A_TILE = 128 * 1024
"""States that lie in the cache of one core at once, with what belongs to them: a small network takes more samples."""
MULTIPLE = 16
"""Tiles hold whole vectors of every processor."""


def samples_of_a_tile(n_rows: int) -> int:
    """Samples that a tile holds at most where nothing was measured.

    Args:
        n_rows: States of the network.

    Returns:
        Their number.
    """
    return max(SAMPLES_OF_A_TILE, VALUES_OF_A_TILE // n_rows // MULTIPLE * MULTIPLE)


def tile_size(n_samples: int, most: int) -> int:
    """Samples a tile: all of them on an accelerator, or where a batch is spread over several devices.

    Args:
        n_samples: Samples of the batch.
        most: Samples of a tile at most.

    Returns:
        The size; the last tile is filled up.
    """
    if jax.default_backend() != "cpu" or jax.device_count() > 1:
        return n_samples
    n_tiles = -(-n_samples // most)
    size = -(-n_samples // n_tiles)
    return size if n_tiles == 1 else -(-size // MULTIPLE) * MULTIPLE


def into_tiles(rows: Array, size: int) -> Array:
    """``[row, sample]`` to ``[tile, row, sample]``, filled up with zeros."""
    n_rows, n_samples = rows.shape
    n_tiles = -(-n_samples // size)
    if n_tiles == 1:
        return rows[None]
    filled = jnp.pad(rows, ((0, 0), (0, n_tiles * size - n_samples)))
    return filled.reshape(n_rows, n_tiles, size).transpose(1, 0, 2)


def turn_into_tiles(table: Array, size: int) -> Array:
    """``[sample, row]`` to ``[tile, row, sample]``, filled up with zeros; whole numbers become float32."""
    n_samples, n_rows = table.shape
    n_tiles = -(-n_samples // size)
    if table.dtype == jnp.uint8:
        # Unpacked bits lie row by row already, and this way they are turned as bytes.
        return into_tiles(table.T, size).astype(jnp.float32)
    # Cut first and turned then: turning the whole table at once takes XLA four times as long.
    filled = jnp.pad(table, ((0, n_tiles * size - n_samples), (0, 0)))
    turned = filled.reshape(n_tiles, size, n_rows).transpose(0, 2, 1)
    return turned if jnp.issubdtype(turned.dtype, jnp.floating) else turned.astype(jnp.float32)


def across(by_row: Array, n_samples: int) -> Array:
    """``[..., row]`` to ``[..., row, sample]``, the same for all samples.

    The gradient is the sum over samples, as a matrix product: XLA's own sum is up to ten times slower.
    """
    return _across(n_samples, by_row)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _across(n_samples: int, by_row: Array) -> Array:
    return jnp.broadcast_to(by_row[..., None], (*by_row.shape, n_samples))


def _across_forward(n_samples: int, by_row: Array) -> tuple[Array, None]:
    return _across(n_samples, by_row), None


def _across_backward(n_samples: int, _: None, gradient: Array) -> tuple[Array]:
    return (sum_over_samples(gradient),)


_across.defvjp(_across_forward, _across_backward)


def sum_over_samples(rows: Array) -> Array:
    """Sum over the last axis, as a matrix product."""
    return rows @ jnp.ones(rows.shape[-1], rows.dtype)


def from_tiles(tiles: Array, n_samples: int) -> Array:
    """``[tile, row, sample]`` to ``[row, sample]``, without what was filled up."""
    if tiles.shape[0] == 1:
        return tiles[0]
    return tiles.transpose(1, 0, 2).reshape(tiles.shape[1], -1)[:, :n_samples]
