"""A model called under jit, since one small program compiles faster than its operations one by one."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.layers import Prediction
from kgnn.models import Model

# The tests compare values; half of the time to compile would go into speed.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def call(model: Model, inputs: Any, *, train: bool = False, **arguments: Any) -> Prediction:
    """What the model returns; in training its batch statistics move, as in an ordinary call."""
    graph, state = nnx.split(model)
    prediction, state = _call(graph, state, inputs, arguments, train)
    if train:
        nnx.update(model, state)
    return Prediction(*(None if each is None else np.asarray(each) for each in prediction))  # type: ignore[arg-type]


@partial(jit, static_argnums=(0, 4))
def _call(graph: nnx.GraphDef, state: nnx.State, inputs: Any, arguments: dict[str, Any], train: bool) -> Any:
    model = nnx.merge(graph, state, copy=True)
    return model(inputs, train=train, **arguments), nnx.state(model)
