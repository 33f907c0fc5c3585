"""`predict`: outputs of a fitted model for samples of any number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models.contract import Inputs, Model
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.device_data import Data, batch_inputs
from kgnn.train.devices import ONE_DEVICE, Placement
from kgnn.train.metrics import probabilities
from kgnn.train.prefetch import prefetched
from kgnn.train.stream import StreamedData, place_samples

if TYPE_CHECKING:
    import pandas

SMALLEST_CHUNK = 256


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
    enable_compilation_cache()
    graph, state = nnx.split(model)
    return outputs_of(graph, state, place_samples(samples.with_genes(model.genes)), chunk=chunk)


def outputs_of(
    graph: Any, state: Any, data: Data | StreamedData, *, chunk: int = 1024, placement: Placement = ONE_DEVICE
) -> np.ndarray:
    """As `predict`, for a model that was split into graph and arrays, and samples that were placed.

    Args:
        graph: Of the model.
        state: All arrays of the model.
        data: The samples.
        chunk: Samples computed at once.
        placement: Devices that the samples of a chunk are dealt out among.

    Returns:
        ``[sample, output]``.
    """
    parts = []
    for _, present, inputs in chunked_inputs(data, chunk, placement):
        with placement.context():
            outputs, _ = forward(graph, state, inputs, placement.dealt(present))
        parts.append(placement.whole(outputs)[present > 0])
    return np.concatenate(parts)


def chunked_inputs(
    data: Data | StreamedData, chunk: int = 1024, placement: Placement = ONE_DEVICE
) -> Iterator[tuple[np.ndarray, np.ndarray, Inputs]]:
    """Inputs of all samples, a chunk at a time; where samples share rows, branches run on the distinct rows of a chunk.

    Args:
        data: The samples; those that do not fit on the device are prepared chunk by chunk, one ahead.
        chunk: Most samples a chunk.
        placement: Devices that the samples of a chunk are dealt out among; `data` is on them unless it is streamed.

    Yields:
        Positions and presence, see `padded_chunks`, and what a model takes.
    """
    chunks = padded_chunks(data.weights.shape[0], chunk, multiple=placement.n_devices)
    if isinstance(data, StreamedData):
        places = placement.dealt(np.arange(len(chunks[0][0])))
        with closing(prefetched((*each, data.part(each[0])) for each in chunks)) as parts:
            for index, present, part in parts:
                yield index, present, batch_inputs(placement.copy(part), places)
        return
    capacity = {}
    for name, table in data.tables.items():
        if len(chunks[0][0]) < table.shape[0] < len(data.weights):
            rows = np.asarray(data.rows[name])
            most = max(len(np.unique(rows[index])) for index, _ in chunks)
            # A half, a quarter … of the chunk, so that the parts of one screen share few compiled functions.
            halvings = (len(chunks[0][0]) // most).bit_length() - 1
            if halvings:
                capacity[name] = len(chunks[0][0]) >> halvings
    for index, present in chunks:
        yield index, present, batch_inputs(data, placement.dealt(index), capacity)


def predict_natural(model: Model, samples: Samples, *, chunk: int = 1024) -> np.ndarray:
    """As `predict`, but probabilities in place of logits."""
    outputs = predict(model, samples, chunk=chunk)
    return outputs if model.task == "regression" else probabilities(outputs, model.task)


def prediction_table(model: Model, samples: Samples) -> pandas.DataFrame:
    """Natural predictions as a table: sample, one column an output and, for classes, the most probable one.

    Args:
        model: A fitted model.
        samples: With all genes of the model.

    Returns:
        One row a sample.
    """
    import pandas

    values = predict_natural(model, samples)
    table = pandas.DataFrame(values, columns=list(model.output_names))
    table.insert(0, "sample", list(samples.names))
    if model.task == "classes":
        table["predicted"] = [model.output_names[best] for best in values.argmax(axis=1)]
    return table


def padded_chunks(n: int, chunk: int = 1024, *, multiple: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions in chunks of equal size, so that a function compiles once.

    Args:
        n: Number of samples, at least 1.
        chunk: Most samples a chunk; less where `n` is less, in powers of two from `SMALLEST_CHUNK` on.
        multiple: The size of a chunk is rounded up to a multiple of this.

    Returns:
        For each chunk, the positions (the last one repeated as padding) and 1 for the real ones, 0 for the padding.
    """
    chunk = min(chunk, max(SMALLEST_CHUNK, 1 << (n - 1).bit_length()))
    chunk = -(-chunk // multiple) * multiple
    chunks = []
    for first in range(0, n, chunk):
        index = np.arange(first, first + chunk)
        chunks.append((np.minimum(index, n - 1), (index < n).astype(np.float32)))
    return chunks


@partial(jax.jit, static_argnums=0)
def forward(graph: Any, state: Any, inputs: Inputs, present: Array) -> tuple[Array, Array]:
    """Inference with a model that was split into graph and arrays; validation, scoring and reference share it.

    Args:
        graph: Of the model.
        state: All arrays of the model.
        inputs: Of a chunk of samples.
        present: ``[sample]``, 0 for padding.

    Returns:
        Output ``[sample, output]``, and the sum of the states over the samples that are present, ``[state]``.
    """
    prediction = nnx.merge(graph, state)(inputs)
    return prediction.output, present @ prediction.states
