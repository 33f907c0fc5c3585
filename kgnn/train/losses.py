"""Losses of the output and of the auxiliary heads, with sample weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from kgnn.errors import TrainingError, unknown_choice
from kgnn.layers import Prediction

FOCUS = 2.0
"""Exponent of the focal loss, that of its paper."""


def sample_losses(task: str, predicted: Array, target: Array, target_scale: Array) -> Array:
    """Default loss of every sample, summed over outputs.

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
    return jnp.square(_errors(predicted, target, target_scale)).sum(axis=-1)


def concordance_loss(predicted: Array, target: Array, target_scale: Array, share: Array) -> Array:
    r"""One minus Lin's concordance of a batch, summed over outputs.

    .. math:: 1 - \frac{2\,\mathrm{cov}(y, \hat y)}
        {\mathrm{var}(y) + \mathrm{var}(\hat y) + (\bar y - \bar{\hat y})^2}

    Args:
        predicted: ``[sample, output]``.
        target: ``[sample, output]``.
        target_scale: ``[output]``; keeps batches without variance from dividing by 0.
        share: ``[sample]``, with sum 1.

    Returns:
        One number.

    References:
        Lin 1989, Biometrics 45:255, doi:10.2307/2532051.
    """
    scale = target_scale[None, :]
    predicted, target = predicted / scale, target / scale
    mean, mean_target = share @ predicted, share @ target
    off, off_target = predicted - mean[None, :], target - mean_target[None, :]
    covariance, variance = share @ (off * off_target), share @ jnp.square(off)
    spread = variance + share @ jnp.square(off_target) + jnp.square(mean - mean_target)
    return (1.0 - 2.0 * covariance / (spread + 1e-6)).sum()


def _errors(predicted: Array, target: Array, target_scale: Array) -> Array:
    return (predicted - target) / target_scale[None, :]


def _default(task: str) -> Callable[..., Array]:
    return lambda predicted, target, scale, share: sample_losses(task, predicted, target, scale) @ share


def _absolute(predicted: Array, target: Array, target_scale: Array, share: Array) -> Array:
    return share @ jnp.abs(_errors(predicted, target, target_scale)).sum(axis=-1)


def _huber(predicted: Array, target: Array, target_scale: Array, share: Array) -> Array:
    return share @ optax.huber_loss(_errors(predicted, target, target_scale)).sum(axis=-1)


def _focal(predicted: Array, target: Array, target_scale: Array, share: Array) -> Array:
    """Cross-entropy in which what is already told well counts little."""
    if target.ndim == 1:
        entropy = optax.softmax_cross_entropy_with_integer_labels(predicted, target)
        return share @ ((1.0 - jnp.exp(-entropy)) ** FOCUS * entropy)
    entropy = optax.sigmoid_binary_cross_entropy(predicted, target)
    return share @ ((1.0 - jnp.exp(-entropy)) ** FOCUS * entropy).sum(axis=-1)


LOSSES: dict[str, tuple[tuple[str, ...], Callable[[Array, Array, Array, Array], Array]]] = {
    "squared": (("regression",), _default("regression")),
    "absolute": (("regression",), _absolute),
    "huber": (("regression",), _huber),
    "concordance": (("regression",), concordance_loss),
    "cross_entropy": (("classes",), _default("classes")),
    "binary_cross_entropy": (("labels",), _default("labels")),
    "focal": (("classes", "labels"), _focal),
}
"""Losses by name, each with its tasks: functions of predictions, targets, unit of the targets and share of samples."""


def check_loss(loss: str, task: str, own: bool) -> None:
    """Refuse a loss that does not exist or does not suit the task.

    Args:
        loss: ``"auto"``, ``"model"`` or one of `LOSSES`.
        task: Of the model.
        own: Whether the model has a loss of its own.

    Raises:
        KgnnError: If there is no such loss.
        TrainingError: If it does not suit.
    """
    if loss == "auto":
        return
    suited = [name for name, (tasks, _) in LOSSES.items() if task in tasks]
    if loss == "model" and not own:
        raise TrainingError(f"loss is 'model', but the model has none of its own. Choose auto, or {', '.join(suited)}.")
    if loss != "model" and loss not in LOSSES:
        raise unknown_choice("loss", loss, ("auto", "model", *LOSSES))
    if loss != "model" and loss not in suited:
        raise TrainingError(f"loss is {loss!r}, but the model does {task!r}. Choose auto, or {', '.join(suited)}.")


def batch_losses(
    task: str,
    prediction: Prediction,
    target: Array,
    target_scale: Array,
    weights: Array,
    *,
    loss: str = "auto",
    head_weights: Sequence[float] = (),
) -> tuple[Array, Array]:
    """Weighted mean loss of the output, and the sum over heads of the weighted mean losses of the auxiliary heads.

    Args:
        task: See `sample_losses`.
        prediction: Of the batch.
        target: Of the batch.
        target_scale: ``[output]``.
        weights: ``[sample]``, 0 for padding.
        loss: One of `LOSSES`; the default of the task else.
        head_weights: Weight of every head in the sum; 1 each where empty.

    Returns:
        Both losses.
    """
    share = weights / weights.sum()
    compute = LOSSES[loss][1] if loss in LOSSES else _default(task)
    output = compute(prediction.output, target, target_scale, share)
    if prediction.auxiliary.shape[1] == 0:
        return output, jnp.zeros_like(output)
    of_head = jax.vmap(lambda predicted: compute(predicted, target, target_scale, share), in_axes=1)
    each = of_head(prediction.auxiliary)
    return output, each @ jnp.asarray(np.asarray(head_weights), each.dtype) if len(head_weights) else each.sum()
