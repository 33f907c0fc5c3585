"""`Data`: samples as arrays on the device, and the inputs of some of them; pure functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models.contract import Inputs, Rows
from kgnn.train.shared_rows import ROWS_TOGETHER as ROWS_TOGETHER
from kgnn.train.shared_rows import distinct_rows, merge_equal_rows


class Data(NamedTuple):
    """Samples as arrays on the device.

    Attributes:
        tables: Values of every modality, ``[row, feature]``.
        rows: Row of every sample, by modality.
        targets: ``[sample, output]``, or ``[sample]`` of class codes.
        weights: ``[sample]``.
    """

    tables: dict[str, Array]
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
            inputs[name] = Rows(table, rows)
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
        values, row = merge_equal_rows(table.values, samples.row_of_sample[name])
        if len(samples.modalities) > 1 or len(values) < n:
            values = np.pad(values, ((0, -len(values) % ROWS_TOGETHER), (0, 0)))
        tables[name], rows[name] = jnp.asarray(values), jnp.asarray(row)
    targets = jnp.zeros((n, 1)) if samples.targets is None else jnp.asarray(samples.targets.values)
    return Data(tables, rows, targets, jnp.ones(n) if weights is None else jnp.asarray(weights, jnp.float32))


def _is_shared(data: Data, name: str) -> bool:
    """Whether the table is of several, or has fewer rows than there are samples: then samples may share its rows."""
    return len(data.tables) > 1 or data.tables[name].shape[0] < data.weights.shape[0]
