"""Compiled forward passes of perturbed samples: one perturbation after another, all samples of each at once."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.models.contract import Inputs, Model, Rows

KNOCKED_DOWN = {"alteration": 1.0, "abundance": 0.0}
"""What a gene's value becomes when it is knocked down: an altered gene, or an absent product."""


class Batch(NamedTuple):
    """Perturbations that are computed in one call.

    Attributes:
        genes: int ``[perturbation, gene]``: columns to knock down; one beyond the last column stands for none.
        gates: ``[perturbation, term]``: 0 for a term to knock down, else 1.
    """

    genes: Array
    gates: Array


class Changes(NamedTuple):
    """What perturbations do, over the samples.

    Attributes:
        effect: ``[perturbation, output]``, mean change of the prediction.
        spread: ``[perturbation, output]``, standard deviation of the change.
        absolute: ``[perturbation, output]``, mean absolute change.
        states: ``[perturbation, term]``, root mean square change of the states of each term.
    """

    effect: np.ndarray
    spread: np.ndarray
    absolute: np.ndarray
    states: np.ndarray


def knocked_down_value(samples: Samples) -> float:
    """The value of a gene that is knocked down, by the meaning of the samples.

    Raises:
        KgnnError: If a knockdown has no meaning for such values.
    """
    if samples.meaning not in KNOCKED_DOWN:
        raise KgnnError(
            f"a knockdown has no meaning for values that are a {samples.meaning}. Read the samples with "
            "meaning='alteration' (1 = gene altered) or meaning='abundance' (0 = absent)."
        )
    return KNOCKED_DOWN[samples.meaning]


def wild_type(model: Model, inputs: Inputs) -> tuple[Array, Array]:
    """Natural predictions ``[sample, output]`` and states ``[sample, state]`` of unperturbed samples."""
    graph, state = nnx.split(model)
    return _wild_type(graph, state, inputs, model.task)


def changes(model: Model, inputs: Inputs, batch: Batch, *, dose: float, value: float) -> Changes:
    """Perturb all samples in every way of a batch.

    Args:
        model: A fitted model with terms.
        inputs: Of the samples; the gene modality comes first.
        batch: The perturbations.
        dose: 1 for a full knockdown, 0 for none.
        value: Of a gene that is knocked down.

    Returns:
        The changes.
    """
    graph, state = nnx.split(model)
    terms = jnp.asarray(np.asarray(model.term_of_state, dtype=np.int32))  # type: ignore[attr-defined]
    found = _changes(graph, state, inputs, batch, jnp.float32(dose), jnp.float32(value), terms, model.task)
    return Changes(*(np.asarray(each) for each in found))


def natural(outputs: Array, task: str) -> Array:
    """Probabilities in place of logits, on the last axis."""
    if task == "classes":
        return jax.nn.softmax(outputs)
    return jax.nn.sigmoid(outputs) if task == "labels" else outputs


@partial(jax.jit, static_argnums=(0, 3))
def _wild_type(graph: nnx.GraphDef, state: nnx.State, inputs: Inputs, task: str) -> tuple[Array, Array]:
    prediction = nnx.merge(graph, state)(inputs)
    return natural(prediction.output, task), prediction.states


@partial(jax.jit, static_argnums=(0, 7))
def _changes(
    graph: nnx.GraphDef,
    state: nnx.State,
    inputs: Inputs,
    batch: Batch,
    dose: Array,
    value: Array,
    term_of_state: Array,
    task: str,
) -> tuple[Array, Array, Array, Array]:
    before, states_before = _wild_type(graph, state, inputs, task)
    n_terms = batch.gates.shape[1]
    n_states = jnp.zeros(n_terms).at[term_of_state].add(1.0)

    def one(perturbation: Batch) -> tuple[Array, Array, Array, Array]:
        changed = _knock_down(inputs, perturbation.genes, dose, value)
        prediction = nnx.merge(graph, state)(changed, gate=1.0 - dose * (1.0 - perturbation.gates))
        delta = natural(prediction.output, task) - before
        squared = jnp.square(prediction.states - states_before).mean(axis=0)
        rms = jnp.sqrt(jnp.zeros(n_terms).at[term_of_state].add(squared) / n_states)
        return delta.mean(axis=0), delta.std(axis=0), jnp.abs(delta).mean(axis=0), rms

    return jax.lax.map(one, batch)


def _knock_down(inputs: Inputs, genes: Array, dose: Array, value: Array) -> Inputs:
    if isinstance(inputs, dict):
        name = next(iter(inputs))
        return {**inputs, name: _knock_down(inputs[name], genes, dose, value)}
    if isinstance(inputs, Rows):
        return inputs._replace(table=_knock_down(inputs.table, genes, dose, value))
    chosen = jnp.zeros(inputs.shape[1]).at[genes].set(1.0, mode="drop")
    amount = dose * chosen[None, :]
    return inputs * (1.0 - amount) + value * amount
