"""The reference state of every term: its mean over the training samples, which a closed gate puts in its place."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models import Replicates
from kgnn.models.contract import reference_of
from kgnn.train.device_data import device_data
from kgnn.train.predict import chunked_inputs, forward

MOST_SAMPLES = 4_096
"""Samples that the mean is taken over at most, spread evenly; its error is then below 2 % of a state's deviation."""


def set_reference(model: Any, samples: Samples, *, chunk: int = 1024) -> None:
    """Measure the mean state of every term and store it in the model.

    Args:
        model: A fitted model; only its reference is written.
        samples: Training samples.
        chunk: Samples computed at once.
    """
    if not model.terms:
        return
    graph, state = nnx.split(model)
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MOST_SAMPLES)).astype(np.int64))
    data = device_data(samples if len(chosen) == len(samples) else samples.take(chosen))
    summed = np.zeros(len(model.term_of_state))
    for _, present, inputs in chunked_inputs(data, chunk):
        summed += np.asarray(forward(graph, state, inputs, jnp.asarray(present))[1], np.float64)
    store_reference(model, jnp.asarray(summed / len(chosen), jnp.float32))


def store_reference(model: Any, mean: Array) -> None:
    """Let a model keep the mean of every state.

    Args:
        model: A network, or replicates.
        mean: ``[state]``, in the order of `Model.term_of_state`.
    """
    many = isinstance(model, Replicates)
    reference = reference_of(model.stacked if many else model)
    if reference is not None:
        reference[...] = mean.reshape(-1, model.n_replicates).T if many else mean
