"""Batch normalization over samples for feature-major rows, with sample weights."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax import Array


class RowBatchNorm(nnx.Module):
    r"""Batch normalization of every row of a feature-major array.

    .. math:: y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training :math:`\mu, \sigma^2` are the weighted statistics of the batch, so that padding samples (weight 0) and
    repeated samples (weight = count) change nothing; running averages of them are used otherwise.

    Args:
        n_rows: Number of rows.
        momentum: Share of the running average that a batch keeps.
        epsilon: Added to the variance.
        scale: Initial :math:`\gamma`.

    References:
        Ioffe & Szegedy 2015, arXiv:1502.03167.
    """

    def __init__(self, n_rows: int, *, momentum: float = 0.9, epsilon: float = 1e-5, scale: float = 1.0):
        # Without a dtype the array is weakly typed, and every training step is compiled twice.
        self.scale = nnx.Param(jnp.full(n_rows, scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(n_rows))
        self.mean = nnx.BatchStat(jnp.zeros(n_rows))
        self.variance = nnx.BatchStat(jnp.ones(n_rows))
        self.momentum = momentum
        self.epsilon = epsilon

    def __call__(self, rows: Array, *, weights: Array | None = None, train: bool = False) -> Array:
        """Normalize rows.

        Args:
            rows: ``[row, sample]``.
            weights: One number a sample, not all 0; None weighs all alike.
            train: Whether to use the batch's own statistics and to update the running averages.
        """
        if train:
            mean, variance, count = weighted_moments(rows, weights)
            self.follow(mean, variance, count)
        else:
            mean, variance = self.mean[...], self.variance[...]
        factor = self.scale[...] / jnp.sqrt(variance + self.epsilon)
        # The mean goes first: a row that hardly varies around a large mean would lose its digits otherwise.
        return (rows - mean[:, None]) * factor[:, None] + self.bias[...][:, None]

    def follow(self, mean: Array, variance: Array, count: Array) -> None:
        """Let the running averages follow the statistics of a batch.

        Args:
            mean: ``[row]``.
            variance: ``[row]``, biased; what is kept is the unbiased one.
            count: Sum of the sample weights.
        """
        unbiased = variance * (jnp.maximum(count, 1.0) / jnp.maximum(count - 1.0, 1.0))
        self.mean[...] = self.momentum * self.mean[...] + (1 - self.momentum) * mean
        self.variance[...] = self.momentum * self.variance[...] + (1 - self.momentum) * unbiased


def weighted_moments(rows: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Mean and biased variance of every row ``[row, sample]`` under sample weights, and the sum of the weights."""
    if weights is None:
        mean = rows.mean(axis=1)
        return mean, jnp.square(rows - mean[:, None]).mean(axis=1), jnp.float32(rows.shape[1])
    total = weights.sum()
    share = weights / total
    mean = rows @ share
    return mean, jnp.square(rows - mean[:, None]) @ share, total
