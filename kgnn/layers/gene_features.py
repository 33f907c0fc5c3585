"""`GeneFeatures`: several measurements of a gene as one value, by a small unit of the gene's own."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.dropout import RowDropout
from kgnn.layers.initial import uniform_within
from kgnn.layers.normalization import RowBatchNorm
from kgnn.layers.propagate import ACTIVATIONS


class GeneFeatures(nnx.Module):
    r"""One value a gene from its features; no weight joins two genes.

    .. math:: u_g = \mathrm{norm}(\phi(\sum_f w_{fg}\,x_{fg} + b_g))

    P-NET calls it a diagonal layer (mutation, deletion and amplification of a gene), NeST-VNN a linear map and
    normalization a gene.

    Args:
        n_genes: Number of genes.
        n_features: Measurements a gene.
        activation: See `SubsystemSettings`.
        norm: Whether batch normalization follows.
        dropout: Share of the genes set to 0 in training.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    References:
        Elmarakeby et al. 2021 (P-NET), doi:10.1038/s41586-021-03922-4.
    """

    def __init__(
        self,
        n_genes: int,
        n_features: int,
        *,
        activation: str = "tanh",
        norm: bool = False,
        dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        bound = 1.0 / max(n_features, 1) ** 0.5
        self.weights = nnx.Param(uniform_within(np.full((n_features, n_genes), bound), rngs))
        self.bias = nnx.Param(jnp.zeros(n_genes, jnp.float32))
        self.activation = activation
        self.norm = RowBatchNorm(n_genes) if norm else None
        self.dropout = RowDropout(dropout, rngs=rngs) if dropout else None

    def __call__(self, features: Sequence[Array], *, weights: Array | None = None, train: bool = False) -> Array:
        """Compute one value a gene.

        Args:
            features: Of every feature ``[gene, sample]``.
            weights: One number a sample, for batch statistics.
            train: Whether batch statistics and dropout are those of training.

        Returns:
            ``[gene, sample]``.
        """
        rows = self.bias[...][:, None]
        for weight, values in zip(self.weights[...], features, strict=True):
            rows = rows + weight[:, None] * values
        rows = ACTIVATIONS[self.activation](rows)
        if self.norm is not None:
            rows = self.norm(rows, weights=weights, train=train)
        return rows if self.dropout is None else self.dropout(rows, deterministic=not train)
