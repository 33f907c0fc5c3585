"""Windows on a genome: around starts of genes and centers of peaks, and what lies beyond the end of a chromosome."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import numpy as np

from kgnn.errors import AlignmentError, FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.bed import whole_number
from kgnn.knowledge.intervals import Intervals, refuse_strangers
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.text import read_lines

OUT_OF_RANGE = ("error", "drop", "pad")
"""What to do with a window that reaches beyond its chromosome."""


def tss_positions(genes: Intervals) -> np.ndarray:
    """The first transcribed base of every gene: the first of its interval on the forward strand, else the last.

    Args:
        genes: From `read_genes`.

    Returns:
        int64 ``[gene]``, counted from 0; −1 where the strand is unknown.
    """
    strands = np.array(genes.strands, dtype="U1")
    return np.where(strands == "+", genes.starts, np.where(strands == "-", genes.ends - 1, -1))


def tss_windows(genes: Intervals, upstream: int = 2_000, downstream: int = 500) -> Intervals:
    """Windows around the start of every gene, in the direction of its strand.

    A window holds `upstream` bases before the first transcribed base, that base, and `downstream` bases after it. It
    may begin below 0 (`read_windows` and `read_signal` say so); `Intervals.extra` keeps the genes' columns and gains
    ``tss``. Genes without a strand have no start and are left out and counted.

    Args:
        genes: From `read_genes`.
        upstream: Bases before the start.
        downstream: Bases after it.

    Returns:
        One window a gene, on the gene's strand, under the gene's name.

    Raises:
        KgnnError: If a number is negative, or no gene has a strand.

    Example:
        >>> from kgnn.knowledge.intervals import make_intervals
        >>> gene = make_intervals(["chr1"], [1000], [5000], names=["A"], strands=["-"])
        >>> tss_windows(gene, upstream=100, downstream=20).label(0)
        'chr1:4979-5100 (A)'
    """
    if upstream < 0 or downstream < 0:
        raise KgnnError(f"upstream is {upstream} and downstream {downstream}. Give numbers of bases, 0 or more.")
    tss = tss_positions(genes)
    lost = tuple(genes.label(position) for position in np.flatnonzero(tss < 0))
    kept = genes.take(tss >= 0)
    if not len(kept):
        raise KgnnError(f"none of {len(genes):,} genes has a strand, so none has a start. Take a GTF or GFF3 file.")
    tss = tss[tss >= 0]
    forward = np.array(kept.strands, dtype="U1") == "+"
    return kept.changed(
        f"windows of {upstream} bases before and {downstream} after the start of transcription",
        [Loss("gene", "without a strand", lost)],
        starts=np.where(forward, tss - upstream, tss - downstream),
        ends=np.where(forward, tss + downstream, tss + upstream) + 1,
        extra={**kept.extra, "tss": tss},
    )


def centered_windows(intervals: Intervals, length: int, *, on: str = "center") -> Intervals:
    """Windows of one length around intervals, such as peaks.

    Args:
        intervals: The intervals.
        length: Bases of every window. Of an even number, the middle is the right one of two.
        on: ``"center"``, or ``"summit"`` for the column of `read_narrow_peak`.

    Returns:
        As many windows with the same names and columns; they may reach beyond their chromosome.

    Raises:
        KgnnError: If the length is not positive, the choice is unknown or summits are missing.

    Example:
        >>> from kgnn.knowledge.intervals import make_intervals
        >>> centered_windows(make_intervals(["chr1"], [100], [200]), 10).label(0)
        'chr1:145-155'
    """
    if length < 1:
        raise KgnnError(f"length is {length}. Give a number of bases, 1 or more.")
    middle = middles(intervals, on)
    starts = middle - length // 2
    return intervals.changed(f"windows of {length} bases around the {on}", starts=starts, ends=starts + length)


def middles(intervals: Intervals, on: str = "center") -> np.ndarray:
    """The base that stands for every interval.

    Args:
        intervals: The intervals.
        on: ``"center"`` or ``"summit"``.

    Returns:
        int64 ``[interval]``.

    Raises:
        KgnnError: If the choice is unknown or summits are missing.
    """
    if on == "center":
        return intervals.centers
    if on != "summit":
        raise unknown_choice("on", on, ("center", "summit"))
    summit = intervals.extra.get("summit")
    if summit is None or np.any(summit < 0):
        count = len(intervals) if summit is None else int(np.sum(summit < 0))
        raise KgnnError(f"{count:,} of {len(intervals):,} intervals have no summit. Use on='center'.")
    return summit


def fit_to_chromosomes(
    windows: Intervals, lengths: Mapping[str, int], *, out_of_range: str = "error", where: str = "the genome"
) -> tuple[Intervals, np.ndarray]:
    """Windows that a genome can answer for: on its chromosomes, and inside them or named.

    Args:
        windows: The windows.
        lengths: Bases of every chromosome.
        out_of_range: ``"error"`` names the windows that reach beyond their chromosome; ``"drop"`` leaves them out and
            counts them; ``"pad"`` keeps those that share a base with their chromosome, for the caller to fill.
        where: What the chromosomes belong to, for the message.

    Returns:
        The windows that are left, with losses; and int64 ``[window]``, the position that each had.

    Raises:
        AlignmentError: If a chromosome is unknown, or a window lies out of range and is not to be dropped.
        KgnnError: If the choice is unknown.
    """
    if out_of_range not in OUT_OF_RANGE:
        raise unknown_choice("out_of_range", out_of_range, OUT_OF_RANGE)
    refuse_strangers(windows, list(lengths), where)
    limits = np.array([lengths[chromosome] for chromosome in windows.chromosomes], dtype=np.int64)
    wrong = (windows.starts < 0) | (windows.ends > limits)
    if out_of_range == "pad":
        wrong = (windows.ends <= 0) | (windows.starts >= limits)
    if not wrong.any():
        return windows, np.arange(len(windows))
    named = tuple(windows.label(position) for position in np.flatnonzero(wrong))
    if out_of_range != "drop":
        ends = {windows.chromosomes[position]: int(limits[position]) for position in np.flatnonzero(wrong)}
        long = name_some(f"{chromosome} has {length:,} bases" for chromosome, length in ends.items())
        raise AlignmentError(
            f"{where}: {len(named):,} of {len(windows):,} windows reach beyond their chromosome: {name_some(named)} "
            f"({long}). Shorten them, or pass out_of_range='drop' or 'pad'."
        )
    kept = windows.take(~wrong).changed("dropped windows out of range", [Loss("window", "out of range", named)])
    return kept, np.flatnonzero(~wrong)


def read_chromosome_lengths(path: str | PathLike[str]) -> dict[str, int]:
    r"""Chromosomes and their lengths: a ``chrom.sizes`` file, or the ``.fai`` index of a FASTA file.

    Args:
        path: Columns chromosome, length (and, in an index, three more).

    Returns:
        Bases by chromosome, in the order of the file.

    Raises:
        FormatError: If a line is not of this form or a chromosome comes twice, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "sacCer3.chrom.sizes"
        ...     size = path.write_text("chrI\t230218\nchrM\t85779\n")
        ...     read_chromosome_lengths(path)
        {'chrI': 230218, 'chrM': 85779}
    """
    found: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        cells = line.split()
        if not cells or line.startswith("#"):
            continue
        if len(cells) not in (2, 5):
            raise FormatError(f"has {len(cells)} columns instead of 2 (chromosome, length).", path, number)
        if cells[0] in found:
            raise FormatError(f"chromosome {cells[0]} comes twice. Keep one line for each.", path, number)
        found[cells[0]] = whole_number(cells[1], "length", path, number)
    return found
