"""Weights of a visible network edge by edge, read out of the buckets in which its layers hold them.

This is the only place in `kgnn.perturb` that knows how `kgnn.layers.FanInLinear` lays its weights out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kgnn.layers import FanInLinear, Subsystems


class Edges(NamedTuple):
    """Weights that join sources to rows of states, sorted by source, then row.

    Attributes:
        start: int64 ``[source + 1]``: where the edges of each source begin.
        target: int32 ``[edge]``: the row of states that an edge goes to.
        weight: float32 ``[member, edge]``, one row a replicate.
    """

    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray

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


def gene_edges(subsystems: Subsystems, n_genes: int, *, stacked: bool) -> Edges:
    """Weights from genes to states, those of the gene layer multiplied in.

    Args:
        subsystems: Of a model, or of all replicates at once.
        n_genes: Number of genes.
        stacked: Whether every array has the replicates as its first axis.

    Returns:
        The edges; a source is a gene.
    """
    scales = None if subsystems.gene_layer is None else [np.asarray(each) for each in subsystems.gene_layer.scales()]
    return _sorted([_of_linear(subsystems.gene_linear, stacked, scales)], n_genes)


def child_edges(subsystems: Subsystems, *, stacked: bool) -> Edges:
    """Weights from the states of children to those of their parents.

    Args:
        subsystems: Of a model, or of all replicates at once.
        stacked: Whether every array has the replicates as its first axis.

    Returns:
        The edges; a source is a row of states.
    """
    levels = zip(subsystems.level_rows[1:], subsystems.child_linears, strict=True)
    parts = [_of_linear(linear, stacked, None, first) for (first, _), linear in levels]
    return _sorted(parts, len(subsystems.term_of_state))


def _of_linear(
    linear: FanInLinear, stacked: bool, scales: Sequence[np.ndarray] | None, first: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and ``[member, edge]`` weight of every edge of a layer whose first output is row `first`."""
    laid = None if linear.order is None else _one(linear.order, stacked)
    # order[row] is where the row lies among the outputs of all buckets; here the way back is needed.
    row_of_laid = np.arange(linear.n_rows) if laid is None else np.argsort(laid)
    found, done = [], 0
    for number, bucket in enumerate(linear.buckets):
        slots, outputs = _one(bucket.used_slots, stacked), _one(bucket.used_outputs, stacked)
        laid_of_output = done + (np.cumsum(outputs.reshape(-1)) - 1).reshape(outputs.shape)
        done += int(outputs.sum())
        block, slot, output = np.nonzero(slots[:, :, None] & outputs[:, None, :])
        weight = _many(np.asarray(bucket.kernel[...]), stacked)[:, block, slot, output]
        if scales is not None:
            weight = weight * _many(scales[number], stacked)[:, block, slot]
        source = _one(bucket.sources, stacked)[block, slot]
        found.append((source, first + row_of_laid[laid_of_output[block, output]], weight))
    sources, targets, weights = zip(*found, strict=True)
    return np.concatenate(sources), np.concatenate(targets), np.concatenate(weights, axis=1)


def _sorted(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], n_sources: int) -> Edges:
    if not parts:
        return Edges(np.zeros(n_sources + 1, np.int64), np.zeros(0, np.int32), np.zeros((1, 0), np.float32))
    source, target = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
    weight = np.concatenate([part[2] for part in parts], axis=1)
    order = np.lexsort((target, source))
    start = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n_sources))])
    return Edges(start, target[order].astype(np.int32), weight[:, order])


def _one(variable: Any, stacked: bool) -> np.ndarray:
    """A mask; replicates share it."""
    array = np.asarray(variable[...])
    return array[0] if stacked else array


def _many(array: np.ndarray, stacked: bool) -> np.ndarray:
    return array if stacked else array[None]
