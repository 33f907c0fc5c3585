"""`Intervals`: stretches of a genome with names, as BED, narrowPeak, GTF and GFF3 files hold them.

Readers make them; windows and joins (`kgnn.knowledge.windows`, `kgnn.knowledge.interval_join`) turn them into the
stretches that a sequence model reads and the genes that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint

STRANDS = ("+", "-", ".")
"""Forward, reverse, and none or unknown."""

_LABEL = re.compile(r"(\S+):(\d+)-(\d+)(?=$|[\s(:])")


@dataclass(frozen=True, eq=False)
class Intervals:
    """Half-open stretches ``[start, end)`` of a genome, counted from 0, in the order of their file.

    Attributes:
        chromosomes: Chromosome of every interval, as the file writes it.
        starts: int64 ``[interval]``, first base.
        ends: int64 ``[interval]``, the base after the last one.
        names: Name of every interval, ``""`` where the file gives none; need not be unique.
        scores: float64 ``[interval]``, NaN where the file gives none.
        strands: ``"+"``, ``"-"`` or ``"."``.
        extra: Further columns by name, each with one value an interval.
        provenance: Sources and transformations.
        losses: What reading and later steps left out.
    """

    chromosomes: tuple[str, ...]
    starts: np.ndarray
    ends: np.ndarray
    names: tuple[str, ...]
    scores: np.ndarray
    strands: tuple[str, ...]
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.chromosomes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Intervals) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content; the order of the intervals counts, since data are aligned to it."""
        columns = [f"{name}={values.tolist()}" for name, values in sorted(self.extra.items())]
        parts = (self.chromosomes, self.starts.tolist(), self.ends.tolist(), self.names, self.scores.tolist())
        return content_fingerprint([*parts, self.strands, *columns])

    @property
    def lengths(self) -> np.ndarray:
        """int64 ``[interval]``, bases of each."""
        return self.ends - self.starts

    @property
    def centers(self) -> np.ndarray:
        """int64 ``[interval]``, the middle base; of two, the right one."""
        return (self.starts + self.ends) // 2

    @cached_property
    def of_chromosome(self) -> Mapping[str, np.ndarray]:
        """Positions of the intervals of every chromosome, chromosomes in the order in which they first appear."""
        found: dict[str, list[int]] = {}
        for position, chromosome in enumerate(self.chromosomes):
            found.setdefault(chromosome, []).append(position)
        return {chromosome: np.array(positions, dtype=np.int64) for chromosome, positions in found.items()}

    def label(self, position: int | np.integer) -> str:
        """One interval for a message or a table, such as ``chr1:100-200 (peak_1)``."""
        place = f"{self.chromosomes[position]}:{self.starts[position]}-{self.ends[position]}"
        return f"{place} ({self.names[position]})" if self.names[position] else place

    def take(self, positions: Sequence[int] | np.ndarray, transformation: str = "") -> Intervals:
        """The intervals at some positions, in that order.

        Args:
            positions: Positions, or one bool an interval.
            transformation: What to note in the provenance.

        Returns:
            Fewer (or reordered) intervals with the same columns.
        """
        chosen = np.asarray(positions)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return replace(
            self,
            chromosomes=tuple(self.chromosomes[position] for position in chosen),
            starts=self.starts[chosen],
            ends=self.ends[chosen],
            names=tuple(self.names[position] for position in chosen),
            scores=self.scores[chosen],
            strands=tuple(self.strands[position] for position in chosen),
            extra={name: values[chosen] for name, values in self.extra.items()},
            provenance=self.provenance.after(transformation) if transformation else self.provenance,
        )

    def sorted(self) -> Intervals:
        """The intervals by chromosome, start and end; chromosomes keep the order of their first appearance."""
        rank = {chromosome: place for place, chromosome in enumerate(self.of_chromosome)}
        ranks = np.array([rank[chromosome] for chromosome in self.chromosomes], dtype=np.int64)
        return self.take(np.lexsort((self.ends, self.starts, ranks)), "sorted by position")

    def changed(self, transformation: str, losses: Sequence[Loss] = (), **fields: Any) -> Intervals:
        """A copy with other fields, the transformation noted in its provenance and the losses appended."""
        kept = tuple(loss for loss in losses if loss.names)
        return replace(self, **fields, provenance=self.provenance.after(transformation), losses=(*self.losses, *kept))


def make_intervals(
    chromosomes: Sequence[str],
    starts: Sequence[int] | np.ndarray,
    ends: Sequence[int] | np.ndarray,
    *,
    names: Sequence[str] | None = None,
    scores: Sequence[float] | np.ndarray | None = None,
    strands: Sequence[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    provenance: Provenance | None = None,
    losses: Sequence[Loss] = (),
) -> Intervals:
    """Intervals from columns, checked.

    Args:
        chromosomes: Chromosome of every interval.
        starts: First base of each, counted from 0.
        ends: The base after the last one.
        names: Names; none by default.
        scores: Scores; NaN by default.
        strands: ``"+"``, ``"-"`` or ``"."``; ``"."`` by default.
        extra: Further columns by name.
        provenance: Where they come from.
        losses: What was left out.

    Returns:
        The intervals.

    Raises:
        KgnnError: If columns differ in length, or an interval is empty, negative or on an unknown strand.

    Example:
        >>> make_intervals(["chr1"], [100], [200], names=["peak"]).label(0)
        'chr1:100-200 (peak)'
    """
    n = len(chromosomes)
    columns = {
        "starts": np.asarray(starts, dtype=np.int64),
        "ends": np.asarray(ends, dtype=np.int64),
        "names": tuple([""] * n if names is None else names),
        "scores": np.full(n, np.nan) if scores is None else np.asarray(scores, dtype=np.float64),
        "strands": tuple(["."] * n if strands is None else strands),
    }
    further = {name: np.asarray(values) for name, values in (extra or {}).items()}
    for name, values in {**columns, **further}.items():
        if len(values) != n:
            raise KgnnError(f"{name} has {len(values):,} values for {n:,} intervals. Give one value an interval.")
    made = Intervals(
        tuple(chromosomes), **columns, extra=further, provenance=provenance or Provenance(), losses=tuple(losses)
    )
    wrong = np.flatnonzero((made.starts < 0) | (made.starts >= made.ends))
    if len(wrong):
        raise KgnnError(
            f"{len(wrong):,} of {n:,} intervals are empty or begin before 0: "
            f"{name_some(made.label(position) for position in wrong)}. A start counts from 0 and lies below its end."
        )
    unknown = sorted(set(made.strands) - set(STRANDS))
    if unknown:
        raise KgnnError(f"strands {name_some(unknown)} are not known. Use '+', '-' or '.'.")
    return made


def parse_labels(labels: Sequence[str]) -> Intervals:
    """Intervals from their labels, such as `Intervals.label` and ``bedtools getfasta`` write them.

    Args:
        labels: Each such as ``chr1:100-200``, counted from 0, the end left out; a strand ``(+)`` or a name may follow.

    Returns:
        The intervals, in the order of the labels.

    Raises:
        KgnnError: If a label is of another form.

    Example:
        >>> parse_labels(["chr1:100-200(+)", "chr2:0-50"]).starts.tolist()
        [100, 0]
    """
    found = [_LABEL.match(label) for label in labels]
    wrong = [label for label, one in zip(labels, found, strict=True) if one is None]
    if wrong:
        raise KgnnError(
            f"{len(wrong):,} of {len(labels):,} names are not of the form chr1:100-200: {name_some(wrong)}. Name "
            "windows by where they lie."
        )
    columns = list(zip(*(one.groups() for one in found if one is not None), strict=True)) or [(), (), ()]
    return make_intervals(columns[0], np.array(columns[1], np.int64), np.array(columns[2], np.int64))


def refuse_strangers(wanted: Intervals, known: Sequence[str], where: str) -> None:
    """Refuse intervals on chromosomes that another file does not know, and say so if only the prefix differs.

    Args:
        wanted: The intervals.
        known: Chromosomes of the other file.
        where: The other file, for the message.

    Raises:
        AlignmentError: If a chromosome is unknown.
    """
    names = set(known)
    strange = [chromosome for chromosome in wanted.of_chromosome if chromosome not in names]
    if not strange:
        return
    count = sum(len(wanted.of_chromosome[chromosome]) for chromosome in strange)
    raise AlignmentError(
        f"{where}: has no chromosome {name_some(strange)}, on which {count:,} of {len(wanted):,} intervals lie; it has "
        f"{name_some(known)}. {prefix_hint(strange, names)}"
    )


def prefix_hint(strange: Sequence[str], known: set[str]) -> str:
    """What to do about chromosomes that one file has and another has not.

    Example:
        >>> prefix_hint(["chr1"], {"1", "2"})
        "One file writes 'chr1' and the other '1': make them write chromosomes alike."
    """
    for chromosome in strange:
        other = chromosome.removeprefix("chr") if chromosome.startswith("chr") else f"chr{chromosome}"
        if other in known:
            return f"One file writes {chromosome!r} and the other {other!r}: make them write chromosomes alike."
    return "Take files of the same genome assembly, or leave these intervals out."
