"""`StoredTable`: values that are read as they are used, because they lie on disk or are packed to a bit each.

It is indexed like an array and gives arrays; rows and columns are chosen without reading anything. Whoever takes
values from `Samples` need not know which of the two there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

BLOCK_BYTES = 2**24
"""Size of the dense blocks in which a table is gone through."""

PACK_FROM = 2**24
"""Values from which on a table of 0 and 1 is packed in memory; below, it saves nothing worth mentioning."""


@dataclass(frozen=True, eq=False)
class StoredTable:
    """A table of values, ``[row, feature]``, that gives dense arrays where it is indexed.

    Attributes:
        base: An array, memory-mapped or not, or anything else that is sliced like one: ``[row, feature]``, or
            ``[row, byte]`` where packed.
        n_features: Features of `base`.
        packed: Whether a byte of `base` holds eight features of 0 or 1, the first one in the lowest bit.
        rows: The rows of `base` that are meant, in order; all where None.
        columns: The features that are meant, in order; all where None.
        checked: Whether the values are known to be finite.

    Example:
        >>> table = pack(np.eye(3, 11, dtype=np.uint8)).select(rows=np.array([2, 0]))
        >>> table.shape, table.base.shape, table[0].tolist()
        ((2, 11), (3, 2), [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    """

    base: Any
    n_features: int
    packed: bool = False
    rows: np.ndarray | None = None
    columns: np.ndarray | None = None
    checked: bool = False

    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        n_rows = self.base.shape[0] if self.rows is None else len(self.rows)
        return n_rows, self.n_features if self.columns is None else len(self.columns)

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return np.dtype(np.uint8) if self.packed else np.dtype(self.base.dtype)

    @property
    def size(self) -> int:
        """Number of values."""
        return self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, columns = key if isinstance(key, tuple) else (key, None)
        values = self._read(rows)
        return values if columns is None else values[..., columns]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a table that is read as it is used cannot be given without a copy.")
        values = np.empty(self.shape, self.dtype if dtype is None else dtype)
        first = 0
        for block in blocks(self):
            values[first : first + len(block)] = block
            first += len(block)
        return values

    def select(self, rows: np.ndarray | None = None, columns: np.ndarray | None = None) -> StoredTable:
        """The same table with some rows and columns, by position; nothing is read."""
        return replace(self, rows=_of(self.rows, rows), columns=_of(self.columns, columns))

    def packed_rows(self, rows: np.ndarray | slice) -> np.ndarray:
        """Some rows with eight features a byte, uint8 ``[row, byte]``; only of values that are 0 and 1."""
        if self.packed and self.columns is None:
            return np.asarray(self.base[rows if self.rows is None else self.rows[rows]])
        return np.packbits(self[rows].astype(bool, copy=False), axis=1, bitorder="little")

    def _read(self, rows: Any) -> np.ndarray:
        values = np.asarray(self.base[rows if self.rows is None else self.rows[rows]])
        if self.packed:
            values = np.unpackbits(values, axis=-1, count=self.n_features, bitorder="little")
        return values if self.columns is None else values[..., self.columns]


Table = np.ndarray | StoredTable


def choose(values: Table, rows: Any = None, columns: Any = None) -> Table:
    """Some rows and columns of a table, by position; of a stored one, without reading it."""
    if isinstance(values, StoredTable):
        return values.select(rows, columns)
    values = values if rows is None else values[rows]
    return values if columns is None else values[:, columns]


def blocks(values: Table) -> Iterator[np.ndarray]:
    """The table from top to bottom, some dense rows at a time."""
    size = max(1, BLOCK_BYTES // max(1, values.shape[1] * values.dtype.itemsize))
    for first in range(0, len(values), size):
        yield values[first : first + size]


def is_binary(values: Table) -> bool:
    """Whether every value is 0 or 1; reads no further than the first block that has another."""
    if isinstance(values, StoredTable) and values.packed:
        return True
    return all(bool(((block == 0) | (block == 1)).all()) for block in blocks(values))


def pack(values: Table) -> StoredTable:
    """The same values with eight features a byte, in memory; only of values that are 0 and 1."""
    if isinstance(values, StoredTable):
        bits = np.empty((len(values), -(-values.shape[1] // 8)), np.uint8)
        for first in range(0, len(values), 4096):
            bits[first : first + 4096] = values.packed_rows(slice(first, first + 4096))
    else:
        bits = np.concatenate(
            [np.packbits(block.astype(bool, copy=False), axis=1, bitorder="little") for block in blocks(values)]
            or [np.empty((0, -(-values.shape[1] // 8)), np.uint8)]
        )
    return StoredTable(bits, values.shape[1], packed=True, checked=True)


def _of(chosen: np.ndarray | None, among: np.ndarray | None) -> np.ndarray | None:
    if among is None:
        return chosen
    return np.asarray(among, np.int64) if chosen is None else chosen[among]
