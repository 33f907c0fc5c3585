"""Losses of the output and of the auxiliary heads, with sample weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax import Array

from kgnn.layers import Prediction


def sample_losses(task: str, predicted: Array, target: Array, target_scale: Array) -> Array:
    """Loss of every sample, summed over outputs.

    Args:
        task: ``"regression"`` (squared error), ``"classes"`` (cross-entropy) or ``"labels"`` (binary cross-entropy).
        predicted: ``[sample, output]``.
        target: ``[sample, output]``, or ``[sample]`` of class codes.
        target_scale: ``[output]``, the unit in which errors of a regression are counted.

    Returns:
        ``[sample]``.
    """
    if task == "classes":
        return optax.softmax_cross_entropy_with_integer_labels(predicted, target)
    if task == "labels":
        return optax.sigmoid_binary_cross_entropy(predicted, target).sum(axis=-1)
    return jnp.square((predicted - target) / target_scale[None, :]).sum(axis=-1)


def batch_losses(
    task: str, prediction: Prediction, target: Array, target_scale: Array, weights: Array
) -> tuple[Array, Array]:
    """Weighted mean loss of the output, and the sum over heads of the weighted mean losses of the auxiliary heads.

    Args:
        task: See `sample_losses`.
        prediction: Of the batch.
        target: Of the batch.
        target_scale: ``[output]``.
        weights: ``[sample]``, 0 for padding.

    Returns:
        Both losses.
    """
    share = weights / weights.sum()
    output = sample_losses(task, prediction.output, target, target_scale) @ share
    if prediction.auxiliary.shape[1] == 0:
        return output, jnp.zeros_like(output)
    of_head = jax.vmap(lambda predicted: sample_losses(task, predicted, target, target_scale) @ share, in_axes=1)
    return output, of_head(prediction.auxiliary).sum()
