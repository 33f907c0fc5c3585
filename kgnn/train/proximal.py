"""`proximal_steps`: what a parameter must obey, or pays for, is applied to it after every step of the optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

from kgnn.layers.proximal import Proximal


def is_scaled(operator: Any) -> bool:
    """Whether an operator wants the step of every element in place of the learning rate."""
    return bool(getattr(operator, "scaled", False))


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

    Operators that are ``scaled`` are left to `with_prices`. A projection onto a set is the operator that ignores the
    rate :math:`\eta`: the constraint then holds after every update, whatever the optimizer (bounds at 0 to the bit,
    others to rounding). A price takes the learning rate as its step, also behind Adam, whose own steps are scaled by
    the gradient's second moment.

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
            if operator is None or is_scaled(operator):
                return step
            return jax.tree.map(lambda add, now: operator(now + add, rate) - now, step, old)

        stepped = jax.tree.map(one, updates, params, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable))
        return stepped, StepCount(state.count + 1)

    return optax.GradientTransformation(init, update)


class PriceState(NamedTuple):
    """State of `with_prices`.

    Attributes:
        inner: That of the optimizer.
        square: Running mean of the squared gradient of every parameter with a scaled operator.
        count: Steps done.
    """

    inner: Any
    square: list[Array]
    count: Array


def with_prices(
    optimizer: optax.GradientTransformation,
    learning_rate: optax.ScalarOrSchedule,
    *,
    b2: float = 0.999,
    epsilon: float = 1e-8,
) -> optax.GradientTransformation:
    r"""Adam whose prices are in units of the loss: for operators that are ``scaled``.

    Adam divides gradients by their own size. A threshold of learning rate times price after its steps would weigh the
    price against what is left, and which weights survive would depend on the noise of batches. Such an operator is told
    the step that Adam takes at each element for a gradient of 1 instead, so that weights rest where the loss plus the
    price is least:

    .. math:: w \leftarrow \operatorname{prox}_{s\,\Omega}(w + \Delta w), \qquad
        s = \frac{\eta}{\sqrt{\hat v} + \epsilon}

    Args:
        optimizer: Adam, or a chain around it.
        learning_rate: That of the optimizer: a number, or an optax schedule.
        b2: Its decay of the squared gradient.
        epsilon: What it adds to the root.

    Returns:
        The optimizer; the same as before for parameters without such an operator.

    References:
        Melchior et al. 2019, arXiv:1910.10094.
    """

    def init(params: Any) -> PriceState:
        square = [jnp.zeros_like(value) for value, operator in _scaled(params) if operator is not None]
        return PriceState(optimizer.init(params), square, jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, PriceState]:
        steps, inner = optimizer.update(updates, state.inner, params)
        rate = jnp.asarray(learning_rate(state.count) if callable(learning_rate) else learning_rate, jnp.float32)
        count = state.count + 1
        correction = 1 - b2 ** count.astype(jnp.float32)
        leaves, tree = jax.tree.flatten(steps)
        squares, kept = iter(state.square), []
        every = zip(_scaled(params), jax.tree.leaves(updates), strict=True)
        for position, ((value, operator), slope) in enumerate(every):
            if operator is not None:
                kept.append(b2 * next(squares) + (1 - b2) * jnp.square(slope))
                step = rate / (jnp.sqrt(kept[-1] / correction) + epsilon)
                leaves[position] = operator(value + leaves[position], step) - value
        return jax.tree.unflatten(tree, leaves), PriceState(inner, kept, count)

    return optax.GradientTransformation(init, update)


def has_prices(params: Any) -> bool:
    """Whether any parameter of a model, or of a tree, has a scaled operator."""
    return any(operator is not None for _, operator in _scaled(params))


def _scaled(params: Any) -> list[tuple[Array, Any]]:
    """Every array with its operator where that is scaled, else None, in the order of the leaves."""
    found = []
    for leaf in jax.tree.leaves(params, is_leaf=lambda each: isinstance(each, nnx.Variable)):
        operator = leaf.get_metadata("proximal", None) if isinstance(leaf, nnx.Variable) else None
        found += [(array, operator if is_scaled(operator) else None) for array in jax.tree.leaves(leaf)]
    return found
