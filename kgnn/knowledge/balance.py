"""Contact maps freed of what bins have of their own: how often they are cut, mapped and sequenced.

The weights are computed on `ContactMap` and not by cooler, since a map may come from text; the tests hold them against
`cooler.balance_cooler`.
"""

from __future__ import annotations

import numpy as np

from kgnn.errors import KgnnError, StructureError, name_some, unknown_choice
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.ontology import Loss

NORMALIZATIONS = ("ice", "vc", "sqrtvc", "stored")
"""What `normalize_contacts` knows."""

SCOPES = ("genome", "chromosome")
"""Whether all contacts are normalized at once, or those within each chromosome by themselves."""


def normalize_contacts(
    contacts: ContactMap,
    method: str = "ice",
    *,
    scope: str = "genome",
    ignore_diagonals: int = 2,
    min_contacts: int = 10,
    max_deviation: float = 5.0,
    tolerance: float = 1e-5,
    max_iterations: int = 200,
) -> ContactMap:
    r"""A map in which every value is divided by what its two bins have of their own.

    .. math:: N_{ij} = C_{ij} w_i w_j

    * ``"ice"``: weights that make all rows sum to 1, as cooler computes them. Bins with few contacts are masked.
    * ``"vc"``: :math:`w_i` is one over the row's sum (vanilla coverage); it corrects too much where rows differ widely.
    * ``"sqrtvc"``: one over the root of the row's sum. Both keep the sum of all values.
    * ``"stored"``: the weights that the file holds.

    Args:
        contacts: Counts.
        method: One of `NORMALIZATIONS`.
        scope: ``"chromosome"`` leaves contacts between chromosomes out.
        ignore_diagonals: For ICE, diagonals that do not count: 2 are the contacts of a bin with itself and its
            neighbor, which are mostly artifacts of ligation. Their values are normalized all the same.
        min_contacts: For ICE, bins that touch fewer others are masked.
        max_deviation: For ICE, bins whose sum lies so many median absolute deviations below the median are masked
            (in logarithms, relative to their chromosome); 0 for none.
        tolerance: For ICE, greatest variance of the sums, relative to their mean.
        max_iterations: For ICE.

    Returns:
        The map without the contacts of masked bins, which are named in its losses.

    Raises:
        StructureError: If ICE does not converge, or no bin is left.
        KgnnError: If a choice is unknown, the map is normalized already, or the file stores no weights.

    Example:
        >>> import numpy as np
        >>> from kgnn.knowledge.contacts import make_contact_map
        >>> counts = make_contact_map({"1": 3}, 1, np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([4.0, 8.0, 2.0]))
        >>> ice = normalize_contacts(counts, "ice", ignore_diagonals=0, min_contacts=0, tolerance=1e-12)
        >>> ice.values.round(4).tolist()
        [0.5, 0.5, 0.5]

    References:
        Imakaev et al. 2012, Nature Methods 9:999, doi:10.1038/nmeth.2148 (ICE); Rao et al. 2014, Cell 159:1665,
        doi:10.1016/j.cell.2014.11.021 (VC and its square root).
    """
    if contacts.unit != "count":
        raise KgnnError(f"these contacts are {contacts.unit} already. Normalize the counts that the file holds.")
    if scope not in SCOPES:
        raise unknown_choice("scope", scope, SCOPES)
    settings = (ignore_diagonals, min_contacts, max_deviation, tolerance, max_iterations)
    if method == "ice":
        weights = _ice(contacts, scope, *settings)
    elif method in ("vc", "sqrtvc"):
        weights = _coverage(contacts, scope, 1.0 if method == "vc" else 0.5)
    elif method == "stored":
        weights = _stored(contacts)
    else:
        raise unknown_choice("method", method, NORMALIZATIONS)
    return _weighted(contacts, weights, method, scope)


def _weighted(contacts: ContactMap, weights: np.ndarray, method: str, scope: str) -> ContactMap:
    values = contacts.values * weights[contacts.bin_1] * weights[contacts.bin_2]
    kept = np.isfinite(values)
    step = f"normalized by {method}, {scope} by {scope}" if scope == "chromosome" else f"normalized by {method}"
    if scope == "chromosome":
        between = int(np.sum(kept & ~contacts.within_chromosome))
        step += f", {between:,} contacts between chromosomes left out"
        kept &= contacts.within_chromosome
    masked = ~np.isfinite(weights)
    lost = tuple(contacts.bin_names[position] for position in np.flatnonzero(masked & ~contacts.masked))
    return contacts.changed(
        step,
        [Loss("bin", f"masked by {method}", lost)],
        bin_1=contacts.bin_1[kept],
        bin_2=contacts.bin_2[kept],
        values=values[kept],
        masked=masked,
        weights=weights,
        unit=method,
    )


def _stored(contacts: ContactMap) -> np.ndarray:
    if contacts.weights is None:
        raise KgnnError("the file stores no balancing weights. Choose method='ice', or run cooler balance on it.")
    if not np.isfinite(contacts.weights).any():
        raise StructureError("the file's balancing weights are all missing. Choose method='ice'.")
    return contacts.weights


def _sums(contacts: ContactMap, values: np.ndarray) -> np.ndarray:
    """Row sums of the symmetric matrix."""
    off = contacts.bin_1 != contacts.bin_2
    n = contacts.n_bins
    lower = np.bincount(contacts.bin_1[off], weights=values[off], minlength=n)
    return lower + np.bincount(contacts.bin_2, weights=values, minlength=n)


def _coverage(contacts: ContactMap, scope: str, power: float) -> np.ndarray:
    """One over a power of the row sums, scaled so that the sum of the matrix stays; NaN where a row is empty."""
    values = np.where(contacts.within_chromosome, contacts.values, 0.0) if scope == "chromosome" else contacts.values
    sums = _sums(contacts, values)
    empty = (sums == 0) | contacts.masked
    if empty.all():
        raise StructureError("no bin has a contact. Check the file, or choose scope='genome'.")
    weights = np.where(empty, np.nan, 1.0 / np.where(empty, 1.0, sums) ** power)
    parts = contacts.bins_of_chromosome.values() if scope == "chromosome" else [slice(None)]
    weighed = values * np.nan_to_num(weights[contacts.bin_1] * weights[contacts.bin_2])
    after = _sums(contacts, weighed)
    for part in parts:
        if after[part].sum() > 0:
            weights[part] *= np.sqrt(sums[part][~empty[part]].sum() / after[part].sum())
    return weights


def _ice(
    contacts: ContactMap,
    scope: str,
    ignore_diagonals: int,
    min_contacts: int,
    max_deviation: float,
    tolerance: float,
    max_iterations: int,
) -> np.ndarray:
    """Weights of iterative correction, with the filters and the scale of cooler."""
    # As in cooler, a diagonal is one of the whole genome: the first bin of a chromosome next to the last of another.
    counted = contacts.bin_2 - contacts.bin_1 >= ignore_diagonals
    if scope == "chromosome":
        counted &= contacts.within_chromosome
    values = np.where(counted, contacts.values, 0.0)
    weights = np.where(contacts.masked, 0.0, 1.0)
    weights[_sums(contacts, (values > 0).astype(np.float64)) < min_contacts] = 0
    if max_deviation > 0:
        weights[_far_below(contacts, _sums(contacts, values), max_deviation)] = 0
    parts = contacts.bins_of_chromosome if scope == "chromosome" else {"the genome": slice(None)}
    stuck = []
    for name, part in parts.items():
        within = np.zeros(contacts.n_bins, dtype=bool)
        within[part] = True
        variance = _iterate(contacts, values, weights, within, tolerance, max_iterations)
        if variance >= tolerance:
            stuck.append(f"{name} (variance {variance:.2g})")
    if stuck:
        raise StructureError(
            f"ICE did not converge in {max_iterations} iterations on {name_some(stuck)}. Mask more bins with "
            "min_contacts= or max_deviation=, take a coarser resolution, or raise max_iterations=."
        )
    weights[weights == 0] = np.nan
    if not np.isfinite(weights).any():
        raise StructureError(
            f"every one of {contacts.n_bins:,} bins touches fewer than {min_contacts} others, so ICE masks all. Take a "
            "coarser resolution, or lower min_contacts=."
        )
    return weights


def _iterate(
    contacts: ContactMap,
    values: np.ndarray,
    weights: np.ndarray,
    within: np.ndarray,
    tolerance: float,
    max_iterations: int,
) -> float:
    """Balance the rows of some bins in place; the variance of their sums that is left."""
    mine = np.flatnonzero(within[contacts.bin_1] & within[contacts.bin_2] & (values > 0))
    part = contacts.take(mine, "rows to balance")
    counts, variance, mean = values[mine], 0.0, 1.0
    for _ in range(max_iterations):
        sums = _sums(part, counts * weights[part.bin_1] * weights[part.bin_2])[within]
        filled = sums[sums != 0]
        if not len(filled):
            weights[within] = 0
            return 0.0
        mean = filled.mean()
        relative = sums / mean
        relative[relative == 0] = 1
        weights[within] /= relative
        # cooler measures the variance before it divides, at whatever scale the sums then have.
        variance = float(filled.var())
        if variance < tolerance:
            break
    weights[within] /= np.sqrt(mean)
    return variance


def _far_below(contacts: ContactMap, sums: np.ndarray, max_deviation: float) -> np.ndarray:
    """Bins whose sum, relative to the median of their chromosome, is an outlier to below."""
    relative = sums.copy()
    for part in contacts.bins_of_chromosome.values():
        filled = sums[part][sums[part] > 0]
        if len(filled):
            relative[part] /= np.median(filled)
    filled = relative[relative > 0]
    if not len(filled):
        return np.zeros(len(sums), dtype=bool)
    logs = np.log(filled)
    median = np.median(logs)
    return relative < np.exp(median - max_deviation * np.median(np.abs(logs - median)))
