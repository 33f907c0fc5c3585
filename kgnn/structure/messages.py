"""`Messages`: who sends to whom, laid out so that sums over senders are short products over whole rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

NARROWEST, WIDEST = 2, 16


class Chunks(NamedTuple):
    """The edges of every row, cut into chunks of one width.

    Attributes:
        rows: int32 ``[chunk]``, the row that a chunk belongs to, never falling.
        edges: int32 ``[chunk, slot]``, positions of edges; the number of edges in unused slots.
        others: int32 ``[chunk, slot]``, the other end of each of these edges; 0 in unused slots.
    """

    rows: np.ndarray
    edges: np.ndarray
    others: np.ndarray


@dataclass(frozen=True, eq=False)
class Messages:
    """Edges from senders to receivers; two of them are equal where all edges are.

    Attributes:
        senders: int32 ``[edge]``.
        receivers: int32 ``[edge]``.
        n_senders: Number of rows that can send.
        n_receivers: Number of rows that can receive.
    """

    senders: np.ndarray
    receivers: np.ndarray
    n_senders: int
    n_receivers: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Messages) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"Messages({self.n_senders:,} to {self.n_receivers:,}, {len(self.senders):,} edges)"

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.sha256(f"{self.n_senders} {self.n_receivers}".encode())
        for array in (self.senders, self.receivers):
            digest.update(np.ascontiguousarray(array, dtype=np.int32).tobytes())
        return digest.digest()

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.senders)

    @cached_property
    def by_receiver(self) -> Chunks:
        """Chunks whose rows are the receivers."""
        return _chunks(self.receivers, self.senders, self.n_receivers)

    @cached_property
    def by_sender(self) -> Chunks:
        """Chunks whose rows are the senders, for the way back."""
        return _chunks(self.senders, self.receivers, self.n_senders)


def _chunks(rows: np.ndarray, others: np.ndarray, n_rows: int) -> Chunks:
    n_edges = len(rows)
    order = np.argsort(rows, kind="stable")
    degree = np.bincount(rows, minlength=n_rows)
    mean = n_edges / max(1, np.count_nonzero(degree))
    width = int(np.clip(2 ** round(np.log2(max(mean, 1))), NARROWEST, WIDEST))
    n_chunks = -(-degree // width)
    chunk_rows = np.repeat(np.arange(n_rows), n_chunks)
    first = np.cumsum(n_chunks) - n_chunks
    start = (np.cumsum(degree) - degree)[chunk_rows] + (np.arange(len(chunk_rows)) - first[chunk_rows]) * width
    slots = start[:, None] + np.arange(width)
    used = slots < np.cumsum(degree)[chunk_rows][:, None]
    edges = np.where(used, np.append(order, n_edges)[np.where(used, slots, n_edges)], n_edges)
    return Chunks(
        chunk_rows.astype(np.int32), edges.astype(np.int32), np.append(others, 0)[edges].astype(np.int32)
    )  # fmt: skip
