"""Weights of a visible network edge by edge, sorted so that all that leaves a gene or a state lies together.

This is the only place in `kgnn.perturb` that knows in which order `kgnn.layers.Subsystems` holds its weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgnn.layers import Subsystems
from kgnn.structure import Hierarchy
from kgnn.structure.wiring import child_states, weight_ends


class Edges(NamedTuple):
    """Weights that join sources to states, sorted by source, then state.

    Attributes:
        start: int64 ``[source + 1]``: where the edges of each source begin.
        target: int32 ``[edge]``: the state that an edge goes to.
        weight: float32 ``[member, edge]``, one row a replicate.
        n_targets: Number of states.
    """

    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    n_targets: int

    def of(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Edges of some sources.

        Args:
            sources: Positions of the sources.

        Returns:
            For every edge of the first source, then of the second and so on, its position among all edges; and
            the position in `sources` of its source.
        """
        counts = self.start[sources + 1] - self.start[sources]
        which = np.repeat(np.arange(len(sources)), counts)
        before = np.cumsum(counts) - counts
        return np.arange(len(which)) + (self.start[sources] - before)[which], which

    def product(self, values: np.ndarray) -> np.ndarray:
        """Sums of what goes into each state, ``[member, state, column]``, from ``[member, source, column]``."""
        from scipy.sparse import csc_array

        shape = (self.n_targets, len(self.start) - 1)
        matrices = (csc_array((weight, self.target, self.start), shape=shape) for weight in self.weight)
        return np.stack([matrix @ rows for matrix, rows in zip(matrices, values, strict=True)])


def gene_edges(subsystems: Subsystems, hierarchy: Hierarchy) -> Edges:
    """Weights from genes to states, those of the gene layer multiplied in.

    Args:
        subsystems: Of a model, or of all replicates at once.
        hierarchy: Of the model.

    Returns:
        The edges; a source is a gene.
    """
    states = subsystems.settings.states_of_terms(hierarchy)
    source, target, annotation = weight_ends(hierarchy.genes_of_term, states)
    weight = _of_members(subsystems.gene_weights[...])
    if subsystems.gene_layer is not None:
        weight = weight * _of_members(subsystems.gene_layer.weight[...])[:, annotation]
    return _sorted(source, target, weight, hierarchy.n_genes, int(states.sum()))


def child_edges(subsystems: Subsystems, hierarchy: Hierarchy) -> Edges:
    """Weights from the states of children to those of their parents.

    Args:
        subsystems: Of a model, or of all replicates at once.
        hierarchy: Of the model.

    Returns:
        The edges; a source is a state.
    """
    states = subsystems.settings.states_of_terms(hierarchy)
    source, target, _ = weight_ends(child_states(hierarchy, states), states)
    n_states = int(states.sum())
    return _sorted(source, target, _of_members(subsystems.child_weights[...]), n_states, n_states)


def constants(subsystems: Subsystems, hierarchy: Hierarchy) -> np.ndarray:
    """What is added to every state's sum whatever the sample, ``[member, state]``.

    Args:
        subsystems: Of a model, or of all replicates at once.
        hierarchy: Of the model.

    Returns:
        The biases, with those of the gene layer multiplied by the weights that follow them.
    """
    bias = _of_members(subsystems.bias[...])
    if subsystems.gene_layer is None:
        return bias
    _, target, annotation = weight_ends(hierarchy.genes_of_term, subsystems.settings.states_of_terms(hierarchy))
    added = _of_members(subsystems.gene_weights[...]) * _of_members(subsystems.gene_layer.bias[...])[:, annotation]
    return bias + np.stack([np.bincount(target, weights=each, minlength=bias.shape[1]) for each in added])


def _sorted(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n_sources: int, n_targets: int) -> Edges:
    # Stable: targets already rise within a source, since terms come in order.
    order = np.argsort(source, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n_sources))])
    return Edges(start, target[order].astype(np.int32), weight[:, order], n_targets)


def _of_members(array: object) -> np.ndarray:
    """``[member, …]``: replicates have their own axis, a single network gets one."""
    return np.atleast_2d(np.asarray(array))
