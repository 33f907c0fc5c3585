"""`EachOutput`: what every replicate predicts by itself."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.models import Replicates
from kgnn.models.contract import Inputs
from kgnn.train.chunks import InChunks
from kgnn.train.device_data import Data
from kgnn.train.memory import here, tree_bytes
from kgnn.train.predict import chunked_inputs
from kgnn.train.stream import StreamedData


class EachOutput:
    """Predictions of every replicate by itself, compiled once for all samples.

    Args:
        model: The replicates; their arrays are given later.
        chunk: Samples computed at once.
    """

    def __init__(self, model: Replicates, *, chunk: int = 1024):
        self._graph = nnx.graphdef(model.stacked)
        self._chunk = chunk
        states = 4 * len(model.term_of_state) // model.n_replicates
        weights = tree_bytes(nnx.state(model.stacked)) // model.n_replicates
        # A level's rows, what it gathers and what it leaves live at once.
        chunking = here(model.n_replicates, weights + 3 * chunk * states)
        self._in_chunks = InChunks(self._output, model.n_replicates, chunking)

    def __call__(self, state: Any, data: Data | StreamedData) -> np.ndarray:
        """Predict.

        Args:
            state: Arrays of the stacked networks.
            data: The samples, placed.

        Returns:
            ``[replicate, sample, output]``.
        """
        parts = []
        for _, present, inputs in chunked_inputs(data, self._chunk):
            parts.append(np.asarray(self._in_chunks(state, inputs))[:, present > 0])
        return np.concatenate(parts, axis=1)

    def _output(self, state: Any, inputs: Inputs) -> jax.Array:
        return nnx.merge(self._graph, state)(inputs).output
