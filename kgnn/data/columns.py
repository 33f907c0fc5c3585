"""Targets and covariates from the columns of a table (AnnData's `obs`, a text table or parquet)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from kgnn.data.measured import TARGET_KINDS, Targets, refuse_missing
from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice

MISSING_CELLS = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))


class Column(NamedTuple):
    """One column that is no gene.

    Attributes:
        values: Numbers (NaN where missing), bool, or text as objects (None where missing).
        categories: Order of the categories where the file states one.
    """

    values: np.ndarray
    categories: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """True for numbers, false for bool and text."""
        return self.values.dtype.kind in "fiu"

    @property
    def missing(self) -> np.ndarray:
        """Bool ``[sample]``, true where there is no value."""
        if self.values.dtype.kind == "f":
            return np.isnan(self.values)
        return np.array([value is None for value in self.values], dtype=bool)


def column_of_cells(cells: Sequence[str]) -> Column:
    """A column of a text file: numbers where every cell that is not missing is one, else text."""
    values = [None if cell.strip() in MISSING_CELLS else cell.strip() for cell in cells]
    try:
        return Column(np.array([np.nan if value is None else float(value) for value in values]))
    except ValueError:
        return Column(np.array(values, dtype=object))


def column_of_series(series: Any) -> Column:
    """A pandas series as a column."""
    categories = getattr(series.dtype, "categories", None)
    missing = series.isna().to_numpy(dtype=bool)
    if categories is None and series.dtype.kind in "fiu":
        return Column(series.to_numpy(dtype=np.float64, na_value=np.nan) if missing.any() else series.to_numpy())
    if categories is None and series.dtype.kind == "b" and not missing.any():
        return Column(series.to_numpy(dtype=bool))
    texts = [None if lost else str(value) for value, lost in zip(series, missing, strict=True)]
    return Column(np.array(texts, dtype=object), () if categories is None else tuple(map(str, categories)))


def as_names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name, several or none as a tuple."""
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def refuse_unknown_columns(
    wanted: Iterable[str], known: Sequence[str], file: str | PathLike[str], *, what: str = "column"
) -> None:
    """Raise `FormatError` naming every wanted column that the file has not, and the columns there are."""
    missing = [repr(name) for name in wanted if name not in known]
    if missing:
        present = name_some(known, limit=20) or "none"
        raise FormatError(f"has no {what} {name_some(missing)}. Choose among those there are: {present}.", file)


def targets_of(
    columns: Mapping[str, Column], names: Sequence[str], kind: str | None, file: str | PathLike[str]
) -> Targets | None:
    """Targets from columns.

    A single column of text, categories or bool becomes classes, numbers become regression; several columns become
    several outputs. `kind` says it explicitly, which is needed for classes written as numbers and for 0/1 labels.

    Args:
        columns: The target columns by name.
        names: Sample names, for messages.
        kind: ``"regression"``, ``"classes"``, ``"labels"`` or None to go by the columns.
        file: Where the columns come from, for messages.

    Returns:
        The targets; None where there is no column.

    Raises:
        AlignmentError: If a target is missing.
        FormatError: If a column does not fit `kind`.
        KgnnError: If `kind` is unknown or asks for classes from several columns.
    """
    if kind not in (None, *TARGET_KINDS):
        raise unknown_choice("kind of target", kind, TARGET_KINDS)
    if not columns:
        return None
    missing = np.any([column.missing for column in columns.values()], axis=0)
    refuse_missing("samples have a missing or infinite target", names, missing, "samples")
    if kind is None:
        text = len(columns) == 1 and not next(iter(columns.values())).is_number
        kind = "classes" if text else "regression"
    if kind != "classes":
        values = np.stack([_numbers(column, name, file) for name, column in columns.items()], axis=1)
        return Targets(values.astype(np.float32), tuple(columns), kind)
    if len(columns) > 1:
        raise KgnnError(
            f"kind 'classes' takes one target column but {len(columns)} are given: {name_some(columns)}. "
            "Name one of them, or use kind='labels' for several columns of 0 and 1."
        )
    return _classes(next(iter(columns.values())))


def covariates_of(columns: Mapping[str, Column], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Covariates by name: numbers stay numbers, everything else becomes text.

    Args:
        columns: The covariates by name.
        names: Sample names, for messages.

    Returns:
        One array a covariate.

    Raises:
        AlignmentError: If a covariate is missing for a sample.
    """
    found = {}
    for name, column in columns.items():
        refuse_missing(f"samples have no value of the covariate {name!r}", names, column.missing, "samples")
        found[name] = column.values if column.is_number else np.array(list(map(str, column.values)), dtype=object)
    return found


def _numbers(column: Column, name: str, file: str | PathLike[str]) -> np.ndarray:
    try:
        return column.values.astype(np.float64)
    except ValueError as error:
        raise FormatError(
            f"target column {name!r} is not all numbers ({error}). Use kind='classes' for a column of class names.",
            file,
        ) from None


def _classes(column: Column) -> Targets:
    values = column.values
    if column.is_number:
        found, codes = np.unique(values, return_inverse=True)
        classes = tuple(str(int(value)) if float(value).is_integer() else str(value) for value in found.tolist())
    else:
        texts = [str(value) for value in values]
        present = set(texts)
        classes = tuple(name for name in column.categories if name in present) or tuple(sorted(present))
        position = {name: code for code, name in enumerate(classes)}
        codes = np.array([position[text] for text in texts])
    return Targets(codes.astype(np.int32), classes, "classes")
