"""Compiled forward passes of perturbed samples: one perturbation after another, all samples of each at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models.contract import Inputs, Model, Rows, Values
from kgnn.perturb.difference import Differences, follows
from kgnn.perturb.natural import natural, task_on_scale
from kgnn.perturb.reach import Perturbation
from kgnn.train.device_data import batch_inputs, device_data
from kgnn.train.predict import chunked_inputs
from kgnn.train.stream import place_samples

BATCH = 64
"""Perturbations a compiled call."""


class Changes(NamedTuple):
    """What perturbations do, over the samples; exactly 0 where a perturbation changes nothing.

    Attributes:
        wild_type: ``[output]``, mean prediction without a perturbation.
        effect: ``[perturbation, output]``, mean change of the prediction.
        spread: ``[perturbation, output]``, standard deviation of the change.
        absolute: ``[perturbation, output]``, mean absolute change.
        states: ``[perturbation, term]``, root mean square change of the states of each term.
    """

    wild_type: np.ndarray
    effect: np.ndarray
    spread: np.ndarray
    absolute: np.ndarray
    states: np.ndarray


def inputs_of(samples: Samples) -> Inputs:
    """What a model takes for all samples at once.

    Args:
        samples: With the genes of the model, in its order.

    Returns:
        The inputs, on the device.
    """
    return batch_inputs(device_data(samples), jnp.arange(len(samples)))


def wild_type(model: Model, samples: Samples, *, chunk: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and states of unperturbed samples.

    Args:
        model: A fitted model.
        samples: With the genes of the model, in its order; at least one.
        chunk: Samples computed at once.

    Returns:
        Natural predictions ``[sample, output]`` (probabilities in place of logits) and states ``[sample, state]``.
    """
    graph, state = nnx.split(model)
    data = place_samples(samples)
    outputs = np.empty((len(samples), len(model.output_names)), np.float32)
    states = np.empty((len(samples), len(model.term_of_state)), np.float32)
    for index, present, inputs in chunked_inputs(data, chunk):
        found = _wild_type(graph, state, inputs, model.task)
        real = present > 0
        outputs[index[real]], states[index[real]] = (np.asarray(each)[real] for each in found)
    return outputs, states


def changes(
    model: Model,
    inputs: Inputs,
    perturbations: Sequence[Perturbation],
    *,
    dose: float = 1.0,
    value: float = 0.0,
    modality: str = "",
    scale: str = "natural",
) -> Iterator[Changes]:
    """Perturb all samples in every way, `BATCH` perturbations at a time.

    A visible network is followed by difference (`kgnn.perturb.difference`); any other model with terms is run again.

    Args:
        model: A fitted model with terms.
        inputs: Of the samples.
        perturbations: What to knock down.
        dose: 1 for a full knockdown, 0 for none.
        value: Of a gene that is knocked down.
        modality: Name of the inputs that hold the genes, where there are several and genes are knocked down.
        scale: Of the predictions: ``"natural"``, or ``"log_odds"`` for classes and labels.

    Yields:
        The changes of the next `BATCH` perturbations, fewer at the end.
    """
    task = task_on_scale(model.task, scale)
    if follows(model):
        yield from _by_difference(model, inputs, perturbations, dose, value, task)
    else:
        yield from _by_running(model, inputs, perturbations, dose, value, task, modality)


def _by_difference(
    model: Model, inputs: Inputs, perturbations: Sequence[Perturbation], dose: float, value: float, task: str
) -> Iterator[Changes]:
    differences = Differences(model)
    start = differences.start(inputs)
    shapes = differences.plan(perturbations, len(start.values))
    for first in range(0, len(perturbations), BATCH):
        here = slice(first, first + BATCH)
        followed = list(differences.follow(start, perturbations[here], shapes[here], dose=dose, value=value, top=None))
        states = np.zeros((len(followed), len(model.terms)), np.float32)
        for row, each in enumerate(followed):
            states[row, each.terms[each.terms >= 0]] = each.moved[each.terms >= 0]
        before, delta = differences.effects(start, [each.root for each in followed], task)
        mean, spread, absolute = delta.mean(axis=1), delta.std(axis=1), np.abs(delta).mean(axis=1)
        yield Changes(before.mean(axis=0), mean, spread, absolute, states)


def _by_running(
    model: Model,
    inputs: Inputs,
    perturbations: Sequence[Perturbation],
    dose: float,
    value: float,
    task: str,
    modality: str,
) -> Iterator[Changes]:
    graph, state = nnx.split(model)
    terms = jnp.asarray(model.term_of_state, jnp.int32)
    how_much = (jnp.float32(dose), jnp.float32(value))
    most = max((len(each.genes) for each in perturbations), default=0)
    for first in range(0, len(perturbations), BATCH):
        some = perturbations[first : first + BATCH]
        # Row 0 stays free: the wild type itself passes through the same code.
        columns = np.full((BATCH + 1, most), len(model.genes), dtype=np.int32)
        gates = np.ones((BATCH + 1, len(model.terms)), dtype=np.float32)
        for row, perturbation in enumerate(some, start=1):
            columns[row, : len(perturbation.genes)] = perturbation.genes
            gates[row, list(perturbation.terms)] = 0.0
        batch = (jnp.asarray(columns), jnp.asarray(gates), jnp.int32(len(some) + 1))
        before, found = _changes(graph, state, inputs, batch, how_much, terms, task, modality)
        yield Changes(np.asarray(before), *(np.asarray(each)[1 : len(some) + 1] for each in found))


@partial(jax.jit, static_argnums=(0, 3))
def _wild_type(graph: nnx.GraphDef, state: Any, inputs: Inputs, task: str) -> tuple[Array, Array]:
    prediction = nnx.merge(graph, state)(inputs)
    return natural(prediction.output, task), prediction.states


@partial(jax.jit, static_argnums=(0, 6, 7))
def _changes(
    graph: nnx.GraphDef,
    state: Any,
    inputs: Inputs,
    batch: tuple[Array, Array, Array],
    how_much: tuple[Array, Array],
    term_of_state: Array,
    task: str,
    modality: str,
) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    columns, gates, count = batch
    dose, value = how_much
    n_rows, n_terms = gates.shape
    n_states = jnp.zeros(n_terms).at[term_of_state].add(1.0)

    def perturbed(row: Array | int) -> tuple[Array, Array]:
        changed = _knock_down(inputs, columns[row], dose, value, modality)
        prediction = nnx.merge(graph, state)(changed, gate=1.0 - dose * (1.0 - gates[row]))
        return natural(prediction.output, task), prediction.states

    def step(row: Array, carried: Any) -> Any:
        before, found = carried
        now = perturbed(row)
        # Row 0 is the wild type. Computed by the very instructions that compute the others, it differs from them by
        # exactly 0 wherever nothing was changed; a second program would differ by rounding.
        before = jax.tree.map(lambda old, new: jnp.where(row == 0, new, old), before, now)
        delta = now[0] - before[0]
        squared = jnp.square(now[1] - before[1]).mean(axis=0)
        rms = jnp.sqrt(jnp.zeros(n_terms).at[term_of_state].add(squared) / n_states)
        measured = (delta.mean(axis=0), delta.std(axis=0), jnp.abs(delta).mean(axis=0), rms)
        return before, jax.tree.map(lambda rows, new: rows.at[row].set(new), found, measured)

    before = jax.tree.map(lambda each: jnp.zeros(each.shape, each.dtype), jax.eval_shape(perturbed, 0))
    found = tuple(jnp.zeros((n_rows, width)) for width in (*(before[0].shape[1],) * 3, n_terms))
    before, found = jax.lax.fori_loop(0, count, step, (before, found))
    return before[0].mean(axis=0), found


def _knock_down(inputs: Inputs, genes: Array, dose: Array, value: Array, modality: str) -> Inputs:
    if not genes.shape[0]:
        return inputs
    if not isinstance(inputs, dict):
        return _knock_down_values(inputs, genes, dose, value)
    # By name: inside a compiled function the entries of a dictionary are sorted, and the genes need not be first.
    return {**inputs, modality: _knock_down_values(inputs[modality], genes, dose, value)}


def _knock_down_values(values: Values, genes: Array, dose: Array, value: Array) -> Values:
    table = jnp.asarray(values.table if isinstance(values, Rows) else values, jnp.float32)
    amount = dose * jnp.zeros(table.shape[1]).at[genes].set(1.0, mode="drop")[None, :]
    table = table * (1.0 - amount) + value * amount
    return values._replace(table=table) if isinstance(values, Rows) else table
