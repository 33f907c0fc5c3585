"""Padded products: many small linear maps of unequal size as a few dense products over gathered rows.

Everything here works on one *tile*, rows over some samples, ``[row, sample]``: a gather then copies whole rows, and a
tile of a hundred samples stays in the processor's cache from the gather to the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import accumulate, pairwise
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.structure.wiring import Products, Wiring

Gather = Callable[[Array | np.ndarray | range], Array]
"""Rows ``[row, sample]`` of a tile at given positions."""
MOST_SLOTS_ADDED = 8
"""Slots of a block with one output up to which adding term by term is faster than a matrix product."""


def kernels(products: Products, weights: Array) -> list[Array]:
    """The weights ``[block, output, slot]`` of every product from those in the fixed order; 0 where there is none."""
    flat = weights.at[products.weights].get(mode="fill", fill_value=0)
    return [flat[first:last].reshape(shape) for shape, (first, last) in _cuts(products, (0, 1, 2))]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def sums_by_row(wiring: Wiring, gene_weights: Array) -> Array:
    """Sum ``[row]`` of all weights from genes that go into a row."""
    rows = []
    for products in wiring.genes:
        parts = [kernel.sum(axis=2).reshape(-1) for kernel in kernels(products, gene_weights)]
        laid = jnp.concatenate(parts)
        rows.append(laid if products.rows is None else laid[products.rows])
    return jnp.concatenate(rows)


def _sums_forward(wiring: Wiring, gene_weights: Array) -> tuple[Array, None]:
    return sums_by_row(wiring, gene_weights), None


def _sums_backward(wiring: Wiring, _: None, gradient: Array) -> tuple[Array]:
    # A gather, where JAX by itself would add up number by number.
    return (gradient[wiring.row_of_state][wiring.targets(wiring.genes, wiring.gene_places)],)


sums_by_row.defvjp(_sums_forward, _sums_backward)


def multiply(products: Products, weights: list[Array], gather: Gather, precision: str = "float32") -> Array:
    """Rows ``[row, sample]`` that the products give.

    Args:
        products: The products.
        weights: Of each, from `kernels`.
        gather: Reads source rows.
        precision: Type in which numbers are multiplied; they are added in that of the weights.
    """
    parts = []
    for kernel, inputs in zip(weights, _inputs(products, gather), strict=True):
        _, outputs, slots = kernel.shape
        if slots == 1 or (outputs == 1 and slots <= MOST_SLOTS_ADDED):
            # Written out, since XLA's own sum over a short axis in the middle is some twenty times slower.
            terms = (kernel[:, :, slot, None] * inputs[:, slot][:, None] for slot in range(slots))
            found = reduce(jnp.add, terms)
        else:
            found = _einsum("bos,bsn->bon", kernel, inputs, precision)
        parts.append(found.reshape(-1, found.shape[-1]))
    laid = parts[0] if len(parts) == 1 else jnp.concatenate(parts)
    return laid if products.rows is None else laid.at[products.rows].get(mode="promise_in_bounds")


def weight_gradients(products: Products, rows: Array, gather: Gather, precision: str = "float32") -> Array:
    """Gradient of all weights, ``[block, output, slot]`` end to end, from that of the rows; see `multiply`."""
    spread = rows if products.outputs is None else rows.at[products.outputs].get(mode="fill", fill_value=0)
    parts = []
    for inputs, (shape, (first, last)) in zip(_inputs(products, gather), _cuts(products, (0, 1)), strict=True):
        by_block = spread[first:last].reshape(*shape, -1)
        parts.append(_einsum("bon,bsn->bos", by_block, inputs, precision).reshape(-1))
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def source_gradients(products: Products, weights: list[Array], rows: Array, n_sources: int) -> Array:
    """Gradient of the source rows from that of the rows, added up slot by slot; slow, for attribution alone."""
    spread = rows if products.outputs is None else rows.at[products.outputs].get(mode="fill", fill_value=0)
    total = jnp.zeros((n_sources, rows.shape[-1]), rows.dtype)
    cuts = zip(weights, _cuts(products, (0, 1)), _cuts(products, (0, 2)), strict=True)
    for kernel, (shape, (first, last)), (_, (first_slot, last_slot)) in cuts:
        by_block = spread[first:last].reshape(*shape, -1)
        found = jnp.einsum("bos,bon->bsn", kernel, by_block)
        total = total.at[products.sources[first_slot:last_slot]].add(found.reshape(-1, found.shape[-1]))
    return total


def _einsum(equation: str, left: Array, right: Array, precision: str) -> Array:
    if precision == "float32":
        return jnp.einsum(equation, left, right)
    short = jnp.dtype(precision)
    return jnp.einsum(equation, left.astype(short), right.astype(short), preferred_element_type=left.dtype)


def _inputs(products: Products, gather: Gather) -> Iterator[Array]:
    """Gathered source rows ``[block, slot, sample]`` of every product."""
    for shape, (first, last) in _cuts(products, (0, 2)):
        yield gather(range(first, last) if products.neighbors else products.sources[first:last]).reshape(*shape, -1)


def _cuts(products: Products, axes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, int]]]:
    """For every product its size along some axes, and where it begins and ends when all lie end to end."""
    sizes = [tuple(shape[axis] for axis in axes) for shape in products.shapes]
    ends = list(accumulate(prod(size) for size in sizes))
    yield from zip(sizes, pairwise([0, *ends]), strict=True)
