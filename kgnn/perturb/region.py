"""The part of a hierarchy that a perturbation can change, as small dense arrays of a few padded shapes.

Every compiled program is made for one shape, so that thousands of perturbations share a handful of programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kgnn.perturb.edges import Edges
from kgnn.perturb.reach import Perturbation
from kgnn.structure import Hierarchy

GROWTH = 1.5
SMALLEST = 16
"""Terms of the largest region that shares the smallest shape."""
PRICE_OF_A_SHAPE = 3e10
"""Operations that a further shape must save: compiling a program takes some 0.4 s."""
ROUNDS = 6


class Shape(NamedTuple):
    """Sizes that regions are padded to.

    Attributes:
        rows: Rows of states at every level.
        sources: Rows below that every level is computed from.
        terms: Number of terms.
        n_states: States of every term where all have as many, and those of a term lie together; else 0.
    """

    rows: tuple[int, ...]
    sources: tuple[int, ...]
    terms: int
    n_states: int


class Region(NamedTuple):
    """What a perturbation can change, padded to a shape; padding has weight 0 and never moves.

    Attributes:
        used: bool ``[row]``: False in padding.
        rows: int32 ``[row]``: the rows of states, level by level; 0 in padding.
        term_of_row: int32 ``[row]``: which of the region's terms a row belongs to.
        terms: int32 ``[term]``: the terms; -1 in padding.
        n_states: float32 ``[term]``: their states; 1 in padding.
        from_genes: float32 ``[member, row, gene]``: weights of the perturbed genes.
        sources: For every level, int32 ``[source]``: the rows of the region that the level is computed from, 0 in
            padding. Only rows with a parent there are among them, fewer than half of all below.
        from_below: For every level, float32 ``[member, row, source]``.
        gated: float32 ``[row]``: 1 where the term itself is knocked down.
    """

    used: np.ndarray
    rows: np.ndarray
    term_of_row: np.ndarray
    terms: np.ndarray
    n_states: np.ndarray
    from_genes: np.ndarray
    sources: tuple[np.ndarray, ...]
    from_below: tuple[np.ndarray, ...]
    gated: np.ndarray


class Regions:
    """Regions of the perturbations of one model.

    Args:
        hierarchy: Of the model.
        states: int ``[term]``: states of every term.
        genes: Weights from genes to states.
        children: Weights from states to states.
    """

    def __init__(self, hierarchy: Hierarchy, states: np.ndarray, genes: Edges, children: Edges):
        self.hierarchy, self.states, self.genes, self.children = hierarchy, states, genes, children
        self.first_row = np.concatenate([[0], np.cumsum(states)])
        self.level_of_row = np.repeat(hierarchy.level_of_term, states)
        self.n_states = int(states[0]) if (states == states[0]).all() else 0
        self.has_parent_at = np.zeros((hierarchy.n_terms, hierarchy.n_levels), dtype=bool)
        self.has_parent_at[hierarchy.relation_child, hierarchy.level_of_term[hierarchy.relation_parent]] = True

    def shapes(self, reached: Sequence[np.ndarray], n_columns: int) -> list[Shape]:
        """A shape for every perturbation: few different ones, none much larger than it need be.

        Args:
            reached: The terms that each perturbation can change, with the root.
            n_columns: Samples computed at once, which the price of a shape is weighed against.

        Returns:
            The shapes, one a perturbation.
        """
        n_levels = self.hierarchy.n_levels
        sizes = np.array([self._sizes(terms) for terms in reached], dtype=np.int64)
        distinct, which, counts = np.unique(sizes, axis=0, return_inverse=True, return_counts=True)
        classes, class_of = _few_classes(distinct, counts, n_columns)
        shapes = [
            Shape(tuple(each[:n_levels]), tuple(each[n_levels:-1]), each[-1], self.n_states)
            for each in classes.tolist()
        ]
        if self.n_states:
            # Rows of a term lie together, level by level, so the places of terms are padded like those of rows.
            shapes = [shape._replace(terms=sum(shape.rows) // self.n_states) for shape in shapes]
        return [shapes[each] for each in class_of[which.reshape(-1)]]

    def _sizes(self, terms: np.ndarray) -> list[int]:
        """Rows of every level, sources of every level, and the number of terms."""
        states = self.states[terms]
        level = self.hierarchy.level_of_term[terms]
        rows = np.bincount(level, weights=states, minlength=self.hierarchy.n_levels)
        return [*rows.astype(int), *(states @ self.has_parent_at[terms]), len(terms)]

    def __call__(self, perturbation: Perturbation, terms: np.ndarray, shape: Shape) -> Region:
        """The region of a perturbation.

        Args:
            perturbation: What is knocked down.
            terms: The terms that it can change, with the root.
            shape: At least as large as needed.

        Returns:
            The region.
        """
        states = self.states[terms]
        n_rows = int(states.sum())
        own = np.arange(n_rows) - np.repeat(np.cumsum(states) - states, states)
        real = np.repeat(self.first_row[terms], states) + own
        level = self.level_of_row[real]
        starts = np.concatenate([[0], np.cumsum(shape.rows)])
        among_level = np.arange(n_rows) - np.searchsorted(level, level)
        place = starts[level] + among_level
        place_of_row = np.full(self.first_row[-1], -1, np.int32)
        place_of_row[real] = place
        term_place = place[np.cumsum(states) - states] // self.n_states if self.n_states else np.arange(len(terms))
        term_of_row = np.full(starts[-1], shape.terms - 1, np.int32)
        term_of_row[place] = np.repeat(term_place, states)
        gated = np.isin(terms, perturbation.terms)
        sources, from_below = self._from_below(np.repeat(terms, states), real, place_of_row, shape)
        return Region(
            used=_padded(np.ones(n_rows), place, int(starts[-1]), 0, bool),
            rows=_padded(real, place, int(starts[-1]), 0, np.int32),
            term_of_row=term_of_row,
            terms=_padded(terms, term_place, shape.terms, -1, np.int32),
            n_states=_padded(states, term_place, shape.terms, 1, np.float32),
            from_genes=self._from_genes(perturbation.genes, place_of_row, int(starts[-1])),
            sources=sources,
            from_below=from_below,
            gated=_padded(np.repeat(gated, states), place, int(starts[-1]), 0, np.float32),
        )

    def _from_genes(self, genes: tuple[int, ...], place_of_row: np.ndarray, n_rows: int) -> np.ndarray:
        found = np.zeros((len(self.genes.weight), n_rows, len(genes)), np.float32)
        edge, which = self.genes.of(np.asarray(genes, np.int64))
        found[:, place_of_row[self.genes.target[edge]], which] = self.genes.weight[:, edge]
        return found

    def _from_below(
        self, term_of_row: np.ndarray, rows: np.ndarray, place_of_row: np.ndarray, shape: Shape
    ) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Sources of every level, and the weights from them."""
        is_source = self.has_parent_at[term_of_row]
        column = np.cumsum(is_source, axis=0) - 1
        place = place_of_row[rows]
        sources = tuple(
            _padded(place[mask], np.arange(mask.sum()), size, 0, np.int32)
            for mask, size in zip(is_source.T, shape.sources, strict=True)
        )
        edge, which = self.children.of(rows)
        target = self.children.target[edge]
        # Parents of what can change can change: none of the targets lies outside.
        level = self.level_of_row[target]
        first_row = np.concatenate([[0], np.cumsum(shape.rows)])
        first_weight = np.concatenate([[0], np.cumsum(np.multiply(shape.rows, shape.sources))])
        flat = np.zeros((len(self.children.weight), int(first_weight[-1])), np.float32)
        row = place_of_row[target] - first_row[level]
        at = first_weight[level] + row * np.asarray(shape.sources)[level] + column[which, level]
        flat[:, at] = self.children.weight[:, edge]
        parts = np.split(flat, first_weight[1:-1], axis=1)
        sizes = zip(parts, shape.rows, shape.sources, strict=True)
        return sources, tuple(part.reshape(len(flat), n_rows, n_sources) for part, n_rows, n_sources in sizes)


def _padded(values: np.ndarray, place: np.ndarray, size: int, blank: int, dtype: type) -> np.ndarray:
    found = np.full(size, blank, dtype)
    found[place] = values
    return found


def _operations(sizes: np.ndarray, n_columns: int) -> np.ndarray:
    """About what a region of these sizes ``[…, size]`` costs, in multiplications and additions."""
    n_levels = sizes.shape[-1] // 2
    rows, sources = sizes[..., :n_levels].astype(np.float64), sizes[..., n_levels:-1]
    # Laying out the weights costs some 100 operations each; a state some 200, most of them for the rows it copies.
    weights = (rows * sources).sum(axis=-1) * (2 * n_columns + 100)
    return weights + (rows.sum(axis=-1) + sources.sum(axis=-1) / 2) * 200 * n_columns


def _few_classes(sizes: np.ndarray, counts: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the classes ``[class, size]``, and the class of each row of `sizes`."""
    step = np.ceil(np.log(np.maximum(sizes[:, -1], SMALLEST) / SMALLEST) / np.log(GROWTH))
    _, class_of = np.unique(step, return_inverse=True)
    classes = _largest(sizes, class_of)
    for _ in range(ROUNDS if len(classes) > 1 else 0):
        # Whatever fits into a cheaper class goes there, and the class that it leaves may shrink.
        fits = (sizes[:, None] <= classes[None]).all(axis=2)
        class_of = np.where(fits, _operations(classes, n_columns), np.inf).argmin(axis=1)
        _, class_of = np.unique(class_of, return_inverse=True)
        classes = _largest(sizes, class_of)
    return _merged(classes, class_of, np.bincount(class_of, weights=counts), n_columns)


def _largest(sizes: np.ndarray, class_of: np.ndarray) -> np.ndarray:
    return np.stack([sizes[class_of == each].max(axis=0) for each in range(class_of.max() + 1)])


def _merged(
    classes: np.ndarray, class_of: np.ndarray, counts: np.ndarray, n_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Join each class, the cheapest first, with the next, where a program of its own would not pay."""
    order = np.argsort(_operations(classes, n_columns), kind="stable")
    kept: list[np.ndarray] = []
    merged_into = np.zeros(len(classes), np.int64)
    waiting: list[int] = []
    current, count = np.zeros_like(classes[0]), 0.0
    for position, each in enumerate(order):
        current, count = np.maximum(current, classes[each]), count + counts[each]
        waiting.append(each)
        if position + 1 < len(order):
            joined = np.maximum(current, classes[order[position + 1]])
            if count * (_operations(joined, n_columns) - _operations(current, n_columns)) < PRICE_OF_A_SHAPE:
                continue
        merged_into[waiting] = len(kept)
        kept.append(current)
        current, count, waiting = np.zeros_like(current), 0.0, []
    return np.stack(kept), merged_into[class_of]
