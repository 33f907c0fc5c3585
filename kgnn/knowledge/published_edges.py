"""What readers of published edge tables share: a header looked up by name, and cells as node names, truth or kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike

import numpy as np

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.edge_columns import Layout, head_of
from kgnn.knowledge.edges import Coded

_TRUE, _FALSE = ("1", "true", "t", "yes"), ("0", "false", "f", "no", "")


def published_layout(path: str | PathLike[str], what: str, needed: Sequence[str], delimiters: str = "\t") -> Layout:
    """The layout of a table whose first line names its columns.

    Args:
        path: The file.
        what: Name of the format, for the message.
        needed: Columns that must be there, in small letters.
        delimiters: Delimiters that may part the columns; the first one found in the header counts.

    Returns:
        The layout, with the names of columns in small letters.

    Raises:
        FormatError: If a needed column is missing.
    """
    header = head_of(path, 1)[0]
    delimiter = next((each for each in delimiters if each in header), delimiters[0])
    columns = tuple(cell.strip().strip('"').lower() for cell in header.lstrip("#").split(delimiter))
    missing = [column for column in needed if column not in columns]
    if missing:
        raise FormatError(
            f"has no column {name_some(missing)} in its header, so it is not {what}. Was the header lost? Download the "
            "file again, or force another format with format=.",
            path,
            1,
        )
    # A name that comes twice is told apart by its position; nothing reads the second one.
    unique = tuple(c if columns.index(c) == i else f"{c} ({i + 1})" for i, c in enumerate(columns))
    return Layout(unique, delimiter, first_line=2)


def first_column(layout: Layout, *names: str) -> str | None:
    """The first of some columns that a table has, None where it has none."""
    return next((name for name in names if name in layout.columns), None)


def mapped(cells: Coded, value_of: Callable[[str], float]) -> np.ndarray:
    """A number for each row, from a function of its text."""
    return np.array([value_of(label) for label in cells.labels])[cells.codes]


def truth(cells: Coded, column: str, path: str | PathLike[str]) -> np.ndarray:
    """A column of truth values as bool.

    Args:
        cells: The column.
        column: Its name, for the message.
        path: The file, for the message.

    Returns:
        bool ``[row]``; an empty cell is False.

    Raises:
        FormatError: If a cell is none.
    """
    unknown = [label for label in cells.labels if label.lower() not in (*_TRUE, *_FALSE)]
    if unknown:
        raise FormatError(
            f"column {column!r} holds {unknown[0]!r}, neither true nor false. Were columns swapped?", path
        )
    return mapped(cells, lambda label: label.lower() in _TRUE).astype(bool)


def spelled(kinds: Sequence[Coded], spell: Callable[..., str]) -> Coded:
    """Several columns of text as one.

    Args:
        kinds: The columns.
        spell: The text of a row from its cells.

    Returns:
        The column.
    """
    rows, codes = np.unique(np.stack([kind.codes for kind in kinds]), axis=1, return_inverse=True)
    position: dict[str, int] = {}
    look_up = [
        position.setdefault(spell(*(kind.labels[code] for kind, code in zip(kinds, row, strict=True))), len(position))
        for row in rows.T.tolist()
    ]
    return Coded(np.array(look_up, dtype=np.int32)[codes.reshape(-1)], list(position))


def kind_and_detail(kind: str, detail: str) -> str:
    """Evidence as ``"kind: detail"``, or the one of the two that is given."""
    return f"{kind}: {detail}" if kind and detail and kind != detail else kind or detail
