"""Variants of VCF files: place, alleles and genotypes.

A small reader of our own, since cyvcf2 and pysam bring htslib and want an index or bgzip where a plain gzip is common;
what a network needs is eight columns and the GT field.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.bed import whole_number
from kgnn.knowledge.intervals import Intervals, make_intervals
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.text import read_lines, source_of

_FIXED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_BASES = re.compile(r"[ACGTNacgtn]+")
_ALLELES = re.compile(r"[/|]")


@dataclass(frozen=True, eq=False)
class Variants:
    """Variants in the order of their file, one row an alternative allele.

    Attributes:
        chromosomes: Chromosome of every variant, as the file writes it.
        positions: int64 ``[variant]``, first base of the reference allele, counted from 0 (VCF counts from 1).
        references: Reference allele of each.
        alternatives: Alternative allele of each.
        ids: Such as ``rs334``; ``""`` where the file gives none.
        qualities: float64 ``[variant]``, NaN where missing.
        filters: ``"PASS"``, the filters that failed, or ``""`` where none was applied.
        samples: Names of the samples whose genotypes were read.
        dosages: int8 ``[variant, sample]``, copies of the alternative allele; −1 where the genotype is missing.
        provenance: Sources and transformations.
        losses: What was left out.
    """

    chromosomes: tuple[str, ...]
    positions: np.ndarray
    references: tuple[str, ...]
    alternatives: tuple[str, ...]
    ids: tuple[str, ...]
    qualities: np.ndarray
    filters: tuple[str, ...]
    samples: tuple[str, ...]
    dosages: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.chromosomes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variants) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of variants and genotypes in their order."""
        rows = zip(self.chromosomes, self.positions.tolist(), self.references, self.alternatives, strict=True)
        return content_fingerprint([*rows, "|", *self.samples, "|", self.dosages.tolist()])

    @cached_property
    def intervals(self) -> Intervals:
        """The stretch of every reference allele, to be joined with genes or peaks; names are such as ``1:925:A>G``."""
        ends = self.positions + np.array([len(reference) for reference in self.references], dtype=np.int64)
        alleles = zip(self.chromosomes, self.positions.tolist(), self.references, self.alternatives, strict=True)
        names = [f"{chromosome}:{position + 1}:{ref}>{alt}" for chromosome, position, ref, alt in alleles]
        return make_intervals(
            self.chromosomes, self.positions, ends, names=names, scores=self.qualities, provenance=self.provenance
        )


def read_variants(
    path: str | PathLike[str], *, samples: str | Collection[str] = "all", only_passed: bool = False
) -> Variants:
    r"""Variants and genotypes of a VCF file.

    A line with several alternative alleles becomes as many rows; the dosage counts copies of its own allele. Alleles
    without a sequence (``<DEL>``, ``*``, breakends) are left out and counted. A genotype with a missing allele is
    missing as a whole.

    Args:
        path: The file, plain, gzip or bgzip.
        samples: ``"all"``, or names of the samples to keep, in this order; an empty list reads no genotypes.
        only_passed: Keep the variants whose filter is ``PASS`` or was not applied, and count the others.

    Returns:
        The variants.

    Raises:
        FormatError: If the header is missing, a line has another number of columns, or a position, allele, quality or
            genotype cannot be read, with the line.
        KgnnError: If a sample is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> header = "##fileformat=VCFv4.2\n#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT A B\n"
        >>> text = header + "1 9 rs1 C T,G 50 PASS . GT 0|1 2/2\n"
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.vcf"
        ...     size = path.write_text(text.replace(" ", "\t"))
        ...     read_variants(path).dosages.tolist()
        [[1, 0], [0, 2]]
    """
    header: list[str] = []
    version = ""
    columns: list[int] = []
    chosen: tuple[str, ...] = ()
    rows: list[tuple[str, int, str, str, str, float, str]] = []
    dosages: list[list[int]] = []
    lost: dict[str, list[str]] = {}
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("##"):
            version = version or line.strip().partition("fileformat=")[2]
            continue
        cells = line.rstrip("\n").split("\t")
        if not header:
            header = _header(cells, path, number)
            chosen, columns = _chosen(header[9:], samples, path)
            continue
        if not line.strip():
            continue
        if len(cells) != len(header):
            raise FormatError(f"has {len(cells)} columns where the header has {len(header)}.", path, number)
        place = f"{cells[0]}:{cells[1]} {cells[3]}>{cells[4]}"
        if only_passed and cells[6] not in ("PASS", "."):
            lost.setdefault("filter not passed", []).append(place)
            continue
        fixed = _fixed(cells, path, number)
        genotypes = _genotypes(cells, columns, path, number)
        for allele, alternative in enumerate(cells[4].split(","), 1):
            if not _BASES.fullmatch(alternative):
                reason = "no alternative allele" if alternative == "." else "alternative allele without a sequence"
                lost.setdefault(reason, []).append(place)
                continue
            rows.append((*fixed[:2], fixed[2], alternative, *fixed[3:]))
            dosages.append([-1 if copies is None else copies.count(allele) for copies in genotypes])
    if not header:
        raise FormatError("has no header line that begins with #CHROM. Is it a VCF file?", path)
    columns_of_rows = list(zip(*rows, strict=True)) or [()] * 7
    note = f"read as {version or 'VCF'}, one row an alternative allele"
    return Variants(
        columns_of_rows[0],
        np.array(columns_of_rows[1], dtype=np.int64),
        columns_of_rows[2],
        columns_of_rows[3],
        columns_of_rows[4],
        np.array(columns_of_rows[5], dtype=np.float64),
        columns_of_rows[6],
        chosen,
        np.array(dosages, dtype=np.int8).reshape(len(rows), len(chosen)),
        Provenance((source_of(path, {}),), (note,)),
        tuple(Loss("variant", reason, tuple(names)) for reason, names in lost.items()),
    )


def _header(cells: list[str], path: str | PathLike[str], line: int) -> list[str]:
    if tuple(cells[: len(_FIXED)]) != _FIXED:
        raise FormatError(
            f"begins with {name_some(cells[:3])} where VCF's header line is {' '.join(_FIXED[:3])} …, with tabs.",
            path,
            line,
        )
    repeated = sorted({name for name in cells[9:] if cells[9:].count(name) > 1})
    if repeated:
        raise FormatError(f"names samples twice: {name_some(repeated)}.", path, line)
    return cells


def _chosen(
    present: list[str], samples: str | Collection[str], path: str | PathLike[str]
) -> tuple[tuple[str, ...], list[int]]:
    """Names and columns of the samples to read."""
    wanted = present if samples == "all" else [samples] if isinstance(samples, str) else list(samples)
    strange = [name for name in wanted if name not in present]
    if strange:
        raise KgnnError(f"{path}: has no sample {name_some(strange)}. Its samples are {name_some(present) or 'none'}.")
    return tuple(wanted), [9 + present.index(name) for name in wanted]


def _fixed(cells: list[str], path: str | PathLike[str], line: int) -> tuple[str, int, str, str, float, str]:
    """Chromosome, position, reference, id, quality and filter."""
    position = whole_number(cells[1], "POS", path, line) - 1
    if position < 0 or not cells[0]:
        raise FormatError("names no chromosome, or a position 0. VCF counts from 1.", path, line)
    if not _BASES.fullmatch(cells[3]):
        raise FormatError(f"reference allele is {cells[3][:40]!r}. It is written with A, C, G, T, N.", path, line)
    try:
        quality = np.nan if cells[5] == "." else float(cells[5])
    except ValueError:
        raise FormatError(f"quality is {cells[5][:40]!r}, not a number.", path, line) from None
    return cells[0], position, cells[3], _given(cells[2]), quality, _given(cells[6])


def _given(text: str) -> str:
    return "" if text == "." else text


def _genotypes(
    cells: Sequence[str], columns: Sequence[int], path: str | PathLike[str], line: int
) -> list[list[int] | None]:
    """Allele numbers of every sample; None where one is missing."""
    if not columns:
        return []
    keys = cells[8].split(":")
    if "GT" not in keys:
        return [None] * len(columns)
    place, highest = keys.index("GT"), cells[4].count(",") + 1
    found: list[list[int] | None] = []
    for column in columns:
        fields = cells[column].split(":")
        alleles = _ALLELES.split(fields[place]) if place < len(fields) else ["."]
        if "." in alleles:
            found.append(None)
            continue
        numbers = [int(allele) if allele.isascii() and allele.isdigit() else -1 for allele in alleles]
        if min(numbers) < 0 or max(numbers) > highest:
            raise FormatError(f"genotype {fields[place][:40]!r} is not one of alleles 0 to {highest}.", path, line)
        found.append(numbers)
    return found
