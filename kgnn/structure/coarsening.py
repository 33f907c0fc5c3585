"""`coarsen`: a graph with half as many nodes, again and again, by merging the pairs that are joined most strongly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kgnn.errors import KgnnError
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.graph_matrices import graph_matrix


@dataclass(frozen=True, eq=False)
class Coarsening:
    """A graph and the clusters of a finer one that are its nodes; equal to another over an equal graph.

    Attributes:
        adjacency: The coarser graph, symmetric normalized, without self-loops and padding. The name of a cluster is
            the alphabetically first of its members' names.
        members: int32 ``[cluster, 2]``, the nodes of the finer graph; a cluster of one has it twice.
    """

    adjacency: Adjacency
    members: np.ndarray

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Coarsening)
            and self.adjacency == other.adjacency
            and np.array_equal(self.members, other.members)
        )

    def __hash__(self) -> int:
        return hash((self.adjacency, self.members.tobytes()))


def coarsen(adjacency: Adjacency, n_levels: int) -> tuple[Coarsening, ...]:
    r"""Coarsen a graph by Graclus matching.

    Nodes are visited from the least connected to the most, ties by name, and each is merged with the free neighbor
    that maximizes the local normalized cut

    .. math:: w_{ij} \left( \frac{1}{d_i} + \frac{1}{d_j} \right);

    a node without a free neighbor stays alone. The result depends on names, not on the order of the nodes.

    Args:
        adjacency: The graph; weights count in absolute value, both directions together.
        n_levels: How often to coarsen; each halves the nodes at best.

    Returns:
        The coarser graphs, each over the one before.

    Raises:
        KgnnError: If there is no level.

    References:
        Dhillon, Guan & Kulis 2007, doi:10.1109/TPAMI.2007.1115; Defferrard et al. 2016, arXiv:1606.09375.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_adjacency
        >>> network = build_network(["A", "B", "C"], np.array([0, 1]), np.array([1, 2]), weight=np.array([2.0, 1.0]))
        >>> coarsen(compile_adjacency(network)[0], 1)[0].members.tolist()
        [[0, 0], [1, 2]]
    """
    if n_levels < 1:
        raise KgnnError(f"n_levels is {n_levels}, but there must be a coarser graph. Choose at least 1.")
    levels, finer = [], adjacency.unpadded()
    for _ in range(n_levels):
        levels.append(_coarser(finer))
        finer = levels[-1].adjacency
    return tuple(levels)


def _coarser(finer: Adjacency) -> Coarsening:
    matrix = abs(graph_matrix(finer, normalized=False))
    matrix = (matrix + matrix.T).tocsr()
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    partner = _match(matrix, np.argsort(np.argsort(np.array(finer.nodes))))
    every = np.arange(finer.n_nodes)
    first = np.flatnonzero(every <= partner)
    members = np.stack([first, partner[first]], axis=1).astype(np.int32)
    cluster = np.empty(finer.n_nodes, np.int64)
    cluster[members[:, 0]] = cluster[members[:, 1]] = np.arange(len(members))
    return Coarsening(_merged(finer, matrix.tocoo(), cluster, members), members)


def _match(matrix, rank: np.ndarray) -> np.ndarray:
    """Partner of every node, itself where it stays alone."""
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)
    partner = np.arange(len(degree))
    free = np.ones(len(degree), dtype=bool)
    for node in np.lexsort((rank, degree)):
        if not free[node]:
            continue
        free[node] = False
        here = slice(matrix.indptr[node], matrix.indptr[node + 1])
        near, weight = matrix.indices[here], matrix.data[here]
        near, weight = near[free[near]], weight[free[near]]
        if len(near):
            # Rounding keeps a sum of the same weights in another order from breaking a tie.
            cut = np.round(weight * (inverse[node] + inverse[near]), 12)
            chosen = near[np.lexsort((rank[near], -cut))[0]]
            partner[node], partner[chosen], free[chosen] = chosen, node, False
    return partner


def _merged(finer: Adjacency, matrix, cluster: np.ndarray, members: np.ndarray) -> Adjacency:
    from scipy.sparse import coo_array

    n = len(members)
    ends = (cluster[matrix.row], cluster[matrix.col])
    joined = coo_array((matrix.data, ends), shape=(n, n)).tocsr()
    joined.setdiag(0)
    joined.eliminate_zeros()
    joined.sort_indices()
    receivers = np.repeat(np.arange(n), np.diff(joined.indptr)).astype(np.int32)
    senders, weight = joined.indices.astype(np.int32), joined.data
    degree = np.bincount(receivers, weights=weight, minlength=n)
    named = tuple(min(finer.nodes[one], finer.nodes[other]) for one, other in members)
    return replace(
        finer,
        nodes=named,
        node_types=("cluster",) * n,
        senders=senders,
        receivers=receivers,
        weight=weight,
        coefficient=weight / np.sqrt(degree[receivers] * degree[senders]),
        sign=np.zeros(len(weight), np.int8),
        evidence=np.full(len(weight), -1, np.int32),
        n_edges=len(weight),
        n_padded_nodes=n,
        normalization="symmetric",
    )
