"""Synthetic contacts with a planted truth: whether a window is labeled is decided by what touches it from afar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.data.measured import Modality, Targets
from kgnn.data.samples import Samples
from kgnn.knowledge.contacts import ContactMap, make_contact_map
from kgnn.knowledge.provenance import Provenance

RESOLUTION = 1_000


@dataclass(frozen=True)
class ContactToy:
    """Windows, their contacts, and what decides the labels.

    Attributes:
        contacts: Contacts of every window with windows far away on its chromosome.
        samples: Tables ``window`` (features) and ``place`` (position of the window), the label ``active``, and the
            covariate ``chromosome``.
        enhancers: bool ``[window]``: whose contact makes a promoter active.
        promoters: bool ``[window]``: which windows can be active.
    """

    contacts: ContactMap
    samples: Samples
    enhancers: np.ndarray
    promoters: np.ndarray


def toy_contacts(
    n_chromosomes: int = 8, n_windows: int = 120, *, contacts_a_window: int = 2, noise: float = 0.25, seed: int = 0
) -> ContactToy:
    """Windows whose label is 1 if and only if they are promoters and touch an enhancer far away.

    Four windows in five are promoters, one in seven is an enhancer; both can be told from a window's own features, with
    noise. Nothing about the label can be told from windows nearby.

    Args:
        n_chromosomes: Chromosomes of equal length.
        n_windows: Windows of each.
        contacts_a_window: Contacts drawn for each window, at least a quarter of the chromosome away.
        noise: Standard deviation of the features' noise.
        seed: Same arguments and seed, same toy.

    Returns:
        The toy.

    Example:
        >>> toy_contacts(2, 20).samples
        Samples(40 samples; window 40×6, place 40×1; signal; labels: active)
    """
    rng = np.random.default_rng(seed)
    n = n_chromosomes * n_windows
    first = np.repeat(np.arange(n), contacts_a_window)
    within = first % n_windows
    far = rng.integers(n_windows // 4, n_windows - n_windows // 4, len(first))
    second = first - within + (within + far) % n_windows
    lengths = {f"chr{number + 1}": n_windows * RESOLUTION for number in range(n_chromosomes)}
    made = f"toy_contacts(n_chromosomes={n_chromosomes}, n_windows={n_windows}, seed={seed})"
    provenance = Provenance().after(made)
    contacts = make_contact_map(lengths, RESOLUTION, first, second, np.ones(len(first)), provenance=provenance)
    promoters, enhancers = rng.random(n) < 0.8, rng.random(n) < 1 / 7
    touches = np.zeros(n, dtype=bool)
    for one, other in ((contacts.bin_1, contacts.bin_2), (contacts.bin_2, contacts.bin_1)):
        np.logical_or.at(touches, one, enhancers[other])
    features = noise * rng.normal(size=(n, 6))
    features[:, 0] += promoters
    features[:, 1] += enhancers
    names = contacts.bin_names
    windows = Modality(features.astype(np.float32), tuple(f"signal {k}" for k in range(6)), names, "signal")
    place = Modality(np.arange(n, dtype=np.float32)[:, None], ("place",), names, "signal")
    every = np.arange(n, dtype=np.int32)
    active = (promoters & touches).astype(np.float32)[:, None]
    samples = Samples(
        names,
        {"window": windows, "place": place},
        {"window": every, "place": every},
        Targets(active, ("active",), "labels"),
        {"chromosome": np.array([name.split(":")[0] for name in names])},
        provenance,
    )
    return ContactToy(contacts, samples, enhancers, promoters)
