"""`proximal_steps`: what a parameter must obey, or pays for, is applied to it after every step of the optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

from kgnn.layers.proximal import Proximal


class StepCount(NamedTuple):
    """Steps done.

    Attributes:
        count: int32, from 0.
    """

    count: Array


def proximal_steps(learning_rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    r"""The last member of a chain: parameters end every step where their proximal operator puts them.

    A parameter carries its operator with it, ``nnx.Param(value, proximal=…)``; all others take the step as it is.

    .. math:: w \leftarrow \operatorname{prox}_{\eta}(w + \Delta w)

    A projection onto a set is the operator that ignores the rate :math:`\eta`: the constraint then holds after every
    update, whatever the optimizer (bounds at 0 to the bit, others to rounding). A price takes the learning rate as its
    step, also behind Adam, whose own steps are scaled by the gradient's second moment.

    Args:
        learning_rate: That of the optimizer: a number, or an optax schedule.

    Returns:
        The transformation; its update needs the parameters.

    References:
        Parikh & Boyd 2014, Foundations and Trends in Optimization 1:127, doi:10.1561/2400000003.
    """

    def init(params: Any) -> StepCount:
        return StepCount(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        rate = jnp.asarray(learning_rate(state.count) if callable(learning_rate) else learning_rate, jnp.float32)

        def one(step: Any, old: Any) -> Any:
            operator: Proximal | None = old.get_metadata("proximal", None) if isinstance(old, nnx.Variable) else None
            if operator is None:
                return step
            return jax.tree.map(lambda add, now: operator(now + add, rate) - now, step, old)

        stepped = jax.tree.map(one, updates, params, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable))
        return stepped, StepCount(state.count + 1)

    return optax.GradientTransformation(init, update)
