"""`Linked`: a linear map between blocks that has a weight for every link of a structure and none besides."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.initial import uniform_within
from kgnn.layers.proximal import NonNegative
from kgnn.structure.links import LinkPlan, Links


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def linked_product(links: Links, weights: Array, rows: Array) -> Array:
    """Sum over the links of every target of weight times source.

    Args:
        links: Which target reads which source.
        weights: ``[link, output, input]``.
        rows: ``[source, input, sample]``.

    Returns:
        ``[target, output, sample]``; 0 for a target without a link.
    """
    return _gathered(links.by_target, weights, rows)


def _forward(links: Links, weights: Array, rows: Array) -> tuple[Array, tuple[Array, Array]]:
    return linked_product(links, weights, rows), (weights, rows)


def _backward(links: Links, kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    # The sources are a linked product the other way, so that nothing is added up number by number.
    weights, rows = kept
    of_rows = _gathered(links.by_source, weights.swapaxes(1, 2), gradient)
    plan, parts, first = links.by_target, [], 0
    laid = jnp.zeros((len(plan.place), *gradient.shape[1:]), gradient.dtype)
    laid = laid.at[plan.place].set(gradient, mode="drop")
    for bucket in plan.buckets:
        own = laid[first : first + len(bucket.links)]
        first += len(bucket.links)
        found = jnp.einsum("tan,tfbn->tfab", own, rows[bucket.others])
        parts.append(found.reshape(-1, *weights.shape[1:]))
    of_weights = jnp.concatenate(parts)[plan.slot_of_link] if parts else jnp.zeros_like(weights)
    return of_weights, of_rows


linked_product.defvjp(_forward, _backward)


def _gathered(plan: LinkPlan, weights: Array, rows: Array) -> Array:
    parts = []
    for bucket in plan.buckets:
        kernel = weights.at[bucket.links].get(mode="fill", fill_value=0)
        parts.append(jnp.einsum("tfab,tfbn->tan", kernel, rows[bucket.others]))
    parts.append(jnp.zeros((1, weights.shape[1], rows.shape[2]), rows.dtype))
    return jnp.concatenate(parts)[plan.place]


class Linked(nnx.Module):
    """Blocks of outputs from blocks of inputs along links; weights start uniform within 1/sqrt(inputs of the block).

    Args:
        links: Which target reads which source.
        n_inputs: Width of a source.
        n_outputs: Width of a target.
        non_negative: Whether no weight is used that is below 0, whatever is written to it.
        price: Rule for the weights that training applies after every step, see `kgnn.layers.proximal`.
        rngs: Stream ``params``.
    """

    def __init__(
        self,
        links: Links,
        n_inputs: int,
        n_outputs: int,
        *,
        non_negative: bool = False,
        price: Any = None,
        rngs: nnx.Rngs,
    ):
        self.links = links
        self.non_negative = non_negative
        fan_in = np.bincount(links.target, minlength=links.n_targets)[links.target] * n_inputs
        bound = np.broadcast_to((1 / np.sqrt(np.maximum(fan_in, 1)))[:, None, None], (len(links), n_outputs, n_inputs))
        start = uniform_within(bound, rngs)
        rule = price or (NonNegative() if non_negative else None)
        self.weights = nnx.Param(jnp.abs(start) if non_negative else start, proximal=rule)

    def effective(self) -> Array:
        """The weights as they are used, ``[link, output, input]``."""
        return at_least_zero(self.weights[...]) if self.non_negative else self.weights[...]

    def __call__(self, rows: Array) -> Array:
        """``[target, output, sample]`` from ``[source, input, sample]``."""
        return linked_product(self.links, self.effective(), rows)


def at_least_zero(weights: Array) -> Array:
    """Weights with 0 in place of what is below; the gradient passes, so that a weight of 0 can grow again."""
    return weights + jax.lax.stop_gradient(jnp.maximum(weights, 0.0) - weights)
