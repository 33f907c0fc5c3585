"""The compiled programs of `kgnn.perturb.difference`: one perturbation, all columns of it at once.

A program depends on the shape of a region and on the kind of network alone, so that perturbations share it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.subsystems import ACTIVATIONS
from kgnn.models.contract import Inputs, feature_major, sample_major
from kgnn.perturb.natural import natural
from kgnn.perturb.region import Region, Shape

PRECISE = "highest"
"""Of products, on every device."""


class Network(NamedTuple):
    """Arrays of a model that every perturbation needs.

    Attributes:
        mean: ``[member, row]``, of batch normalization; 0 without.
        factor: ``[member, row]``, of batch normalization; 1 without.
        bias: ``[member, row]``, of batch normalization; 0 without.
        reference: ``[member, row]``, state of a term that is knocked down.
    """

    mean: Array
    factor: Array
    bias: Array
    reference: Array


class States(NamedTuple):
    """Where perturbations start from.

    Attributes:
        before: Pre-activations, ``[member, row, column]``; the states follow from them.
        root: States of the root, ``[member, state, column]``.
        offset: How far all states are from the wild type already, ``[member, row, column]``; None at the wild type.
        moved: ``[term, column]``, mean square of `offset` over the states of each term; None at the wild type.
    """

    before: Array
    root: Array
    offset: Array | None = None
    moved: Array | None = None


class Given(NamedTuple):
    """What a perturbation is computed from.

    Attributes:
        network: Of the model.
        start: Where it starts from.
        region: What it can change.
        change: Of the scaled values of the perturbed genes, ``[member, gene, column]``.
        dose: Of terms that are knocked down: 1 for a full knockdown, 0 for none.
    """

    network: Network
    start: States
    region: Region
    change: np.ndarray
    dose: Array


@partial(jax.jit, static_argnums=0)
def wild_type(graph: nnx.GraphDef, arrays: Any, inputs: Inputs) -> tuple[Array, Array, Array | None]:
    """What all perturbations start from.

    Args:
        graph: Of the model.
        arrays: Of the model, ``[member, …]``.
        inputs: Of the samples.

    Returns:
        Scaled genes, states ``[member, row, column]``, and what is beside the root.
    """

    def one(state: Any) -> tuple[Array, Array, Array | None]:
        model = nnx.merge(graph, state)
        values = model.values_of_genes(inputs)
        states = model.subsystems(sample_major(values), model.gene_scaling).states
        return model.gene_scaling(feature_major(values)), states, model.beside_root(inputs)

    with jax.default_matmul_precision(PRECISE):
        return jax.vmap(one)(arrays)


def _differences(shape: Shape, kind: tuple[str, str], given: Given) -> tuple[Array, Array]:
    """Change of the pre-activations and of the states of a region, ``[member, row, column]``."""
    network, start, region, change, dose = given
    before = start.before.at[:, region.rows].get(mode="promise_in_bounds")
    of_rows = Network(*(each[:, region.rows, None] for each in network))
    pushed: list[Array] = []
    # One array that fills level by level: the rows that a level is computed from are copied out of it once.
    moved = jnp.zeros_like(before)
    first = 0
    for level, n_rows in enumerate(shape.rows):
        here = slice(first, first + n_rows)
        first += n_rows
        push = _product(jnp.asarray(region.from_genes)[:, here], jnp.asarray(change))
        if shape.sources[level] and n_rows:
            below = moved.at[:, region.sources[level]].get(mode="promise_in_bounds")
            push = push + _product(jnp.asarray(region.from_below[level]), below)
        network_here = Network(*(each[:, here] for each in of_rows))
        state = _state(before[:, here], network_here, kind)
        # Both states are computed here, by the same instructions: states of another program differ by rounding.
        difference = jnp.where(push == 0, 0.0, _state(before[:, here] + push, network_here, kind) - state)
        if region.gated is not None:
            amount = (dose * region.gated[here])[None, :, None]
            difference = difference + amount * (network_here.reference - (state + difference))
        moved = moved.at[:, here].set(difference)
        pushed.append(push)
    return jnp.concatenate(pushed, axis=1), moved


def _product(weights: Array, rows: Array) -> Array:
    return jnp.einsum("mts,msc->mtc", weights, rows, precision=PRECISE)


def _state(before: Array, network: Network, kind: tuple[str, str]) -> Array:
    activation, norm = kind

    def normalized(rows: Array) -> Array:
        return (rows - network.mean) * network.factor + network.bias

    if norm == "before":
        return ACTIVATIONS[activation](normalized(before))
    return normalized(ACTIVATIONS[activation](before)) if norm == "after" else ACTIVATIONS[activation](before)


def _mean_square(shape: Shape, region: Region, difference: Array) -> Array:
    """Mean square change of the states of each term, ``[term, column]``."""
    squared = jnp.square(difference).mean(axis=0)
    if shape.n_states:
        return squared.reshape(shape.terms, shape.n_states, -1).mean(axis=1)
    member = region.term_of_row[None, :] == jnp.arange(shape.terms)[:, None]
    return jnp.dot(member / region.n_states[:, None], squared, precision=PRECISE)


@partial(jax.jit, static_argnums=(0, 1))
def over_samples(shape: Shape, kind: tuple[str, str], given: Given, share: Array) -> tuple[Array, Array]:
    """A perturbation, averaged over samples.

    Args:
        shape: Of the region.
        kind: Activation and normalization of the network.
        given: What it is computed from.
        share: ``[column]``, share of the samples that a column stands for.

    Returns:
        Change of the root's states ``[member, state, column]``, and root mean square change of the region's terms.
    """
    _, difference = _differences(shape, kind, given)
    moved = jnp.dot(_mean_square(shape, given.region, difference), share, precision=PRECISE)
    return _of_root(shape, difference), jnp.sqrt(moved)


@partial(jax.jit, static_argnums=(0, 1, 2))
def per_column(shape: Shape, kind: tuple[str, str], top: int, given: Given) -> tuple[Array, Array, Array]:
    """A perturbation, every column by itself.

    Args:
        shape: Of the region.
        kind: Activation and normalization of the network.
        top: How many terms to name, those that change most from the wild type.
        given: What it is computed from.

    Returns:
        Change of the root's states ``[member, state, column]``; terms ``[column, top]``, -1 for none; and their root
        mean square changes.
    """
    start, region = given.start, given.region
    _, difference = _differences(shape, kind, given)
    root = _of_root(shape, difference)
    if not top:
        blank = jnp.zeros((difference.shape[2], 0))
        return root, blank.astype(jnp.int32), blank
    terms = jnp.asarray(region.terms)
    if start.offset is not None and start.moved is not None:
        total = start.offset[:, region.rows] + difference
        n_terms = start.moved.shape[0]
        places = jnp.where(terms < 0, n_terms, terms)
        moved = start.moved.at[places].set(_mean_square(shape, region, total), mode="drop")
        terms = jnp.arange(n_terms, dtype=terms.dtype)
    else:
        moved = _mean_square(shape, region, difference)
    most = min(top, moved.shape[0])
    largest, place = jax.lax.top_k(moved.T, most)
    chosen = jnp.where(largest > 0, terms[place], -1)
    missing = ((0, 0), (0, top - most))
    return root, jnp.pad(chosen, missing, constant_values=-1), jnp.pad(jnp.sqrt(largest), missing)


@partial(jax.jit, static_argnums=(0, 1))
def all_of_it(shape: Shape, kind: tuple[str, str], given: Given) -> tuple[Array, Array, Array]:
    """A perturbation, with all that further ones start from.

    Args:
        shape: Of the region.
        kind: Activation and normalization of the network.
        given: What it is computed from.

    Returns:
        Change of the pre-activations and of the states of the region, ``[member, row, column]``, and mean square change
        of its terms, ``[term, column]``.
    """
    pushed, difference = _differences(shape, kind, given)
    return pushed, difference, _mean_square(shape, given.region, difference)


def _of_root(shape: Shape, difference: Array) -> Array:
    return difference[:, sum(shape.rows[:-1]) :]


@partial(jax.jit, static_argnums=(0, 1))
def effects_of(
    graph: nnx.GraphDef,
    task: str,
    arrays: Any,
    root: tuple[Array, Array | None],
    beside: Array | None,
    column_of_sample: Array,
    differences: Array,
) -> tuple[Array, Array]:
    """Changes of the prediction, exactly 0 where nothing has changed.

    Args:
        graph: Of the model.
        task: Of the model and scale.
        arrays: Of the model, ``[member, …]``.
        root: States of the root, and how far they are from the wild type already (None at the wild type).
        beside: What the output depends on besides the root, or None.
        column_of_sample: int ``[sample]``.
        differences: ``[perturbation, member, state, column]``, changes of the root's states.

    Returns:
        Predictions of the wild type ``[sample, output]``, and changes ``[perturbation, sample, output]``.
    """
    state, offset = root

    def predictions(states: Array) -> Array:
        def one(array: Any, of_member: Array, beside_it: Array | None) -> Array:
            return nnx.merge(graph, array).from_root(of_member[:, column_of_sample], beside_it)

        return natural(jax.vmap(one)(arrays, states, beside).mean(axis=0), task)

    with jax.default_matmul_precision(PRECISE):
        before = predictions(state if offset is None else state - offset)

        def effect(difference: Array) -> Array:
            changed = (difference != 0).any(axis=(0, 1))
            if offset is not None:
                changed = changed | (offset != 0).any(axis=(0, 1))
            return jnp.where(changed[column_of_sample][:, None], predictions(state + difference) - before, 0.0)

        return before, jax.lax.map(effect, differences)
