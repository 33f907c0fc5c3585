"""Proximal steps behind any optimizer: after every update, for every replicate."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from kgnn.layers import InformationBound, NonNegative
from kgnn.train import TrainConfig, proximal_steps
from kgnn.train.engine import make_optimizer


class Small(nnx.Module):
    def __init__(self):
        self.filters = nnx.Param(jnp.full((2, 3, 4), 0.4), proximal=InformationBound())
        self.effect = nnx.Param(jnp.array([0.2, 0.3]), proximal=NonNegative(price=0.1))
        self.free = nnx.Param(jnp.zeros(2))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("many", [False, True])
def test_the_constraint_holds_after_every_update(schedule, many):
    params = nnx.state(Small(), nnx.Param)
    if many:
        params = jax.tree.map(lambda leaf: jnp.stack([leaf, 0.5 * leaf, leaf + 0.1]), params)
    optimizer = make_optimizer(TrainConfig(learning_rate=0.3, schedule=schedule), 20)

    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    step = jax.jit(jax.vmap(step) if many else step)
    state = jax.vmap(optimizer.init)(params) if many else optimizer.init(params)
    key, before, reached = jax.random.key(0), params, False
    for number in range(20):
        noise = jax.random.split(jax.random.fold_in(key, number), 3)
        gradient = jax.tree.unflatten(
            jax.tree.structure(params),
            [
                jax.random.normal(each, leaf.shape) - 0.5
                for each, leaf in zip(noise, jax.tree.leaves(params), strict=True)
            ],
        )
        params, state = step(params, state, gradient)
        filters, effect = params["filters"][...], params["effect"][...]
        assert filters.min() >= 0
        assert filters.sum(axis=-1).max() <= 2 + 1e-5
        assert effect.min() >= 0
        reached |= bool((filters == 0).any()) and bool((filters.sum(axis=-1) > 1.99).any())
    assert reached
    assert float(params["free"][...].min()) != float(before["free"][...].min())


def test_a_price_is_a_soft_threshold_of_the_rate():
    params = nnx.state(Small(), nnx.Param)
    optimizer = optax.chain(optax.sgd(lambda step: 0.5 / (1 + step)), proximal_steps(lambda step: 0.5 / (1 + step)))
    state, still = optimizer.init(params), jax.tree.map(jnp.zeros_like, params)
    for expected in ([0.15, 0.25], [0.125, 0.225]):
        updates, state = optimizer.update(still, state, params)
        params = optax.apply_updates(params, updates)
        np.testing.assert_allclose(params["effect"][...], expected, rtol=1e-6)  # type: ignore
