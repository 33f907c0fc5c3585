"""RLIPP: whether a subsystem's state says more about the target than the states below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from kgnn.interpret.ridge import FoldedTargets, out_of_fold_correlation, out_of_fold_prediction
from kgnn.structure import Hierarchy


class Rlipp(NamedTuple):
    """Predictive power of every term and of its children, for every target.

    Attributes:
        rho_parent: ``[term, target]``, correlation of the target with its prediction from the term's own states.
        rho_children: ``[term, target]``, the same from the states of its child terms and the values of its genes.
        null: ``[repetition, term, target]``, the difference of both where the term adds nothing to its children.
    """

    rho_parent: np.ndarray
    rho_children: np.ndarray
    null: np.ndarray


def rlipp(
    hierarchy: Hierarchy,
    term_of_state: np.ndarray,
    states: np.ndarray,
    genes: np.ndarray,
    targets: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    *,
    n_null: int = 0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Rlipp:
    """Relative local improvement in predictive power, both sides of it, and its null.

    In every repetition of the null, what the children do not predict of the target is permuted over the samples, and
    both sides are fitted anew; a mean below 0 (the term forgets something its children know) is moved to 0, so that
    only a gain can stand out. To permute the target itself would be the null of no prediction at all, under which the
    difference scatters several times as much as between two good predictions.

    Children with many more numbers than there are samples predict badly for want of samples, not of information, and
    a term that only sums them up then seems to gain: read both correlations.

    Args:
        hierarchy: The compiled hierarchy.
        term_of_state: int ``[state]``.
        states: ``[sample, state]``.
        genes: ``[sample, gene]``.
        targets: ``[sample, target]``.
        folds: Pairs of training and test positions.
        n_null: Repetitions of the null.
        seed: Of the null.
        progress: Called with the number of terms done and their total.

    Returns:
        Both correlations, and the null of their difference.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014;
        Freedman & Lane 1983, doi:10.1080/07350015.1983.10509354 (permuted residuals).

    Differs from the paper:
        Correlations are those of out-of-fold predictions; the released calculator scores in-sample. Genes count
        among the children. Pearson, not Spearman, so that classes of a one-hot target are served as well.
    """
    order = np.argsort(term_of_state, kind="stable")
    bounds = np.searchsorted(term_of_state[order], np.arange(1, hierarchy.n_terms))
    states_of_term = np.split(order, bounds)
    folded = FoldedTargets(targets, folds)
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(targets)) for _ in range(n_null)]
    # One more row than repetitions: the observed targets come first.
    rho = np.empty((2, 1 + n_null, hierarchy.n_terms, targets.shape[1]))
    # The products are small: on a busy machine, threads that wait for each other take twenty times as long as one.
    with threadpool_limits(limits=1, user_api="blas"):
        for term in range(hierarchy.n_terms):
            below = [states[:, states_of_term[child]] for child in hierarchy.children_of_term[term]]
            children = np.concatenate([*below, genes[:, hierarchy.genes_of_term[term]]], axis=1)
            all_targets = _with_permuted_residuals(children, folded, targets, orders)
            for side, predictors in enumerate((states[:, states_of_term[term]], children)):
                rho[side, :, term] = out_of_fold_correlation(predictors, all_targets).reshape(1 + n_null, -1)
            if progress is not None:
                progress(term + 1, hierarchy.n_terms)
    null = rho[0, 1:] - rho[1, 1:]
    if n_null:
        null -= np.minimum(null.mean(axis=0), 0.0)
    return Rlipp(rho[0, 0], rho[1, 0], null)


def _with_permuted_residuals(
    children: np.ndarray, folded: FoldedTargets, targets: np.ndarray, orders: list[np.ndarray]
) -> FoldedTargets:
    """The targets, and beside them all repetitions of the null."""
    if not orders:
        return folded
    predicted = out_of_fold_prediction(children, folded)
    residual = folded.deviations - predicted
    columns = [targets, *(predicted + residual[order] for order in orders)]
    return FoldedTargets(np.concatenate(columns, axis=1), folded.folds)
