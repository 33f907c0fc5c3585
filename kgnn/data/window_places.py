"""`place_windows`: which bin of a contact map each window of the samples is, so that contacts are a graph of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kgnn.data.measured import Modality
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.contact_network import contact_network
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.interval_join import overlap
from kgnn.knowledge.intervals import Intervals, make_intervals, parse_labels
from kgnn.knowledge.network import Network

PLACE = "place"
"""The table of one column that says which bin a window is."""
CHROMOSOME = "chromosome"
UNPLACED = ("error", "drop")
_COLUMNS = ((CHROMOSOME, "chrom", "chr"), ("start",), ("end",))


def place_windows(
    contacts: ContactMap | Network, *parts: Samples, unplaced: str = "error"
) -> tuple[Network, tuple[Samples, ...]]:
    """Let windows and the bins of contacts meet, for a network whose samples are windows (ChromeGCN).

    A window is the bin of its name (``chr1:0-1000``, as `read_windows` and ``bedtools getfasta`` name sequences), else
    the bin that holds its middle. Where it lies is said by covariates ``chromosome`` (or ``chrom``), ``start`` and
    ``end``, else by its name; positions count from 0, as in BED. Bins without a window in any part leave the graph, for
    nothing is known of their sequence.

    Args:
        contacts: Contacts between bins, or the network of them.
        *parts: Samples with one table, a row a window: those to train, to validate and to test on.
        unplaced: ``"error"`` or ``"drop"``: windows that lie in no bin.

    Returns:
        The network of the bins that are windows, and the parts with the table ``place`` and, where they have none, the
        covariate ``chromosome``, to split by.

    Raises:
        AlignmentError: If windows lie nowhere, in no bin, or several in one.
        KgnnError: If the choice is unknown.

    Example:
        >>> from kgnn.data import sequence_samples
        >>> from kgnn.knowledge import make_contact_map
        >>> contacts = make_contact_map({"chr1": 30}, 10, np.array([0]), np.array([2]), np.array([4.0]))
        >>> samples = sequence_samples(["AC", "GT"], names=["chr1:20-30", "chr1:1-3"])
        >>> network, (samples,) = place_windows(contacts, samples)
        >>> network.nodes, samples.inputs()["place"][:, 0].tolist()
        (('chr1:0-10', 'chr1:20-30'), [1.0, 0.0])
    """
    if unplaced not in UNPLACED:
        raise unknown_choice("unplaced", unplaced, UNPLACED)
    network = contact_network(contacts) if isinstance(contacts, ContactMap) else contacts
    found = [_bins(part, network.nodes) for part in parts]
    if unplaced == "drop":
        parts = tuple(part.take(bins >= 0) for part, bins in zip(parts, found, strict=True))
        found = [bins[bins >= 0] for bins in found]
    _refuse(parts, found, network.nodes)
    used = np.zeros(network.n_nodes, dtype=bool)
    used[np.concatenate(found)] = True
    kept = network.keep_nodes(used, "no window", f"kept {used.sum():,} of {len(used):,} bins, those that are windows")
    place = np.cumsum(used) - 1
    return kept, tuple(_placed(part, place[bins], network.nodes, bins) for part, bins in zip(parts, found, strict=True))


def with_places(samples: Samples, bins: tuple[str, ...]) -> Samples:
    """Samples with the table ``place``, for a model that was trained on windows of these bins.

    Args:
        samples: With one table, a row a window.
        bins: Names of the nodes of the model's graph.

    Returns:
        The samples.

    Raises:
        AlignmentError: If a window lies in none of them.
    """
    found = _bins(samples, bins)
    _refuse((samples,), [found], bins, several=True)
    return _placed(samples, found, bins, found)


def _refuse(
    parts: Sequence[Samples], found: Sequence[np.ndarray], bins: tuple[str, ...], *, several: bool = False
) -> None:
    """Refuse windows in no bin, and bins with several windows."""
    names, every = [name for part in parts for name in part.names], np.concatenate(found)
    lost = [name for name, place in zip(names, every.tolist(), strict=True) if place < 0]
    if lost or not names:
        raise AlignmentError(
            f"{len(lost):,} of {len(names):,} windows lie in no bin: {name_some(lost)}. The bins are "
            f"{name_some(bins)}. Take contacts of the same assembly, or leave these windows out (unplaced='drop')."
        )
    crowded = [bins[one] for one in np.flatnonzero(np.bincount(every, minlength=len(bins)) > 1).tolist()]
    if crowded and not several:
        raise AlignmentError(
            f"{len(crowded):,} of {len(bins):,} bins hold several windows: {name_some(crowded)}. "
            "Give bins as narrow as the windows (another resolution), or one window a bin."
        )


def _bins(samples: Samples, bins: tuple[str, ...]) -> np.ndarray:
    """Position of the bin of every window, −1 where there is none."""
    if len(samples.modalities) != 1:
        raise AlignmentError(
            f"the samples have the tables {name_some(samples.modalities)}, but a window has one. Leave the others out."
        )
    index = {name: place for place, name in enumerate(bins)}
    found = np.array([index.get(name, -1) for name in samples.names], dtype=np.int64)
    if (found >= 0).all():
        return found
    windows, stretches = _locations(samples), parse_labels(bins)
    met = overlap(make_intervals(windows.chromosomes, windows.centers, windows.centers + 1), stretches)
    by_position = np.full(len(samples), -1)
    by_position[met.left] = met.right
    return np.where(found >= 0, found, by_position)


def _locations(samples: Samples) -> Intervals:
    """Where the windows lie, by covariates or by their names."""
    given = [next((name for name in names if name in samples.covariates), None) for names in _COLUMNS]
    if None not in given:
        chromosome, start, end = (np.asarray(samples.covariates[str(name)]) for name in given)
        return make_intervals(chromosome.astype(str).tolist(), start.astype(np.int64), end.astype(np.int64))
    try:
        return parse_labels(samples.names)
    except KgnnError as error:
        raise AlignmentError(
            f"{error} Or read the covariates chromosome, start and end (--read covariates=chromosome,start,end)."
        ) from None


def _placed(samples: Samples, place: np.ndarray, bins: tuple[str, ...], bin_of_window: np.ndarray) -> Samples:
    every = np.arange(len(samples), dtype=np.int32)
    table = Modality(place.astype(np.float32)[:, None], (PLACE,), samples.names, "signal")
    covariates: dict[str, Any] = dict(samples.covariates)
    if not any(name in covariates for name in _COLUMNS[0]):
        covariates[CHROMOSOME] = np.array(
            [bins[one].rpartition(":")[0] for one in bin_of_window.tolist()], dtype=object
        )
    return replace(
        samples,
        modalities={**samples.modalities, PLACE: table},
        row_of_sample={**samples.row_of_sample, PLACE: every},
        covariates=covariates,
        provenance=samples.provenance.after("windows placed among the bins of contacts"),
    )
