"""Contacts as text: three-column dumps of .hic files (straw, juicer) and BEDPE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from os import PathLike

import numpy as np

from kgnn.errors import AlignmentError, FormatError, KgnnError, name_some
from kgnn.knowledge.bed import whole_number
from kgnn.knowledge.contacts import ContactMap, make_contact_map
from kgnn.knowledge.intervals import prefix_hint
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, read_lines, source_of

_STRAW_COLUMNS = 3
_BEDPE_COLUMNS = 6
_SCORE = 7
_BEDPE_HEADERS = ("chrom1", "chr1\tx1", "chromosome1", "#")
_Place = tuple[str, int]


def read_straw(
    path: str | PathLike[str],
    *,
    chromosomes: str | tuple[str, str],
    resolution: int,
    lengths: Mapping[str, int] | None = None,
) -> ContactMap:
    r"""Contacts of a dump of a .hic file: start of one bin, start of the other, value.

    That is what ``straw`` and ``juicer_tools dump`` write for one pair of chromosomes. The file states neither
    chromosomes nor resolution. Values that are NaN (bins that a normalization has set aside) are left out and counted.

    Args:
        path: The file, plain or gzip.
        chromosomes: The chromosome, or the pair in the order of the columns.
        resolution: Bases a bin.
        lengths: Bases of the chromosomes; without them, each ends with its last bin that has a contact.

    Returns:
        The map.

    Raises:
        FormatError: If a line has not three columns, a start is no multiple of the resolution or beyond its
            chromosome, or a value is no number or negative, with the line.
        AlignmentError: If `lengths` does not know a chromosome.
        KgnnError: If the resolution is not positive.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "chr1.txt"
        ...     size = path.write_text("0\t10000\t4.0\n10000\t10000\t7.0\n")
        ...     read_straw(path, chromosomes="chr1", resolution=10_000).bin_names
        ('chr1:0-10000', 'chr1:10000-20000')
    """
    _refuse_resolution(resolution)
    pair = (chromosomes, chromosomes) if isinstance(chromosomes, str) else tuple(chromosomes)
    if len(pair) != 2 or not all(pair):
        raise KgnnError(f"chromosomes is {chromosomes!r}. Name one chromosome, or a pair of them.")
    comments: list[str] = []
    empty: list[str] = []
    rows: list[tuple[int, int, float]] = []
    for number, first, second, value in _dump_rows(path, comments):
        for start, chromosome in ((first, pair[0]), (second, pair[1])):
            if start % resolution:
                raise FormatError(
                    f"start {start} is no multiple of the resolution {resolution}. Give the resolution of the dump.",
                    path,
                    number,
                )
            _refuse_beyond(chromosome, start, lengths, path, number)
        if math.isnan(value):
            empty.append(f"{pair[0]}:{first} {pair[1]}:{second}")
        else:
            rows.append((first, second, value))
    if not rows:
        raise FormatError("holds no contact with a value.", path)
    starts = np.array([row[:2] for row in rows], dtype=np.int64)
    known = lengths or _ends_of_bins([*zip(pair, starts.max(axis=0).tolist(), strict=True)], resolution)
    known = {name: known[name] for name in dict.fromkeys(pair)}
    offset = _offsets(known, resolution)
    step = f"read as dump of {' and '.join(dict.fromkeys(pair))} at {resolution:,} bases a bin"
    found = make_contact_map(
        known,
        resolution,
        offset[pair[0]] + starts[:, 0] // resolution,
        offset[pair[1]] + starts[:, 1] // resolution,
        np.array([row[2] for row in rows]),
        provenance=Provenance((source_of(path, header_facts(comments)),), (step,)),
        losses=(Loss("contact", "value is NaN", tuple(empty)),) if empty else (),
    )
    return _refuse_repeated(found, len(rows), path)


def read_bedpe(path: str | PathLike[str], *, resolution: int, lengths: Mapping[str, int] | None = None) -> ContactMap:
    r"""Contacts of a BEDPE file, each anchor in the bin of its middle base.

    A numeric score (column 8) is the value; without one, every line counts 1. Lines of the same two bins add up.

    Args:
        path: The file, plain or gzip: chromosome, start, end of either anchor, then name, score and more.
        resolution: Bases a bin.
        lengths: Bases of the chromosomes, in the order of the bins; without them, chromosomes come in the order of the
            file and end with their last bin that has a contact.

    Returns:
        The map. Anchors wider than a bin are counted in its provenance; lines without a second anchor in its losses.

    Raises:
        FormatError: If a line has fewer than six columns or not as many as the first, a position is no number, a
            start not below its end, a score negative, or only some lines have a score, with the line.
        AlignmentError: If `lengths` does not know a chromosome.
        KgnnError: If the resolution is not positive.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "loops.bedpe"
        ...     size = path.write_text("chr1\t0\t1000\tchr1\t5000\t6000\tloop\t12\n")
        ...     found = read_bedpe(path, resolution=1_000)
        >>> found.bin_names[int(found.bin_2[0])], found.values.tolist()
        ('chr1:5000-6000', [12.0])
    """
    _refuse_resolution(resolution)
    comments: list[str] = []
    lost: list[str] = []
    left: list[_Place] = []
    right: list[_Place] = []
    scores: list[float] = []
    wide = 0
    for number, cells in _bedpe_rows(path, comments):
        if "." in (cells[0], cells[3]):
            lost.append(" ".join(cells[:_BEDPE_COLUMNS]))
            continue
        ends = [_anchor(cells[column : column + 3], lengths, path, number) for column in (0, 3)]
        wide += max(length for _, length in ends) > resolution
        left.append((cells[0], ends[0][0]))
        right.append((cells[3], ends[1][0]))
        if len(cells) > _SCORE and cells[_SCORE] not in ("", "."):
            scores.append(_score(cells[_SCORE], path, number))
        if scores and len(scores) != len(left):
            raise FormatError("has a score in column 8 where others have none, or the reverse.", path, number)
    if not left:
        raise FormatError("holds no pair of anchors.", path)
    known = dict(lengths) if lengths else _ends_of_bins(left + right, resolution)
    offset = _offsets(known, resolution)
    bins = [np.array([offset[name] + place // resolution for name, place in side]) for side in (left, right)]
    notes = [
        f"read as BEDPE at {resolution:,} bases a bin, value is {'the score' if scores else 'the number of lines'}"
    ]
    notes += [f"{wide:,} pairs have an anchor wider than a bin; its middle counts"] if wide else []
    return make_contact_map(
        known,
        resolution,
        bins[0],
        bins[1],
        np.array(scores if scores else [1.0] * len(left)),
        provenance=Provenance((source_of(path, header_facts(comments)),), tuple(notes)),
        losses=(Loss("contact", "without a second anchor", tuple(lost)),) if lost else (),
    )


def _dump_rows(path: str | PathLike[str], comments: list[str]) -> Iterator[tuple[int, int, int, float]]:
    """Line, both starts and value."""
    for number, line in enumerate(read_lines(path), 1):
        cells = line.split()
        if not cells or line.startswith("#"):
            comments.append(line)
            continue
        if len(cells) != _STRAW_COLUMNS:
            raise FormatError(
                f"has {len(cells)} columns where a dump has 3 (start, start, value). Is it cut short?", path, number
            )
        first, second = (whole_number(cell, "a start", path, number) for cell in cells[:2])
        yield number, first, second, _value(cells[2], path, number)


def _bedpe_rows(path: str | PathLike[str], comments: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and cells, all of the same number."""
    width = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.lower().startswith(_BEDPE_HEADERS):
            comments.append(line)
            continue
        cells = [cell.strip() for cell in (line.rstrip("\n").split("\t") if "\t" in line else line.split())]
        width = width or len(cells)
        if len(cells) != width or width < _BEDPE_COLUMNS:
            expected = f"{width} as in the first line" if width >= _BEDPE_COLUMNS else "6 or more"
            raise FormatError(f"has {len(cells)} columns instead of {expected}. Is it cut short?", path, number)
        yield number, cells


def _refuse_resolution(resolution: int) -> None:
    if resolution < 1:
        raise KgnnError(f"resolution is {resolution}. Give the number of bases a bin, 1 or more.")


def _anchor(
    cells: list[str], lengths: Mapping[str, int] | None, path: str | PathLike[str], line: int
) -> tuple[int, int]:
    """Middle base and length of an anchor."""
    start, end = (whole_number(cell, "a position", path, line) for cell in cells[1:])
    if start >= end:
        raise FormatError(f"start {start} is not below end {end} on {cells[0]}.", path, line)
    _refuse_beyond(cells[0], (start + end) // 2, lengths, path, line)
    return (start + end) // 2, end - start


def _refuse_beyond(
    chromosome: str, place: int, lengths: Mapping[str, int] | None, path: str | PathLike[str], line: int
) -> None:
    if lengths is None:
        return
    if chromosome not in lengths:
        raise AlignmentError(
            f"{path}, line {line}: chromosome {chromosome} is none of {name_some(lengths)}. "
            + prefix_hint([chromosome], set(lengths))
        )
    if place >= lengths[chromosome]:
        raise FormatError(
            f"position {place:,} lies beyond {chromosome}, which has {lengths[chromosome]:,} bases. "
            "Is this the same assembly?",
            path,
            line,
        )


def _value(text: str, path: str | PathLike[str], line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        raise FormatError(f"value is {text[:40]!r}, not a number.", path, line) from None
    if value < 0 or math.isinf(value):
        raise FormatError(f"value is {text}. Contacts are counted: give 0 or more.", path, line)
    return value


def _score(text: str, path: str | PathLike[str], line: int) -> float:
    value = _value(text, path, line)
    if math.isnan(value):
        raise FormatError("score is NaN. Give a number, or no scores at all.", path, line)
    return value


def _ends_of_bins(places: list[_Place], resolution: int) -> dict[str, int]:
    """Every chromosome up to the end of its last bin with a contact."""
    found: dict[str, int] = {}
    for name, place in places:
        found[name] = max(found.get(name, 0), (place // resolution + 1) * resolution)
    return found


def _offsets(lengths: Mapping[str, int], resolution: int) -> dict[str, int]:
    """The first bin of every chromosome."""
    counts = [-(-length // resolution) for length in lengths.values()]
    return dict(zip(lengths, np.concatenate([[0], np.cumsum(counts)[:-1]]).tolist(), strict=True))


def _refuse_repeated(found: ContactMap, n_lines: int, path: str | PathLike[str]) -> ContactMap:
    if len(found) < n_lines:
        raise FormatError(
            f"names {n_lines - len(found):,} pairs of bins more than once (perhaps both halves of the matrix, or lines "
            "doubled). Keep each pair once.",
            path,
        )
    return found
