"""How contacts fall with distance: what is expected, what stands out, and a control that falls the same way.

Two bins touch the more often the nearer they lie, whatever they do. A network on contacts should therefore be held
against one on random contacts of the same distances (`distance_matched`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kgnn.errors import KgnnError, StructureError
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.provenance import Provenance


@dataclass(frozen=True, eq=False)
class DistanceDecay:
    """Mean value of the pairs of bins at every distance, pairs without a contact counted as 0.

    Attributes:
        mean: float64 ``[distance]`` for every chromosome, by bins of distance; NaN where no pair is left.
        pairs: int64 ``[distance]``, pairs of bins that are not masked.
        resolution: Bases a bin.
        provenance: Of the map.
    """

    mean: Mapping[str, np.ndarray]
    pairs: Mapping[str, np.ndarray]
    resolution: int
    provenance: Provenance = field(default_factory=Provenance)


def expected_contacts(contacts: ContactMap, *, pooled: bool = False) -> DistanceDecay:
    """The mean value at every distance within chromosomes.

    Args:
        contacts: Counts or normalized values; pairs of masked bins do not count.
        pooled: One mean for all chromosomes, which is steadier on sparse maps; else one for each.

    Returns:
        Means and numbers of pairs by chromosome.

    Raises:
        StructureError: If bins differ in size, so that distances cannot be compared.

    Example:
        >>> from kgnn.knowledge.contacts import make_contact_map
        >>> found = make_contact_map({"1": 3}, 1, np.array([0, 1]), np.array([1, 2]), np.array([4.0, 2.0]))
        >>> expected_contacts(found).mean["1"].tolist()
        [0.0, 3.0, 0.0]
    """
    refuse_unequal_bins(contacts)
    sums: dict[str, np.ndarray] = {}
    pairs: dict[str, np.ndarray] = {}
    within = contacts.within_chromosome
    apart = (contacts.bin_2 - contacts.bin_1)[within]
    chromosome, values = contacts.bin_chromosome[contacts.bin_1[within]], contacts.values[within]
    for position, (name, part) in enumerate(contacts.bins_of_chromosome.items()):
        n = part.stop - part.start
        mine = chromosome == position
        sums[name] = np.bincount(apart[mine], weights=values[mine], minlength=n)
        pairs[name] = _pairs_apart(~contacts.masked[part])
    if pooled:
        longest = max(map(len, sums.values()), default=0)
        all_sums = sum((_padded(each, longest) for each in sums.values()), np.zeros(longest))
        all_pairs = sum((_padded(each, longest) for each in pairs.values()), np.zeros(longest, dtype=np.int64))
        mean = {name: _ratio(all_sums, all_pairs)[: len(each)] for name, each in sums.items()}
    else:
        mean = {name: _ratio(sums[name], pairs[name]) for name in sums}
    step = "expected by distance, " + ("chromosomes pooled" if pooled else "each chromosome by itself")
    return DistanceDecay(mean, pairs, contacts.resolution, contacts.provenance.after(step))


def observed_over_expected(contacts: ContactMap, *, pooled: bool = False) -> ContactMap:
    """Every contact within a chromosome, divided by the mean at its distance.

    Args:
        contacts: Counts or normalized values.
        pooled: See `expected_contacts`.

    Returns:
        The map without contacts between chromosomes, whose number its provenance states.

    Raises:
        StructureError: If bins differ in size.
    """
    decay = expected_contacts(contacts, pooled=pooled)
    within = contacts.within_chromosome
    step = f"observed over expected, {int(np.sum(~within)):,} contacts between chromosomes left out"
    kept = contacts.take(within, step)
    names = contacts.bins_of_chromosome
    offsets = np.cumsum([0, *(part.stop - part.start for part in names.values())])[:-1]
    means = np.concatenate([decay.mean[name] for name in names])
    expected = means[offsets[kept.bin_chromosome[kept.bin_1]] + kept.bin_2 - kept.bin_1]
    # A contact that is listed with the value 0 at a distance where all are 0 is as expected as it can be.
    ratio = np.divide(kept.values, expected, out=np.zeros_like(kept.values), where=expected > 0)
    return kept.changed("divided by the mean at each distance", values=ratio, unit=f"{contacts.unit} over expected")


def top_contacts(contacts: ContactMap, k: int, *, min_distance: int = 1) -> ContactMap:
    """The strongest contacts within every chromosome.

    Of equal values the lower bins come first, so that the choice is the same everywhere; counts of a sparse map hold
    many equal values, and the choice among those is arbitrary.

    Args:
        contacts: Counts, normalized values or observed over expected.
        k: Contacts a chromosome.
        min_distance: Fewest bases between the starts of two bins; 1 leaves out the contacts of a bin with itself.

    Returns:
        At most `k` contacts on each chromosome; its provenance names the number of chromosomes with fewer.

    Raises:
        KgnnError: If `k` is not positive.
        StructureError: If no contact is left.
    """
    if k < 1:
        raise KgnnError(f"k is {k}. Give the number of contacts a chromosome, 1 or more.")
    positions = np.flatnonzero((contacts.distances >= min_distance) & (contacts.values > 0))
    chromosome = contacts.bin_chromosome[contacts.bin_1[positions]]
    # Contacts lie sorted by bins, and lexsort keeps the order of equal ones.
    order = np.lexsort((-contacts.values[positions], chromosome))
    starts = np.searchsorted(chromosome[order], np.arange(len(contacts.chromosomes)))
    rank = np.arange(len(order)) - starts[chromosome[order]]
    chosen = np.sort(positions[order[rank < k]])
    if not len(chosen):
        raise StructureError(f"no contact within a chromosome spans {min_distance:,} bases. Lower min_distance=.")
    counts = np.bincount(contacts.bin_chromosome[contacts.bin_1[chosen]], minlength=len(contacts.chromosomes))
    step = f"the {k:,} strongest contacts a chromosome, {min_distance:,} bases apart or more"
    fewer = int(np.sum(counts < k))
    return contacts.take(chosen, step + (f" ({fewer} chromosomes have fewer)" if fewer else ""))


def distance_matched(contacts: ContactMap, *, seed: int = 0) -> ContactMap:
    """Random contacts in place of chosen ones: as many on each chromosome at each distance, with the same values.

    None of the given contacts is drawn as long as a chromosome has other pairs of bins at that distance; how many had
    to stay is in the provenance. A result that this control reaches too is due to distance alone.

    Args:
        contacts: Chosen contacts within chromosomes, as from `top_contacts`; masked bins are not drawn.
        seed: Of the draw.

    Returns:
        A map of the same bins with other contacts.

    Raises:
        StructureError: If bins differ in size, or contacts between chromosomes are among those given.
    """
    refuse_unequal_bins(contacts)
    if not contacts.within_chromosome.all():
        count = int(np.sum(~contacts.within_chromosome))
        raise StructureError(
            f"{count:,} contacts lie between chromosomes and have no distance. Use top_contacts first."
        )
    random = np.random.default_rng(seed)
    drawn = contacts.bin_1.astype(np.int64)
    values = contacts.values.copy()
    apart = (contacts.bin_2 - contacts.bin_1).astype(np.int64)
    chromosome = contacts.bin_chromosome[contacts.bin_1]
    stayed = 0
    for name, part in contacts.bins_of_chromosome.items():
        on_it = np.flatnonzero(chromosome == contacts.chromosomes.index(name))
        valid = ~contacts.masked[part]
        for distance in np.unique(apart[on_it]):
            group = on_it[apart[on_it] == distance]
            free = valid[: len(valid) - distance] & valid[distance:]
            free[contacts.bin_1[group] - part.start] = False
            others = np.flatnonzero(free) + part.start
            stay = max(len(group) - len(others), 0)
            stayed += stay
            kept = random.choice(contacts.bin_1[group], stay, replace=False)
            drawn[group] = np.concatenate([random.choice(others, len(group) - stay, replace=False), kept])
            values[group] = random.permutation(values[group])
    order = np.lexsort((drawn + apart, drawn))
    step = f"random contacts of the same chromosomes and distances, seed {seed}"
    return contacts.changed(
        step + (f" ({stayed:,} of {len(contacts):,} stayed: no other pair at their distance)" if stayed else ""),
        bin_1=drawn[order].astype(np.int32),
        bin_2=(drawn + apart)[order].astype(np.int32),
        values=values[order],
    )


def refuse_unequal_bins(contacts: ContactMap) -> None:
    """Refuse a map whose bins cannot tell distances.

    Args:
        contacts: The map.

    Raises:
        StructureError: If its bins differ in size.
    """
    if not contacts.resolution:
        raise StructureError(
            "the bins of this map differ in size, so equal distances cannot be told. Take a map of one resolution."
        )


def _pairs_apart(valid: np.ndarray) -> np.ndarray:
    """How many pairs of valid bins lie 0, 1, 2, … bins apart."""
    n = len(valid)
    spectrum = np.fft.rfft(valid.astype(np.float64), 2 * n)
    return np.rint(np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]).astype(np.int64)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    return np.pad(values, (0, length - len(values)))


def _ratio(sums: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.where(pairs > 0, sums / np.maximum(pairs, 1), np.nan)
