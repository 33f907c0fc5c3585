"""RLIPP: whether a subsystem's state says more about the target than the states below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kgnn.interpret.ridge import FoldedTargets, out_of_fold_correlation
from kgnn.structure import Hierarchy


class Rlipp(NamedTuple):
    """Predictive power of every term and of its children, for every target.

    Attributes:
        rho_parent: ``[term, target]``, correlation of the target with its prediction from the term's own states.
        rho_children: ``[term, target]``, the same from the states of its child terms and the values of its genes.
    """

    rho_parent: np.ndarray
    rho_children: np.ndarray


def rlipp(
    hierarchy: Hierarchy,
    term_of_state: np.ndarray,
    states: np.ndarray,
    genes: np.ndarray,
    targets: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    progress: Callable[[int, int], None] | None = None,
) -> Rlipp:
    """Relative local improvement in predictive power, both sides of it.

    Children with many more numbers than there are samples predict badly for want of samples, not of information, and
    a term that only sums them up then seems to gain: read both correlations.

    Args:
        hierarchy: The compiled hierarchy.
        term_of_state: int ``[state]``.
        states: ``[sample, state]``.
        genes: ``[sample, gene]``.
        targets: ``[sample, target]``.
        folds: Pairs of training and test positions.
        progress: Called with the number of terms done and their total.

    Returns:
        Both correlations.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014.

    Differs from the paper:
        Correlations are those of out-of-fold predictions; the released calculator scores in-sample. Genes count
        among the children. Pearson, not Spearman, so that classes of a one-hot target are served as well.
    """
    order = np.argsort(term_of_state, kind="stable")
    bounds = np.searchsorted(term_of_state[order], np.arange(hierarchy.n_terms + 1))
    states_of_term = [order[bounds[term] : bounds[term + 1]] for term in range(hierarchy.n_terms)]
    folded = FoldedTargets(targets, folds)
    rho_parent = np.empty((hierarchy.n_terms, targets.shape[1]))
    rho_children = np.empty_like(rho_parent)
    for term in range(hierarchy.n_terms):
        rho_parent[term] = out_of_fold_correlation(states[:, states_of_term[term]], folded)
        below = [states[:, states_of_term[child]] for child in hierarchy.children_of_term[term]]
        below.append(genes[:, hierarchy.genes_of_term[term]])
        rho_children[term] = out_of_fold_correlation(np.concatenate(below, axis=1), folded)
        if progress is not None:
            progress(term + 1, hierarchy.n_terms)
    return Rlipp(rho_parent, rho_children)
