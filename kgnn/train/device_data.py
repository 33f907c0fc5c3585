"""`Data`: samples as arrays on the device, and the inputs of some of them; pure functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.data.samples import Samples
from kgnn.data.stored import StoredTable, Table, is_binary, pack
from kgnn.models.contract import Inputs, Rows
from kgnn.train.shared_rows import ROWS_TOGETHER, distinct_rows, merge_equal_rows


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PackedTable:
    """A table of 0 and 1 with eight features a byte, which is unpacked where rows of it are used.

    Attributes:
        bits: uint8 ``[row, byte]``, the first feature in the lowest bit.
        n_packed: Number of features that are packed.
        columns: Which of them are meant, in order; all where None.
    """

    bits: Array
    n_packed: int = field(metadata={"static": True})
    columns: Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        return self.bits.shape[0], self.n_packed if self.columns is None else self.columns.shape[0]

    def __getitem__(self, rows: Array | slice) -> Array:
        # Feature-major, as the model wants it: the transposition is then done on bytes, an eighth of the values, and
        # features are chosen as whole rows.
        bits = self.bits[rows].T
        values = (bits[:, None, :] >> jnp.arange(8, dtype=jnp.uint8)[None, :, None]) & 1
        values = values.reshape(-1, bits.shape[1])
        return (values[: self.n_packed] if self.columns is None else values[self.columns]).T


class Data(NamedTuple):
    """Samples as arrays on the device.

    Attributes:
        tables: Values of every modality, ``[row, feature]``; those of 0 and 1 are packed.
        rows: Row of every sample, by modality.
        targets: ``[sample, output]``, or ``[sample]`` of class codes.
        weights: ``[sample]``.
    """

    tables: dict[str, Array | PackedTable]
    rows: dict[str, Array]
    targets: Array
    weights: Array


def batch_inputs(data: Data, index: Array, capacity: Mapping[str, int] = MappingProxyType({})) -> Inputs:
    """Inputs of some samples, so that a branch runs once a distinct row where samples share rows.

    A table that is no larger than the batch is handed over whole. Of a larger one, the distinct rows of the batch are
    handed over where their number is known to be limited, and the row of every sample else.

    Args:
        data: All samples.
        index: Positions of the samples.
        capacity: For some modalities, a number of rows that the distinct rows of the batch do not exceed.

    Returns:
        What a model takes.
    """
    inputs = {}
    for name, table in data.tables.items():
        rows = data.rows[name][index]
        if name in capacity:
            used, place = distinct_rows(rows, capacity[name])
            inputs[name] = Rows(table[used], place)
        elif _is_shared(data, name) and table.shape[0] <= index.shape[0]:
            inputs[name] = Rows(table[:], rows)
        else:
            inputs[name] = table[rows]
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


def device_data(samples: Samples, weights: np.ndarray | None = None) -> Data:
    """Samples on the device; targets are zeros where there are none.

    Rows with equal values become one, where that saves rows worth mentioning. Where samples share rows, a table is
    filled up with rows that no sample uses to a multiple of `ROWS_TOGETHER`: the parts of one screen then mostly have
    tables of one size, and share their compiled functions.

    Args:
        samples: Any samples.
        weights: Weight of every sample in the loss, 1 each where None.

    Returns:
        The arrays.
    """
    n = len(samples)
    tables, rows = {}, {}
    for name, table in samples.modalities.items():
        held = DeviceTable.of(table.values)
        values, row = merge_equal_rows(held.all_rows(), samples.row_of_sample[name])
        if len(samples.modalities) > 1 or len(values) < n:
            values = np.pad(values, ((0, -len(values) % ROWS_TOGETHER), (0, 0)))
        tables[name], rows[name] = held.on_device(values), jnp.asarray(row)
    return Data(tables, rows, *map(jnp.asarray, targets_and_weights(samples, weights)))


class DeviceTable(NamedTuple):
    """How a table lies on the device: packed where its values are 0 and 1, else as it is.

    Attributes:
        values: The table, with all columns that are packed together.
        n_packed: Number of features where it is packed, else None.
        columns: Which of the packed features are meant; all where None.
    """

    values: Table
    n_packed: int | None = None
    columns: np.ndarray | None = None

    @classmethod
    def of(cls, values: Table) -> DeviceTable:
        """The way of a table."""
        if not is_binary(values):
            return cls(values)
        if not isinstance(values, StoredTable):
            values = StoredTable(values, values.shape[1])
        if not values.packed:
            return cls(values, values.shape[1])
        # Choosing columns would unpack and pack again: that is left to the device.
        whole = replace(values, columns=None)
        return cls(whole, whole.shape[1], values.columns)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row on the device."""
        return (
            -(-self.n_packed // 8) if self.n_packed is not None else self.values.shape[1] * self.values.dtype.itemsize
        )

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Some rows, as they lie on the device."""
        if self.n_packed is None:
            return np.asarray(self.values[rows])
        return self.values.packed_rows(rows)  # type: ignore[union-attr]

    def all_rows(self) -> np.ndarray:
        """All rows, as they lie on the device."""
        return np.asarray(self.values) if self.n_packed is None else pack(self.values).base

    def on_device(self, rows: np.ndarray) -> Array | PackedTable:
        """Rows that were read, on the device."""
        if self.n_packed is None:
            return jnp.asarray(rows)
        columns = None if self.columns is None else jnp.asarray(self.columns, jnp.int32)
        return PackedTable(jnp.asarray(rows), self.n_packed, columns)


def targets_and_weights(samples: Samples, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Targets, zeros where there are none, and weights of all samples, 1 each where None is given."""
    n = len(samples)
    targets = np.zeros((n, 1), np.float32) if samples.targets is None else samples.targets.values
    return targets, np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32)


def _is_shared(data: Data, name: str) -> bool:
    """Whether samples share rows of the table: it has fewer rows than there are samples, or is a small one of several.

    A small one always counts, so that the parts of one screen share their compiled functions.
    """
    n_rows = data.tables[name].shape[0]
    return n_rows < data.weights.shape[0] or (len(data.tables) > 1 and n_rows <= ROWS_TOGETHER)
