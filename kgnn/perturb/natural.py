"""Predictions on the scale that a person reads: probabilities or log-odds in place of logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

SCALES = ("natural", "log_odds")


def task_on_scale(task: str, scale: str) -> str:
    """What `natural` takes for a task and one of `SCALES`."""
    return task if scale == "natural" else f"{task} as {scale}"


def natural(outputs: Array, task: str) -> Array:
    """Probabilities in place of logits, on the last axis; log-odds where the task is ``"… as log_odds"``."""
    if task == "classes":
        return jax.nn.softmax(outputs)
    if task == "classes as log_odds":
        # The odds of a class against all others, from the logits, since probabilities round to 0 and 1.
        others = jnp.where(jnp.eye(outputs.shape[-1], dtype=bool), -jnp.inf, outputs[..., None, :])
        return outputs - jax.nn.logsumexp(others, axis=-1)
    return jax.nn.sigmoid(outputs) if task == "labels" else outputs
