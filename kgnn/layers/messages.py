"""`received`: what every node receives, for all samples at once over one graph that is never copied.

Values are node-major, ``[node, column]``, so that a gather copies whole rows; the columns are samples and features.
On a CPU the messages of a few receivers at a time are gathered into cache and summed as a small product, and the way
back is the same over the reversed edges: nothing as large as edges times columns is ever stored. An accelerator sums
all messages at once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.structure.messages import Chunks, Messages

VALUES_TOGETHER = 512 * 1024
"""Gathered values of one product: they lie in the cache of one core."""
FEW_VALUES = 4 * VALUES_TOGETHER
"""Up to so many messages are summed at once, also on a CPU."""


def received(messages: Messages, coefficient: Array, values: Array) -> Array:
    r"""Sum over senders, :math:`y_r = \sum_{s \to r} c_{sr} x_s`.

    Args:
        messages: The edges.
        coefficient: ``[edge]``.
        values: ``[sender, column]``.

    Returns:
        ``[receiver, column]``.
    """
    return _received(messages, coefficient, values)  # type: ignore[return-value]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _received(messages: Messages, coefficient: Array, values: Array) -> Array:
    return _summed(messages.by_receiver, messages.n_receivers, messages, coefficient, values)


def _forward(messages: Messages, coefficient: Array, values: Array) -> tuple[Any, tuple[Array, Array]]:
    return _received(messages, coefficient, values), (coefficient, values)


def _backward(messages: Messages, kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    coefficient, values = kept
    reversed_edges = Messages(messages.receivers, messages.senders, messages.n_receivers, messages.n_senders)
    to_values = _summed(messages.by_sender, messages.n_senders, reversed_edges, coefficient, gradient)
    return products_along(messages, values, gradient), to_values


_received.defvjp(_forward, _backward)


def products_along(messages: Messages, values: Array, at_receivers: Array) -> Array:
    """Inner product of the two ends of every edge: ``[sender, column]`` with ``[receiver, column]`` to ``[edge]``."""
    n_edges, n_columns = messages.n_edges, values.shape[1]
    block = _block(1, n_columns, n_edges)

    def some(ends: tuple[Array, Array]) -> Array:
        return (values[ends[0]] * at_receivers[ends[1]]).sum(axis=1)

    ends = tuple(_cut(each.astype(np.int32), block) for each in (messages.senders, messages.receivers))
    return jax.lax.map(some, ends).reshape(-1)[:n_edges]


def _summed(chunks: Chunks, n_rows: int, messages: Messages, coefficient: Array, values: Array) -> Array:
    n_columns = values.shape[1]
    if jax.default_backend() != "cpu" or messages.n_edges * n_columns <= FEW_VALUES:
        sent = coefficient[:, None] * values[jnp.asarray(messages.senders)]
        return jax.ops.segment_sum(sent, jnp.asarray(messages.receivers), num_segments=n_rows)
    n_chunks, width = chunks.edges.shape
    block = _block(width, n_columns, n_chunks)
    weights = jnp.append(coefficient, jnp.zeros(1, coefficient.dtype))[_cut(chunks.edges, block, messages.n_edges)]

    def some(part: tuple[Array, Array]) -> Array:
        return jnp.einsum("cs,csf->cf", part[0], values[part[1]])

    sums = jax.lax.map(some, (weights, _cut(chunks.others, block))).reshape(-1, n_columns)[:n_chunks]
    return jax.ops.segment_sum(sums, jnp.asarray(chunks.rows), num_segments=n_rows, indices_are_sorted=True)


def _block(width: int, n_columns: int, n: int) -> int:
    return max(1, min(n, VALUES_TOGETHER // (width * max(n_columns, 1))))


def _cut(array: np.ndarray, block: int, fill: int = 0) -> np.ndarray:
    """``[block number, place in block, ...]``, filled up."""
    n_blocks = -(-len(array) // block)
    padding = [(0, n_blocks * block - len(array)), *[(0, 0)] * (array.ndim - 1)]
    return np.pad(array, padding, constant_values=fill).reshape(n_blocks, block, *array.shape[1:])
