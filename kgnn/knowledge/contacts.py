"""`ContactMap`: which stretches of a genome touch which, counted in bins, as Hi-C measures it.

`kgnn.knowledge.read_contacts` makes it; `kgnn.knowledge.balance` and `kgnn.knowledge.distance_decay` normalize it and
choose the contacts that become the edges of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import KgnnError, name_some
from kgnn.knowledge.intervals import Intervals, make_intervals
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# The human genome at 100 bases a bin has 31 million; beyond that, a position or the resolution is wrong.
_MOST_BINS = 100_000_000


@dataclass(frozen=True, eq=False)
class ContactMap:
    """Contacts between bins of a genome.

    A contact stands once, with ``bin_1 <= bin_2``; pairs that are not listed have no contact, unless one of their bins
    is `masked`: of those nothing is known.

    Attributes:
        chromosomes: Names, in the order of the bins.
        bin_chromosome: int32 ``[bin]``, position of the chromosome; never falling.
        bin_start: int64 ``[bin]``, first base, counted from 0.
        bin_end: int64 ``[bin]``, the base after the last one.
        bin_1: int32 ``[contact]``, the lower bin; sorted, then by `bin_2`.
        bin_2: int32 ``[contact]``, the higher bin, or the same.
        values: float64 ``[contact]``, counts, or what they were normalized to.
        resolution: Bases a bin; 0 where bins differ.
        unit: What a value is, such as ``"count"`` or ``"ICE"``.
        weights: float64 ``[bin]``, balancing weights that the file stores, to be multiplied; None where it stores none.
        masked: bool ``[bin]``, bins that a normalization set aside.
        assembly: Genome assembly, ``""`` where unknown.
        provenance: Sources and transformations.
        losses: What reading and later steps left out.
    """

    chromosomes: tuple[str, ...]
    bin_chromosome: np.ndarray
    bin_start: np.ndarray
    bin_end: np.ndarray
    bin_1: np.ndarray
    bin_2: np.ndarray
    values: np.ndarray
    resolution: int
    masked: np.ndarray
    weights: np.ndarray | None = None
    unit: str = "count"
    assembly: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ContactMap) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.bin_start)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of bins, contacts, values and masked bins."""
        arrays = (self.bin_chromosome, self.bin_start, self.bin_end, self.bin_1, self.bin_2, self.values, self.masked)
        return content_fingerprint([*self.chromosomes, "|", self.unit, *(array.tobytes().hex() for array in arrays)])

    @cached_property
    def bins(self) -> Intervals:
        """The bins as intervals, to be joined with genes or peaks; their names are `bin_names`."""
        return make_intervals(
            [self.chromosomes[chromosome] for chromosome in self.bin_chromosome.tolist()],
            self.bin_start,
            self.bin_end,
            names=self.bin_names,
            provenance=self.provenance,
        )

    @cached_property
    def bin_names(self) -> tuple[str, ...]:
        """Such as ``chr1:0-2000000``."""
        rows = zip(self.bin_chromosome.tolist(), self.bin_start.tolist(), self.bin_end.tolist(), strict=True)
        return tuple(f"{self.chromosomes[chromosome]}:{start}-{end}" for chromosome, start, end in rows)

    @cached_property
    def bins_of_chromosome(self) -> Mapping[str, slice]:
        """Where the bins of every chromosome lie."""
        edges = np.searchsorted(self.bin_chromosome, np.arange(len(self.chromosomes) + 1))
        return {name: slice(int(edges[i]), int(edges[i + 1])) for i, name in enumerate(self.chromosomes)}

    @cached_property
    def within_chromosome(self) -> np.ndarray:
        """bool ``[contact]``: both bins lie on one chromosome."""
        return self.bin_chromosome[self.bin_1] == self.bin_chromosome[self.bin_2]

    @property
    def distances(self) -> np.ndarray:
        """int64 ``[contact]``, bases between the starts of two bins; −1 between chromosomes."""
        return np.where(self.within_chromosome, self.bin_start[self.bin_2] - self.bin_start[self.bin_1], -1)

    def take(self, chosen: Sequence[int] | np.ndarray, transformation: str, losses: Sequence[Loss] = ()) -> ContactMap:
        """The map with some of its contacts.

        Args:
            chosen: Positions in rising order, or one bool a contact.
            transformation: What to note in the provenance.
            losses: What was left out.

        Returns:
            A map of the same bins.
        """
        index = np.asarray(chosen)
        index = index if index.dtype == bool else index.astype(np.int64)
        return self.changed(
            transformation, losses, bin_1=self.bin_1[index], bin_2=self.bin_2[index], values=self.values[index]
        )

    def on(self, chromosomes: Sequence[str]) -> ContactMap:
        """The contacts within and between some chromosomes; the bins stay.

        Args:
            chromosomes: Names.

        Returns:
            A map of the same bins.

        Raises:
            KgnnError: If a chromosome is unknown.
        """
        strange = [name for name in chromosomes if name not in self.chromosomes]
        if strange:
            raise KgnnError(f"the map has no chromosome {name_some(strange)}; it has {name_some(self.chromosomes)}.")
        kept = np.array([name in chromosomes for name in self.chromosomes])[self.bin_chromosome]
        return self.take(kept[self.bin_1] & kept[self.bin_2], f"contacts on {name_some(chromosomes)}")

    def to_sparse(self) -> csr_array:
        """The whole symmetric matrix ``[bin, bin]``, for SciPy."""
        from scipy.sparse import csr_array

        off = self.bin_1 != self.bin_2
        rows = np.concatenate([self.bin_1, self.bin_2[off]])
        columns = np.concatenate([self.bin_2, self.bin_1[off]])
        values = np.concatenate([self.values, self.values[off]])
        return csr_array((values, (rows, columns)), shape=(self.n_bins, self.n_bins))

    def changed(self, transformation: str, losses: Sequence[Loss] = (), **fields: Any) -> ContactMap:
        """A copy with other fields, the transformation noted in its provenance and the losses appended."""
        kept = tuple(loss for loss in losses if loss.names)
        return replace(self, **fields, provenance=self.provenance.after(transformation), losses=(*self.losses, *kept))


def make_contact_map(
    lengths: Mapping[str, int],
    resolution: int,
    bin_1: np.ndarray,
    bin_2: np.ndarray,
    values: np.ndarray,
    *,
    assembly: str = "",
    provenance: Provenance | None = None,
    losses: Sequence[Loss] = (),
) -> ContactMap:
    """A map of equal bins from pairs of bins in any order; what stands twice is added up.

    Args:
        lengths: Bases of every chromosome; its last bin may be shorter than the others.
        resolution: Bases a bin.
        bin_1: One bin of every contact.
        bin_2: The other one.
        values: Counts.
        assembly: Genome assembly.
        provenance: Where they come from.
        losses: What was left out.

    Returns:
        The map.

    Raises:
        KgnnError: If bins are negative, not of these chromosomes, or more than a map may have.

    Example:
        >>> import numpy as np
        >>> found = make_contact_map({"chr1": 250}, 100, np.array([2, 0, 0]), np.array([0, 2, 1]), np.ones(3))
        >>> found.bin_names[2], found.bin_1.tolist(), found.bin_2.tolist(), found.values.tolist()
        ('chr1:200-250', [0, 0], [1, 2], [1.0, 2.0])
    """
    counts = {name: -(-length // resolution) for name, length in lengths.items()}
    if sum(counts.values()) > _MOST_BINS:
        longest = max(lengths, key=lambda name: lengths[name])
        raise KgnnError(
            f"{lengths[longest]:,} bases of {longest} at {resolution:,} bases a bin, and {len(counts)} chromosomes in "
            f"all, make {sum(counts.values()):,} bins. Check positions and resolution."
        )
    chromosome = np.repeat(np.arange(len(counts), dtype=np.int32), list(counts.values()))
    starts = [np.arange(count, dtype=np.int64) * resolution for count in counts.values()]
    start = np.concatenate(starts) if starts else np.empty(0, dtype=np.int64)
    end = np.minimum(start + resolution, np.array([*lengths.values()], dtype=np.int64)[chromosome])
    low, high, total = add_up(bin_1, bin_2, values, len(start))
    return ContactMap(
        tuple(lengths),
        chromosome,
        start,
        end,
        low,
        high,
        total,
        resolution,
        masked=np.zeros(len(start), dtype=bool),
        assembly=assembly,
        provenance=provenance or Provenance(),
        losses=tuple(losses),
    )


def add_up(
    bin_1: np.ndarray, bin_2: np.ndarray, values: np.ndarray, n_bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contacts once each, lower bin first, sorted, with the sum of their values.

    Args:
        bin_1: One bin of every contact.
        bin_2: The other one.
        values: Counts.
        n_bins: Number of bins.

    Returns:
        Lower bins, higher bins, sums.

    Raises:
        KgnnError: If a bin is none of these.
    """
    low = np.minimum(bin_1, bin_2).astype(np.int64)
    high = np.maximum(bin_1, bin_2).astype(np.int64)
    if len(low) and (low.min() < 0 or high.max() >= n_bins):
        raise KgnnError(f"contacts name bins {low.min()} to {high.max()}, but there are bins 0 to {n_bins - 1} only.")
    keys = low * n_bins + high
    if (np.diff(keys) > 0).all():
        # As cooler's files are; sorting a hundred million contacts would take longer than reading them.
        return low.astype(np.int32), high.astype(np.int32), np.asarray(values, dtype=np.float64)
    keys, inverse = np.unique(keys, return_inverse=True)
    total = np.bincount(inverse, weights=values, minlength=len(keys)).astype(np.float64)
    return (keys // n_bins).astype(np.int32), (keys % n_bins).astype(np.int32), total
