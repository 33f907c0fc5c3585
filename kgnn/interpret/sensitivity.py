"""Node sensitivity and knockdown effect of every subsystem, on any model of the contract."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.models.contract import Inputs, Model
from kgnn.perturb.forward import Batch, changes, natural

TERMS_A_CALL = 64


def node_sensitivity(model: Model, inputs: Inputs) -> np.ndarray:
    r"""How much a prediction changes as the states of a term move by their standard deviations.

    A large value means that the trained network leans on the term; it does not show that the term drives the
    phenotype. Terms with few genes, and repeated fits, scatter: compare with a null.

    .. math:: S_{to} = \frac{1}{N}\sum_i \Big\| \frac{\partial \hat y_{io}}{\partial h_{ti}} \odot \sigma_t \Big\|_2

    Args:
        model: A fitted model with terms.
        inputs: Of the samples.

    Returns:
        ``[term, output]``, in units of the prediction (probability for classes and labels).

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Differs from the paper:
        Exact derivatives in place of central differences; the length over the states of a term and the mean of
        absolute values over samples, since a term here has several states, whose signs have no meaning.
    """
    graph, state = nnx.split(model)
    n_terms = len(model.terms)
    terms = jnp.asarray(np.asarray(model.term_of_state, dtype=np.int32))  # type: ignore[attr-defined]
    columns = [
        _sensitivity(graph, state, inputs, terms, jnp.int32(output), n_terms, model.task)
        for output in range(len(model.output_names))
    ]
    return np.stack([np.asarray(column) for column in columns], axis=1)


def knockdown_effect(model: Model, inputs: Inputs) -> np.ndarray:
    """Mean absolute change of each prediction as each term is replaced by its mean state.

    Args:
        model: A fitted model with terms.
        inputs: Of the samples.

    Returns:
        ``[term, output]``, in units of the prediction.
    """
    n_terms = len(model.terms)
    no_gene = len(model.genes)
    parts = []
    for first in range(0, n_terms, TERMS_A_CALL):
        closed = np.ones((TERMS_A_CALL, n_terms), dtype=np.float32)
        for row, term in enumerate(range(first, min(first + TERMS_A_CALL, n_terms))):
            closed[row, term] = 0.0
        batch = Batch(jnp.full((TERMS_A_CALL, 1), no_gene, dtype=jnp.int32), jnp.asarray(closed))
        parts.append(changes(model, inputs, batch, dose=1.0, value=0.0).absolute)
    return np.concatenate(parts)[:n_terms]


@partial(jax.jit, static_argnums=(0, 5, 6))
def _sensitivity(
    graph: nnx.GraphDef,
    state: nnx.State,
    inputs: Inputs,
    term_of_state: Array,
    output: Array,
    n_terms: int,
    task: str,
) -> Array:
    def summed(shift: Array) -> tuple[Array, Array]:
        prediction = nnx.merge(graph, state)(inputs, shift=shift)
        return natural(prediction.output, task)[:, output].sum(), prediction.states

    model = nnx.merge(graph, state)
    states = model(inputs).states
    gradient, _ = jax.grad(summed, has_aux=True)(jnp.zeros_like(states))
    scaled = jnp.square(gradient * states.std(axis=0)[None, :])
    by_term = jnp.zeros((n_terms, states.shape[0])).at[term_of_state].add(scaled.T)
    return jnp.sqrt(by_term).mean(axis=1)
