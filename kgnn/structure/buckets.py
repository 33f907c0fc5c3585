"""Buckets: blocks of unequal fan-in, grouped so that a few padded dense products compute them all.

A *block* is what one term computes from its *source rows*: `n_out` numbers, each a weighted sum of the rows. Blocks of
like size share a bucket and are padded to its largest; a small dynamic program chooses the bucket borders so that the
padded work plus a fixed price a bucket (each costs compile time and a kernel call) is least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PRICE_OF_A_BUCKET = 3_000
"""Weights' worth of padding that one bucket more must save, measured on the DrugCell ontology on two CPU cores."""
MOST_SLOTS = 2_048
"""Source rows of a bucket: as many as stay in the cache of one core, a tile of 128 samples of each. Three quarters more
time otherwise, measured on the DrugCell ontology."""


@dataclass(frozen=True)
class Bucket:
    """Blocks that are computed by one product.

    Attributes:
        blocks: int32 ``[block]``: which blocks, ascending.
        sources: int32 ``[block, slot]``: source rows; 0 in unused slots.
        used_slots: bool ``[block, slot]``: False where the block has fewer source rows than its bucket.
        used_outputs: bool ``[block, output]``: False where the block has fewer outputs than its bucket.
    """

    blocks: np.ndarray
    sources: np.ndarray
    used_slots: np.ndarray
    used_outputs: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """bool ``[block, slot, output]``: weights that exist."""
        return self.used_slots[:, :, None] & self.used_outputs[:, None, :]


@dataclass(frozen=True)
class FanIn:
    """Everything needed to compute all blocks.

    Attributes:
        buckets: The buckets.
        n_rows: Number of output rows: the outputs of block 0, then of block 1, and so on.
        order: int32 ``[row]``: where each output row lies among the rows of all buckets laid end to end; None where
            they already lie in order.
    """

    buckets: tuple[Bucket, ...]
    n_rows: int
    order: np.ndarray | None


def plan_fan_in(sources: Sequence[np.ndarray], n_outputs: np.ndarray, price: int = PRICE_OF_A_BUCKET) -> FanIn:
    """Group blocks into buckets.

    Args:
        sources: The source rows of every block.
        n_outputs: int ``[block]``: numbers that each block computes.
        price: What a bucket costs, in weights.

    Returns:
        The plan; any price gives the same function.
    """
    fan_in = np.array([len(rows) for rows in sources], dtype=np.int64)
    sizes, size_of_block = np.unique(np.stack([n_outputs, fan_in], axis=1), axis=0, return_inverse=True)
    counts = np.bincount(size_of_block.reshape(-1), minlength=len(sizes))
    group_of_size = _cheapest_borders(sizes, counts, price)
    group_of_block = group_of_size[size_of_block.reshape(-1)]
    groups = [np.flatnonzero(group_of_block == group) for group in range(group_of_size[-1] + 1)]
    parts = [part for group in groups for part in np.array_split(group, _n_parts(fan_in[group]))]
    buckets = tuple(_bucket(part, sources, n_outputs) for part in parts)
    buckets = tuple(sorted(buckets, key=lambda bucket: int(bucket.blocks[0])))
    start = np.concatenate([[0], np.cumsum(n_outputs)])
    laid = np.concatenate([np.arange(int(start[b]), int(start[b + 1])) for bucket in buckets for b in bucket.blocks])
    in_order = bool((np.diff(laid) == 1).all())
    order = None if in_order else np.argsort(laid).astype(np.int32)
    return FanIn(buckets, int(start[-1]), order)


def _n_parts(fan_in: np.ndarray) -> int:
    """Into how many buckets to cut blocks that would share one, none larger than `MOST_SLOTS` where that can be."""
    return min(len(fan_in), -(-len(fan_in) * int(fan_in.max()) // MOST_SLOTS)) or 1


def _cheapest_borders(sizes: np.ndarray, counts: np.ndarray, price: int) -> np.ndarray:
    """Bucket of each distinct size (rows of ``[n_out, fan_in]``, sorted), by dynamic programming over the borders."""
    n = len(sizes)
    best = np.zeros(n + 1)
    cut = np.zeros(n + 1, dtype=np.int64)
    for end in range(1, n + 1):
        # Walking the start backwards lets the maxima and the number of blocks be running values.
        widest = np.maximum.accumulate(sizes[end - 1 :: -1], axis=0)
        blocks = np.cumsum(counts[end - 1 :: -1])
        cost = best[end - 1 :: -1] + blocks * widest[:, 0] * np.maximum(widest[:, 1], 1) + price
        chosen = int(np.argmin(cost))
        best[end], cut[end] = cost[chosen], end - 1 - chosen
    group = np.zeros(n, dtype=np.int64)
    end, borders = n, []
    while end:
        borders.append((cut[end], end))
        end = cut[end]
    for number, (first, last) in enumerate(reversed(borders)):
        group[first:last] = number
    return group


def _bucket(blocks: np.ndarray, sources: Sequence[np.ndarray], n_outputs: np.ndarray) -> Bucket:
    slots = max(1, max(len(sources[block]) for block in blocks))
    outputs = int(n_outputs[blocks].max())
    rows = np.zeros((len(blocks), slots), dtype=np.int32)
    used = np.zeros((len(blocks), slots), dtype=bool)
    for position, block in enumerate(blocks):
        rows[position, : len(sources[block])] = sources[block]
        used[position, : len(sources[block])] = True
    return Bucket(blocks.astype(np.int32), rows, used, np.arange(outputs) < n_outputs[blocks][:, None])
