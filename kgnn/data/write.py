"""Writing result tables: tab- or comma-separated or Parquet by the ending, at once or not at all."""

from __future__ import annotations

from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kgnn.errors import KgnnError, unknown_choice
from kgnn.knowledge.writing import whole_file

if TYPE_CHECKING:
    import pandas

ENDINGS = (".tsv", ".csv", ".parquet")


def check_ending(path: str | PathLike[str]) -> Path:
    """The path, if a table can be written to it; to be asked before a table is computed.

    Args:
        path: Where a table is to go.

    Returns:
        The path.

    Raises:
        KgnnError: If its ending is none of ``.tsv``, ``.csv`` and ``.parquet``, it is a folder, or pyarrow is missing
            for Parquet.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise unknown_choice("ending of the table", path.suffix or path.name, ENDINGS)
    if path.is_dir():
        raise KgnnError(f"{path}: this is a folder, not a file. Choose another name for the table.")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise KgnnError(f"{path}: Parquet needs pyarrow. Install it with pip install 'kgnn[parquet]'.")
    return path


def write_table(table: pandas.DataFrame, path: str | PathLike[str]) -> Path:
    """Write a table without its index.

    Args:
        table: What to write.
        path: Ends in ``.tsv``, ``.csv`` or ``.parquet`` (which needs the extra ``kgnn[parquet]``).

    Returns:
        The path.

    Raises:
        KgnnError: See `check_ending`.
    """
    path = check_ending(path)
    with whole_file(path) as unfinished:
        if path.suffix == ".parquet":
            table.to_parquet(unfinished, index=False)
        else:
            table.to_csv(unfinished, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path
