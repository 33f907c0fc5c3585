"""`linear_neighbors`: windows joined to those beside them, the control of every claim about contacts from afar."""

from __future__ import annotations

import numpy as np

from kgnn.errors import KgnnError
from kgnn.knowledge.contacts import ContactMap


def linear_neighbors(contacts: ContactMap, n: int = 7, *, keep_contacts: bool = False) -> ContactMap:
    """The same bins, each touching the `n` before it and the `n` after it on its chromosome.

    Args:
        contacts: Gives the bins.
        n: Neighbors to each side.
        keep_contacts: Whether the contacts stay beside them.

    Returns:
        A map in which every contact has the value 1.

    Raises:
        KgnnError: If there is no neighbor.

    References:
        Lanchantin & Qi 2020, doi:10.1093/bioinformatics/btaa793 (seven to each side).
    """
    if n < 1:
        raise KgnnError(f"n is {n}, but a bin needs a neighbor. Choose at least 1.")
    first, second = [], []
    for bins in contacts.bins_of_chromosome.values():
        here = np.arange(bins.start, bins.stop)
        for apart in range(1, n + 1):
            first.append(here[:-apart])
            second.append(here[apart:])
    pairs = np.stack([np.concatenate(first), np.concatenate(second)])
    if keep_contacts:
        pairs = np.concatenate([pairs, np.stack([contacts.bin_1, contacts.bin_2])], axis=1)
    pairs = np.unique(pairs, axis=1)
    with_them = " beside the contacts" if keep_contacts else ": a control, no contacts"
    return contacts.changed(
        f"the {n} bins to each side joined{with_them}",
        bin_1=pairs[0].astype(contacts.bin_1.dtype),
        bin_2=pairs[1].astype(contacts.bin_2.dtype),
        values=np.ones(pairs.shape[1]),
    )
