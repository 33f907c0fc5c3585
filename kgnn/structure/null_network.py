"""Null networks and null motifs: of a graph the degrees are kept, of a motif its columns, and their order is chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.structure.adjacency import Adjacency
from kgnn.structure.compile_adjacency import normalized
from kgnn.structure.kernels import Kernels

ROUNDS = 12
"""Rounds of swaps, in each of which every edge is offered one; more no longer change how few edges stay."""


def rewire_edges(adjacency: Adjacency, seed: int) -> Adjacency:
    """The same nodes with as many edges each, to partners at random.

    Two edges at a time swap their ends where that makes neither a self-loop nor an edge that is there already. An edge
    that is there in both directions stays so, and any other keeps its direction; weights, signs and evidence travel
    with the edge from its sender. Self-loops stay. What a network on it predicts as well as on the real one is owed to
    the degrees at most, not to who is joined with whom.

    Args:
        adjacency: The real one, with padding or without.
        seed: Of the swaps.

    Returns:
        The null graph, with coefficients normalized anew.

    References:
        Maslov & Sneppen 2002, Science 296:910, doi:10.1126/science.1065103.
    """
    bare = adjacency.unpadded()
    n = np.int64(bare.n_nodes)
    senders, receivers = bare.senders.astype(np.int64), bare.receivers.astype(np.int64)
    forward, backward = senders * n + receivers, receivers * n + senders
    loop = senders == receivers
    # Parallel edges have no partner of their own in the other direction, so each goes its way alone.
    mutual = np.isin(forward, backward) & ~loop & ~_repeated(forward) & ~np.isin(backward, forward[_repeated(forward)])
    random = np.random.default_rng(seed)
    moved = receivers.copy()
    one_way = np.flatnonzero(~mutual & ~loop)
    pairs = np.flatnonzero(mutual & (senders < receivers))
    back = _places_of(forward, backward[pairs])
    for _ in range(ROUNDS):
        taken = senders * n + moved
        moved[one_way] = swapped(senders[one_way], moved[one_way], taken, n, random, both_ways=False)
        flip = random.random(len(pairs)) < 0.5
        pairs[flip], back[flip] = back[flip], pairs[flip]
        taken = senders * n + moved
        moved[pairs] = swapped(senders[pairs], moved[pairs], taken, n, random, both_ways=True)
        senders[back], moved[back] = moved[pairs], senders[pairs]
    order = np.lexsort((senders, moved))
    rewired = replace(
        bare,
        senders=senders[order].astype(np.int32),
        receivers=moved[order].astype(np.int32),
        **{name: getattr(bare, name)[order] for name in ("weight", "sign", "evidence")},
        provenance=bare.provenance.after(f"edges rewired with seed {seed}: a null, not knowledge"),
    )
    coefficient = normalized(rewired.senders, rewired.receivers, rewired.weight, bare.n_nodes, bare.normalization)
    rewired = replace(rewired, coefficient=coefficient)
    if adjacency.n_padded_nodes > bare.n_nodes or adjacency.n_padded_edges > bare.n_edges:
        return rewired.pad(adjacency.n_padded_nodes, adjacency.n_padded_edges)
    return rewired


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Which keys are there more than once."""
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[place] > 1


def _places_of(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Position among the keys of every wanted one."""
    order = np.argsort(keys, kind="stable")
    return order[np.searchsorted(keys[order], wanted)]


def swapped(
    senders: np.ndarray, receivers: np.ndarray, taken: np.ndarray, n: np.int64, random: np.random.Generator,
    *, both_ways: bool,
) -> np.ndarray:  # fmt: skip
    """Receivers after one round of swaps between edges that were paired at random.

    Args:
        senders: int64 ``[edge]``.
        receivers: int64 ``[edge]``.
        taken: ``sender * n + receiver`` of all edges that there are, these and others.
        n: Number of nodes.
        random: Where the pairs come from.
        both_ways: Whether every edge stands for itself and its reverse.

    Returns:
        int64 ``[edge]``.
    """
    receivers = receivers.copy()
    n_pairs = len(senders) // 2
    order = random.permutation(len(senders))
    a, b = order[:n_pairs], order[n_pairs : 2 * n_pairs]
    new_a, new_b = senders[a] * n + receivers[b], senders[b] * n + receivers[a]
    fine = (senders[a] != receivers[b]) & (senders[b] != receivers[a])
    fine &= ~np.isin(new_a, taken) & ~np.isin(new_b, taken)
    if both_ways:
        back_a, back_b = receivers[b] * n + senders[a], receivers[a] * n + senders[b]
        fine &= ~np.isin(back_a, taken) & ~np.isin(back_b, taken)
        new_a, new_b = np.minimum(new_a, back_a), np.minimum(new_b, back_b)
    # Of swaps of one round that would make the same edge, the first is kept.
    proposed = np.concatenate([new_a, new_b])
    counts = np.unique(proposed[np.tile(fine, 2)], return_counts=True)
    twice = counts[0][counts[1] > 1]
    fine &= ~np.isin(new_a, twice) & ~np.isin(new_b, twice)
    a, b = a[fine], b[fine]
    receivers[a], receivers[b] = receivers[b], receivers[a]
    return receivers


def shuffle_motifs(kernels: Kernels, seed: int) -> Kernels:
    """The same filters with the positions of every motif in another order.

    The bases that a motif likes, and how much, stay; their order is chance. A filter of the reverse strand stays the
    reverse complement of its motif.

    Args:
        kernels: The real ones.
        seed: Of the shuffle.

    Returns:
        The null filters.
    """
    random = np.random.default_rng(seed)
    values = kernels.values.copy()
    forward: dict[str, np.ndarray] = {}
    for number, (motif, strand) in enumerate(zip(kernels.motifs, kernels.strands, strict=True)):
        start, width = int(kernels.motif_start[number]), int(kernels.motif_width[number])
        own = slice(start, start + width)
        if strand == "-" and motif in forward:
            # Turning both axes around is the reverse complement, since A pairs with T and C with G.
            values[number, own] = forward[motif][::-1, ::-1]
        else:
            forward[motif] = values[number, own] = random.permutation(values[number, own], axis=0)
    return replace(
        kernels,
        values=values,
        provenance=kernels.provenance.after(f"motif positions shuffled with seed {seed}: a null, not knowledge"),
    )
