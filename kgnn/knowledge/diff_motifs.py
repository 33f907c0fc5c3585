"""Two releases of a motif set: motifs that came, went, got a new version of their id, or another matrix."""

from __future__ import annotations

import numpy as np

from kgnn.knowledge.diff import Change, Content, ReleaseDiff, compare, in_order, sizes
from kgnn.knowledge.motif import Motif
from kgnn.knowledge.motif_set import MotifSet

PRINTED = 5e-6
"""Frequencies that differ by no more are the same: files of probabilities print six decimals."""


def motif_diff(a: MotifSet, b: MotifSet) -> ReleaseDiff:
    """The changes between two releases of a motif set; see `kgnn.knowledge.diff.diff`.

    An id such as ``MA0139.1`` that is gone while ``MA0139.2`` has come is one change, a ``"new version"``. Matrices are
    compared by their frequencies as far as files print them; the number of sites is no part of it.

    Args:
        a: The older release.
        b: The newer one.

    Returns:
        The changes.
    """
    before, after = (
        Content("motifs", {"motif": {(m.id,): m.name for m in each}}, {"motif": "renamed"}) for each in (a, b)
    )
    found = compare(before, after)
    newest = {_base(change.key[0]): change for change in found if change.change == "added"}
    changes: list[Change] = []
    followed = set()
    for change in found:
        following = newest.get(_base(change.key[0])) if change.change == "removed" else None
        if following is None:
            changes.append(change)
        else:
            followed.add(following.key)
            changes.append(change._replace(change="new version", now=following.key[0]))
    changes = [change for change in changes if change.change != "added" or change.key not in followed]
    for motif in a:
        if motif.id in b and not _same(motif, b[motif.id]):
            changes.append(Change("motif", "matrix changed", (motif.id,), motif.consensus, b[motif.id].consensus))
    return ReleaseDiff("motifs", a.provenance, b.provenance, sizes(before, after), in_order(changes, before.items))


def _base(name: str) -> str:
    """An id without the number of its version."""
    base, dot, version = name.rpartition(".")
    return base if dot and version.isdigit() else name


def _same(one: Motif, other: Motif) -> bool:
    return len(one) == len(other) and bool(np.allclose(one.frequencies, other.frequencies, rtol=0, atol=PRINTED))
