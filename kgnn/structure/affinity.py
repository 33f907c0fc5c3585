"""`Affinity`: what is known of every pair of tokens, for attention that is biased by it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kgnn.errors import KgnnError, unknown_choice
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.graph_matrices import graph_matrix
from kgnn.structure.hierarchy import Hierarchy

AFFINITIES = ("weight", "hops", "both")
MOST_TOKENS = 8_192
"""Tokens whose pairs still fit: the square of them is held several times."""


@dataclass(frozen=True, eq=False)
class Affinity:
    """Prior knowledge of all pairs of tokens; equal to another with the same values.

    Attributes:
        names: What the features of a pair are.
        values: float32 ``[token, token, feature]``, of the token that looks and the one that is looked at.
        allowed: bool ``[token, token]``, which pairs may attend; every token may to itself.
    """

    names: tuple[str, ...]
    values: np.ndarray
    allowed: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affinity) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.sha256(repr((self.names, self.values.shape)).encode())
        digest.update(np.ascontiguousarray(self.values).tobytes())
        digest.update(np.ascontiguousarray(self.allowed).tobytes())
        return digest.digest()


def network_affinity(
    adjacency: Adjacency, kind: str = "both", *, most_hops: int = 3, forbid_far: bool = False
) -> Affinity:
    r"""What a network says of every pair of its nodes.

    Args:
        adjacency: The network, STRING scores or contacts for example; padding is left out.
        kind: ``"weight"``: the weight of the edge, 0 without one, divided by the largest; ``"hops"``: one of
            ``most_hops + 2`` columns is 1, by the length of the shortest path (0 to itself; the last: longer or none);
            ``"both"``.
        most_hops: Longest path that is told from none.
        forbid_far: Whether pairs without a path of at most `most_hops` may not attend.

    Returns:
        The affinity; a receiver looks at its senders.

    Raises:
        KgnnError: If the choice is unknown, there is no hop, or the pairs are too many.

    References:
        Ying et al. 2021 (Graphormer), arXiv:2106.05234.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_adjacency
        >>> network = build_network(["A", "B", "C"], np.array([0, 1]), np.array([1, 2]), weight=np.array([2.0, 1.0]))
        >>> network_affinity(compile_adjacency(network)[0], "weight").values[..., 0].tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.5, 0.0]]
    """
    if kind not in AFFINITIES:
        raise unknown_choice("kind of affinity", kind, AFFINITIES)
    if most_hops < 1:
        raise KgnnError(f"most_hops is {most_hops}, but a neighbor is 1 hop away. Choose at least 1.")
    _refuse_too_many(adjacency.n_nodes)
    matrix = graph_matrix(adjacency, normalized=False).toarray()
    hops = _hops(matrix != 0, most_hops)
    columns, names = [], []
    if kind != "hops":
        weight = matrix / max(float(np.abs(matrix).max()), 1e-12)
        columns, names = [weight[..., None]], ["weight"]
    if kind != "weight":
        # Column 0 is the node itself.
        columns.append(hops[..., None] == np.arange(most_hops + 2))
        names += ["itself", *(f"{n} hops" for n in range(1, most_hops + 1)), "farther"]
    allowed = hops <= most_hops if forbid_far else np.ones_like(hops, dtype=bool)
    return Affinity(tuple(names), np.concatenate(columns, axis=-1).astype(np.float32), allowed)


def hierarchy_affinity(hierarchy: Hierarchy) -> Affinity:
    """Which terms a term may look at in a visible network: itself, and those from which information flows to it.

    Args:
        hierarchy: The hierarchy.

    Returns:
        Three features of a pair (itself, a child, a descendant further down); every other pair is forbidden.

    Raises:
        KgnnError: If the pairs are too many.
    """
    n = hierarchy.n_terms
    _refuse_too_many(n)
    child = np.zeros((n, n), dtype=bool)
    child[hierarchy.relation_parent, hierarchy.relation_child] = True
    below = child.copy()
    for term in range(n):  # children come before their parents
        for lower in np.flatnonzero(child[term]):
            below[term] |= below[lower]
    itself = np.eye(n, dtype=bool)
    values = np.stack([itself, child, below & ~child], axis=-1).astype(np.float32)
    return Affinity(("itself", "child", "descendant"), values, below | itself)


def _hops(joined: np.ndarray, most: int) -> np.ndarray:
    """Length of the shortest path to every node, ``most + 1`` where it is longer."""
    n = len(joined)
    reached = np.eye(n, dtype=bool)
    hops = np.where(reached, 0, most + 1)
    step = (joined | np.eye(n, dtype=bool)).astype(np.float32)
    for length in range(1, most + 1):
        now = (step @ reached.astype(np.float32)) > 0
        hops[now & ~reached] = length
        reached = now
    return hops


def _refuse_too_many(n: int) -> None:
    if n > MOST_TOKENS:
        raise KgnnError(
            f"attention among {n:,} tokens would hold {n * n:,} pairs; at most {MOST_TOKENS:,} tokens fit. Choose "
            "fewer genes, or a graph convolution such as gat, whose cost grows with the edges."
        )
