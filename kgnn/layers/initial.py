"""Initial weights, drawn in NumPy and put on the device as they are.

Building a network of many small arrays then compiles nothing; `jnp.asarray` would compile a copy for every new shape.
"""

from __future__ import annotations

import jax
import numpy as np
from flax import nnx
from jax import Array


def uniform_within(bound: np.ndarray, rngs: nnx.Rngs) -> Array:
    """Float32 weights, uniform between ``-bound`` and ``bound`` elementwise; 0 where the bound is 0.

    Args:
        bound: Largest absolute value of every weight; gives the shape.
        rngs: Its stream ``params`` seeds the draw.

    Returns:
        The weights.
    """
    seed = np.asarray(jax.random.key_data(rngs.params())).tolist()
    draw = np.random.default_rng(seed).uniform(-1.0, 1.0, size=np.shape(bound))
    return jax.device_put((draw * bound).astype(np.float32))
