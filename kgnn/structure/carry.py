"""`plan_carry`: where every number of a network on one hierarchy comes from, in a network on another.

Both networks hold their weights in the order of `kgnn.structure.wiring`: by term, then by source (gene, or state of a
child), then by state of the term. Arrays here give, for every place in the new network, the place in the old one, or -1
where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.match import TermMatch
from kgnn.structure.wiring import WeightEnds, child_states, weight_ends


@dataclass(frozen=True, eq=False)
class CarryPlan:
    """Old place of everything in a new network, -1 for what is new.

    Attributes:
        gene: int ``[gene]``.
        term: int ``[term]``.
        state: int ``[state]``: state i of a term goes on from state i of the old one.
        annotation: int ``[annotation]``.
        gene_weight: int ``[weight]``, of the weights from genes.
        child_weight: int ``[weight]``, of the weights from states of children.
        unchanged: bool ``[term]``: the term and everything below it has the same genes, the same children and as many
            states, so that it computes what it did.
    """

    gene: np.ndarray
    term: np.ndarray
    state: np.ndarray
    annotation: np.ndarray
    gene_weight: np.ndarray
    child_weight: np.ndarray
    unchanged: np.ndarray


def plan_carry(
    old: Hierarchy, new: Hierarchy, match: TermMatch, old_states: np.ndarray, new_states: np.ndarray
) -> CarryPlan:
    """Find the old place of everything in a network on a new hierarchy.

    Args:
        old: The hierarchy that the old network was built on.
        new: The new one.
        match: Which term goes on from which.
        old_states: int ``[old term]``, states of every term.
        new_states: int ``[new term]``, the same for the new network.

    Returns:
        The plan.
    """
    position = {gene: index for index, gene in enumerate(old.genes)}
    gene = np.array([position.get(name, -1) for name in new.genes], np.int64)
    term = match.old_of_new.astype(np.int64)
    state = _states(term, old_states, new_states)
    # By (term, gene), as annotations are sorted.
    had = old.annotation_term.astype(np.int64) * old.n_genes + old.annotation_gene
    wanted_term, wanted_gene = term[new.annotation_term], gene[new.annotation_gene]
    wanted = np.where((wanted_term >= 0) & (wanted_gene >= 0), wanted_term * old.n_genes + wanted_gene, -1)
    genes_before, genes_after = (
        weight_ends(each.genes_of_term, states) for each, states in ((old, old_states), (new, new_states))
    )
    below_before, below_after = (
        weight_ends(child_states(each, states), states) for each, states in ((old, old_states), (new, new_states))
    )
    return CarryPlan(
        gene=gene,
        term=term,
        state=state,
        annotation=_find(had, wanted),
        gene_weight=_weights(genes_before, genes_after, gene, state, old_states, old.n_genes),
        child_weight=_weights(below_before, below_after, state, state, old_states, int(old_states.sum())),
        unchanged=_unchanged(old, new, gene, term, old_states, new_states),
    )


def _within(sizes: np.ndarray) -> np.ndarray:
    """0, 1, … in every one of some parts laid end to end."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _states(term: np.ndarray, old_states: np.ndarray, new_states: np.ndarray) -> np.ndarray:
    within = _within(new_states)
    before = np.repeat(term, new_states)
    first = (np.cumsum(old_states) - old_states)[before]
    return np.where((before >= 0) & (within < old_states[before]), first + within, -1)


def _weights(
    before: WeightEnds,
    after: WeightEnds,
    old_source: np.ndarray,
    old_state: np.ndarray,
    old_states: np.ndarray,
    n_sources: int,
) -> np.ndarray:
    """Old place of every weight, by the old places of its ends."""
    term_of_state = np.repeat(np.arange(len(old_states)), old_states)
    most = int(old_states.max(initial=1))
    within = _within(old_states)

    def keys(source: np.ndarray, target: np.ndarray) -> np.ndarray:
        # Rising in the order of the weights: by term, then source, then state.
        return (term_of_state[target] * n_sources + source) * most + within[target]

    source, target = old_source[after.source], old_state[after.target]
    wanted = np.where((source >= 0) & (target >= 0), keys(source, target), -1)
    return _find(keys(before.source, before.target), wanted)


def _find(rising: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Position of every wanted number among rising ones; -1 where it is not among them."""
    if not len(rising):
        return np.full(len(wanted), -1, np.int64)
    place = np.minimum(np.searchsorted(rising, wanted), len(rising) - 1)
    return np.where(rising[place] == wanted, place, -1)


def _unchanged(
    old: Hierarchy,
    new: Hierarchy,
    gene: np.ndarray,
    term: np.ndarray,
    old_states: np.ndarray,
    new_states: np.ndarray,
) -> np.ndarray:
    """Whether each new term, with everything below it, computes what an old one did."""
    unchanged = np.zeros(new.n_terms, bool)
    for position in range(new.n_terms):
        before, children = term[position], new.children_of_term[position]
        unchanged[position] = bool(
            before >= 0
            and old_states[before] == new_states[position]
            and unchanged[children].all()
            and np.array_equal(np.sort(gene[new.genes_of_term[position]]), old.genes_of_term[before])
            and np.array_equal(np.sort(term[children]), old.children_of_term[before])
        )
    return unchanged
