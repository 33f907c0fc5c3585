"""kgnn's own training and prediction as `fit` and `predict` run them, held still so that they can be timed."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from kgnn.data import Samples
from kgnn.models import Model
from kgnn.train import TrainConfig
from kgnn.train.device_data import Data, batch_inputs, device_data
from kgnn.train.engine import Engine, make_optimizer
from kgnn.train.losses import batch_losses

from .timing import Timing, seconds_of, time_calls, wait

COMPILED = "/jax/core/compile/backend_compile_duration"


class Compilation(NamedTuple):
    """What the first call of a program took beyond a later one.

    Attributes:
        total: Seconds.
        compile: Those of the compiler, or of reading its result from the cache; the rest is tracing.
    """

    total: float
    compile: float


class Training:
    """The compiled epoch of `kgnn.fit`, with its data on the device.

    A training step is what an epoch takes, divided by its batches: drawing the order, collecting the batch, forward,
    backward and optimizer. Every call goes on from where the last one ended.

    Args:
        model: The model to start from.
        samples: All training samples.
        config: Settings.
    """

    def __init__(self, model: Model, samples: Samples, config: TrainConfig):
        self.engine = Engine(model, config, len(samples))
        self.data = device_data(samples)
        self.state = wait(self.engine.start(model, config.seed))

    def epoch(self) -> Any:
        """One epoch; its losses."""
        self.state, losses = self.engine.train_epoch(self.state, self.data)
        return losses

    def compile(self) -> Compilation:
        """Run the first epoch, which compiles, and a second one."""
        events: list[float] = []

        def listen(event: str, duration_secs: float, **_: Any) -> None:
            if event == COMPILED:
                events.append(duration_secs)

        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            first, _ = seconds_of(self.epoch)
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)
        second, _ = seconds_of(self.epoch)
        return Compilation(max(0.0, first - second), sum(events))

    def time(self, **how: Any) -> Timing:
        """Time an epoch; the first call, which may compile, does not count."""
        return time_calls(self.epoch, **how)


def forward_call(model: Model, samples: Samples, *, auxiliary: bool) -> Any:
    """A compiled prediction of all samples at once, as a function without arguments.

    Inputs lie on the device as `fit` and `predict` hold them.

    Args:
        model: The model, in inference.
        samples: What to predict.
        auxiliary: Whether all auxiliary heads are wanted as well; else the output alone, as `kgnn.predict` asks.
    """
    graph, arrays = nnx.split(model)
    data = device_data(samples)

    def forward(arrays: Any, data: Data) -> Any:
        prediction = nnx.merge(graph, arrays)(batch_inputs(data, jnp.arange(len(samples))))
        return (prediction.output, prediction.auxiliary) if auxiliary else prediction.output

    compiled = jax.jit(forward)
    return lambda: compiled(arrays, data)


def step_pieces(model: Model, samples: Samples, config: TrainConfig, seconds: float = 2.0) -> dict[str, float]:
    """Median seconds of what a training step of a batch of all samples is made of, each compiled by itself.

    Args:
        model: The model.
        samples: One batch.
        config: Settings.
        seconds: How long to time each.
    """
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    optimizer = make_optimizer(config, 1)
    present = jnp.ones(len(samples))
    order = jax.random.permutation(jax.random.key(0), len(samples))
    tables = jax.tree.map(jnp.asarray, (samples.inputs(), samples.require_targets().values))

    def loss(params: Any, rest: Any, inputs: Any, targets: Any) -> Any:
        made = nnx.merge(graph, params, rest, copy=True)
        prediction = made(inputs, weights=present, train=True)
        scale = made.output_scaling.scale[...]
        output, auxiliary = batch_losses(made.task, prediction, targets, scale, present)
        # Batch statistics are a result of the step, so they are one here as well.
        return output + config.auxiliary_weight * auxiliary, nnx.state(made, nnx.BatchStat)

    collect = jax.jit(lambda tables, order: jax.tree.map(lambda table: table[order], tables))
    forward = jax.jit(loss)
    gradient = jax.jit(jax.grad(loss, has_aux=True))
    update = jax.jit(optimizer.update)
    inputs, targets = wait(collect(tables, order))
    memory = wait(optimizer.init(params))

    def median(function: Any, *arguments: Any) -> float:
        return time_calls(lambda: function(*arguments), seconds=seconds).median

    of_forward = median(forward, params, rest, inputs, targets)
    return {
        "collecting the batch": median(collect, tables, order),
        "forward and loss": of_forward,
        "backward": median(gradient, params, rest, inputs, targets) - of_forward,
        "optimizer": median(update, params, memory, params),
    }
