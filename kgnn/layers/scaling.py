"""`InputScaling`: center and scale of every feature, fitted on training samples, as the first layer of a model.

Because the scaling is inside the model, a knockdown sets the measured value (an expression of 0), not a scaled one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array


class FittedStatistic(nnx.Variable):
    """A number that is computed from training samples and never trained."""


class InputScaling(nnx.Module):
    r"""Affine scaling of features, :math:`(x - c) / s`; it starts as the identity.

    Args:
        n_features: Number of features.
    """

    def __init__(self, n_features: int):
        self.center = FittedStatistic(jnp.zeros(n_features))
        self.scale = FittedStatistic(jnp.ones(n_features))

    def set(self, center: np.ndarray, scale: np.ndarray) -> None:
        """Take over fitted statistics, one number a feature; replicates share them."""
        self.center[...] = jax.device_put(np.broadcast_to(np.asarray(center, np.float32), self.center.shape))
        self.scale[...] = jax.device_put(np.broadcast_to(np.asarray(scale, np.float32), self.scale.shape))

    def __call__(self, rows: Array) -> Array:
        """Scale feature-major values ``[..., feature, sample]``."""
        column = (1,) * (rows.ndim - 2) + (-1, 1)
        return (rows - self.center[...].reshape(column)) / self.scale[...].reshape(column)

    def restore(self, values: Array) -> Array:
        """From scaled to original values, with features on the last axis."""
        last = (1,) * (values.ndim - 1) + (-1,)
        return values * self.scale[...].reshape(last) + self.center[...].reshape(last)
