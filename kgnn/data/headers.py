"""`column_names`: what a file of samples says of them beside their values, before any value is read."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from kgnn.data.h5ad import opened_hdf5
from kgnn.data.read import recognize_format
from kgnn.data.sequence_files import header_keys
from kgnn.data.tables import table_header
from kgnn.knowledge.fasta import read_fasta

WITH_COLUMNS = ("h5ad", "h5mu", "table", "fasta")
"""Formats whose columns may be named as targets and covariates; the others bring their own."""


def column_names(path: str | PathLike[str], format: str | None = None) -> tuple[str, ...]:
    """Columns that `kgnn.read_samples` can take as a target or a covariate.

    Args:
        path: File of samples.
        format: Its format, if it is not to be recognized.

    Returns:
        Columns of `obs` (of a MuData also ``MODALITY:COLUMN``), of the header of a table but for the first, which names
        the samples, or keys of FASTA headers; none where the format brings its own.

    Raises:
        FormatError: If the file is empty or not of the format.
    """
    file, format = Path(path), format or recognize_format(path)
    if format in ("h5ad", "h5mu"):
        return _obs_columns(file, format)
    if format == "table":
        return table_header(file)[1:]
    return header_keys(read_fasta(file)) if format == "fasta" else ()


def _obs_columns(file: Path, format: str) -> tuple[str, ...]:
    import h5py

    with opened_hdf5(file, "AnnData" if format == "h5ad" else "MuData"), h5py.File(file) as opened:
        stored: Any = opened
        parts = {f"{name}:": part["obs"] for name, part in stored["mod"].items()} if format == "h5mu" else {}
        tables = {"": stored["obs"], **parts}
        # Files from before 2019 hold a table as one array of records.
        columns = {
            before: table.dtype.names if isinstance(table, h5py.Dataset) else table.attrs.get("column-order", ())
            for before, table in tables.items()
        }
        return tuple(dict.fromkeys(f"{before}{name}" for before, names in columns.items() for name in names))
