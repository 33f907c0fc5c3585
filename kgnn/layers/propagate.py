"""`propagate`: from gene values to the states of all terms, level by level, with a backward pass of its own.

The samples are cut into tiles that fit into the processor's cache; a level is computed tile by tile, and its batch
statistics are put together from those of the tiles. Going back, every level gathers what its parents say, the same
products the other way around. Nothing that was gathered is kept: memory is three numbers a state and sample.

What happens to a row between its product and its state (normalization, dropout, gate, shift) is one elementwise
function, `finish`, whose derivative JAX finds by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.custom_derivatives import SymbolicZero
from jax.experimental.layout import Layout, with_layout_constraint

from kgnn.layers.products import (
    Gather,
    kernels,
    multiply,
    source_gradients,
    weight_gradients,
)
from kgnn.layers.tiles import across, sum_over_samples
from kgnn.structure.wiring import Wiring

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "gelu": jax.nn.gelu,
    "identity": lambda rows: rows,
}
SLOPES: dict[str, Callable[[Array], Array]] = {
    "tanh": lambda rows: 1.0 - rows * rows,
    "relu": lambda rows: (rows > 0).astype(rows.dtype),
    "sigmoid": lambda rows: rows * (1.0 - rows),
    "identity": jnp.ones_like,
}
"""Derivatives that follow from the activation itself; of others, the sums are kept as well."""


class Flow(NamedTuple):
    """All that a compiled function must know of a network beforehand; hashable.

    Attributes:
        wiring: Its products; their index arrays become constants of the compiled function.
        activation: Name of the activation.
        norm: ``"after"``, ``"before"`` or ``"none"``.
        heads_read: ``"state"`` or ``"activation"``.
        epsilon: Added to variances.
        batch: Whether to normalize by the statistics of the batch.
        precision: Type in which inputs and weights of a term are multiplied; all else is in float32.
        last_activation: Name of the activation of the last level.
    """

    wiring: Wiring
    activation: str
    norm: str
    heads_read: str
    epsilon: float
    batch: bool
    precision: str
    last_activation: str

    def at(self, level: int) -> Flow:
        """The flow of a level, with its own activation."""
        last = level == len(self.wiring.levels) - 1
        return self._replace(activation=self.last_activation) if last else self


class Values(NamedTuple):
    """What a gradient may be asked of. Rows are those of `Wiring`.

    Attributes:
        weights: Weight of every sample ``[tile, sample]``, 0 for padding; it has no gradient.
        genes: ``[tile, gene, sample]``.
        gene_weights: All weights from genes in their fixed order.
        child_weights: All weights from child terms.
        head_weights: All weights of heads.
        bias: ``[row]``.
        finish: What `finish` takes, by name: ``[row]``, or ``[tile, row, sample]`` where samples differ.
    """

    weights: Array
    genes: Array
    gene_weights: Array
    child_weights: Array
    head_weights: Array
    bias: Array
    finish: dict[str, Array]


class Found(NamedTuple):
    """What comes out.

    Attributes:
        states: ``[tile, row, sample]``.
        root: The last level of it.
        heads: ``[tile, head output, sample]``, linear maps of the states, by level.
        mean: ``[row]``, of the batch; zeros where the batch is not used. It has no gradient.
        variance: ``[row]``, likewise.
    """

    states: Array
    root: Array
    heads: Array
    mean: Array
    variance: Array


def finish(flow: Flow, rows: Array, values: dict[str, Array]) -> tuple[Array, Array]:
    """State and activation ``[row, sample]`` of rows as their level leaves them, elementwise.

    Args:
        flow: Of the network.
        rows: Activations; sums where the normalization comes before the activation.
        values: ``scale`` and ``offset`` (with ``mean``) where there is normalization; ``keep`` for dropout; ``gate``
            with ``reference``; ``shift``.
    """

    def column(name: str) -> Array:
        value = values[name]
        return across(value, rows.shape[1]) if value.ndim == 1 else value

    activated = rows
    if flow.norm != "none":
        # The mean goes first: a row that hardly varies around a large mean would lose its digits otherwise.
        rows = (rows - column("mean")) * column("scale") + column("offset")
        if flow.norm == "before":
            rows = activated = ACTIVATIONS[flow.activation](rows)
    if "keep" in values:
        rows = rows * column("keep")
    if "gate" in values:
        # Exact at both ends: an open gate changes no bit.
        rows = column("gate") * rows + (1.0 - column("gate")) * column("reference")
    if "shift" in values:
        rows = rows + column("shift")
    return rows, activated


def propagate(flow: Flow, values: Values) -> Found:
    """States, heads and batch statistics.

    Args:
        flow: Of the network.
        values: Inputs and parameters; `Values.finish` has ``scale`` (the factor of the normalization before it is
            divided by the deviation) and ``offset``, and ``mean`` and ``variance`` where `Flow.batch` is False.

    Returns:
        What was found. The gradient with respect to the genes is computed only where it is asked for.
    """
    return _propagate(flow, values)  # type: ignore[return-value]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _propagate(flow: Flow, values: Values) -> Found:
    return _forward(flow, values)[0]


def propagate_each(flow: Flow, values: Values, turned: Callable[[Array], Array], size: int) -> Found:
    """As `propagate` without batch statistics, where samples know nothing of each other.

    Some samples at a time go all the way from their genes to the root, so that a state that nobody asks for never
    leaves the cache, and nothing is copied beforehand. The last ones are as many as the others, some of them again.

    Args:
        flow: Of the network.
        values: With the genes of all samples as ``[sample, gene]``; what `finish` takes for every sample is one tile.
        turned: Makes ``[gene, sample]`` of some samples.
        size: Samples at a time, at most as many as there are.

    Returns:
        What was found, one tile of all samples.
    """
    n_samples, levels = values.genes.shape[0], flow.wiring.levels
    kind = values.bias.dtype
    table = _row_by_row(values.genes.T)

    def of_some(number: Array, found: tuple[Array, ...]) -> tuple[Array, ...]:
        first = jnp.minimum(number * size, n_samples - size)
        genes = _row_by_row(turned(jax.lax.dynamic_slice_in_dim(table, first, size, axis=1).T))
        by_sample = {
            name: jax.lax.dynamic_slice_in_dim(value, first, size, axis=2)
            for name, value in values.finish.items()
            if value.ndim == 3
        }
        weights = jnp.ones((1, size), kind)
        more = propagate(flow, values._replace(weights=weights, genes=genes[None], finish=values.finish | by_sample))
        zero = jnp.zeros_like(first)
        of_states = (more.states, more.root, more.heads)
        return tuple(
            jax.lax.dynamic_update_slice(all_of_it, part, (zero, zero, first))
            for all_of_it, part in zip(found, of_states, strict=True)
        )

    n_rows = levels[-1][1]
    sizes = (n_rows, n_rows - levels[-1][0], sum(each.n_outputs for each in flow.wiring.heads if each is not None))
    # Every column is written before it is read.
    start = tuple(jax.lax.empty((1, n, n_samples), kind) for n in sizes)
    states, root, heads = jax.lax.fori_loop(0, -(-n_samples // size), of_some, start)
    blank = jnp.zeros(n_rows, kind)
    return Found(states, root, heads, blank, blank)


def _row_by_row(rows: Array) -> Array:
    """The same with every row in one piece of memory, so that gathering rows copies whole pieces."""
    return jax.lax.optimization_barrier(with_layout_constraint(rows, Layout(major_to_minor=(0, 1))))


class _Kept(NamedTuple):
    """What the backward pass needs.

    `sums` are there where the slope does not follow from the rows, `attribution` where the gradient with respect to
    the genes is wanted.
    """

    values: Values
    states: Array
    rows: tuple[Array, ...]
    sums: tuple[Array | None, ...]
    mean: Array
    variance: Array
    attribution: Array | None


def _forward(flow: Flow, values: Values, *, attribution: bool = False) -> tuple[Found, _Kept]:
    n_tiles, _, n_samples = values.genes.shape
    # Every row is written before it is read.
    states = jax.lax.empty((n_tiles, flow.wiring.levels[-1][1], n_samples), values.genes.dtype)
    kept, kept_sums, heads, means, variances = [], [], [], [], []
    for level in range(len(flow.wiring.levels)):
        rows, sums, moments = _level_rows(flow, values, states, level)
        mean, variance = _statistics(flow, values, moments, level)
        states, head = _finish_level(flow, values, (states, rows), (mean, variance), level)
        kept.append(rows)
        kept_sums.append(sums)
        heads.append(head)
        means.append(mean)
        variances.append(variance)
    mean, variance = jnp.concatenate(means), jnp.concatenate(variances)
    found = Found(states, states[:, flow.wiring.levels[-1][0] :], jnp.concatenate(heads, axis=1), mean, variance)
    wanted = jnp.zeros(0) if attribution else None
    return found, _Kept(values, states, tuple(kept), tuple(kept_sums), mean, variance, wanted)


def _level_rows(flow: Flow, values: Values, states: Array, level: int) -> Any:
    """Activations (or sums) of a level ``[tile, row, sample]``, the sums where they are needed, moments a tile."""
    flow = flow.at(level)
    first, last = flow.wiring.levels[level]
    genes, children = flow.wiring.genes[level], flow.wiring.children[level]
    from_genes = kernels(genes, values.gene_weights)
    from_children = [] if children is None else kernels(children, values.child_weights)
    bias = values.bias[first:last, None]

    def of_tile(tile: Array) -> Any:
        sums = multiply(genes, from_genes, _reader(values.genes, tile), flow.precision) + bias
        if children is not None:
            sums = sums + multiply(children, from_children, _reader(states, tile), flow.precision)
        rows = sums if flow.norm == "before" else ACTIVATIONS[flow.activation](sums)
        moments = _moments(rows, values.weights[tile]) if flow.batch else None
        return rows, None if _slope_is_known(flow) else sums, moments

    return _each_tile(of_tile, states.shape[0])


def _statistics(flow: Flow, values: Values, moments: Any, level: int) -> tuple[Array, Array]:
    """Mean and variance ``[row]`` by which a level is normalized."""
    first, last = flow.wiring.levels[level]
    if flow.batch:
        return _together(moments, values.weights.sum(axis=1))
    if flow.norm == "none":
        blank = jnp.zeros(last - first, values.bias.dtype)
        return blank, blank
    return values.finish["mean"][first:last], values.finish["variance"][first:last]


def _finish_level(
    flow: Flow, values: Values, stored: tuple[Array, Array], statistics: Any, level: int
) -> tuple[Array, Array]:
    """All states with those of a level written to them, and the level's heads ``[tile, head output, sample]``."""
    flow = flow.at(level)
    states, level_rows = stored
    heads = flow.wiring.heads[level]
    weights = [] if heads is None else kernels(heads, values.head_weights)
    by_row = _normalizing(flow, _by_row(flow, values, level), *statistics)

    def of_tile(states: Array, tile: Array) -> tuple[Array, Array]:
        state, activated = finish(flow, level_rows[tile], by_row | _by_sample(flow, values, tile, level))
        states = _write(states, state, tile, flow.wiring.levels[level][0])
        if heads is None:
            return states, jnp.zeros((0, state.shape[1]), state.dtype)
        read = multiply(heads, weights, _rows_of(_read(flow, state, activated)))
        # Apart from its storing, which XLA would otherwise do on one core.
        return states, jax.lax.optimization_barrier(read)

    return _scan_tiles(of_tile, states, states.shape[0])


def _forward_of_gradient(flow: Flow, values: Any) -> tuple[Found, _Kept]:
    attribution = values.genes.perturbed
    values = jax.tree.map(lambda leaf: leaf.value, values, is_leaf=lambda leaf: hasattr(leaf, "perturbed"))
    return _forward(flow, values, attribution=attribution)


def _backward(flow: Flow, kept: _Kept, given: Found) -> tuple[Values]:
    wiring, values = flow.wiring, kept.values
    # Gradients of the sums of all levels above the one that is being worked on.
    back = jax.lax.empty(kept.states.shape, kept.states.dtype)
    genes = None if kept.attribution is None else jnp.zeros_like(values.genes)
    found: list[dict[str, Any]] = []
    for level in reversed(range(len(flow.wiring.levels))):
        back, of_finish = _back_to_rows(flow, kept, given, back, level)
        back, genes, of_products = _back_to_sources(flow, kept, back, genes, of_finish.pop("moments"), level)
        found.append(of_finish | of_products)
    found.reverse()
    finished = {
        name: jnp.concatenate([each["finish"][name] for each in found], axis=0 if value.ndim == 1 else 1)
        for name, value in values.finish.items()
    }

    def in_order(name: str, places: np.ndarray) -> Array:
        return jnp.concatenate([each[name] for each in found]).at[places].get(mode="promise_in_bounds")

    values_gradient = Values(
        weights=jnp.zeros_like(values.weights),
        genes=jnp.zeros_like(values.genes) if genes is None else genes,
        gene_weights=in_order("genes", wiring.gene_places),
        child_weights=in_order("children", wiring.child_places),
        head_weights=in_order("heads", wiring.head_places),
        bias=jnp.concatenate([each["bias"] for each in found]),
        finish=finished,
    )
    return (values_gradient,)


_propagate.defvjp(_forward_of_gradient, _backward, symbolic_zeros=True)


def _back_to_rows(flow: Flow, kept: _Kept, given: Found, back: Array, level: int) -> tuple[Array, dict[str, Any]]:
    """From gradients of states and heads to those of a level's rows, batch statistics held fixed.

    Returns:
        `back` with them written to the level, and the gradients of what `finish` takes, of the heads' weights and of
        the statistics.
    """
    flow = flow.at(level)
    wiring, values = flow.wiring, kept.values
    first, last = flow.wiring.levels[level]
    statistics = (kept.mean[first:last], kept.variance[first:last])
    by_row, to_raw = jax.vjp(partial(_normalizing, flow), _by_row(flow, values, level), *statistics)
    parents, heads, back_heads = wiring.parents[level], wiring.heads[level], wiring.back_heads[level]
    from_parents = [] if parents is None else kernels(parents, values.child_weights)
    from_heads = [] if back_heads is None else kernels(back_heads, values.head_weights)

    def of_tile(carried: Any, tile: Array) -> tuple[Any, Any]:
        back, row_gradients, head_gradients = carried
        by_sample = _by_sample(flow, values, tile, level)
        done = partial(finish, flow)
        (state, activated), to_finish = jax.vjp(
            lambda rows, row_values, sample_values: done(rows, row_values | sample_values),
            kept.rows[level][tile],
            by_row,
            by_sample,
        )
        state_gradient, activated_gradient = _given_to(flow, given, state, tile, level)
        if parents is not None:
            state_gradient = state_gradient + multiply(parents, from_parents, _reader(back, tile), flow.precision)
        if heads is not None and back_heads is not None and not isinstance(given.heads, SymbolicZero):
            of_heads = _heads_of_level(flow, given.heads, tile, level)
            read = multiply(back_heads, from_heads, _rows_of(of_heads))
            if flow.heads_read == "state":
                state_gradient = state_gradient + read
            else:
                activated_gradient = activated_gradient + read
            more = weight_gradients(heads, of_heads, _rows_of(_read(flow, state, activated)))
            head_gradients = head_gradients + more
        rows_gradient, of_rows, of_samples = to_finish((state_gradient, activated_gradient))
        back = _write(back, rows_gradient, tile, first)
        return (back, jax.tree.map(jnp.add, row_gradients, of_rows), head_gradients), of_samples

    n_head_weights = 0 if heads is None else heads.weights.size
    start = (back, jax.tree.map(jnp.zeros_like, by_row), jnp.zeros(n_head_weights, back.dtype))
    (back, row_gradients, head_gradients), by_sample = _scan_tiles(of_tile, start, back.shape[0])
    raw, mean, variance = to_raw(row_gradients)
    return back, {"finish": raw | by_sample, "heads": head_gradients, "moments": (mean, variance)}


def _back_to_sources(
    flow: Flow, kept: _Kept, back: Array, genes: Array | None, moments: tuple[Array, Array], level: int
) -> tuple[Array, Array | None, dict[str, Any]]:
    """From gradients of a level's rows to those of its sums and weights; through the batch statistics as well.

    Returns:
        `back` with the gradients of the sums written to the level, those of the genes where wanted, and those of
        weights and bias.
    """
    flow = flow.at(level)
    wiring, values = flow.wiring, kept.values
    first, last = flow.wiring.levels[level]
    of_level, children = wiring.genes[level], wiring.children[level]
    total = values.weights.sum()
    from_genes = [] if genes is None else kernels(of_level, values.gene_weights)

    def of_tile(carried: Any, tile: Array) -> tuple[Any, None]:
        back, genes, of_genes, of_children, of_bias = carried
        gradient = back[tile, first:last]
        rows = kept.rows[level][tile]
        if flow.batch:
            of_mean, of_variance = (each[:, None] / total for each in moments)
            from_mean = rows - kept.mean[first:last, None]
            gradient = gradient + values.weights[tile][None, :] * (of_mean + 2.0 * of_variance * from_mean)
        if flow.norm != "before":
            gradient = _before_activation(flow, gradient, rows, kept.sums[level], tile)
        back = _write(back, gradient, tile, first)
        of_genes = of_genes + weight_gradients(of_level, gradient, _reader(values.genes, tile), flow.precision)
        if children is not None:
            more = weight_gradients(children, gradient, _reader(kept.states, tile), flow.precision)
            of_children = of_children + more
        if genes is not None:
            genes = genes.at[tile].add(source_gradients(of_level, from_genes, gradient, genes.shape[1]))
        return (back, genes, of_genes, of_children, of_bias + sum_over_samples(gradient)), None

    blank = partial(jnp.zeros, dtype=back.dtype)
    n_from_children = 0 if children is None else children.weights.size
    start = (back, genes, blank(of_level.weights.size), blank(n_from_children), blank(last - first))
    (back, genes, of_genes, of_children, of_bias), _ = _scan_tiles(of_tile, start, back.shape[0])
    return back, genes, {"genes": of_genes, "children": of_children, "bias": of_bias}


def _given_to(flow: Flow, given: Found, state: Array, tile: Array, level: int) -> tuple[Array, Array]:
    """Gradients that come from outside for a level's states, and zeros for its activations."""
    first, last = flow.wiring.levels[level]
    blank = jnp.zeros_like(state)
    total = blank
    if not isinstance(given.states, SymbolicZero):
        total = total + given.states[tile, first:last]
    if level == len(flow.wiring.levels) - 1 and not isinstance(given.root, SymbolicZero):
        total = total + given.root[tile]
    return total, blank


def _heads_of_level(flow: Flow, heads: Array, tile: Array, level: int) -> Array:
    sizes = [0 if each is None else each.n_outputs for each in flow.wiring.heads]
    first = sum(sizes[:level])
    return heads[tile, first : first + sizes[level]]


def _before_activation(flow: Flow, gradient: Array, rows: Array, sums: Array | None, tile: Array) -> Array:
    if sums is None:
        return gradient * SLOPES[flow.activation](rows)
    return jax.vjp(ACTIVATIONS[flow.activation], sums[tile])[1](gradient)[0]


def _slope_is_known(flow: Flow) -> bool:
    return flow.norm == "before" or flow.activation in SLOPES


def _read(flow: Flow, state: Array, activated: Array) -> Array:
    return state if flow.heads_read == "state" else activated


def _by_row(flow: Flow, values: Values, level: int) -> dict[str, Array]:
    first, last = flow.wiring.levels[level]
    return {name: value[first:last] for name, value in values.finish.items() if value.ndim == 1}


def _by_sample(flow: Flow, values: Values, tile: Array, level: int) -> dict[str, Array]:
    first, last = flow.wiring.levels[level]
    return {name: value[tile, first:last] for name, value in values.finish.items() if value.ndim == 3}


def _normalizing(flow: Flow, by_row: dict[str, Array], mean: Array, variance: Array) -> dict[str, Array]:
    """What `finish` takes, from the parameters of the normalization and the statistics."""
    if flow.norm == "none":
        return by_row
    return by_row | {"mean": mean, "scale": by_row["scale"] / jnp.sqrt(variance + flow.epsilon)}


def _moments(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted mean ``[row]`` and sum of squared deviations of one tile."""
    mean = rows @ (weights / jnp.maximum(weights.sum(), 1e-30))
    return mean, jnp.square(rows - mean[:, None]) @ weights


def _together(moments: tuple[Array, Array], weights: Array) -> tuple[Array, Array]:
    """Mean and variance of all tiles from those of each (Chan et al. 1983, doi:10.1080/00031305.1983.10483115)."""
    means, squares = moments
    share = weights / weights.sum()
    mean = share @ means
    return mean, squares.sum(axis=0) / weights.sum() + share @ jnp.square(means - mean[None, :])


def _reader(rows: Array, tile: Array) -> Gather:
    """Reads rows of one tile without cutting it out first."""

    def gather(positions: Array | np.ndarray | range) -> Array:
        if isinstance(positions, range):
            return rows[tile, positions.start : positions.stop]
        return rows.at[tile, positions].get(mode="promise_in_bounds")

    return gather


def _rows_of(rows: Array) -> Gather:
    """Reads rows of a tile at hand."""

    def gather(positions: Array | np.ndarray | range) -> Array:
        if isinstance(positions, range):
            return rows[positions.start : positions.stop]
        return rows.at[positions].get(mode="promise_in_bounds")

    return gather


def _write(tiles: Array, rows: Array, tile: Array, first: int) -> Array:
    """Write some rows of one tile; in place, once compiled."""
    zero = jnp.zeros((), tile.dtype)
    return jax.lax.dynamic_update_slice(tiles, rows[None], (tile, zero + first, zero))


def _each_tile(of_tile: Callable[[Array], Any], n_tiles: int) -> Any:
    return _scan_tiles(lambda _, tile: (None, of_tile(tile)), None, n_tiles)[1]


def _scan_tiles(of_tile: Callable[[Any, Array], tuple[Any, Any]], carried: Any, n_tiles: int) -> tuple[Any, Any]:
    if n_tiles == 1:
        carried, found = of_tile(carried, jnp.int32(0))
        return carried, jax.tree.map(lambda leaf: leaf[None], found)
    return jax.lax.scan(of_tile, carried, jnp.arange(n_tiles, dtype=jnp.int32))
