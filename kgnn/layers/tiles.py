"""Tiles: the samples of a batch cut into equal parts that fit into the processor's cache."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

SAMPLES_OF_A_TILE = 128
"""Measured on the DrugCell ontology: a gathered tile of twice as many falls out of the cache of one core."""
MULTIPLE = 16
"""Tiles hold whole vectors of every processor."""


def tile_size(n_samples: int) -> int:
    """Samples a tile: all of them on an accelerator, or where a batch is spread over several devices.

    Args:
        n_samples: Samples of the batch.

    Returns:
        The size; the last tile is filled up.
    """
    if jax.default_backend() != "cpu" or jax.device_count() > 1:
        return n_samples
    n_tiles = -(-n_samples // SAMPLES_OF_A_TILE)
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
    """``[sample, row]`` to ``[tile, row, sample]``, filled up with zeros.

    Cut first and turned then: turning the whole table at once takes XLA four times as long.
    """
    n_samples, n_rows = table.shape
    n_tiles = -(-n_samples // size)
    filled = jnp.pad(table, ((0, n_tiles * size - n_samples), (0, 0)))
    return filled.reshape(n_tiles, size, n_rows).transpose(0, 2, 1)


def from_tiles(tiles: Array, n_samples: int) -> Array:
    """``[tile, row, sample]`` to ``[row, sample]``, without what was filled up."""
    if tiles.shape[0] == 1:
        return tiles[0]
    return tiles.transpose(1, 0, 2).reshape(tiles.shape[1], -1)[:, :n_samples]
