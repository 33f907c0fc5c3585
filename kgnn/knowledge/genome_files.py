"""One door for files of intervals, and what any genome file holds: recognized by content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.bed import BED_WIDTHS, read_bed, read_narrow_peak
from kgnn.knowledge.bigwig import BIGWIG_STARTS, track_facts
from kgnn.knowledge.cool import HDF5_START, has_contacts, read_cool, resolutions_of
from kgnn.knowledge.fasta import read_fasta
from kgnn.knowledge.gene_models import read_genes
from kgnn.knowledge.intervals import Intervals
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import first_bytes, read_lines, source_of
from kgnn.knowledge.vcf import read_variants

INTERVAL_FORMATS = ("bed", "narrowpeak", "gtf", "gff3")

_PROBE_LINES = 200
_PROBE_BYTES = 8192
_FEATURE_COLUMNS = 9
_PEAK_COLUMNS = 10
# Of the highest number that names a chromosome.
_DIGITS = 2


def read_intervals(path: str | PathLike[str], *, format: str | None = None) -> Intervals:
    r"""Intervals of a BED or narrowPeak file, or the genes of a GTF or GFF3 file.

    Args:
        path: The file, plain or gzip.
        format: One of ``"bed"``, ``"narrowpeak"``, ``"gtf"``, ``"gff3"`` to force the format. A file of ten columns is
            taken for narrowPeak if columns 7 to 9 are numbers and column 10 is a whole one.

    Returns:
        The intervals, in the order of the file.

    Raises:
        FormatError: If the file is in none of these formats, or not what its format promises.
        KgnnError: If the choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.narrowPeak"
        ...     size = path.write_text("chr1\t100\t200\tpeak_1\t900\t.\t7.5\t-1\t3.2\t40\n")
        ...     sorted(read_intervals(path).extra)
        ['p_value', 'q_value', 'signal', 'summit']
    """
    if format is not None and format not in INTERVAL_FORMATS:
        raise unknown_choice("format", format, INTERVAL_FORMATS)
    kind = format or _kind_of_text(path)
    if kind in ("gtf", "gff3", "genes"):
        return read_genes(path)
    if kind == "narrowpeak":
        return read_narrow_peak(path)
    if kind == "bed":
        return read_bed(path)
    raise FormatError(
        f"is in none of the formats {', '.join(INTERVAL_FORMATS)}. Check the file, or force one with format=.", path
    )


def genome_file_summary(path: str | PathLike[str], *, resolution: int | None = None) -> dict[str, Any] | None:
    """What a genome file holds: kind, sizes, fingerprint, provenance.

    Args:
        path: FASTA, BED, narrowPeak, GTF, GFF3, VCF, bigWig, .cool or .mcool.
        resolution: Of the contact map to look into.

    Returns:
        A value that `json` can write; None where the file is of none of these kinds.

    Raises:
        FormatError: If it is of such a kind but damaged.
        KgnnError: If the library that reads it is missing.
    """
    start = first_bytes(path, _PROBE_BYTES)
    if start.startswith(HDF5_START):
        # A damaged file is the reader's to refuse, if its name says that it holds contacts.
        named = Path(path).suffix in (".cool", ".mcool")
        return _contacts(path, resolution) if named or has_contacts(path) else None
    if start[:4] in BIGWIG_STARTS:
        return {"kind": "signal", **track_facts(path), "provenance": _provenance(path, "bigWig")}
    if start.startswith(b"PK") or (b"\0" in start and not start.startswith(b"\x1f\x8b")):
        return None
    summarize = _TEXTS.get(_kind_of_text(path))
    return None if summarize is None else summarize(path)


def _contacts(path: str | PathLike[str], resolution: int | None) -> dict[str, Any]:
    found = resolutions_of(path)
    facts: dict[str, Any] = {"kind": "contacts"}
    if resolution is None and len(found) > 1:
        return {**facts, "resolutions": list(found), "provenance": _provenance(path, "cooler file")}
    contacts = read_cool(path, resolution=resolution)
    return {
        **facts,
        "resolution": contacts.resolution,
        "chromosomes": len(contacts.chromosomes),
        "bins": contacts.n_bins,
        "contacts": len(contacts),
        "sum": float(contacts.values.sum()),
        "assembly": contacts.assembly or "not stated",
        "stored_weights": contacts.weights is not None,
        "fingerprint": contacts.fingerprint,
        "provenance": contacts.provenance.to_json(),
    }


def _sequences(path: str | PathLike[str]) -> dict[str, Any]:
    sequences = read_fasta(path)
    letters = Counter[str]()
    for sequence in sequences.sequences:
        letters.update(Counter(sequence.upper()))
    return {
        "kind": "sequences",
        "sequences": len(sequences),
        "shortest": int(sequences.lengths.min()),
        "longest": int(sequences.lengths.max()),
        "bases": int(sequences.lengths.sum()),
        "ambiguous_bases": sum(count for letter, count in letters.items() if letter not in "ACGTU"),
        "distinct_names": len(set(sequences.names)),
        "fingerprint": sequences.fingerprint,
        "provenance": sequences.provenance.to_json(),
    }


def _intervals(path: str | PathLike[str]) -> dict[str, Any]:
    return _of_intervals("intervals", read_intervals(path))


def _genes(path: str | PathLike[str]) -> dict[str, Any]:
    return _of_intervals("genes", read_genes(path))


def _of_intervals(kind: str, intervals: Intervals) -> dict[str, Any]:
    return {
        "kind": kind,
        "intervals": len(intervals),
        "chromosomes": len(intervals.of_chromosome),
        "shortest": int(intervals.lengths.min()),
        "longest": int(intervals.lengths.max()),
        "distinct_names": len(set(intervals.names) - {""}),
        "without_strand": intervals.strands.count("."),
        "fingerprint": intervals.fingerprint,
        "provenance": intervals.provenance.to_json(),
    }


def _variants(path: str | PathLike[str]) -> dict[str, Any]:
    variants = read_variants(path)
    known = variants.dosages >= 0
    return {
        "kind": "variants",
        "variants": len(variants),
        "chromosomes": len(set(variants.chromosomes)),
        "samples": len(variants.samples),
        "missing_genotypes": int(np.sum(~known)),
        "left_out": {loss.reason: len(loss.names) for loss in variants.losses},
        "fingerprint": variants.fingerprint,
        "provenance": variants.provenance.to_json(),
    }


_TEXTS: dict[str, Callable[[str | PathLike[str]], dict[str, Any]]] = {
    "fasta": _sequences,
    "vcf": _variants,
    "genes": _genes,
    "bed": _intervals,
    "narrowpeak": _intervals,
}


def _provenance(path: str | PathLike[str], kind: str) -> dict[str, Any]:
    return Provenance((source_of(path, {}),), (f"recognized as {kind}",)).to_json()


def _kind_of_text(path: str | PathLike[str]) -> str:
    """``"fasta"``, ``"vcf"``, ``"genes"``, ``"narrowpeak"``, ``"bed"`` or ``""``, by the first lines."""
    for line in islice(read_lines(path), _PROBE_LINES):
        if line.startswith(">"):
            return "fasta"
        if line.startswith(("##fileformat=VCF", "#CHROM\tPOS")):
            return "vcf"
        if line.startswith("##gff-version"):
            return "genes"
        if line.startswith(("#", "track", "browser")) or not line.strip():
            continue
        cells = line.rstrip("\n").split("\t")
        if len(cells) == _FEATURE_COLUMNS and _whole(*cells[3:5]) and cells[6] in ("+", "-", ".", "?"):
            return "genes"
        cells = cells if len(cells) > 1 else line.split()
        if len(cells) not in BED_WIDTHS or not _whole(*cells[1:3]):
            return ""
        # Numbers only are a dump of contacts or a network of numbered genes; two pairs of positions are BEDPE.
        numbered = _whole(cells[0]) and (len(cells) == len(("start", "start", "value")) or len(cells[0]) > _DIGITS)
        if (numbered and ".bed" not in Path(path).suffixes) or (
            len(cells) > len(("chromosome", "start", "end", "name", "score")) and _whole(*cells[4:6])
        ):
            return ""
        peak = len(cells) == _PEAK_COLUMNS and all(map(_number, cells[6:9])) and _whole(cells[9].removeprefix("-"))
        return "narrowpeak" if peak else "bed"
    return ""


def _whole(*cells: str) -> bool:
    return all(cell.isascii() and cell.isdigit() for cell in cells)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
