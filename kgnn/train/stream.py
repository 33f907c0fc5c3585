"""Samples that do not fit on the device: they come in chunks of many batches, prepared while the last one is used.

The order of an epoch is the exact random permutation of all samples that training on the device would take, and a
chunk is computed by one compiled loop over its batches. So both ways give the same losses; only what lies on the device
differs. The rows of a chunk are read in rising order, each once. Tables that are small stay on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from kgnn.data.samples import Samples
from kgnn.train.config import TrainConfig
from kgnn.train.device_data import Data, DeviceTable, device_data, targets_and_weights
from kgnn.train.device_memory import data_bytes, is_streamed, table_bytes
from kgnn.train.prefetch import prefetched
from kgnn.train.shared_rows import likely_distinct

if TYPE_CHECKING:
    from kgnn.train.engine import Engine, TrainState

CHUNK_BYTES = 2**26
"""Bytes of a chunk at most: large enough that preparing one costs little beside computing it, small in memory."""

CHUNKS_AT_ONCE = 4
"""Chunks that exist at one time: in use, waiting, being prepared, and one that is being freed."""


class StreamedData:
    """Samples of which only chunks come to the device.

    Args:
        samples: Their tables may lie on disk, see `kgnn.data.stored.StoredTable`.
        weights: Weight of every sample in the loss, 1 each where None.
        limit: Bytes that samples may take on the device at any time.
    """

    def __init__(self, samples: Samples, weights: np.ndarray | None = None, limit: int = 2**30):
        self.n_samples = len(samples)
        self.chunk_bytes = min(CHUNK_BYTES, max(1, limit // CHUNKS_AT_ONCE))
        self.targets, self.weights = targets_and_weights(samples, weights)
        self.rows = dict(samples.row_of_sample)
        self.streamed: dict[str, DeviceTable] = {}
        self.resident: dict[str, Any] = {}
        for name, table in samples.modalities.items():
            # Of several tables those that are no larger than a chunk stay; a single one is what there is to stream.
            if len(samples.modalities) > 1 and table_bytes(table) <= self.chunk_bytes:
                every = np.arange(len(table.rows), dtype=np.int32)
                kept = device_data(Samples(table.rows, {name: table}, {name: every}))
                self.resident[name] = kept.tables[name]
                self.rows[name] = np.asarray(kept.rows[name])[self.rows[name]]
            else:
                self.streamed[name] = DeviceTable.of(table.values)
        self.names = tuple(samples.modalities)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample in the tables that are streamed."""
        return max(1, sum(table.row_bytes for table in self.streamed.values()))

    def part(self, index: np.ndarray) -> Data:
        """Some samples, on the device.

        Args:
            index: Positions; of as many, the arrays always have the same shapes.

        Returns:
            The samples, in the order given.
        """
        tables, rows = dict(self.resident), {}
        for name in self.names:
            rows[name] = self.rows[name][index]
            if name in self.streamed:
                used, place = np.unique(rows[name], return_inverse=True)
                found = self.streamed[name].rows(used)
                unused = min(len(index), len(self.streamed[name].values)) - len(used)
                filled = np.concatenate([found, np.zeros((unused, found.shape[1]), found.dtype)])
                tables[name] = self.streamed[name].on_device(filled)
                rows[name] = place.reshape(-1).astype(np.int32)
        in_order = {name: tables[name] for name in self.names}
        positions = {name: jnp.asarray(rows[name]) for name in self.names}
        return Data(in_order, positions, jnp.asarray(self.targets[index]), jnp.asarray(self.weights[index]))

    def capacity(self, index: np.ndarray) -> tuple[tuple[str, int], ...]:
        """As `Engine.capacity`, for the batches ``[…, batch, sample]`` of an epoch."""
        found = []
        for name, rows in self.rows.items():
            n_rows = len(self.streamed[name].values) if name in self.streamed else self.resident[name].shape[0]
            most = likely_distinct(rows, index.shape[-1], n_rows) if n_rows < self.n_samples else None
            if most is not None:
                ordered = np.sort(rows[index], axis=-1)
                if (1 + (ordered[..., 1:] != ordered[..., :-1]).sum(axis=-1)).max() <= most:
                    found.append((name, most))
        return tuple(found)


def place_samples(
    samples: Samples, config: TrainConfig | None = None, weights: np.ndarray | None = None
) -> Data | StreamedData:
    """Samples on the device where they fit, else as what is streamed to it.

    Args:
        samples: Any samples.
        config: Its ``stream`` and ``data_memory`` decide; automatic where None.
        weights: Weight of every sample in the loss.

    Returns:
        The samples.
    """
    if is_streamed(samples, config):
        return StreamedData(samples, weights, data_bytes(config))
    return device_data(samples, weights)


def train_streamed_epoch(
    engine: Engine, state: TrainState, data: StreamedData, watch: Callable[[float, Any], None] | None = None
) -> tuple[TrainState, Any]:
    """An epoch in chunks; see `Engine.train_epoch`.

    Args:
        engine: Of the model.
        state: Where training stands.
        data: Training samples.
        watch: Told after every chunk but the last the share of the epoch that is done and its mean losses so far.

    Returns:
        The state after the epoch, and the mean losses of the output and of the auxiliary heads.
    """
    key, batches = engine.order(state.key, data.n_samples)
    index, present = (np.asarray(each) for each in batches)
    state, capacity = state._replace(key=key), data.capacity(index)
    sums, done = None, 0
    # Closed here rather than by the collector, so that the thread has ended when an interrupt is passed on.
    chunks = prefetched(_chunks(engine, data, index, present))
    try:
        for chunk, chunk_batches, count in chunks:
            before = sums
            placed = engine.placement.copy((chunk, chunk_batches))
            state, losses = engine.run_chunk(
                state, *placed, np.int32(count), capacity=capacity, streamed=tuple(data.streamed)
            )
            sums = losses if sums is None else jax.tree.map(jnp.add, sums, losses)
            # No more than two chunks wait for the device at a time, however far it is behind.
            jax.block_until_ready(before)
            if watch is not None and before is not None:
                watch(done / engine.n_batches, jax.tree.map(lambda each, n=done: each / n, before))
            done += count
    finally:
        chunks.close()
    return state, jax.tree.map(lambda each: each / engine.n_batches, sums)


def _chunks(engine: Engine, data: StreamedData, index: np.ndarray, present: np.ndarray) -> Iterator[Any]:
    """Samples of a chunk, its batches as positions among them, and how many of these are real."""
    many = index.ndim > 2
    n_replicates = len(index) if many else 1
    a_batch = data.sample_bytes * engine.batch_size * n_replicates
    length = int(np.clip(data.chunk_bytes // a_batch, 1, engine.n_batches))
    places = np.arange(length * engine.batch_size, dtype=np.int32).reshape(length, engine.batch_size)
    for first in range(0, engine.n_batches, length):
        # The last chunk is filled up with batches that are not run, so that all have one shape.
        batch = np.minimum(np.arange(first, first + length), engine.n_batches - 1)
        count = min(length, engine.n_batches - first)
        if many:
            parts = [data.part(each[batch].reshape(-1)) for each in index]
            chunk = Data(
                {name: _together([part.tables[name] for part in parts], name in data.streamed) for name in data.names},
                {name: jnp.stack([part.rows[name] for part in parts]) for name in data.names},
                jnp.stack([part.targets for part in parts]),
                jnp.stack([part.weights for part in parts]),
            )
            position = np.broadcast_to(places, (n_replicates, *places.shape))
        else:
            chunk, position = data.part(index[batch].reshape(-1)), places
        yield chunk, (jnp.asarray(position), jnp.asarray(present[..., batch, :])), count


def _together(tables: list[Any], stacked: bool) -> Any:
    """Tables of all replicates as one with a further axis in front; the one that they share where it stays."""
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *tables) if stacked else tables[0]
