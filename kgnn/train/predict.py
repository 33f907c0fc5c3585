"""`predict`: outputs of a fitted model for samples of any number."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.models.contract import Inputs, Model
from kgnn.train.engine import batch_inputs, device_data
from kgnn.train.metrics import probabilities


def predict(model: Model, samples: Samples, *, chunk: int = 1024) -> np.ndarray:
    """Outputs of a model in inference.

    Args:
        model: A fitted model.
        samples: With all genes of the model; others are ignored.
        chunk: Samples computed at once.

    Returns:
        ``[sample, output]``: on the scale of the targets for regression, logits else.

    Raises:
        AlignmentError: If the samples lack a gene of the model.
    """
    graph, state = nnx.split(model)
    data = device_data(samples.with_genes(model.genes))
    parts = [
        np.asarray(compiled_output(graph, state, batch_inputs(data, index)))[:n]
        for index, n in padded_chunks(len(samples), chunk)
    ]
    return np.concatenate(parts)


def predict_natural(model: Model, samples: Samples, *, chunk: int = 1024) -> np.ndarray:
    """As `predict`, but probabilities in place of logits."""
    outputs = predict(model, samples, chunk=chunk)
    return outputs if model.task == "regression" else probabilities(outputs, model.task)


def padded_chunks(n: int, chunk: int) -> list[tuple[np.ndarray, int]]:
    """Positions in chunks of equal size, so that a function compiles once.

    Args:
        n: Number of samples.
        chunk: Most samples a chunk; the power of two above `n` where that is less.

    Returns:
        For each chunk, the positions (the last one repeated as padding) and how many of them are real.
    """
    chunk = min(chunk, 1 << max(n - 1, 0).bit_length())
    starts = range(0, n, chunk)
    return [(np.minimum(np.arange(first, first + chunk), n - 1), min(chunk, n - first)) for first in starts]


@partial(jax.jit, static_argnums=0)
def compiled_output(graph: nnx.GraphDef, state: nnx.State, inputs: Inputs) -> jax.Array:
    """Output of a model that was split into graph and arrays."""
    return nnx.merge(graph, state)(inputs).output
