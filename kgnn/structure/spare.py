"""Which edges of a hierarchy go when a share of them is to go: pruning by share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kgnn.errors import StructureError
from kgnn.structure.cut import cut_edges
from kgnn.structure.hierarchy import Hierarchy


class Spared(NamedTuple):
    """Edges to keep when a share goes, annotations first, then relations: bool ``[annotation + relation]``.

    Attributes:
        kept: Whether an edge is kept.
        further: Whether it goes because its gene or term has a more specific one.
    """

    kept: np.ndarray
    further: np.ndarray


def further_edges(hierarchy: Hierarchy) -> np.ndarray:
    """Annotations of a gene besides that to its most specific term, parents of a term besides its most specific one.

    The most specific term is the lowest, and of several that with the fewest genes. No data are looked at, and a
    further edge need not say the same as the first: only a fit of what is left tells whether it was needed. A copy
    counts as the term that it copies.

    Args:
        hierarchy: The hierarchy.

    Returns:
        Positions of edges, the most general first; ``len(annotation_gene)`` is that of the first relation.
    """
    origin = np.arange(hierarchy.n_terms) if hierarchy.copy_of is None else hierarchy.copy_of
    child, parent = origin[hierarchy.relation_child], origin[hierarchy.relation_parent]
    below = np.concatenate([hierarchy.annotation_gene, hierarchy.n_genes + child])
    above = np.concatenate([origin[hierarchy.annotation_term], parent])
    is_copying = np.concatenate([np.zeros(len(hierarchy.annotation_gene), bool), child == parent])
    general = np.lexsort((hierarchy.n_genes_of_term[above], hierarchy.level_of_term[above]))
    general = general[~is_copying[general]]
    _, first = np.unique(below[general], return_index=True)
    return np.delete(general, first)[::-1]


def spare_edges(hierarchy: Hierarchy, n: int, rounds: int, costs_of: Callable[[Hierarchy, int], np.ndarray]) -> Spared:
    """Edges to keep when at least `n` go: first further edges go, then genes that cost least; no more than needed.

    Args:
        hierarchy: The hierarchy.
        n: Number of edges that go, with those that then hang in the air.
        rounds: Times that the costs of genes are asked for anew.
        costs_of: Costs ``[gene]`` on a hierarchy, in a round from 1; asked only if further edges are not enough.

    Returns:
        The edges.

    Raises:
        StructureError: If so many edges cannot go.
    """
    n_edges, further = count_edges(hierarchy), further_edges(hierarchy)
    of_gene = np.concatenate([hierarchy.annotation_gene, np.full(len(hierarchy.relation_child), -1)])
    place_of = {gene: place for place, gene in enumerate(hierarchy.genes)}
    kept = np.ones(n_edges, bool)

    def without_further(number: int) -> np.ndarray:
        return kept & ~np.isin(np.arange(n_edges), further[:number])

    kept = without_further(_fewest(lambda number: _cut(hierarchy, without_further(number)), len(further), n))
    is_further = ~kept
    for number in range(1, rounds + 1):
        now = _after(hierarchy, kept)
        missing = n - (n_edges - count_edges(now))
        if missing <= 0:
            break
        wanted = n - missing + math.ceil(missing / (rounds - number + 1))
        order = np.argsort(costs_of(now, number), kind="stable")
        place = np.array([place_of[now.genes[gene]] for gene in order])

        def without_genes(n_genes: int, place: np.ndarray = place, kept: np.ndarray = kept) -> np.ndarray:
            return kept & ~np.isin(of_gene, place[:n_genes])

        kept = without_genes(_fewest(lambda some: _cut(hierarchy, without_genes(some)), len(order) - 1, wanted))
    most = n_edges - count_edges(_after(hierarchy, kept))
    if most < n:
        raise StructureError(
            f"{n:,} of {n_edges:,} edges are to go, but without {most:,} of them one gene is left. Ask for a smaller "
            "share."
        )
    return Spared(kept, is_further)


def count_edges(hierarchy: Hierarchy) -> int:
    """Annotations and relations together."""
    return len(hierarchy.annotation_gene) + len(hierarchy.relation_child)


def _after(hierarchy: Hierarchy, kept: np.ndarray) -> Hierarchy:
    n_annotations = len(hierarchy.annotation_gene)
    return cut_edges(hierarchy, kept[:n_annotations], kept[n_annotations:])[0]


def _cut(hierarchy: Hierarchy, kept: np.ndarray) -> int:
    """Edges that go, with those that hang in the air; all where no gene reaches the root any more."""
    try:
        return count_edges(hierarchy) - count_edges(_after(hierarchy, kept))
    except StructureError:
        return count_edges(hierarchy)


def _fewest(cut: Callable[[int], int], most: int, n: int) -> int:
    """The smallest number, at most `most`, for which at least `n` edges go; more of it never lets fewer go."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cut(middle) >= n else (middle + 1, high)
    return low
