"""Samples for a bake-off: the group, and every column that may tell relatives, are read whether asked for or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgnn.errors import AlignmentError

if TYPE_CHECKING:
    from kgnn.data import Samples


def read_with_relatives(
    file: Path, genes: Sequence[str], reading: dict[str, Any], *, group: str | None, allow: Collection[str]
) -> tuple[Samples, tuple[str, ...]]:
    """Read samples with what the search for leaks looks at.

    Args:
        file: File or folder of samples.
        genes: Genes of the ontology.
        reading: Further arguments of `kgnn.read_samples`.
        group: Column that the folds are cut by.
        allow: Columns that may be shared, and so need not be read.

    Returns:
        The samples, and the columns that nobody asked for: those with a name that `kgnn.bakeoff.leaks.is_related`
        knows and that no argument claims.

    Raises:
        KgnnError: If the file cannot be read.
    """
    from kgnn.data import read_parts
    from kgnn.data.columns import as_names
    from kgnn.data.headers import WITH_COLUMNS
    from kgnn.data.read import recognize_format

    format = (reading.get("format") or recognize_format(file)) if file.exists() else ""
    if format not in WITH_COLUMNS:
        return read_parts(file, genes=genes, **reading).train, ()
    asked = tuple(dict.fromkeys((*as_names(reading.get("covariates")), *as_names(group))))
    # In a table of values a column that is not read as a covariate would be a gene.
    aside = () if format == "table" and "sequence" not in reading else tuple(allow)
    related = _related(file, format, (*asked, *aside), reading)
    reading = {**reading, "covariates": (*asked, *related)}
    try:
        return read_parts(file, genes=genes, **reading).train, related
    except AlignmentError as error:
        gaps = [name for name in related if f"covariate {name!r}" in str(error)]
        advice = f" Or leave aside this column, which may tell relatives: --allow {gaps[0]}." if gaps else ""
        raise AlignmentError(f"{error}{'' if format == 'table' else advice}") from None


def _related(file: Path, format: str, claimed: Sequence[str], reading: dict[str, Any]) -> tuple[str, ...]:
    from kgnn.bakeoff.leaks import is_related
    from kgnn.data.columns import as_names
    from kgnn.data.headers import column_names

    taken = {*claimed, *as_names(reading.get("target")), reading.get("names"), reading.get("sequence")}
    return tuple(name for name in column_names(file, format) if is_related(name) and name not in taken)
