"""Scores of filters at every position of one-hot sequences: one convolution."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax


@jax.jit
def filter_scores(sequences: Array, values: Array) -> Array:
    r"""Score of every filter at every position, :math:`\sum_{ib} x_{p+i,b}\, k_{fib}`.

    In full float32 on every device: values on a grid, such as those of `kgnn.structure.log_odds_steps`, give exact
    scores.

    Args:
        sequences: ``[sample, position, base]``: one-hot, 0.25 in each base where it is ambiguous, 0 behind the end.
        values: ``[filter, position, base]``.

    Returns:
        ``[sample, filter, position]``, with a position for every whole window.
    """
    return lax.conv_general_dilated(
        sequences,
        values,
        window_strides=(1,),
        padding="VALID",
        dimension_numbers=("NWC", "OWI", "NCW"),
        precision=lax.Precision.HIGHEST,
    )


@jax.jit
def reached(sequences: Array, values: Array, thresholds: Array) -> Array:
    """Where filters reach their thresholds: bool ``[sample, filter, position]``; see `filter_scores`.

    Args:
        sequences: ``[sample, position, base]``.
        values: ``[filter, position, base]``.
        thresholds: ``[filter]``; infinity for never.

    Returns:
        True where the score is the threshold or above.
    """
    return filter_scores(sequences, values) >= thresholds[None, :, None]


@jax.jit
def best_filter_scores(sequences: Array, values: Array, n_windows: Array) -> Array:
    """Highest score of every filter in every sequence, ``[sample, filter]``; see `filter_scores`.

    Args:
        sequences: ``[sample, position, base]``.
        values: ``[filter, position, base]``.
        n_windows: ``[sample, filter]``: windows that lie within the sequence; those behind them do not count.

    Returns:
        The scores; minus infinity where a sequence is shorter than the motif.
    """
    scores = filter_scores(sequences, values)
    inside = jnp.arange(scores.shape[2])[None, None, :] < n_windows[:, :, None]
    return jnp.where(inside, scores, -jnp.inf).max(axis=2)
