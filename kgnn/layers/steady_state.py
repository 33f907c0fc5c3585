"""Steady states of a network with feedback, and their derivatives without unrolling the iteration.

The activities of all nodes are iterated until they stand still. By the implicit function theorem the derivative of what
they come to needs the solution alone: going back, a linear system of the same size is iterated instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

MOST_STEPS = 500
RADIUS_STEPS = 200
SLOW = 0.99
"""Damping under which nearly every loop settles."""


class Feedback(NamedTuple):
    """What the steady state of a network follows from.

    Attributes:
        weights: ``[node, node]``: from column to row.
        drive: ``[node, sample]``: bias and what comes from genes.
        factor: ``[node, sample]``, 1 where a node is itself; 0 where it is gated or dropped.
        offset: ``[node, sample]``, 0 where a node is itself.
    """

    weights: Array
    drive: Array
    factor: Array
    offset: Array


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def steady_state(feedback: Feedback, damping: float = 0.5) -> Array:
    r"""Activities that reproduce themselves, :math:`h = f \odot \sigma(W h + d) + o`.

    Each step goes part of the way, :math:`h \leftarrow (1 - \alpha) f \odot \sigma(Wh + d) + \dots`, which also settles
    loops that would swing around their steady state. Where the steps do not come to rest the activities are not a
    number: see `spectral_radius` for why.

    Args:
        feedback: Weights and inputs.
        damping: Share :math:`\alpha` of the old activities that a step keeps.

    Returns:
        ``[node, sample]``; all NaN for a sample that has found none within `MOST_STEPS` steps.

    References:
        Almeida 1987 and Pineda 1987, doi:10.1103/PhysRevLett.59.2229 (recurrent backpropagation); Bai, Kolter & Koltun
        2019, arXiv:1909.01377.
    """
    return _solve(feedback, damping)


def _solve(feedback: Feedback, damping: float) -> Array:
    return _iterate(partial(_step, feedback), 0.5 * feedback.factor + feedback.offset, damping)


def _step(feedback: Feedback, activity: Array) -> Array:
    return feedback.factor * jax.nn.sigmoid(feedback.weights @ activity + feedback.drive) + feedback.offset


def _iterate(step: Callable[[Array], Array], start: Array, damping: float) -> Array:
    """The damped fixed point of a step, column by column; NaN in columns that never rest."""
    tolerance = 16 * jnp.finfo(start.dtype).eps

    def moving(carried: tuple[Array, Array, Array]) -> Array:
        number, _, change = carried
        return (number < MOST_STEPS) & (change > tolerance).any()

    def move(carried: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, old, _ = carried
        new = step(old)
        scale = 1.0 + jnp.abs(new).max(axis=0)
        return number + 1, damping * old + (1.0 - damping) * new, jnp.abs(new - old).max(axis=0) / scale

    start_change = jnp.full(start.shape[1], jnp.inf, start.dtype)
    _, found, change = jax.lax.while_loop(moving, move, (jnp.int32(0), start, start_change))
    return jnp.where((change <= tolerance)[None, :], found, jnp.nan)


def _forward(feedback: Feedback, damping: float) -> tuple[Array, tuple[Feedback, Array]]:
    found = _solve(feedback, damping)
    return found, (feedback, found)


def _backward(damping: float, kept: tuple[Feedback, Array], gradient: Array) -> tuple[Feedback]:
    feedback, activity = kept
    sigmoid = jax.nn.sigmoid(feedback.weights @ activity + feedback.drive)
    slope = feedback.factor * sigmoid * (1.0 - sigmoid)
    # At a size of 1, since the tolerance is that of activities.
    size = jnp.maximum(jnp.abs(gradient).max(axis=0), jnp.finfo(gradient.dtype).tiny)[None, :]
    unit = gradient / size
    adjoint = size * _iterate(lambda old: unit + feedback.weights.T @ (slope * old), unit, damping)
    of_sums = slope * adjoint
    return (Feedback(of_sums @ activity.T, of_sums, adjoint * sigmoid, adjoint),)


steady_state.defvjp(_forward, _backward)


@partial(jax.jit, static_argnums=1)
def spectral_radius(feedback: Feedback, damping: float = 0.5, activity: Array | None = None) -> Array:
    r"""How fast a small disturbance of the activities grows a step, where they are at rest.

    The steps come to rest, and stay there, where this is below 1: the largest absolute eigenvalue of
    :math:`\alpha I + (1 - \alpha)\, \mathrm{diag}(f \odot \sigma')\, W`, from the growth of a random disturbance.

    Args:
        feedback: Weights and inputs.
        damping: As in `steady_state`.
        activity: ``[node, sample]``; where None, or NaN in a column, heavily damped steps look for the state at rest.

    Returns:
        ``[sample]``.
    """

    def settle(kept: float, _: Array, activity: Array) -> Array:
        return kept * activity + (1.0 - kept) * _step(feedback, activity)

    if activity is None:
        activity = jnp.full_like(feedback.drive, jnp.nan)
    # Heavily damped steps settle where ordinary ones swing, and the growth is measured at the steady state itself.
    found = 0.5 * feedback.factor + feedback.offset
    for kept, steps in ((damping, MOST_STEPS), (SLOW, 4 * MOST_STEPS)):
        found = jax.lax.fori_loop(0, steps, partial(settle, kept), found)
    activity = jnp.where(jnp.isnan(activity), found, activity)
    sigmoid = jax.nn.sigmoid(feedback.weights @ activity + feedback.drive)
    slope = feedback.factor * sigmoid * (1.0 - sigmoid)
    kind = feedback.drive.dtype
    tiny = jnp.finfo(kind).tiny

    def grow(number: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
        vector, logs = carried
        vector = damping * vector + (1.0 - damping) * slope * (feedback.weights @ vector)
        size = jnp.maximum(jnp.sqrt(jnp.square(vector).sum(axis=0)), tiny)
        # The first half only turns the vector toward the direction that grows fastest.
        return vector / size[None, :], logs + jnp.where(number >= RADIUS_STEPS // 2, jnp.log(size), 0.0)

    disturbance = jax.random.normal(jax.random.key(0), feedback.drive.shape, kind)
    zeros = jnp.zeros(feedback.drive.shape[1], kind)
    _, logs = jax.lax.fori_loop(0, RADIUS_STEPS, grow, (disturbance, zeros))
    return jnp.exp(logs / (RADIUS_STEPS - RADIUS_STEPS // 2))
