"""`Wiring`: every product of a visible network as flat index arrays, level by level.

Weights have one fixed order, that of the hierarchy: by term, then by source, then by state. Which padded product
computes which term is a matter of speed alone: it decides how the weights are laid out for a step, and neither their
number nor their values. A run can therefore be read back under any other layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from kgnn.structure.buckets import PRICE_OF_A_BUCKET, FanIn, plan_fan_in
from kgnn.structure.hierarchy import Hierarchy

DENSE_GAIN = 4
"""How many more weights a dense product may have than padded ones and still be as fast: 180 against 45 GF/s, measured
on two CPU cores; it needs no gather of whole blocks either."""


@dataclass(frozen=True, eq=False)
class Products:
    """Padded products that compute some rows together.

    Attributes:
        shapes: (blocks, outputs, slots) of every product.
        sources: int32, row that each slot reads, all ``[block, slot]`` end to end; 0 in unused slots.
        weights: int32, position of each weight in the fixed order, all ``[block, output, slot]`` end to end; the number
            of weights where there is none.
        rows: int32 ``[row]``, where each row lies among all padded outputs ``[block, output]`` laid end to end; None
            where they already lie in order.
        outputs: int32, the inverse: row of every padded output, the number of rows where there is none.
        neighbors: Whether the slots read row 0, 1, 2, ... in turn, so that nothing has to be gathered.
    """

    shapes: tuple[tuple[int, int, int], ...]
    sources: np.ndarray
    weights: np.ndarray
    rows: np.ndarray | None
    outputs: np.ndarray | None
    neighbors: bool

    @property
    def n_outputs(self) -> int:
        """Padded outputs of all products together."""
        return sum(blocks * outputs for blocks, outputs, _ in self.shapes)


@dataclass(frozen=True, eq=False)
class Wiring:
    """All products of a network of subsystems; equal to another if it was laid out from the same things.

    States have an order of their own inside the network, *rows*: level by level, and in a level as the products
    leave them.

    Attributes:
        made_from: What it follows from, for comparison.
        levels: First row of every level, and the one after its last.
        row_of_state: int32 ``[state]``, the row of every state in the order of the hierarchy.
        genes: For every level, rows from genes.
        children: For every level, rows from rows of child terms; None at level 0.
        parents: For every level, the same weights the other way around, rows from those of parent terms; None at the
            root.
        heads: For every level, outputs of auxiliary heads from the level's own rows, counted from its first; None
            where no term has one.
        back_heads: The same the other way around, the level's rows from the outputs of its heads.
        head_order: int32 ``[head output]``, where each lies among the outputs of all levels laid end to end.
        gene_targets: int32 ``[weight]``, the state that each weight from genes goes into.
        child_targets: The same for weights from child terms.
        n_gene_weights: Number of weights from genes.
        n_child_weights: Number of weights from child terms.
        n_head_weights: Number of weights of heads.
        gene_places: int32 ``[weight]``, where each weight from genes lies among the padded weights of all levels laid
            end to end.
        child_places: The same for weights from child terms.
        head_places: The same for weights of heads.
    """

    made_from: tuple[Any, ...]
    levels: tuple[tuple[int, int], ...]
    row_of_state: np.ndarray
    genes: tuple[Products, ...]
    children: tuple[Products | None, ...]
    parents: tuple[Products | None, ...]
    heads: tuple[Products | None, ...]
    back_heads: tuple[Products | None, ...]
    head_order: np.ndarray
    gene_targets: np.ndarray
    child_targets: np.ndarray
    n_gene_weights: int
    n_child_weights: int
    n_head_weights: int
    gene_places: np.ndarray
    child_places: np.ndarray
    head_places: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wiring) and self.made_from == other.made_from

    def __hash__(self) -> int:
        return hash(self.made_from)

    @cached_property
    def state_of_row(self) -> np.ndarray:
        """int32 ``[row]``, the inverse of `row_of_state`."""
        return np.argsort(self.row_of_state).astype(np.int32)

    def targets(self, products: Sequence[Products | None], places: np.ndarray) -> np.ndarray:
        """The state that each weight of some products goes into, int ``[weight]``.

        Args:
            products: `genes` or `children`.
            places: `gene_places` or `child_places`.
        """
        return self.gene_targets if places is self.gene_places else self.child_targets


class WeightEnds(NamedTuple):
    """What each weight joins, in the fixed order of weights.

    Attributes:
        source: int64 ``[weight]``: the gene, or the state of a child, that it comes from.
        target: int64 ``[weight]``: the state that it goes into.
        slot: int64 ``[weight]``: which source of which term it belongs to, those of all terms end to end; for genes,
            the annotation.
    """

    source: np.ndarray
    target: np.ndarray
    slot: np.ndarray


def weight_ends(sources_of_term: Sequence[np.ndarray], n_states: np.ndarray) -> WeightEnds:
    """The ends of all weights: by term, then by source, then by state.

    Args:
        sources_of_term: Genes of every term, or states of its children, see `child_states`.
        n_states: int ``[term]``, states of every term.

    Returns:
        The ends.

    Example:
        >>> weight_ends([np.array([5]), np.array([0, 5])], np.array([1, 2])).target.tolist()
        [0, 1, 2, 1, 2]
    """
    n_sources = np.array([len(sources) for sources in sources_of_term])
    states_of_slot = np.repeat(n_states, n_sources)
    slot = np.repeat(np.arange(len(states_of_slot)), states_of_slot)
    first_state = np.repeat(_starts(n_states)[:-1], n_sources)
    within = np.arange(len(slot)) - np.repeat(_starts(states_of_slot)[:-1], states_of_slot)
    return WeightEnds(np.concatenate(list(sources_of_term))[slot].astype(np.int64), first_state[slot] + within, slot)


def child_states(hierarchy: Hierarchy, n_states: np.ndarray) -> list[np.ndarray]:
    """The states of the children of every term, in the order of the children.

    Args:
        hierarchy: The compiled hierarchy.
        n_states: int ``[term]``, states of every term.

    Returns:
        int64 ``[state]`` of every term.
    """
    start = _starts(n_states)
    none = np.zeros(0, np.int64)
    return [
        np.concatenate([none, *(np.arange(int(start[child]), int(start[child + 1])) for child in children)])
        for children in hierarchy.children_of_term
    ]


def wire(
    hierarchy: Hierarchy, n_states: np.ndarray, *, n_heads: int = 0, n_outputs: int = 1, price: int = PRICE_OF_A_BUCKET
) -> Wiring:
    """Lay out the products of a network.

    Args:
        hierarchy: The compiled hierarchy.
        n_states: int ``[term]``, states of every term.
        n_heads: The first so many terms have an auxiliary head.
        n_outputs: Outputs of a head.
        price: What one product more costs, in padded weights; any price gives the same function.

    Returns:
        The wiring.
    """
    start = _starts(n_states)
    gene_blocks = list(hierarchy.genes_of_term)
    child_blocks = child_states(hierarchy, n_states)
    child_ends = weight_ends(child_blocks, n_states)
    gene_start = _weight_starts(gene_blocks, n_states)
    child_start = _weight_starts(child_blocks, n_states)
    row_of_state = np.zeros(int(start[-1]), np.int32)
    levels, genes, children, heads, back_heads, head_terms = [], [], [], [], [], []
    for level in range(hierarchy.n_levels):
        terms = np.flatnonzero(hierarchy.level_of_term == level)
        first, last = int(start[terms[0]]), int(start[terms[-1] + 1])
        levels.append((first, last))
        blocks = _Blocks([gene_blocks[t] for t in terms], n_states[terms], gene_start[terms], int(gene_start[-1]))
        plan = plan_fan_in(blocks.sources, blocks.n_outputs, price)
        # The rows of a level lie as the products from genes leave them, since these are the most.
        at = _positions(plan)
        row_of_state[first:last] = first + at
        in_order = np.argsort(at)
        genes.append(_cheapest(blocks, plan, in_order, price))
        children.append(None)
        if level:
            below = [row_of_state[child_blocks[t]] for t in terms]
            blocks = _Blocks(below, n_states[terms], child_start[terms], int(child_start[-1]))
            children[-1] = _cheapest(blocks, plan_fan_in(below, n_states[terms], price), in_order, price)
        having = terms[terms < n_heads]
        # Heads follow the order of the rows, so that each reads its neighbors.
        having = having[np.argsort(row_of_state[start[having]])]
        head_terms.append(having)
        there, back = _heads(having, row_of_state, start, n_outputs, n_heads) if len(having) else (None, None)
        heads.append(there)
        back_heads.append(back)
    head_outputs = np.concatenate(head_terms)[:, None] * n_outputs + np.arange(n_outputs)
    return Wiring(
        made_from=(hierarchy.fingerprint, tuple(n_states.tolist()), n_heads, n_outputs, price),
        levels=tuple(levels),
        row_of_state=row_of_state,
        genes=tuple(genes),
        children=tuple(children),
        parents=_parents(hierarchy, n_states, child_ends, row_of_state, levels, price),
        heads=tuple(heads),
        back_heads=tuple(back_heads),
        head_order=np.argsort(head_outputs.reshape(-1)).astype(np.int32),
        gene_targets=weight_ends(gene_blocks, n_states).target.astype(np.int32),
        child_targets=child_ends.target.astype(np.int32),
        n_gene_weights=int(gene_start[-1]),
        n_child_weights=int(child_start[-1]),
        n_head_weights=int(start[n_heads]) * n_outputs,
        gene_places=_places(genes, int(gene_start[-1])),
        child_places=_places(children, int(child_start[-1])),
        head_places=_places(heads, int(start[n_heads]) * n_outputs),
    )


def _heads(
    terms: np.ndarray, row_of_state: np.ndarray, start: np.ndarray, n_outputs: int, n_heads: int
) -> tuple[Products, Products]:
    """Heads of a level's terms, given in the order of their rows, and the same the other way around."""
    n_states = start[terms + 1] - start[terms]
    rows = np.split(np.arange(int(n_states.sum())), np.cumsum(n_states)[:-1])
    outputs = np.arange(len(terms) * n_outputs).reshape(-1, n_outputs)
    weight_start, n_weights = start[terms] * n_outputs, int(start[n_heads]) * n_outputs
    there = plan_fan_in(rows, np.full(len(terms), n_outputs))
    back = plan_fan_in(list(outputs), n_states)
    return (
        _products(there, weight_start, n_weights, np.arange(outputs.size)),
        _products(back, weight_start, n_weights, np.arange(int(n_states.sum())), by_source=False),
    )


def _parents(
    hierarchy: Hierarchy,
    n_states: np.ndarray,
    ends: WeightEnds,
    row_of_state: np.ndarray,
    levels: Sequence[tuple[int, int]],
    price: int,
) -> tuple[Products | None, ...]:
    """The weights between terms, grouped by child."""
    term_of_state = np.repeat(np.arange(hierarchy.n_terms), n_states)
    start = _starts(n_states)
    # In the order of `ends` by parent; the other way around, by child, then by state of a parent, then of the child.
    child = term_of_state[ends.source]
    order = np.lexsort((ends.source, ends.target, child))
    weight_start = _starts(np.bincount(child, minlength=hierarchy.n_terms))
    found: list[Products | None] = []
    for level, (first, _) in enumerate(levels):
        terms = np.flatnonzero(hierarchy.level_of_term == level)
        if level == len(levels) - 1:
            found.append(None)
            break
        above = [row_of_state[ends.target[order[weight_start[t] : weight_start[t + 1] : n_states[t]]]] for t in terms]
        blocks = _Blocks(above, n_states[terms], weight_start[terms], len(order))
        in_order = np.argsort(row_of_state[start[terms[0]] : start[terms[-1] + 1]] - first)
        products = _cheapest(blocks, plan_fan_in(above, n_states[terms], price), in_order, price)
        found.append(replace(products, weights=np.append(order, len(order)).astype(np.int32)[products.weights]))
    return tuple(found)


class _Blocks(NamedTuple):
    """What the terms of a level compute from some kind of source."""

    sources: list[np.ndarray]
    n_outputs: np.ndarray
    weight_start: np.ndarray
    n_weights: int


def _cheapest(blocks: _Blocks, plan: FanIn, wanted: np.ndarray, price: int) -> Products:
    """Padded products, or one dense product where the level is small and full enough."""
    products = _products(plan, blocks.weight_start, blocks.n_weights, wanted)
    read = np.unique(np.concatenate(blocks.sources))
    if not len(read) or len(read) * len(wanted) > DENSE_GAIN * (products.weights.size + price * len(products.shapes)):
        return products
    weights = np.full((len(wanted), len(read)), blocks.n_weights, np.int64)
    first = 0
    for sources, n_outputs, weight in zip(blocks.sources, blocks.n_outputs, blocks.weight_start, strict=True):
        rows, columns = np.arange(first, first + n_outputs), np.searchsorted(read, sources)
        slots = np.arange(len(sources)) * n_outputs
        weights[np.ix_(rows, columns)] = weight + slots[None, :] + np.arange(n_outputs)[:, None]
        first += int(n_outputs)
    return Products(
        shapes=((1, len(wanted), len(read)),),
        sources=read.astype(np.int32),
        weights=weights[wanted].reshape(-1).astype(np.int32),
        rows=None,
        outputs=None,
        neighbors=bool((read == np.arange(len(read))).all()),
    )


def _places(products: Sequence[Products | None], n_weights: int) -> np.ndarray:
    laid = np.concatenate([np.zeros(0, np.int32), *(each.weights for each in products if each is not None)])
    places = np.zeros(n_weights, np.int32)
    exist = np.flatnonzero(laid < n_weights)
    places[laid[exist]] = exist
    return places


def _weight_starts(blocks: Sequence[np.ndarray], n_outputs: np.ndarray) -> np.ndarray:
    return _starts(np.array([len(block) for block in blocks]) * n_outputs)


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Where each of some parts begins when they lie end to end, and where the last one ends."""
    return np.append(0, np.cumsum(sizes)).astype(np.int64)


def _positions(plan: FanIn) -> np.ndarray:
    """Where each output row lies among the used outputs of all buckets laid end to end."""
    return np.arange(plan.n_rows) if plan.order is None else plan.order


def _products(
    plan: FanIn, weight_start: np.ndarray, n_weights: int, wanted: np.ndarray, *, by_source: bool = True
) -> Products:
    """Index arrays of a plan.

    Args:
        plan: The buckets.
        weight_start: int ``[block]``, position of the first weight of every block.
        n_weights: Number of weights of all plans together.
        wanted: int ``[row]``, which output row of the plan comes first, second, ...
        by_source: Whether the weights of a block lie source by source; else output by output.
    """
    shapes, sources, weights, used = [], [], [], []
    for bucket in plan.buckets:
        blocks, slots, outputs = bucket.mask.shape
        shapes.append((blocks, outputs, slots))
        sources.append(bucket.sources.reshape(-1))
        slot, output = np.arange(slots)[None, None, :], np.arange(outputs)[None, :, None]
        n_outputs, n_slots = bucket.used_outputs.sum(axis=1), bucket.used_slots.sum(axis=1)
        within = slot * n_outputs[:, None, None] + output if by_source else output * n_slots[:, None, None] + slot
        position = weight_start[bucket.blocks][:, None, None] + within
        weights.append(np.where(bucket.mask.transpose(0, 2, 1), position, n_weights).reshape(-1))
        used.append(bucket.used_outputs.reshape(-1))
    is_used = np.concatenate(used)
    rows = np.flatnonzero(is_used)[_positions(plan)[wanted]].astype(np.int32)
    outputs_of = np.full(len(is_used), len(rows), np.int32)
    outputs_of[rows] = np.arange(len(rows))
    in_order = len(rows) == len(is_used) and bool((np.diff(rows) == 1).all())
    read = np.concatenate(sources).astype(np.int32)
    return Products(
        shapes=tuple(shapes),
        sources=read,
        weights=np.concatenate(weights).astype(np.int32),
        rows=None if in_order else rows,
        outputs=None if in_order else outputs_of,
        neighbors=bool((read == np.arange(len(read))).all()),
    )
