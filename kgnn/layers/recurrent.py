"""`BidirectionalLSTM`: a recurrent layer over the places of a sequence, in both directions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.initial import uniform_within


class BidirectionalLSTM(nnx.Module):
    r"""Long short-term memory that reads a sequence from either end.

    .. math::
        (i, f, g, o) = W x_t + U h_{t-1} + b, \qquad
        c_t = \sigma(f)\, c_{t-1} + \sigma(i) \tanh(g), \qquad h_t = \sigma(o) \tanh(c_t)

    Args:
        n_channels: Channels of a place.
        n_units: Units of each direction.
        rngs: Stream ``params``.

    References:
        Hochreiter & Schmidhuber 1997, Neural Computation 9:1735, doi:10.1162/neco.1997.9.8.1735.
    """

    def __init__(self, n_channels: int, n_units: int, *, rngs: nnx.Rngs):
        def start(*shape: int) -> nnx.Param:
            return nnx.Param(uniform_within(np.full(shape, n_units**-0.5), rngs))

        self.n_units = n_units
        self.from_channels = start(2, 4 * n_units, n_channels)
        self.from_units = start(2, 4 * n_units, n_units)
        # A forget gate that starts open lets the gradient reach the far end.
        bias = np.zeros((2, 4 * n_units), np.float32)
        bias[:, n_units : 2 * n_units] = 1.0
        self.bias = nnx.Param(jax.device_put(bias))

    def __call__(self, places: Array) -> Array:
        """States of both directions ``[sample, place, 2 unit]`` from ``[sample, place, channel]``."""
        both = jnp.stack([places, places[:, ::-1]])
        driven = jnp.einsum("dspc,dgc->pdsg", both, self.from_channels[...]) + self.bias[...][None, :, None, :]
        empty = jnp.zeros((2, places.shape[0], self.n_units), driven.dtype)
        from_units = self.from_units[...]

        def step(carried: tuple[Array, Array], gates: Array) -> tuple[tuple[Array, Array], Array]:
            state, memory = carried
            gates = gates + jnp.einsum("dsu,dgu->dsg", state, from_units)
            enter, forget, new, leave = jnp.split(gates, 4, axis=-1)
            memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(enter) * jnp.tanh(new)
            state = jax.nn.sigmoid(leave) * jnp.tanh(memory)
            return (state, memory), state

        _, states = jax.lax.scan(step, (empty, empty), driven)
        forward, backward = states[:, 0], states[::-1, 1]
        return jnp.moveaxis(jnp.concatenate([forward, backward], axis=-1), 0, 1)
