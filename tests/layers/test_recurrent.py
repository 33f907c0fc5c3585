"""The LSTM, step by step."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.layers import BidirectionalLSTM


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_states_equal_a_naive_loop():
    layer = BidirectionalLSTM(3, 2, rngs=nnx.Rngs(0))
    places = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    expected = np.zeros((4, 5, 4))
    for direction, order in ((0, range(5)), (1, range(4, -1, -1))):
        w, u, b = (np.asarray(each[...][direction]) for each in (layer.from_channels, layer.from_units, layer.bias))
        state, memory = np.zeros((4, 2)), np.zeros((4, 2))
        for place in order:
            gates = places[:, place] @ w.T + state @ u.T + b
            enter, forget, new, leave = np.split(gates, 4, axis=1)
            memory = sigmoid(forget) * memory + sigmoid(enter) * np.tanh(new)
            state = sigmoid(leave) * np.tanh(memory)
            expected[:, place, 2 * direction : 2 * direction + 2] = state
    np.testing.assert_allclose(layer(jnp.asarray(places)), expected, rtol=1e-5, atol=1e-5)


def test_every_weight_has_a_gradient():
    layer = BidirectionalLSTM(3, 2, rngs=nnx.Rngs(0))
    graph, params = nnx.split(layer)
    places = jax.random.normal(jax.random.key(0), (4, 5, 3))
    gradient = jax.grad(lambda params: (nnx.merge(graph, params)(places) ** 2).sum())(params)
    assert all((np.asarray(leaf) != 0).all() for leaf in jax.tree.leaves(gradient))
