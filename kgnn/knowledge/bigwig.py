"""Signal tracks (bigWig) summed up over windows, through pyBigWig."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge.extras import require
from kgnn.knowledge.intervals import Intervals
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.text import first_bytes, source_of
from kgnn.knowledge.windows import fit_to_chromosomes

_MAGIC = 0x888FFC26

BIGWIG_STARTS = (struct.pack("<I", _MAGIC), struct.pack(">I", _MAGIC))
"""What bigWig files begin with, in either order of bytes."""

# magic, version, zoom levels; then where chromosomes, data and index begin (64 bytes in all).
_HEADER = "IHHQQQ"
_HEADER_BYTES = 64


@dataclass(frozen=True, eq=False)
class Signal:
    """A track over windows.

    Attributes:
        windows: The windows, in the order in which they were asked for.
        mean: float64 ``[window, bin]``, mean over the bases for which the track has a value; NaN where it has none.
            Bins run along the window's strand.
        covered: float64 ``[window, bin]``, share of the bases for which the track has a value.
        provenance: Sources and transformations.
        losses: What was left out.
    """

    windows: Intervals
    mean: np.ndarray
    covered: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of windows and values."""
        return content_fingerprint([self.windows.fingerprint, self.mean.tolist(), self.covered.tolist()])

    @property
    def filled(self) -> np.ndarray:
        """float64 ``[window, bin]``, mean over all bases, those without a value counted as 0."""
        return np.where(self.covered > 0, self.mean, 0.0) * self.covered


def read_signal(
    path: str | PathLike[str], windows: Intervals, *, n_bins: int = 1, out_of_range: str = "error"
) -> Signal:
    """The mean of a bigWig track over windows, from its values and not from its zoom levels.

    A base without a value is not a 0: `Signal.mean` leaves it out, `Signal.filled` takes it for 0 as tracks of read
    counts mean it.

    Args:
        path: A .bigWig or .bw file.
        windows: Where; those on ``"-"`` are read backwards.
        n_bins: Parts of equal size into which each window is cut (sizes differ by a base where it does not divide).
        out_of_range: ``"error"`` names windows that reach beyond their chromosome, ``"drop"`` leaves them out and
            counts them, ``"pad"`` takes bases beyond for bases without a value.

    Returns:
        The signal.

    Raises:
        AlignmentError: If a chromosome is unknown, or a window lies out of range.
        FormatError: If the file is not a bigWig file, or cut short.
        KgnnError: If pyBigWig is missing, a window has fewer bases than bins, or the choice is unknown.
    """
    library = require("pyBigWig", "genome", f"{path}: reading a bigWig file")
    _refuse_damaged(path)
    if n_bins < 1 or (len(windows) and windows.lengths.min() < n_bins):
        raise KgnnError(f"n_bins is {n_bins}, and the shortest window has {windows.lengths.min():,} bases. Take fewer.")
    try:
        with library.open(str(path)) as track:
            lengths = track.chroms()
            kept, _ = fit_to_chromosomes(windows, lengths, out_of_range=out_of_range, where=str(path))
            found = [_of_window(track, kept, position, n_bins, lengths) for position in range(len(kept))]
    except (RuntimeError, OverflowError, MemoryError) as error:
        raise FormatError(f"cannot be read as bigWig ({error}). Download it again.", path) from None
    values = np.array(found, dtype=np.float64).reshape(len(kept), 2, n_bins)
    step = f"mean signal over {n_bins} {'bin' if n_bins == 1 else 'bins'} a window"
    provenance = kept.provenance.join(Provenance((source_of(path, {}),), (step,)))
    return Signal(kept, values[:, 0], values[:, 1], provenance, kept.losses)


def track_facts(path: str | PathLike[str]) -> dict[str, Any]:
    """What the header of a bigWig file states.

    Args:
        path: A .bigWig or .bw file.

    Returns:
        Chromosomes, their bases, bases with a value, and the least and greatest value.

    Raises:
        FormatError: If the file is not a bigWig file, or cut short.
        KgnnError: If pyBigWig is missing.
    """
    library = require("pyBigWig", "genome", f"{path}: reading a bigWig file")
    _refuse_damaged(path)
    try:
        with library.open(str(path)) as track:
            header, lengths = track.header(), track.chroms()
    except RuntimeError as error:
        raise FormatError(f"cannot be read as bigWig ({error}). Download it again.", path) from None
    return {
        "chromosomes": len(lengths),
        "bases": sum(lengths.values()),
        "covered_bases": header["nBasesCovered"],
        "lowest": header["minVal"],
        "highest": header["maxVal"],
    }


def _of_window(track: Any, windows: Intervals, position: int, n_bins: int, lengths: dict[str, int]) -> np.ndarray:
    """Mean and share of covered bases of every bin of one window."""
    chromosome = windows.chromosomes[position]
    start, end = int(windows.starts[position]), int(windows.ends[position])
    values = np.full(end - start, np.nan)
    low, high = max(start, 0), min(end, lengths[chromosome])
    values[low - start : high - start] = track.values(chromosome, low, high, numpy=True)
    if windows.strands[position] == "-":
        values = values[::-1]
    known = np.isfinite(values)
    edges = np.arange(n_bins) * len(values) // n_bins
    sizes = np.diff(np.append(edges, len(values)))
    counts = np.add.reduceat(known.astype(np.int64), edges)
    sums = np.add.reduceat(np.where(known, values, 0.0), edges)
    return np.stack([np.where(counts, sums / np.maximum(counts, 1), np.nan), counts / sizes])


def _refuse_damaged(path: str | PathLike[str]) -> None:
    """Refuse what libBigWig would write to stderr about: another format, or a file that ends before its index."""
    header = first_bytes(path, _HEADER_BYTES)
    if header[:4] not in BIGWIG_STARTS:
        raise FormatError("is not a bigWig file. Unpack it if it is packed; for text, make one of it first.", path)
    order = "<" if header[:4] == BIGWIG_STARTS[0] else ">"
    places = struct.unpack_from(f"{order}{_HEADER}", header.ljust(_HEADER_BYTES, b"\xff"))[3:]
    if len(header) < _HEADER_BYTES or max(places) >= Path(path).stat().st_size:
        raise FormatError("is cut short: it ends before its index. Download it again.", path)
