"""`subsystem_activity`: one number a subsystem and sample, from states that are vectors, for pictures and tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgnn.data.samples import Samples
from kgnn.perturb.forward import wild_type
from kgnn.train.run import Run


class Activity(NamedTuple):
    """One number a subsystem and sample.

    Attributes:
        values: float32 ``[sample, term]``, mean 0 and standard deviation 1 over the samples; 0 where a subsystem's
            state is the same in all.
        shown: Share of the variance of the states that the number shows, ``[term]``; 1 for a single state.
    """

    values: np.ndarray
    shown: np.ndarray


def subsystem_activity(run: Run, samples: Samples, states: np.ndarray | None = None) -> Activity:
    """First principal component of each subsystem's states over samples, standardized.

    A component has no sign of its own. It is turned so that it rises with the mean of the subsystem's genes (each
    standardized over the samples). Where `shown` is low, the number leaves out most of what the states say; and since
    the component is that of these samples, numbers of two sets of samples are not on one scale.

    Args:
        run: A run with a hierarchy.
        samples: With the genes of the model; at least two.
        states: Of these samples ``[sample, state]``, where they are known already.

    Returns:
        The numbers.

    Raises:
        AlignmentError: If the samples lack a gene of the model.
        RunError: If the model has no hierarchy.
    """
    hierarchy = run.hierarchy
    samples = samples.with_genes(run.model.genes)
    if states is None:
        _, states = wild_type(run.model, samples)
    of_term = np.asarray(run.model.term_of_state)
    genes = _standardized(np.asarray(samples.gene_values(), dtype=np.float32))
    values = np.zeros((len(samples), hierarchy.n_terms), dtype=np.float32)
    shown = np.zeros(hierarchy.n_terms)
    order = np.argsort(of_term, kind="stable")
    bounds = np.searchsorted(of_term[order], np.arange(hierarchy.n_terms + 1))
    for term, members in enumerate(hierarchy.gene_sets):
        own = states[:, order[bounds[term] : bounds[term + 1]]].astype(np.float64)
        score, shown[term] = _first_component(own - own.mean(axis=0))
        along = score @ genes[:, members].mean(axis=1)
        values[:, term] = -score if along < 0 else score
    return Activity(_standardized(values), shown)


def _first_component(centered: np.ndarray) -> tuple[np.ndarray, float]:
    """Scores on the first principal component, and its share of the variance."""
    variances, axes = np.linalg.eigh(centered.T @ centered)
    total = variances.sum()
    if not total > 0:
        return np.zeros(len(centered)), 0.0
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    return centered @ axis, float(variances[-1] / total)


def _standardized(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and standard deviation 1; 0 where all values are equal up to rounding."""
    centered = values - values.mean(axis=0)
    scale = centered.std(axis=0)
    usable = scale > 1e-6 * np.maximum(np.abs(values).max(axis=0), np.finfo(np.float32).tiny)
    return np.divide(centered, scale, out=np.zeros_like(centered), where=usable)
