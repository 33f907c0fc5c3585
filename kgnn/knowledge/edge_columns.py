"""Columns of large text tables, every line checked: the parser in C of pandas reads, `_Lines` watches the bytes go by.

pandas fills up lines that are too short and is vague about the place of a mistake; so the number of columns of each
line, the encoding, and the end of the last line are checked on the way, a block of bytes at a time.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os import PathLike
from typing import BinaryIO

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.edges import Coded
from kgnn.knowledge.text import open_bytes, read_lines

_ROWS_AT_A_TIME = 1_000_000
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)
NO_LINE_END = (
    "the last line has no line end, as in a file that was cut short. Download it again; if it is complete, add one."
)


@dataclass(frozen=True)
class Layout:
    """How the lines of a table are made.

    Attributes:
        columns: Name of every column, in order.
        delimiter: Between columns; ``" "`` also stands for any number of blanks where `loose`.
        first_line: Number of the first line that is a row, counted from 1.
        loose: Whether cells may be quoted, or parted by several blanks: read line by line, in Python.
    """

    columns: tuple[str, ...]
    delimiter: str
    first_line: int = 1
    loose: bool = False


@dataclass
class Columns:
    """What was read: columns of text as `Coded`, columns of numbers as float64 arrays."""

    texts: dict[str, Coded] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)


def head_of(path: str | PathLike[str], limit: int = 200) -> list[str]:
    """The first lines of a file, without their line ends.

    Args:
        path: The file.
        limit: How many lines at most.

    Returns:
        The lines.
    """
    return [line.rstrip("\n") for line in islice(read_lines(path), limit)]


def read_columns(
    path: str | PathLike[str],
    layout: Layout,
    *,
    names: Sequence[str] = (),
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
) -> Columns:
    """Some columns of a table.

    Args:
        path: The file, plain or gzip.
        layout: How its lines are made.
        names: Columns of text in which no cell may be empty.
        texts: Columns of text.
        numbers: Columns of finite numbers.

    Returns:
        The columns.

    Raises:
        FormatError: If a line has another number of columns, a cell is not what its column promises, or the file is
            damaged or cut short, with the line.
    """
    if layout.loose:
        found = _read_loose(path, layout, [*names, *texts], numbers)
    else:
        found = _read_fast(path, layout, [*names, *texts], numbers)
    for column in names:
        codes, labels = found.texts[column]
        if "" in labels:
            row = int(np.flatnonzero(codes == labels.index(""))[0])
            raise FormatError(f"names nothing in the column {column!r}.", path, _line_of_row(path, layout, row))
    _refuse_second_header(path, layout, found, names)
    for column, values in found.numbers.items():
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise _no_number(path, _line_of_row(path, layout, row), column, str(values[row]))
    return found


def _refuse_second_header(path: str | PathLike[str], layout: Layout, found: Columns, names: Sequence[str]) -> None:
    """Raise where a row holds the names of its columns, as where two files were joined; numbers are no names."""
    cells = [found.texts[column] for column in names]
    if not names or not all(name in each.labels for name, each in zip(names, cells, strict=True)) or "1" in names:
        return
    same = np.all([each.codes == each.labels.index(name) for name, each in zip(names, cells, strict=True)], axis=0)
    if same.any():
        line = _line_of_row(path, layout, int(np.argmax(same)))
        raise FormatError("repeats the header. Were two files joined? Leave one header.", path, line)


def _read_fast(path: str | PathLike[str], layout: Layout, texts: list[str], numbers: Sequence[str]) -> Columns:
    import pandas

    positions: dict[str, dict[str, int]] = {column: {} for column in texts}
    codes: dict[str, list[np.ndarray]] = {column: [] for column in texts}
    values: dict[str, list[np.ndarray]] = {column: [] for column in numbers}
    try:
        with open_bytes(path) as stream:
            lines = _Lines(stream, path, layout)
            tables = pandas.read_csv(
                io.BufferedReader(lines, 1 << 20),
                sep=layout.delimiter,
                names=list(layout.columns),
                usecols=[*texts, *numbers],
                dtype=dict.fromkeys(texts, "category") | dict.fromkeys(numbers, "float64"),
                chunksize=_ROWS_AT_A_TIME,
                float_precision="round_trip",
                header=None,
                index_col=False,
                keep_default_na=False,
                na_filter=False,
                low_memory=False,
                quoting=csv.QUOTE_NONE,
                encoding="utf-8",
            )
            for table in tables:
                for column in texts:
                    cells = table[column].cat
                    known = positions[column]
                    look_up = [known.setdefault(str(cell).strip(), len(known)) for cell in cells.categories]
                    codes[column].append(np.array(look_up, dtype=np.int32)[cells.codes])
                for column in numbers:
                    values[column].append(table[column].to_numpy())
    except FormatError:
        raise
    except pandas.errors.EmptyDataError:
        raise _no_rows(path) from None
    except _DAMAGED as error:
        raise FormatError(f"the compressed file is damaged or cut short ({error}). Download it again.", path) from error
    except ValueError as error:
        raise _explain(path, layout, numbers, error) from None
    if not lines.n_rows:
        raise _no_rows(path)
    return Columns(
        {column: Coded(np.concatenate(codes[column]), list(positions[column])) for column in texts},
        {column: np.concatenate(values[column]) for column in numbers},
    )


class _Lines(io.RawIOBase):
    """The bytes of a file from its first row on; raises where a line cannot be right."""

    def __init__(self, stream: BinaryIO, path: str | PathLike[str], layout: Layout):
        super().__init__()
        self._stream, self._path = stream, path
        self._delimiter, self._n_columns = ord(layout.delimiter), len(layout.columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._delimiters = self._length = 0  # of the line that the next block goes on with
        self._last = b"\n"
        self.line = 1
        self.n_rows = 0
        for _ in range(1, layout.first_line):
            stream.readline()
            self.line += 1
        self._at_start = layout.first_line == 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        if self._at_start and block.startswith(codecs.BOM_UTF8):
            block = block[len(codecs.BOM_UTF8) :] or self._stream.read(len(buffer))
        self._at_start = False
        if not block:
            if self._last != b"\n":
                raise FormatError(NO_LINE_END, self._path, self.line)
            return 0
        self._check(block)
        self._last = block[-1:]
        buffer[: len(block)] = block
        return len(block)

    def _check(self, block: bytes) -> None:
        if b"\0" in block:
            line = self.line + block[: block.index(0)].count(b"\n")
            raise FormatError("is binary, not text, from this line on.", self._path, line)
        if not (block.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError as error:
                raise FormatError(
                    f"is text in another encoding than UTF-8 ({error.reason} near this line). Convert it to UTF-8.",
                    self._path,
                    self.line + block[: error.start].count(b"\n"),
                ) from None
        array = np.frombuffer(block, dtype=np.uint8)
        ends = array == ord("\n")
        marks = np.flatnonzero(ends | (array == self._delimiter))
        mark_of_end = np.flatnonzero(ends[marks])
        if not len(mark_of_end):
            self._delimiters += len(marks)
            self._length += len(block)
            return
        counts = np.diff(mark_of_end, prepend=-1) - 1
        counts[0] += self._delimiters
        wrong = np.flatnonzero(counts != self._n_columns - 1)
        for index in wrong.tolist():
            end = int(marks[mark_of_end[index]])
            start = int(marks[mark_of_end[index - 1]]) + 1 if index else 0
            before = self._length if index == 0 else 0
            # A blank line, or the "\r" of one whose start lies in the block before.
            if counts[index] or block[start:end].strip() or before > 1:
                self._wrong_width(int(counts[index]) + 1, self.line + index)
        self.n_rows += len(counts) - len(wrong)
        self.line += len(counts)
        self._delimiters = len(marks) - int(mark_of_end[-1]) - 1
        self._length = len(block) - int(marks[mark_of_end[-1]]) - 1

    def _wrong_width(self, found: int, line: int) -> None:
        raise wrong_width(found, self._n_columns, self._path, line)


def wrong_width(found: int, expected: int, path: str | PathLike[str], line: int) -> FormatError:
    """The error for a line with another number of columns.

    Args:
        found: Columns of the line.
        expected: Columns of the table.
        path: The file.
        line: Number of the line.

    Returns:
        The error, to be raised by the caller.
    """
    return FormatError(
        f"has {found:,} column{'s' * (found != 1)} instead of {expected}. Was the file cut short, or a cell changed?",
        path,
        line,
    )


def _read_loose(path: str | PathLike[str], layout: Layout, texts: list[str], numbers: Sequence[str]) -> Columns:
    position = {column: index for index, column in enumerate(layout.columns)}
    known: dict[str, dict[str, int]] = {column: {} for column in texts}
    codes: dict[str, list[int]] = {column: [] for column in texts}
    values: dict[str, list[float]] = {column: [] for column in numbers}
    for line, cells in rows_of(path, layout):
        for column in texts:
            labels = known[column]
            codes[column].append(labels.setdefault(cells[position[column]], len(labels)))
        for column in numbers:
            values[column].append(_number(cells[position[column]], column, path, line))
    return Columns(
        {column: Coded(np.array(codes[column], dtype=np.int32), list(known[column])) for column in texts},
        {column: np.array(values[column]) for column in numbers},
    )


def rows_of(path: str | PathLike[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, one by one.

    Args:
        path: The file.
        layout: How its lines are made.

    Yields:
        Number of the line, and its cells.

    Raises:
        FormatError: If a line has another number of columns, quotation marks do not match, or the file is damaged.
    """
    number, line = 0, "\n"
    for number, line in enumerate(read_lines(path), 1):
        if number < layout.first_line or not line.strip():
            continue
        cells = split_line(line.rstrip("\n"), layout, path, number)
        if len(cells) != len(layout.columns):
            raise wrong_width(len(cells), len(layout.columns), path, number)
        yield number, cells
    if not line.endswith("\n"):
        raise FormatError(NO_LINE_END, path, number)


def split_line(line: str, layout: Layout, path: str | PathLike[str], number: int) -> list[str]:
    """The cells of one line, quotation marks and blanks around them taken away.

    Args:
        line: The line, without its end.
        layout: How it is made.
        path: The file, for the message.
        number: Number of the line, for the message.

    Returns:
        The cells.

    Raises:
        FormatError: If quotation marks do not match.
    """
    if layout.loose and '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=layout.delimiter, skipinitialspace=True, strict=True))
        except csv.Error:
            raise FormatError("a quotation mark has no match in its line.", path, number) from None
        return [cell.strip() for cell in cells]
    if layout.loose and layout.delimiter == " ":
        return line.split()
    return [cell.strip() for cell in line.split(layout.delimiter)]


def _number(text: str, column: str, path: str | PathLike[str], line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _no_number(path, line, column, text)
    return value


def _no_number(path: str | PathLike[str], line: int, column: str, text: str) -> FormatError:
    return FormatError(
        f"column {column!r} holds {text!r}, no number. Were columns swapped, or the file cut short?", path, line
    )


def _no_rows(path: str | PathLike[str]) -> FormatError:
    return FormatError("has no rows below its header. Check the path, or download the file again.", path)


def _line_of_row(path: str | PathLike[str], layout: Layout, row: int) -> int:
    """Number of the line that holds a row, counted from 0; blank lines are no rows."""
    number = 0
    for number, line in enumerate(read_lines(path), 1):
        if number >= layout.first_line and line.strip():
            row -= 1
            if row < 0:
                break
    return number


def _explain(path: str | PathLike[str], layout: Layout, numbers: Sequence[str], error: Exception) -> FormatError:
    """What is wrong where pandas found a cell that is no number."""
    position = {column: index for index, column in enumerate(layout.columns)}
    for line, cells in rows_of(path, layout):
        for column in numbers:
            _number(cells[position[column]], column, path, line)
    return FormatError(f"cannot be read as a table ({error}).", path)
