"""Matrices under a ``>`` line: JASPAR's text, its raw PFM, and the four columns of HOCOMOCO and GTRD.

Read here and not through Biopython, which ends without a word where a file is cut short, takes the rows of a damaged
motif for those of the next, and names no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.motif import BASES
from kgnn.knowledge.motif_records import ASSUMED_SITES, MotifRecords, numbers, refuse_cut_row
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.text import read_lines, source_of

_LETTER_ROW = re.compile(r"([ACGTUacgtu])\s*[:|]?\s*(\[?)\s*([^\]]*?)\s*(\]?)")
_N_BASES = len(BASES)


@dataclass
class _Block:
    """The lines of one motif: its header, and rows with their line numbers."""

    header: str
    line: int
    rows: list[tuple[int, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return (self.header.split() or [""])[0]

    @property
    def name(self) -> str:
        parts = self.header.split("\t") if "\t" in self.header else self.header.split(None, 1)
        return parts[1].strip() if len(parts) > 1 else ""


def read_jaspar_text(path: str | PathLike[str], *, assumed_sites: float = ASSUMED_SITES) -> MotifSet:
    """Motifs from JASPAR's text: ``>MA0004.1 Arnt`` and a row of counts for each letter, ``A [ 4 19 0 ]``.

    Args:
        path: The file, plain or gzip.
        assumed_sites: Sites of motifs whose rows hold probabilities.

    Returns:
        The motifs. Positions keep totals of their own, as JASPAR has them.

    Raises:
        FormatError: If a motif has not one row for each of A C G T, all of one length, with numbers of 0 or more.
    """
    records = MotifRecords(path, assumed_sites)
    for block in _blocks(path):
        rows: dict[str, list[float]] = {}
        for number, text in block.rows:
            found = _LETTER_ROW.fullmatch(text)
            if found is None or bool(found[2]) != bool(found[4]):
                raise FormatError(f"{text[:60]!r} is no row of a letter, such as 'A [ 4 19 0 ]'.", path, number)
            letter = found[1].upper().replace("U", "T")
            if letter in rows:
                raise FormatError(f"motif {block.id} has a second row for {letter}.", path, number)
            rows[letter] = numbers(found[3].replace(",", " ").split(), path, number)
        missing = [base for base in BASES if base not in rows]
        if missing:
            raise FormatError(
                f"motif {block.id} has no row for {', '.join(missing)}. The file is damaged or cut short.",
                path,
                block.line,
            )
        _add_rows(records, block, [rows[base] for base in BASES])
    return records.finish("JASPAR text", source_of(path, {}))


def read_pfm(path: str | PathLike[str], *, assumed_sites: float = ASSUMED_SITES) -> MotifSet:
    """Motifs from matrices without letters: JASPAR's raw PFM (four rows), HOCOMOCO and GTRD (four columns).

    Which of the two it is follows from the motifs that are not 4 wide; where all are, from which sums agree. Counts
    (PCM) and probabilities (PPM) are told apart by their sums. A single matrix may lack its ``>`` line; the name of the
    file is then its id.

    Args:
        path: The file, plain or gzip.
        assumed_sites: Sites of motifs that are published as probabilities.

    Returns:
        The motifs.

    Raises:
        FormatError: If rows differ in length, a value is negative (log-odds, PWM), or the layout is ambiguous.
    """
    records = MotifRecords(path, assumed_sites)
    blocks = list(_blocks(path))
    matrices = [[numbers(text.split(), path, number) for number, text in block.rows] for block in blocks]
    for block, rows in zip(blocks, matrices, strict=True):
        for (number, _), row in zip(block.rows, rows, strict=True):
            if len(row) != len(rows[0]):
                raise FormatError(
                    f"has {len(row)} values where the first row of {block.id} has {len(rows[0])}. The line is damaged "
                    "or cut short.",
                    path,
                    number,
                )
    bases_in_rows = _bases_in_rows(blocks, matrices, path)
    for block, rows in zip(blocks, matrices, strict=True):
        if bases_in_rows:
            _add_rows(records, block, rows)
        else:
            records.add(block.id, block.name, rows, block.line)
    layout = "PFM with a row a base" if bases_in_rows else "PFM with a row a position (HOCOMOCO, GTRD)"
    return records.finish(layout, source_of(path, {}))


def _blocks(path: str | PathLike[str]) -> Iterable[_Block]:
    block: _Block | None = None
    number, line = 0, ""
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if text.startswith(">"):
            if block is not None:
                yield _filled(block, path)
            block = _Block(text[1:].strip(), number)
        elif text and not text.startswith("#"):
            block = block or _Block(Path(path).name.split(".")[0], number)
            block.rows.append((number, text))
    refuse_cut_row(line, path, number)
    if block is not None:
        yield _filled(block, path)


def _filled(block: _Block, path: str | PathLike[str]) -> _Block:
    if not block.rows:
        raise FormatError(f"motif {block.id} has no matrix. The file is damaged or cut short.", path, block.line)
    return block


def _add_rows(records: MotifRecords, block: _Block, rows: list[list[float]]) -> None:
    """Take in a matrix whose rows are bases."""
    widths = [len(row) for row in rows]
    if len(set(widths)) != 1 or len(rows) != _N_BASES:
        raise FormatError(
            f"motif {block.id} has rows of {', '.join(map(str, widths))} values where A C G T should have as many each."
            " The file is damaged or cut short.",
            records.path,
            block.line,
        )
    records.add(block.id, block.name, list(zip(*rows, strict=True)), block.line)


def _bases_in_rows(blocks: list[_Block], matrices: list[list[list[float]]], path: str | PathLike[str]) -> bool:
    """Whether rows are bases and columns positions, of all motifs of a file."""
    in_rows = [block for block, rows in zip(blocks, matrices, strict=True) if len(rows[0]) != _N_BASES]
    in_columns = [block for block, rows in zip(blocks, matrices, strict=True) if len(rows) != _N_BASES]
    if in_rows and in_columns:
        first, second = in_rows[0], in_columns[0]
        raise FormatError(
            f"{first.id} has {len(first.rows)} rows of other than four values and {second.id} has {len(second.rows)} "
            "rows: a matrix has four rows (one a base) or four columns, and a file only one of the two. It is damaged "
            "or cut short.",
            path,
            max(first.line, second.line),
        )
    if in_rows or in_columns:
        return bool(in_rows)
    # 4 × 4: the sums over the bases of one motif agree, those over its positions need not.
    rows_agree = all(_even(np.array(rows).sum(axis=1)) for rows in matrices)
    columns_agree = all(_even(np.array(rows).sum(axis=0)) for rows in matrices)
    if rows_agree == columns_agree:
        raise FormatError(
            "every matrix is 4 by 4, and its sums do not tell whether rows are bases or positions. Write the letters "
            "before the rows, as JASPAR's text has them.",
            path,
        )
    return columns_agree


def _even(sums: np.ndarray) -> bool:
    return bool(np.ptp(sums) <= 0.01 * np.abs(sums).max())
