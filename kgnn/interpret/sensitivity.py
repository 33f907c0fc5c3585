"""Node sensitivity and knockdown effect of every subsystem, on any model of the contract."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.models.contract import Inputs, Model
from kgnn.perturb.forward import changes
from kgnn.perturb.natural import natural
from kgnn.perturb.reach import Perturbation


def node_sensitivity(model: Model, inputs: Inputs) -> np.ndarray:
    r"""How much a prediction changes as the states of a term move by their standard deviations.

    A large value means that the trained network leans on the term; it does not show that the term drives the
    phenotype. A small one may mean that the network is saturated: one that has learned to switch lies on its plateaus
    for most samples, and its derivatives are small everywhere; the knockdown effect sees across them. Terms with few
    genes, and repeated fits, scatter: compare with a null.

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
    terms = jnp.asarray(model.term_of_state, jnp.int32)
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
    every_term = [Perturbation(terms=(term,)) for term in range(len(model.terms))]
    return np.concatenate([found.absolute for found in changes(model, inputs, every_term)])


@partial(jax.jit, static_argnums=(0, 5, 6))
def _sensitivity(
    graph: nnx.GraphDef,
    state: Any,
    inputs: Inputs,
    term_of_state: Array,
    output: Array,
    n_terms: int,
    task: str,
) -> Array:
    model = nnx.merge(graph, state)
    states = model(inputs).states

    def summed(shift: Array) -> Array:
        return natural(nnx.merge(graph, state)(inputs, shift=shift).output, task)[:, output].sum()

    # Batch statistics are frozen, so each sample's output depends on its own states alone: one pass gives all rows.
    scaled = jax.grad(summed)(jnp.zeros_like(states)) * states.std(axis=0)[None, :]
    squared = jnp.zeros((n_terms, states.shape[0])).at[term_of_state].add(jnp.square(scaled).T)
    return jnp.sqrt(squared).mean(axis=1)
