"""The compiled inner loop: an epoch is one jitted scan over batches, whatever the model.

A model is split once into its fixed graph and a tree of arrays; everything here is a pure function of such trees.
Replicates are the same functions under `jax.vmap`, some of them at a time (see `kgnn.train.chunks`).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

from kgnn.layers import Subsystems
from kgnn.models import Replicates
from kgnn.models.contract import Inputs, Model
from kgnn.train.chunks import InChunks
from kgnn.train.config import TrainConfig
from kgnn.train.device_data import Data, batch_inputs
from kgnn.train.devices import ONE_DEVICE, Placement
from kgnn.train.frozen import freeze
from kgnn.train.losses import batch_losses
from kgnn.train.memory import RESIDENT_COPIES, here, kept_arrays, replicate_bytes, tree_bytes
from kgnn.train.proximal import has_prices, proximal_steps, with_prices
from kgnn.train.shared_rows import count_distinct, likely_distinct

Capacity = tuple[tuple[str, int], ...]
"""Number of slots for the distinct rows of a batch, by modality."""


class TrainState(NamedTuple):
    """All that changes in training.

    Attributes:
        params: Trained arrays.
        rest: All other arrays of the model: batch statistics, fitted statistics, random streams.
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


class Engine:
    """Compiled functions for one model, one configuration and one number of training samples.

    Args:
        model: One network, or as many replicates as the configuration has; its arrays are not touched.
        config: Settings.
        n_samples: Number of training samples.
        placement: Devices that the samples of every batch are dealt out among.
    """

    def __init__(self, model: Model, config: TrainConfig, n_samples: int, placement: Placement = ONE_DEVICE):
        self.graph = _training_graph(model, config.precision)
        self.task = model.task
        self.config = config
        self.placement = placement
        self.n_batches = max(1, round(n_samples / config.batch_size))
        self.batch_size = -(-n_samples // self.n_batches)
        self.optimizer = make_optimizer(config, config.epochs * self.n_batches, trained_module(model))
        self._many = isinstance(model, Replicates)
        self.in_chunks: dict[Capacity, InChunks] = {}
        # The state is not donated: the kept epoch and the checkpoint may go on referring to it.
        compiled = partial(jax.jit, out_shardings=placement.everywhere)
        self.run_epoch = compiled(self._epoch_of_all, static_argnames="capacity")
        self.run_chunk = compiled(self._chunk_of_all, static_argnames=("capacity", "streamed"))
        self.order = compiled(self._order_of_all, static_argnums=1)
        self._distinct = compiled(self._most_distinct)

    def start(self, model: Model, seed: int) -> TrainState:
        """State before the first step, from the arrays that the model has now."""
        _, params, rest = nnx.split(trained_module(model), nnx.Param, ...)
        keys = [jax.random.key_data(jax.random.key(seed + 7919 * n)) for n in range(self.config.replicates)]
        # One compiled call instead of some hundred small ones.
        if self._many:
            state = jax.jit(jax.vmap(self._start))(params, rest, jnp.stack(keys))
        else:
            state = jax.jit(self._start)(params, rest, keys[0])
        return self.placement.copy(state)

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

    def train_epoch(self, state: TrainState, data: Data) -> tuple[TrainState, tuple[Array, Array]]:
        """`run_epoch`, in which every branch runs on the distinct rows of a batch.

        Args:
            state: Where training stands.
            data: Training samples.

        Returns:
            The state after the epoch, and the mean losses of the output and of the auxiliary heads.
        """
        capacity = self.capacity(state, data)
        if not self._many or self.placement.mesh is not None:
            return self.run_epoch(state, data, capacity=capacity)
        if capacity not in self.in_chunks:
            n, most = self.config.replicates, self.config.replicates_together
            each, resident = self.replicate_bytes(state, data, capacity), RESIDENT_COPIES * tree_bytes(state)
            chunking = here(n, each, resident=resident, at_most=most)
            self.in_chunks[capacity] = InChunks(partial(self._epoch, capacity=capacity), n, chunking)
        return self.in_chunks[capacity](state, data)

    def replicate_bytes(self, state: TrainState, data: Data, capacity: Capacity = ()) -> int:
        """Memory that one replicate takes while it is trained; nothing is computed.

        Args:
            state: Of all replicates.
            data: The training samples.
            capacity: Slots for distinct rows.

        Returns:
            Bytes, see `kgnn.train.memory`.
        """

        def kept(one: TrainState, data: Data, index: Array) -> Any:
            inputs, ones = batch_inputs(data, index, dict(capacity)), jnp.ones(index.shape)
            return kept_arrays(self._loss, one.params, one.rest, inputs, data.targets[index], ones, ones)

        one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state)
        index = jax.ShapeDtypeStruct((self.batch_size,), jnp.int32)
        kept_bytes = tree_bytes(jax.eval_shape(kept, one, data, index))
        return replicate_bytes(tree_bytes(one), tree_bytes(one.params), kept_bytes)

    def capacity(self, state: TrainState, data: Data) -> tuple[tuple[str, int], ...]:
        """Slots for the distinct rows of a batch, by modality, that suffice for every batch of the coming epoch.

        The number is the same for all epochs but for those, one in some million, that have an unusual batch: these
        run without. It follows from the state and the samples alone, so that a resumed run takes the same way.
        """
        likely = {}
        for name, table in data.tables.items():
            if table.shape[0] < len(data.weights):
                likely[name] = likely_distinct(np.asarray(data.rows[name]), self.batch_size, table.shape[0])
        slots = {name: most for name, most in likely.items() if most is not None}
        found = self._distinct(state.key, {name: data.rows[name] for name in slots}) if slots else {}
        return tuple((name, most) for name, most in slots.items() if int(found[name]) <= most)

    def _most_distinct(self, keys: Array, rows: dict[str, Array]) -> dict[str, Array]:
        def one(key: Array) -> dict[str, Array]:
            index = self._order(key, next(iter(rows.values())).shape[0])[1][0]
            return {name: count_distinct(row[index]).max() for name, row in rows.items()}

        return jax.tree.map(jnp.max, jax.vmap(one)(keys) if self._many else one(keys))

    def _order(self, key: Array, n: int) -> tuple[Array, tuple[Array, Array]]:
        """The key of the next epoch, and this epoch's batches: positions of samples, and 0 for padding."""
        key, order_key = jax.random.split(jax.random.wrap_key_data(key))
        # One sort by random numbers; `jax.random.permutation` sorts twice, so that not even two equal ones matter.
        order = jnp.argsort(jax.random.bits(order_key, (n,))).astype(jnp.int32)
        padding = self.n_batches * self.batch_size - n
        index = jnp.concatenate([order, jnp.zeros(padding, order.dtype)])
        present = jnp.concatenate([jnp.ones(n), jnp.zeros(padding)])
        # Dealing the samples out in turn spreads the padding over the batches: none is much smaller than another.
        shape = (self.batch_size, self.n_batches)
        return jax.random.key_data(key), (index.reshape(shape).T, present.reshape(shape).T)

    def _epoch_of_all(self, state: TrainState, data: Data, capacity: Capacity = ()) -> Any:
        epoch = partial(self._epoch, capacity=capacity)
        return jax.vmap(epoch, in_axes=(0, None))(state, data) if self._many else epoch(state, data)

    def _epoch(self, state: TrainState, data: Data, capacity: Capacity) -> tuple[TrainState, tuple[Array, Array]]:
        key, batches = self._order(state.key, data.weights.shape[0])
        step = partial(self._step, data, capacity)
        state, losses = jax.lax.scan(step, state._replace(key=key), batches)
        return state, jax.tree.map(jnp.mean, losses)

    def _order_of_all(self, keys: Array, n: int) -> Any:
        order = partial(self._order, n=n)
        return jax.vmap(order)(keys) if self._many else order(keys)

    def _chunk_of_all(
        self,
        state: TrainState,
        data: Data,
        batches: Any,
        count: Array,
        capacity: Capacity = (),
        streamed: tuple[str, ...] = (),
    ) -> Any:
        chunk = partial(self._chunk, capacity=capacity)
        if not self._many:
            return chunk(state, data, batches, count)
        # Replicates see other samples in a chunk, but the same tables where these stay on the device.
        tables: dict[str, Any] = {name: 0 if name in streamed else None for name in data.tables}
        axes = Data(tables, 0, 0, 0)  # type: ignore[arg-type]
        return jax.vmap(chunk, in_axes=(0, axes, 0, None))(state, data, batches, count)

    def _chunk(self, state: TrainState, data: Data, batches: Any, count: Array, capacity: Capacity) -> Any:
        """The first `count` batches of a chunk; the sums of their losses."""

        def step(number: Array, carried: Any) -> Any:
            state, sums = carried
            state, losses = self._step(data, capacity, state, jax.tree.map(lambda each: each[number], batches))
            return state, jax.tree.map(jnp.add, sums, losses)

        return jax.lax.fori_loop(0, count, step, (state, (jnp.float32(0), jnp.float32(0))))

    def _step(
        self, data: Data, capacity: Capacity, state: TrainState, batch: tuple[Array, Array]
    ) -> tuple[TrainState, Any]:
        index, present = self.placement.deal(batch)
        inputs = self.placement.deal(batch_inputs(data, index, dict(capacity)))
        weights = present * data.weights[index]
        gradient_of = jax.grad(self._loss, has_aux=True)
        given = (inputs, data.targets[index], present, weights)
        with self.placement.context():
            gradient, (rest, losses) = gradient_of(state.params, state.rest, *given)
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

    def _loss(
        self, params: Any, rest: Any, inputs: Inputs, targets: Array, present: Array, weights: Array
    ) -> tuple[Array, Any]:
        model = nnx.merge(self.graph, params, rest, copy=True)
        # Batch statistics are those of the samples; class weights belong to the loss alone.
        prediction = model(inputs, weights=present, train=True)
        scale = model.output_scaling.scale[...]
        config = self.config
        output, auxiliary = batch_losses(
            self.task, prediction, targets, scale, weights,
            loss=config.loss, head_weights=getattr(model, "head_weights", ()),
        )  # fmt: skip
        share = weights / weights.sum()
        if config.loss == "model":
            output = model.loss(inputs, prediction, targets, share)
        total = config.output_weight * output + config.auxiliary_weight * auxiliary
        if prediction.penalty is not None:
            total = total + config.penalty_weight * (prediction.penalty @ share)
        if hasattr(model, "penalty"):
            total = total + config.penalty_weight * model.penalty(inputs, prediction, targets, share)
        rest = nnx.state(model, nnx.Not(nnx.Param))
        return total, (rest, (output, auxiliary))


def trained_module(model: Model) -> Any:
    """What holds the arrays that are trained: the model, or the stacked networks of `Replicates`."""
    return model.stacked if isinstance(model, Replicates) else model


def _training_graph(model: Model, precision: str) -> Any:
    """The graph with the precision of training, which is not that of predictions: the model keeps its own."""
    module = nnx.clone(trained_module(model))
    for _, part in nnx.iter_modules(module):
        if isinstance(part, Subsystems):
            part.settings = part.settings._replace(precision=precision)
    return nnx.graphdef(module)


def learning_rate(config: TrainConfig, n_steps: int) -> float | optax.Schedule:
    """The step size of a configuration: a number, or a function of the number of steps done."""
    if config.schedule == "cosine":
        return optax.cosine_decay_schedule(config.learning_rate, n_steps)
    if config.schedule == "exponential":
        return optax.exponential_decay(config.learning_rate, n_steps, 0.01)
    return config.learning_rate


def make_optimizer(config: TrainConfig, n_steps: int, model: Any = None) -> optax.GradientTransformation:
    """The optimizer of a configuration, from optax; then what parameters must obey, and those that stay."""
    rate = learning_rate(config, n_steps)
    of_prices = rate if not config.unpriced else _after(math.ceil(round(config.unpriced * n_steps, 6)), rate)
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
    parts.append(proximal_steps(of_prices))
    if model is not None and has_prices(nnx.state(model, nnx.Param)):
        parts = [with_prices(optax.chain(*parts), of_prices, b2=config.b2, epsilon=config.epsilon)]
    if config.frozen and model is not None:
        parts.append(freeze(model, config.frozen))
    return optax.chain(*parts)


def _after(first: int, rate: optax.ScalarOrSchedule) -> optax.Schedule:
    """A step size that is 0 before a step."""

    def rate_at(count: Any) -> Any:
        return jnp.where(count < first, 0.0, rate(count) if callable(rate) else rate)

    return rate_at


def _strongly_typed(leaf: Array) -> Array:
    """The same array with a type that no operation changes, so that the second epoch compiles nothing anew."""
    return leaf if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jnp.asarray(leaf, leaf.dtype)


def _statistics(rest: Any) -> Any:
    return nnx.filter_state(rest, nnx.BatchStat)
