"""Rows that several samples share: found once, and computed once a batch.

In a drug screen many (cell line, drug) pairs of a batch have the same cell line, and in a panel of genes many samples
have the same alterations. A branch then runs on the distinct rows of a batch, weighted by how many samples use each
(see `kgnn.models.contract.Rows`). A compiled function needs a fixed number of rows; `likely_distinct` gives one that a
random batch all but never exceeds, and the engine looks before every epoch whether it does.
"""

from __future__ import annotations

from math import sqrt

import jax.numpy as jnp
import numpy as np
from jax import Array

ROWS_TOGETHER = 64
"""Tables and numbers of distinct rows are multiples of this, or of an eighth of it within a batch."""

WORTHWHILE = 0.95
"""Largest share of rows left over for which merging them pays."""

DEVIATIONS = 6.0
"""Standard deviations above the mean at which a random batch is taken to have no more distinct rows."""


def distinct_rows(rows: Array, capacity: int) -> tuple[Array, Array]:
    """The distinct rows of a batch, in a fixed number of slots; works inside compiled functions.

    Args:
        rows: int ``[sample]``.
        capacity: Number of slots, at least the number of distinct rows.

    Returns:
        The row of every slot (any row in slots that are not used) and the slot of every sample.
    """
    used, slot = jnp.unique(rows, size=capacity, fill_value=0, return_inverse=True)
    return used, slot.reshape(rows.shape)


def count_distinct(rows: Array) -> Array:
    """Number of distinct values along the last axis."""
    ordered = jnp.sort(rows, axis=-1)
    return 1 + (ordered[..., 1:] != ordered[..., :-1]).sum(axis=-1)


def likely_distinct(rows: np.ndarray, batch_size: int, n_table_rows: int) -> int | None:
    r"""A number of slots that suffices for the distinct rows of a random batch.

    Row :math:`r`, which :math:`m_r` of :math:`n` samples use, is absent from a batch of :math:`b` samples with the
    probability :math:`q_r = \binom{n - m_r}{b} / \binom{n}{b}`, two rows together with that of
    :math:`m_r + m_s`. Mean and variance of the number of rows that are present follow; the number of slots is
    `DEVIATIONS` standard deviations above the mean.

    Args:
        rows: Row of every sample, int ``[sample]``.
        batch_size: Samples a batch.
        n_table_rows: Rows of the table.

    Returns:
        The number of slots; None where it is hardly below the samples of a batch, or the rows of the table.
    """
    n = len(rows)
    uses = np.bincount(rows)
    times, n_rows = np.unique(uses[uses > 0], return_counts=True)
    absent = _share_of_batches_without(times, n, batch_size)
    together = _share_of_batches_without(times[:, None] + times[None, :], n, batch_size)
    covariance = together - absent[:, None] * absent[None, :]
    variance = n_rows @ covariance @ n_rows + n_rows @ (absent - np.diag(together))
    # One more for the sample that fills the last batch up.
    most = float(n_rows @ (1 - absent)) + DEVIATIONS * sqrt(max(variance, 0.0)) + 1
    slots = min(_round_up(most), _round_up(int(n_rows.sum())))
    return slots if slots <= WORTHWHILE * min(batch_size, n_table_rows) else None


def merge_equal_rows(values: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table in which rows with equal values are one row, where that saves rows worth mentioning.

    Rows are compared by a 64-bit hash and then, where hashes agree, value by value: nothing rests on chance.

    Args:
        values: ``[row, feature]``.
        rows: Row of every sample, int ``[sample]``.

    Returns:
        The table and the row of every sample; those given where merging does not pay.
    """
    if not values.size:
        return values, rows
    _, first, group = np.unique(_hash_rows(values), return_index=True, return_inverse=True)
    if len(first) > WORTHWHILE * len(values):
        return values, rows
    representative = first[group]
    for start in range(0, len(values), 4096):
        block = slice(start, start + 4096)
        if not np.array_equal(values[block], values[representative[block]]):
            # Two different rows have one hash, once in some billion tables: leave the table alone.
            return values, rows
    kept, rank = np.unique(representative, return_inverse=True)
    return values[kept], rank[rows].astype(np.int32)


def _hash_rows(values: np.ndarray) -> np.ndarray:
    """A 64-bit hash of every row: its bytes as 32-bit numbers times fixed random odd numbers, summed modulo 2^64."""
    width = values.shape[1] * values.itemsize
    words = -(-width // 4)
    factors = np.random.default_rng(0).integers(1, 2**63, words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(values), np.uint64)
    for start in range(0, len(values), 4096):
        block = np.ascontiguousarray(values[start : start + 4096])
        bytes_ = np.zeros((len(block), 4 * words), np.uint8)
        bytes_[:, :width] = block.view(np.uint8)
        hashes[start : start + 4096] = bytes_.view(np.uint32) @ factors
    return hashes


def _share_of_batches_without(times: np.ndarray, n: int, batch_size: int) -> np.ndarray:
    """Probability that a batch has none of some samples, of which there are `times`."""
    from scipy.special import gammaln

    left = n - times
    possible = left >= batch_size
    left = np.where(possible, left, n)
    log_share = gammaln(left + 1) - gammaln(left - batch_size + 1) - gammaln(n + 1) + gammaln(n - batch_size + 1)
    return np.where(possible, np.exp(log_share), 0.0)


def _round_up(number: float) -> int:
    step = ROWS_TOGETHER // 8
    return int(-(-number // step) * step)
