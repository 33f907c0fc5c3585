"""Writing result tables: tab- or comma-separated or Parquet by the ending, at once or not at all."""

from __future__ import annotations

import os
import tempfile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kgnn.errors import KgnnError, unknown_choice

if TYPE_CHECKING:
    import pandas

ENDINGS = (".tsv", ".csv", ".parquet")


def check_ending(path: str | PathLike[str]) -> Path:
    """The path, if a table can be written to it.

    Raises:
        KgnnError: If its ending is none of ``.tsv``, ``.csv`` and ``.parquet``.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise unknown_choice("ending of the table", path.suffix or path.name, ENDINGS)
    return path


def write_table(table: pandas.DataFrame, path: str | PathLike[str]) -> Path:
    """Write a table without its index.

    Args:
        table: What to write.
        path: Ends in ``.tsv``, ``.csv`` or ``.parquet`` (which needs the extra ``kgnn[parquet]``).

    Returns:
        The path.

    Raises:
        KgnnError: If the ending is unknown or pyarrow is missing.
    """
    path = check_ending(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, sep="\t" if path.suffix == ".tsv" else ",")
        os.replace(temporary, path)
    except ImportError:
        raise KgnnError(f"{path}: Parquet needs pyarrow. Install it with pip install 'kgnn[parquet]'.") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path
