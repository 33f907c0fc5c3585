"""The compiled inner loop: an epoch is one jitted scan over batches, whatever the model.

A model is split once into its fixed graph and a tree of arrays; everything here is a pure function of such trees.
Replicates are the same functions under `jax.vmap`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models.contract import Inputs, Model, Rows
from kgnn.train.config import TrainConfig
from kgnn.train.losses import batch_losses


class TrainState(NamedTuple):
    """All that changes in training.

    Attributes:
        params: Trained arrays.
        rest: All other arrays of the model: batch statistics, masks, fitted statistics, random streams.
        optimizer: State of the optimizer.
        average: Running average of the trained arrays and batch statistics, or None.
        key: Random key of order.
        step: Steps done.
    """

    params: Any
    rest: Any
    optimizer: Any
    average: Any
    key: Array
    step: Array


class Data(NamedTuple):
    """Samples as arrays on the device.

    Attributes:
        tables: Values of every modality, ``[row, feature]``.
        rows: Row of every sample, by modality.
        targets: ``[sample, output]``, or ``[sample]`` of class codes.
        weights: ``[sample]``.
    """

    tables: dict[str, Array]
    rows: dict[str, Array]
    targets: Array
    weights: Array


class Engine:
    """Compiled functions for one model, one configuration and one number of training samples.

    Args:
        model: Gives the graph; its arrays are not touched.
        config: Settings.
        n_samples: Number of training samples.
    """

    def __init__(self, model: Model, config: TrainConfig, n_samples: int):
        self.graph, _, _ = nnx.split(model, nnx.Param, ...)
        self.task = model.task
        self.config = config
        self.n_batches = max(1, round(n_samples / config.batch_size))
        self.batch_size = -(-n_samples // self.n_batches)
        self.optimizer = make_optimizer(config, config.epochs * self.n_batches)
        many = config.replicates > 1
        epoch = jax.vmap(self._epoch, in_axes=(0, None)) if many else self._epoch
        predict = jax.vmap(self._predict, in_axes=(0, None, None)) if many else self._predict
        self.run_epoch = jax.jit(epoch, donate_argnums=0)
        self._run_predict = jax.jit(predict, static_argnums=2)

    def start(self, models: list[Model], seed: int) -> TrainState:
        """State before the first step, with one model a replicate."""
        states = []
        for number, model in enumerate(models):
            _, params, rest = nnx.split(model, nnx.Param, ...)
            average = (params, _statistics(rest)) if self.config.average else None
            key = jax.random.key_data(jax.random.key(seed + 7919 * number))
            state = TrainState(params, rest, self.optimizer.init(params), average, key, jnp.zeros((), jnp.int32))
            states.append(jax.tree.map(jnp.array, state))
        if self.config.replicates == 1:
            return states[0]
        return jax.tree.map(lambda *arrays: jnp.stack(arrays), *states)

    def kept(self, state: TrainState) -> tuple[Any, Any]:
        """Arrays of the model that is scored and kept: the running average where there is one."""
        if state.average is None:
            return state.params, state.rest
        params, statistics = state.average
        return params, nnx.merge_state(state.rest, statistics)

    def predict(self, params: Any, rest: Any, data: Data, chunk: int = 1024) -> np.ndarray:
        """Outputs ``[sample, output]`` in inference, the mean over replicates."""
        n = len(data.weights)
        chunk = min(chunk, max(n, 1))
        outputs = self._run_predict((params, rest), data, chunk)
        outputs = outputs.mean(axis=0) if self.config.replicates > 1 else outputs
        return np.asarray(outputs)[:n]

    def _epoch(self, state: TrainState, data: Data) -> tuple[TrainState, tuple[Array, Array]]:
        key, order_key = jax.random.split(jax.random.wrap_key_data(state.key))
        n = data.weights.shape[0]
        order = jax.random.permutation(order_key, n)
        padding = self.n_batches * self.batch_size - n
        index = jnp.concatenate([order, jnp.zeros(padding, order.dtype)])
        present = jnp.concatenate([jnp.ones(n), jnp.zeros(padding)])
        # Dealing the samples out in turn spreads the padding over the batches: none is much smaller than another.
        shape = (self.batch_size, self.n_batches)
        batches = (index.reshape(shape).T, present.reshape(shape).T)
        state = state._replace(key=jax.random.key_data(key))
        state, losses = jax.lax.scan(partial(self._step, data), state, batches)
        return state, jax.tree.map(jnp.mean, losses)

    def _step(self, data: Data, state: TrainState, batch: tuple[Array, Array]) -> tuple[TrainState, Any]:
        index, present = batch
        gradient_of = jax.grad(self._loss, has_aux=True)
        gradient, (rest, losses) = gradient_of(state.params, state.rest, data, index, present)
        updates, optimizer = self.optimizer.update(gradient, state.optimizer, state.params)
        params = optax.apply_updates(state.params, updates)
        average = state.average
        if average is not None:
            # Early on the average forgets faster, so that the random start leaves no trace.
            decay = jnp.minimum(self.config.average, (1.0 + state.step) / (10.0 + state.step))
            new = (params, _statistics(rest))
            average = jax.tree.map(lambda old, now: decay * old + (1 - decay) * now, average, new)
        return TrainState(params, rest, optimizer, average, state.key, state.step + 1), losses

    def _loss(self, params: Any, rest: Any, data: Data, index: Array, present: Array) -> tuple[Array, Any]:
        model = nnx.merge(self.graph, params, rest, copy=True)
        weights = present * data.weights[index]
        inputs = batch_inputs(data, index)
        prediction = model(inputs, weights=weights, train=True)
        scale = model.output_scaling.scale[...]
        output, auxiliary = batch_losses(self.task, prediction, data.targets[index], scale, weights)
        rest = nnx.state(model, nnx.Not(nnx.Param))
        return output + self.config.auxiliary_weight * auxiliary, (rest, (output, auxiliary))

    def _predict(self, arrays: tuple[Any, Any], data: Data, chunk: int) -> Array:
        model = nnx.merge(self.graph, *arrays, copy=True)
        n = data.weights.shape[0]
        n_chunks = -(-n // chunk)
        index = jnp.minimum(jnp.arange(n_chunks * chunk), n - 1).reshape(n_chunks, chunk)
        outputs = jax.lax.map(lambda rows: model(batch_inputs(data, rows)).output, index)
        return outputs.reshape(n_chunks * chunk, -1)


def batch_inputs(data: Data, index: Array) -> Inputs:
    """Inputs of some samples; a table smaller than the batch is handed over whole, so that a branch runs once a row."""
    inputs = {}
    for name, table in data.tables.items():
        rows = data.rows[name][index]
        inputs[name] = Rows(table, rows) if len(data.tables) > 1 and table.shape[0] <= index.shape[0] else table[rows]
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


def device_data(samples: Samples, weights: np.ndarray | None = None) -> Data:
    """Samples on the device; targets are zeros where there are none."""
    tables = {name: jnp.asarray(table.values) for name, table in samples.modalities.items()}
    rows = {name: jnp.asarray(rows) for name, rows in samples.row_of_sample.items()}
    n = len(samples)
    targets = jnp.zeros((n, 1)) if samples.targets is None else jnp.asarray(samples.targets.values)
    return Data(tables, rows, targets, jnp.ones(n) if weights is None else jnp.asarray(weights, jnp.float32))


def make_optimizer(config: TrainConfig, n_steps: int) -> optax.GradientTransformation:
    """The optimizer of a configuration, from optax."""
    schedules: dict[str, Callable[[], Any]] = {
        "constant": lambda: config.learning_rate,
        "cosine": lambda: optax.cosine_decay_schedule(config.learning_rate, n_steps),
        "exponential": lambda: optax.exponential_decay(config.learning_rate, n_steps, 0.01),
    }
    rate = schedules[config.schedule]()
    moments = {"b1": config.b1, "b2": config.b2, "eps": config.epsilon}
    if config.optimizer == "adamw":
        chain = [optax.adamw(rate, weight_decay=config.weight_decay, **moments)]
    else:
        chain = [optax.add_decayed_weights(config.l2), optax.adam(rate, **moments)] if config.l2 else [
            optax.adam(rate, **moments)
        ]  # fmt: skip
    if config.clip_norm:
        chain.insert(0, optax.clip_by_global_norm(config.clip_norm))
    return optax.chain(*chain)


def _statistics(rest: Any) -> Any:
    return nnx.filter_state(rest, nnx.BatchStat)
