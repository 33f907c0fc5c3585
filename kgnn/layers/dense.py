"""`DenseStack`: ordinary fully connected layers, feature-major, for drug branches, joins and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.dropout import RowDropout
from kgnn.layers.initial import uniform_within
from kgnn.layers.normalization import RowBatchNorm
from kgnn.layers.subsystems import ACTIVATIONS


class Dense(nnx.Module):
    """One linear map ``[source, sample]`` to ``[output, sample]``; weights start uniform within 1/sqrt(source)."""

    def __init__(self, n_sources: int, n_outputs: int, *, initial_scale: float = 1.0, rngs: nnx.Rngs):
        bound = initial_scale / max(n_sources, 1) ** 0.5
        self.kernel = nnx.Param(uniform_within(np.full((n_outputs, n_sources), bound), rngs))
        self.bias = nnx.Param(uniform_within(np.full(n_outputs, bound), rngs))

    def __call__(self, rows: Array) -> Array:
        """Output rows ``[output, sample]``."""
        return self.kernel[...] @ rows + self.bias[...][:, None]


class DenseStack(nnx.Module):
    """Layers of linear map, activation and batch normalization, each with an auxiliary head where asked.

    Args:
        sizes: Number of inputs, then of units of every layer.
        activation: One of `kgnn.layers.subsystems.ACTIVATIONS`.
        norm: Whether batch normalization follows the activation.
        dropout: Share of units set to 0 in training.
        n_heads_outputs: Outputs of the auxiliary head of every layer (tanh of a linear map, then a linear map);
            0 for no heads.
        initial_scale: Factor on all initial parameters.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str = "tanh",
        norm: bool = True,
        dropout: float = 0.0,
        n_heads_outputs: int = 0,
        initial_scale: float = 1.0,
        rngs: nnx.Rngs,
    ):
        pairs = list(pairwise(sizes))
        self.activation = activation
        self.layers = nnx.List([Dense(a, b, initial_scale=initial_scale, rngs=rngs) for a, b in pairs])
        self.norms = nnx.List([RowBatchNorm(b, scale=initial_scale) for _, b in pairs] if norm else [])
        self.dropout = RowDropout(dropout, rngs=rngs) if dropout else None
        self.n_heads_outputs = n_heads_outputs
        heads = [
            (
                Dense(size, n_heads_outputs, initial_scale=initial_scale, rngs=rngs),
                Dense(n_heads_outputs, n_heads_outputs, initial_scale=initial_scale, rngs=rngs),
            )
            for size in (sizes[1:] if n_heads_outputs else ())
        ]
        self.first_heads = nnx.List([first for first, _ in heads])
        self.second_heads = nnx.List([second for _, second in heads])

    def __call__(self, rows: Array, *, weights: Array | None = None, train: bool = False) -> tuple[Array, Array]:
        """Compute the last layer ``[unit, sample]`` and all heads ``[layer, output, sample]``."""
        read = []
        for number, layer in enumerate(self.layers):
            rows = ACTIVATIONS[self.activation](layer(rows))
            if self.norms:
                rows = self.norms[number](rows, weights=weights, train=train)
            if self.dropout is not None:
                rows = self.dropout(rows, deterministic=not train)
            if self.n_heads_outputs:
                read.append(self.second_heads[number](jnp.tanh(self.first_heads[number](rows))))
        return rows, jnp.stack(read) if read else jnp.zeros((0, max(self.n_heads_outputs, 1), rows.shape[1]))
