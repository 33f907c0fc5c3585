"""The compiled inner loop: an epoch is one jitted scan over batches, whatever the model.

A model is split once into its fixed graph and a tree of arrays; everything here is a pure function of such trees.
Replicates are the same functions under `jax.vmap`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models import Replicates
from kgnn.models.contract import Inputs, Model, Rows
from kgnn.train.config import TrainConfig
from kgnn.train.losses import batch_losses

ROWS_TOGETHER = 64


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
        model: One network, or as many replicates as the configuration has; its arrays are not touched.
        config: Settings.
        n_samples: Number of training samples.
    """

    def __init__(self, model: Model, config: TrainConfig, n_samples: int):
        self.graph = nnx.graphdef(trained_module(model))
        self.task = model.task
        self.config = config
        self.n_batches = max(1, round(n_samples / config.batch_size))
        self.batch_size = -(-n_samples // self.n_batches)
        self.optimizer = make_optimizer(config, config.epochs * self.n_batches)
        self._many = isinstance(model, Replicates)
        # The state is not donated: the kept epoch and the checkpoint may go on referring to it.
        self.run_epoch = jax.jit(jax.vmap(self._epoch, in_axes=(0, None)) if self._many else self._epoch)

    def start(self, model: Model, seed: int) -> TrainState:
        """State before the first step, from the arrays that the model has now."""
        _, params, rest = nnx.split(trained_module(model), nnx.Param, ...)
        keys = [jax.random.key_data(jax.random.key(seed + 7919 * n)) for n in range(self.config.replicates)]
        # One compiled call instead of some hundred small ones.
        if self._many:
            return jax.jit(jax.vmap(self._start))(params, rest, jnp.stack(keys))
        return jax.jit(self._start)(params, rest, keys[0])

    def _start(self, params: Any, rest: Any, key: Array) -> TrainState:
        params, rest = jax.tree.map(_strongly_typed, (params, rest))
        average = (params, _statistics(rest)) if self.config.average else None
        return TrainState(params, rest, self.optimizer.init(params), average, key, jnp.zeros((), jnp.int32))

    def kept(self, state: TrainState) -> tuple[Any, Any]:
        """Arrays of the model that is scored and kept: the running average where there is one."""
        if state.average is None:
            return state.params, state.rest
        params, statistics = state.average
        return params, nnx.merge_state(state.rest, statistics)

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
            step = state.step.astype(jnp.float32)
            decay = jnp.minimum(self.config.average, (1.0 + step) / (10.0 + step))
            new = (params, _statistics(rest))
            average = jax.tree.map(lambda old, now: decay * old + (1 - decay) * now, average, new)
        return TrainState(params, rest, optimizer, average, state.key, state.step + 1), losses

    def _loss(self, params: Any, rest: Any, data: Data, index: Array, present: Array) -> tuple[Array, Any]:
        model = nnx.merge(self.graph, params, rest, copy=True)
        # Batch statistics are those of the samples; class weights belong to the loss alone.
        prediction = model(batch_inputs(data, index), weights=present, train=True)
        scale = model.output_scaling.scale[...]
        weights = present * data.weights[index]
        output, auxiliary = batch_losses(self.task, prediction, data.targets[index], scale, weights)
        rest = nnx.state(model, nnx.Not(nnx.Param))
        return output + self.config.auxiliary_weight * auxiliary, (rest, (output, auxiliary))


def trained_module(model: Model) -> Any:
    """What holds the arrays that are trained: the model, or the stacked networks of `Replicates`."""
    return model.stacked if isinstance(model, Replicates) else model


def batch_inputs(data: Data, index: Array) -> Inputs:
    """Inputs of some samples; a table smaller than the batch is handed over whole, so that a branch runs once a row."""
    inputs = {}
    for name, table in data.tables.items():
        rows = data.rows[name][index]
        inputs[name] = Rows(table, rows) if len(data.tables) > 1 and table.shape[0] <= index.shape[0] else table[rows]
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


def device_data(samples: Samples, weights: np.ndarray | None = None) -> Data:
    """Samples on the device; targets are zeros where there are none.

    Where samples share rows, a table is filled up with rows that no sample uses to a multiple of `ROWS_TOGETHER`: the
    parts of one screen then mostly have tables of one size, and share their compiled functions.
    """
    filled = {name: table.values for name, table in samples.modalities.items()}
    if len(filled) > 1:
        filled = {name: np.pad(values, ((0, -len(values) % ROWS_TOGETHER), (0, 0))) for name, values in filled.items()}
    tables = {name: jnp.asarray(values) for name, values in filled.items()}
    rows = {name: jnp.asarray(rows) for name, rows in samples.row_of_sample.items()}
    n = len(samples)
    targets = jnp.zeros((n, 1)) if samples.targets is None else jnp.asarray(samples.targets.values)
    return Data(tables, rows, targets, jnp.ones(n) if weights is None else jnp.asarray(weights, jnp.float32))


def make_optimizer(config: TrainConfig, n_steps: int) -> optax.GradientTransformation:
    """The optimizer of a configuration, from optax."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(config.learning_rate, n_steps)
    elif config.schedule == "exponential":
        rate = optax.exponential_decay(config.learning_rate, n_steps, 0.01)
    parts: list[optax.GradientTransformation] = []
    if config.clip_norm:
        parts.append(optax.clip_by_global_norm(config.clip_norm))
    if config.l2:
        parts.append(optax.add_decayed_weights(config.l2))
    if config.optimizer == "adamw":
        decay = config.weight_decay
        parts.append(optax.adamw(rate, b1=config.b1, b2=config.b2, eps=config.epsilon, weight_decay=decay))
    else:
        parts.append(optax.adam(rate, b1=config.b1, b2=config.b2, eps=config.epsilon))
    return optax.chain(*parts)


def _strongly_typed(leaf: Array) -> Array:
    """The same array with a type that no operation changes, so that the second epoch compiles nothing anew."""
    return leaf if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jnp.asarray(leaf, leaf.dtype)


def _statistics(rest: Any) -> Any:
    return nnx.filter_state(rest, nnx.BatchStat)
