"""`join_samples`: the parts of one screen as one set of samples, to be split anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kgnn.data.measured import Modality, number_repeats
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Samples of several parts as one.

    Args:
        parts: With targets, and the same features, outputs and covariates. A row name (a cell line, a drug) stands for
            the same values in all parts.

    Returns:
        All samples, part after part; a row that several parts use is there once, and a name that comes again (a pair
        that was measured twice) gets `` (2)``.

    Raises:
        AlignmentError: If the parts differ in features, outputs or covariates, or in the values of a row.
    """
    first = parts[0]
    for part in parts:
        if part.require_targets().names != first.require_targets().names or set(part.covariates) != set(
            first.covariates
        ):
            raise AlignmentError("the parts differ in outputs or covariates. Read them with the same arguments.")
    joined = {name: _join_tables(name, [part.modalities[name] for part in parts]) for name in first.modalities}
    position = {name: {row: at for at, row in enumerate(table.rows)} for name, table in joined.items()}
    return replace(
        first,
        names=number_repeats(name for part in parts for name in part.names),
        modalities=joined,
        row_of_sample={
            name: np.concatenate(
                [_positions(part.modalities[name], position[name])[part.row_of_sample[name]] for part in parts]
            )
            for name in joined
        },
        targets=replace(
            first.require_targets(), values=np.concatenate([part.require_targets().values for part in parts])
        ),
        covariates={
            name: np.concatenate([np.asarray(part.covariates[name]) for part in parts]) for name in first.covariates
        },
    )


def _join_tables(name: str, tables: Sequence[Modality]) -> Modality:
    if len({table.features for table in tables}) > 1:
        raise AlignmentError(f"the parts differ in the features of {name!r}. Read them from the same tables.")
    values: dict[str, np.ndarray] = {}
    for table in tables:
        for row, found in zip(table.rows, table.values, strict=True):
            if not np.array_equal(values.setdefault(row, found), found):
                raise AlignmentError(f"row {row!r} of {name!r} has other values in another part. Rename one of them.")
    return replace(tables[0], values=np.stack(list(values.values())), rows=tuple(values))


def _positions(table: Modality, position: dict[str, int]) -> np.ndarray:
    return np.array([position[row] for row in table.rows], dtype=np.int32)
