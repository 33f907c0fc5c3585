"""BED with 3 to 12 columns, and the narrowPeak files of peak callers."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.intervals import STRANDS, Intervals, make_intervals
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, read_lines, source_of

BED_WIDTHS = range(3, 13)
"""Numbers of columns that a BED file may have."""

_PEAK_WIDTH = 10
_MAX_DIGITS = 15
_NOT_DATA = ("#", "track", "browser")
_PEAK_COLUMNS = ("signal", "p_value", "q_value", "summit")


def read_bed(path: str | PathLike[str]) -> Intervals:
    r"""Intervals of a BED file, in the order of the file.

    Columns 4 to 6 are name, score and strand; columns 7 to 12 become ``thick_start``, ``thick_end``, ``color``,
    ``block_count``, ``block_sizes`` and ``block_starts`` of `Intervals.extra`, blocks as text. Lines that begin with
    ``track``, ``browser`` or ``#`` are no data. The file need not be sorted.

    Args:
        path: The file, plain or gzip, columns separated by tabs (or by blanks, where no tab is used).

    Returns:
        The intervals.

    Raises:
        FormatError: If a line has fewer or more columns than the first, a position that is no number, a start not
            below its end, an unknown strand or blocks that do not fit, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "peaks.bed"
        ...     size = path.write_text("chr1\t100\t200\tpeak_1\t5\t-\n")
        ...     read_bed(path).label(0)
        'chr1:100-200 (peak_1)'
    """
    comments: list[str] = []
    lines = list(_rows(path, comments))
    width = len(lines[0][1])
    rows = [cells for _, cells in lines]
    starts, ends = _positions(lines, path)
    extra: dict[str, object] = {}
    if width > 7:
        for name, column in (("thick_start", 6), ("thick_end", 7)):
            extra[name] = [whole_number(row[column], name, path, number) for number, row in lines]
    if width > 8:
        extra["color"] = [row[8] for row in rows]
    if width > 11:
        extra["block_count"] = [_blocks(row, path, number) for number, row in lines]
        extra |= {"block_sizes": [row[10] for row in rows], "block_starts": [row[11] for row in rows]}
    return make_intervals(
        [row[0] for row in rows],
        starts,
        ends,
        names=_names(rows) if width > 3 else None,
        scores=[_score(row[4], path, number) for number, row in lines] if width > 4 else None,
        strands=[_strand(row[5], path, number) for number, row in lines] if width > 5 else None,
        extra=extra,
        provenance=Provenance((source_of(path, header_facts(comments)),), (f"read as BED of {width} columns",)),
    )


def read_narrow_peak(path: str | PathLike[str]) -> Intervals:
    r"""Peaks of an ENCODE narrowPeak file.

    `Intervals.extra` holds ``signal``, ``p_value`` and ``q_value`` (both −log10; NaN where the file says −1) and
    ``summit``, the position of the summit on the chromosome (−1 where none was called).

    Args:
        path: The file, plain or gzip.

    Returns:
        The peaks.

    Raises:
        FormatError: If a line has not ten columns or one of them cannot be read, or a summit lies outside its peak.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.narrowPeak"
        ...     size = path.write_text("chr1\t100\t200\tpeak_1\t900\t.\t7.5\t-1\t3.2\t40\n")
        ...     read_narrow_peak(path).extra["summit"]
        array([140])
    """
    comments: list[str] = []
    lines = list(_rows(path, comments))
    for number, cells in lines:
        if len(cells) != _PEAK_WIDTH:
            raise FormatError(f"has {len(cells)} columns where narrowPeak has {_PEAK_WIDTH}.", path, number)
    starts, ends = _positions(lines, path)
    rows = [cells for _, cells in lines]
    extra: dict[str, np.ndarray] = {}
    for column, name in enumerate(_PEAK_COLUMNS[:3], 6):
        values = np.array([_number(row[column], name, path, number) for number, row in lines])
        extra[name] = values if name == "signal" else np.where(values == -1, np.nan, values)
    offsets = np.array([_offset(row[9], path, number) for number, row in lines], dtype=np.int64)
    for (number, _), offset, length in zip(lines, offsets, ends - starts, strict=True):
        if offset >= length:
            raise FormatError(f"summit is {offset} bases into a peak of {length}. Check column 10.", path, number)
    extra["summit"] = np.where(offsets < 0, -1, starts + offsets)
    return make_intervals(
        [row[0] for row in rows],
        starts,
        ends,
        names=_names(rows),
        scores=[_score(row[4], path, number) for number, row in lines],
        strands=[_strand(row[5], path, number) for number, row in lines],
        extra=extra,
        provenance=Provenance((source_of(path, header_facts(comments)),), ("read as narrowPeak",)),
    )


def whole_number(text: str, what: str, path: str | PathLike[str], line: int) -> int:
    """A position or count that a line holds.

    Args:
        text: The cell.
        what: What it should be, for the message.
        path: The file.
        line: Number of the line.

    Returns:
        The number.

    Raises:
        FormatError: If it is no whole number of at least 0.
    """
    # int() also takes "1_000", " 7" and digits of other scripts, none of which such a file means; no chromosome has
    # more bases than fifteen digits can count.
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise FormatError(f"{what} is {text[:40]!r}, not a whole number. Check the columns of this line.", path, line)
    return int(text)


def _rows(path: str | PathLike[str], comments: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Cells of every line of data, all of the same number."""
    width = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        if line.startswith(_NOT_DATA) and (line[0] == "#" or "\t" not in line):
            comments.append(line)
            continue
        cells = line.rstrip("\n").split("\t") if "\t" in line else line.split()
        # Few lines hold blanks besides tabs, and a million lines hold many cells.
        cells = [cell.strip() for cell in cells] if " " in line else cells
        width = width or len(cells)
        if len(cells) != width or width not in BED_WIDTHS:
            expected = f"{width} as in the first line" if width in BED_WIDTHS else "3 to 12"
            raise FormatError(f"has {len(cells)} columns instead of {expected}. Is it cut short?", path, number)
        if not cells[0]:
            raise FormatError("names no chromosome in column 1.", path, number)
        yield number, cells
    if not width:
        raise FormatError("holds no interval, comments only. Check the file.", path)


def _positions(lines: list[tuple[int, list[str]]], path: str | PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.empty(len(lines), dtype=np.int64)
    ends = np.empty(len(lines), dtype=np.int64)
    for position, (number, cells) in enumerate(lines):
        start = whole_number(cells[1], "a position", path, number)
        end = whole_number(cells[2], "a position", path, number)
        if start >= end:
            raise FormatError(
                f"start {start} is not below end {end} on {cells[0]}. BED counts from 0 and leaves the end out.",
                path,
                number,
            )
        starts[position], ends[position] = start, end
    return starts, ends


def _names(rows: list[list[str]]) -> list[str]:
    return ["" if row[3] == "." else row[3] for row in rows]


def _number(text: str, what: str, path: str | PathLike[str], line: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise FormatError(
            f"{what} is {text[:40]!r}, not a number. Check the columns of this line.", path, line
        ) from None


def _score(text: str, path: str | PathLike[str], line: int) -> float:
    return np.nan if text in ("", ".") else _number(text, "score", path, line)


def _strand(text: str, path: str | PathLike[str], line: int) -> str:
    if text not in STRANDS:
        raise FormatError(f"strand is {text[:40]!r}. Use '+', '-' or '.' in column 6.", path, line)
    return text


def _offset(text: str, path: str | PathLike[str], line: int) -> int:
    return -1 if text == "-1" else whole_number(text, "summit", path, line)


def _blocks(row: list[str], path: str | PathLike[str], line: int) -> int:
    """Number of blocks, which must lie in the interval and fill it from start to end."""
    count = whole_number(row[9], "block count", path, line)
    sizes = [whole_number(cell, "a block size", path, line) for cell in row[10].rstrip(",").split(",")]
    starts = [whole_number(cell, "a block start", path, line) for cell in row[11].rstrip(",").split(",")]
    if not len(sizes) == len(starts) == count:
        raise FormatError(f"states {count} blocks but lists {len(sizes)} sizes, {len(starts)} starts.", path, line)
    if starts[0] != 0 or starts[-1] + sizes[-1] != int(row[2]) - int(row[1]):
        raise FormatError(
            "its blocks do not reach from start to end of the interval. Check columns 11, 12.", path, line
        )
    return count
