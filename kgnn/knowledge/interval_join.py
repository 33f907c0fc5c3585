"""Which intervals meet which: overlaps of two sets, and the nearest start of a gene. What meets nothing is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.knowledge.intervals import Intervals, prefix_hint
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.windows import middles, tss_positions


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of intervals that share bases.

    Attributes:
        left: int64 ``[pair]``, position in the first set; sorted, then by `right`.
        right: int64 ``[pair]``, position in the second set.
        bases: int64 ``[pair]``, bases shared.
        provenance: Of both sets.
        losses: Intervals of either set that meet none of the other.
    """

    left: np.ndarray
    right: np.ndarray
    bases: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.left)

    def __str__(self) -> str:
        lost = "; ".join(f"{len(loss.names):,} {loss.reason}" for loss in self.losses)
        return f"{len(self):,} overlaps" + (f"; {lost}" if lost else "")


@dataclass(frozen=True, eq=False)
class NearestGenes:
    """The gene whose start lies nearest to each interval.

    Attributes:
        gene: int64 ``[interval]``, position of the gene; −1 where none was found.
        distance: int64 ``[interval]``, bases from the start of the gene to the interval, along the gene's strand:
            negative is upstream. 0 where no gene was found.
        provenance: Of both sets.
        losses: Intervals without a gene, by reason.
    """

    gene: np.ndarray
    distance: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.gene)

    def __str__(self) -> str:
        lost = "; ".join(f"{len(loss.names):,} {loss.reason}" for loss in self.losses)
        return f"{int(np.sum(self.gene >= 0)):,} of {len(self):,} intervals have a gene" + (f"; {lost}" if lost else "")


def overlap(left: Intervals, right: Intervals, *, min_bases: int = 1, same_strand: bool = False) -> Overlaps:
    """Every pair of intervals that share bases. Neither set need be sorted.

    Args:
        left: Such as peaks.
        right: Such as windows around genes.
        min_bases: Least number of bases that a pair shares.
        same_strand: Only pairs on one strand; intervals without a strand then meet none.

    Returns:
        The pairs; intervals that meet none are in its losses.

    Raises:
        AlignmentError: If the two sets have no chromosome in common.
        KgnnError: If min_bases is not positive.

    Example:
        >>> from kgnn.knowledge.intervals import make_intervals
        >>> peaks = make_intervals(["chr1", "chr1"], [5, 50], [15, 60])
        >>> genes = make_intervals(["chr1"], [10], [30])
        >>> print(overlap(peaks, genes))
        1 overlaps; 1 overlaps none of the second set
    """
    if min_bases < 1:
        raise KgnnError(f"min_bases is {min_bases}. Intervals that share no base do not overlap: give 1 or more.")
    _refuse_strangers_on_both_sides(left, right)
    pairs = [_pairs(left, right, of_left, of_right) for of_left, of_right in _shared(left, right)]
    first = np.concatenate([pair[0] for pair in pairs])
    second = np.concatenate([pair[1] for pair in pairs])
    bases = np.minimum(left.ends[first], right.ends[second]) - np.maximum(left.starts[first], right.starts[second])
    kept = bases >= min_bases
    if same_strand:
        strands = [np.array(side.strands, dtype="U1") for side in (left, right)]
        kept &= (strands[0][first] == strands[1][second]) & (strands[0][first] != ".")
    first, second, bases = first[kept], second[kept], bases[kept]
    order = np.lexsort((second, first))
    losses = [
        Loss("interval", f"overlaps none of the {other} set", tuple(side.label(position) for position in alone))
        for side, other, alone in (
            (left, "second", np.setdiff1d(np.arange(len(left)), first)),
            (right, "first", np.setdiff1d(np.arange(len(right)), second)),
        )
    ]
    provenance = left.provenance.join(right.provenance).after(f"joined by overlaps of {min_bases} bases or more")
    kept_losses = tuple(loss for loss in losses if loss.names)
    return Overlaps(first[order], second[order], bases[order], provenance, kept_losses)


def nearest_gene(
    intervals: Intervals, genes: Intervals, *, on: str = "center", max_distance: int | None = None
) -> NearestGenes:
    """The gene whose start of transcription lies nearest to each interval.

    Nearness says nothing of regulation: many enhancers skip the nearest gene. Of two genes equally far, the one that
    comes first in `genes` is taken.

    Args:
        intervals: Such as peaks.
        genes: From `read_genes`; those without a strand have no start and are passed over.
        on: What stands for an interval: its ``"center"``, or the ``"summit"`` of a narrowPeak file.
        max_distance: Farthest that a gene may lie, in bases.

    Returns:
        One gene an interval; intervals without one are in its losses.

    Raises:
        AlignmentError: If the two sets have no chromosome in common.
        KgnnError: If the choice is unknown or summits are missing.

    Example:
        >>> from kgnn.knowledge.intervals import make_intervals
        >>> genes = make_intervals(["1", "1"], [100, 900], [300, 990], strands=["+", "-"])
        >>> found = nearest_gene(make_intervals(["1", "1"], [90, 1000], [93, 1003]), genes)
        >>> found.gene.tolist(), found.distance.tolist()
        ([0, 1], [-9, -12])
    """
    places = middles(intervals, on)
    tss = tss_positions(genes)
    _refuse_strangers_on_both_sides(intervals, genes)
    gene = np.full(len(intervals), -1, dtype=np.int64)
    distance = np.zeros(len(intervals), dtype=np.int64)
    forward = np.array(genes.strands, dtype="U1") == "+"
    for of_interval, of_gene in _shared(intervals, genes):
        stranded = of_gene[tss[of_gene] >= 0]
        if len(stranded):
            found = _nearest(places[of_interval], tss[stranded])
            gene[of_interval] = stranded[found]
            away = places[of_interval] - tss[stranded[found]]
            distance[of_interval] = np.where(forward[stranded[found]], away, -away)
    alone = np.flatnonzero(gene < 0)
    far = np.flatnonzero(np.abs(distance) > max_distance) if max_distance is not None else np.empty(0, dtype=np.int64)
    gene[far], distance[far] = -1, 0
    losses = (
        Loss("interval", "on a chromosome without genes", tuple(intervals.label(position) for position in alone)),
        Loss("interval", f"farther than {max_distance} from a gene", tuple(intervals.label(each) for each in far)),
    )
    provenance = intervals.provenance.join(genes.provenance).after(f"nearest start of a gene, from the {on}")
    return NearestGenes(gene, distance, provenance, tuple(loss for loss in losses if loss.names))


def _refuse_strangers_on_both_sides(left: Intervals, right: Intervals) -> None:
    if set(left.of_chromosome) & set(right.of_chromosome):
        return
    raise AlignmentError(
        f"no chromosome is in both sets: the first has {name_some(left.of_chromosome) or 'none'}, the second "
        f"{name_some(right.of_chromosome) or 'none'}. {prefix_hint(list(left.of_chromosome), set(right.of_chromosome))}"
    )


def _shared(left: Intervals, right: Intervals) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions in either set on every chromosome that both have."""
    for chromosome, positions in left.of_chromosome.items():
        if chromosome in right.of_chromosome:
            yield positions, right.of_chromosome[chromosome]


def _pairs(
    left: Intervals, right: Intervals, of_left: np.ndarray, of_right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping pairs on one chromosome."""
    ordered = of_right[np.argsort(right.starts[of_right], kind="stable")]
    # Ends rise only in their running maximum: whatever ends before it is passed cannot reach any later interval.
    reach = np.maximum.accumulate(right.ends[ordered])
    low = np.searchsorted(reach, left.starts[of_left], side="right")
    high = np.searchsorted(right.starts[ordered], left.ends[of_left], side="left")
    counts = np.maximum(high - low, 0)
    first = np.repeat(of_left, counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    second = ordered[np.repeat(low, counts) + within]
    meet = right.ends[second] > left.starts[first]
    return first[meet], second[meet]


def _nearest(places: np.ndarray, tss: np.ndarray) -> np.ndarray:
    """Position in `tss` of the start nearest to each place; of equal ones the first."""
    order = np.argsort(tss, kind="stable")
    # Of genes that share a start, the first in the file stands for all.
    values, first = np.unique(tss[order], return_index=True)
    candidates = order[first]
    right = np.searchsorted(values, places, side="left")
    left = np.maximum(right - 1, 0)
    right = np.minimum(right, len(values) - 1)
    to_left, to_right = np.abs(places - values[left]), np.abs(places - values[right])
    tie = to_left == to_right
    pick_left = (to_left < to_right) | (tie & (candidates[left] < candidates[right]))
    return candidates[np.where(pick_left, left, right)]
