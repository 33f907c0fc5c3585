"""`Data`: samples as arrays on the device, and the inputs of some of them; pure functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.data.samples import Samples
from kgnn.data.stored import is_binary, pack
from kgnn.models.contract import Inputs, Rows
from kgnn.train.shared_rows import ROWS_TOGETHER as ROWS_TOGETHER
from kgnn.train.shared_rows import distinct_rows, merge_equal_rows


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PackedTable:
    """A table of 0 and 1 with eight features a byte, which is unpacked where rows of it are used.

    Attributes:
        bits: uint8 ``[row, byte]``, the first feature in the lowest bit.
        n_features: Number of features.
    """

    bits: Array
    n_features: int = field(metadata={"static": True})

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        return self.bits.shape[0], self.n_features

    def __getitem__(self, rows: Array | slice) -> Array:
        bits = self.bits[rows]
        values = (bits[..., None] >> jnp.arange(8, dtype=jnp.uint8).reshape((1,) * bits.ndim + (8,))) & 1
        return values.reshape(*bits.shape[:-1], -1)[..., : self.n_features]


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
        packed = is_binary(table.values)
        values = pack(table.values).base if packed else np.asarray(table.values)
        values, row = merge_equal_rows(values, samples.row_of_sample[name])
        if len(samples.modalities) > 1 or len(values) < n:
            values = np.pad(values, ((0, -len(values) % ROWS_TOGETHER), (0, 0)))
        tables[name], rows[name] = on_device(values, len(table.features) if packed else None), jnp.asarray(row)
    return Data(tables, rows, *map(jnp.asarray, targets_and_weights(samples, weights)))


def on_device(values: np.ndarray, packed_features: int | None) -> Array | PackedTable:
    """A table on the device, with the number of its features where it is packed."""
    array = jnp.asarray(values)
    return array if packed_features is None else PackedTable(array, packed_features)


def targets_and_weights(samples: Samples, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Targets, zeros where there are none, and weights of all samples, 1 each where None is given."""
    n = len(samples)
    targets = np.zeros((n, 1), np.float32) if samples.targets is None else samples.targets.values
    return targets, np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32)


def _is_shared(data: Data, name: str) -> bool:
    """Whether the table is of several, or has fewer rows than there are samples: then samples may share its rows."""
    return len(data.tables) > 1 or data.tables[name].shape[0] < data.weights.shape[0]
