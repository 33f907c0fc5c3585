"""Padded products: many small linear maps of unequal size as a few dense products over gathered rows.

Everything here works on one *tile*, rows over some samples, ``[row, sample]``: a gather then copies whole rows, and a
tile of a hundred samples stays in the processor's cache from the gather to the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.structure.wiring import Products

Gather = Callable[[Array | range], Array]
"""Rows ``[row, sample]`` of a tile at given positions."""
MOST_SLOTS_ADDED = 8
"""Slots of a block with one output up to which adding term by term is faster than a matrix product."""


class Shapes(NamedTuple):
    """What a compiled function must know of some products beforehand; see `Products`."""

    shapes: tuple[tuple[int, int, int], ...]
    neighbors: bool


class Wires(NamedTuple):
    """Index arrays of some products; see `Products`."""

    sources: Array
    weights: Array
    rows: Array | None
    outputs: Array | None


class Mask(nnx.Variable):
    """A fixed array of a layer that says what is joined to what; no optimizer and no initializer ever writes to it."""


class Wired(nnx.Module):
    """Some products as part of a network: what is known beforehand, and its arrays."""

    def __init__(self, products: Products):
        self.shapes = Shapes(products.shapes, products.neighbors)
        self.sources = Mask(jax.device_put(products.sources))
        self.weights = Mask(jax.device_put(products.weights))
        self.rows = None if products.rows is None else Mask(jax.device_put(products.rows))
        self.outputs = None if products.outputs is None else Mask(jax.device_put(products.outputs))

    def wires(self) -> Wires:
        """The index arrays."""
        return Wires(*(None if each is None else each[...] for each in (self.sources, self.weights, self.rows, self.outputs)))


def kernels(shapes: Shapes, wires: Wires, weights: Array) -> list[Array]:
    """The weights ``[block, output, slot]`` of every product from those in the fixed order; 0 where there is none."""
    flat = weights.at[wires.weights].get(mode="fill", fill_value=0)
    return [flat[first:last].reshape(shape) for shape, (first, last) in _cuts(shapes, (0, 1, 2))]


@jax.custom_vjp
def place(weights: Array, index: Array, places: Array) -> Array:
    """Weights in the order of padded products, 0 where there is none; `places` is the way back."""
    return weights.at[index].get(mode="fill", fill_value=0)


def _place(weights: Array, index: Array, places: Array) -> tuple[Array, Array]:
    return place(weights, index, places), places


def _unplace(places: Array, gradient: Array) -> tuple[Array, None, None]:
    # A gather, where JAX by itself would add up number by number.
    return gradient.at[places].get(mode="promise_in_bounds"), None, None


place.defvjp(_place, _unplace)


def multiply(shapes: Shapes, wires: Wires, weights: list[Array], gather: Gather) -> Array:
    """Rows ``[row, sample]`` that the products give."""
    parts = []
    for kernel, inputs in zip(weights, _inputs(shapes, wires, gather), strict=True):
        _, outputs, slots = kernel.shape
        if outputs == 1 and slots <= MOST_SLOTS_ADDED or slots == 1:
            # Written out, since XLA's own sum over a short axis in the middle is some twenty times slower.
            found = sum(kernel[:, :, slot, None] * inputs[:, slot][:, None] for slot in range(slots))
        else:
            found = jnp.einsum("bos,bsn->bon", kernel, inputs)
        parts.append(found.reshape(-1, found.shape[-1]))
    laid = parts[0] if len(parts) == 1 else jnp.concatenate(parts)
    return laid if wires.rows is None else laid.at[wires.rows].get(mode="promise_in_bounds")


def weight_gradients(shapes: Shapes, wires: Wires, rows: Array, gather: Gather) -> Array:
    """Gradient of all weights, ``[block, output, slot]`` end to end, from that of the rows."""
    spread = rows if wires.outputs is None else rows.at[wires.outputs].get(mode="fill", fill_value=0)
    parts = []
    for inputs, (shape, (first, last)) in zip(_inputs(shapes, wires, gather), _cuts(shapes, (0, 1)), strict=True):
        by_block = spread[first:last].reshape(*shape, -1)
        parts.append(jnp.einsum("bon,bsn->bos", by_block, inputs).reshape(-1))
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def source_gradients(shapes: Shapes, wires: Wires, weights: list[Array], rows: Array, n_sources: int) -> Array:
    """Gradient of the source rows from that of the rows, added up slot by slot; slow, for attribution alone."""
    spread = rows if wires.outputs is None else rows.at[wires.outputs].get(mode="fill", fill_value=0)
    total = jnp.zeros((n_sources, rows.shape[-1]), rows.dtype)
    cuts = zip(weights, _cuts(shapes, (0, 1)), _cuts(shapes, (0, 2)), strict=True)
    for kernel, (shape, (first, last)), (_, (first_slot, last_slot)) in cuts:
        by_block = spread[first:last].reshape(*shape, -1)
        found = jnp.einsum("bos,bon->bsn", kernel, by_block)
        total = total.at[wires.sources[first_slot:last_slot]].add(found.reshape(-1, found.shape[-1]))
    return total


def _inputs(shapes: Shapes, wires: Wires, gather: Gather) -> Iterator[Array]:
    """Gathered source rows ``[block, slot, sample]`` of every product."""
    for shape, (first, last) in _cuts(shapes, (0, 2)):
        yield gather(range(first, last) if shapes.neighbors else wires.sources[first:last]).reshape(*shape, -1)


def _cuts(shapes: Shapes, axes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, int]]]:
    """For every product its size along some axes, and where it begins and ends when all lie end to end."""
    sizes = [tuple(shape[axis] for axis in axes) for shape in shapes.shapes]
    ends = list(accumulate(prod(size) for size in sizes))
    yield from zip(sizes, zip([0, *ends], ends), strict=True)
