"""`LevelHeads`: a predictor a level, from all states of its terms, as P-NET and BINN have it."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.initial import uniform_within


class LevelHeads(nnx.Module):
    r"""One linear map a level, from its rows to the outputs.

    .. math:: \hat y_l = V_l\,h_l + c_l

    Args:
        sizes: Number of rows of every level; the rows of all levels lie end to end.
        n_outputs: Number of outputs.
        initial_scale: Factor on all initial parameters.
        rngs: Stream ``params``.

    References:
        Elmarakeby et al. 2021 (P-NET), doi:10.1038/s41586-021-03922-4.
    """

    def __init__(self, sizes: Sequence[int], n_outputs: int, *, initial_scale: float = 1.0, rngs: nnx.Rngs):
        self.sizes = tuple(int(size) for size in sizes)
        bound = np.repeat(initial_scale / np.sqrt(np.maximum(self.sizes, 1)), self.sizes)
        self.kernel = nnx.Param(uniform_within(np.tile(bound, (n_outputs, 1)), rngs))
        self.bias = nnx.Param(jnp.zeros((len(self.sizes), n_outputs), jnp.float32))

    def __call__(self, rows: Array) -> Array:
        """Outputs ``[level, output, sample]`` from the rows of all levels ``[row, sample]``."""
        ends = np.cumsum(self.sizes)
        parts = [
            self.kernel[...][:, end - size : end] @ rows[end - size : end]
            for size, end in zip(self.sizes, ends, strict=True)
        ]
        return jnp.stack(parts) + self.bias[...][:, :, None]
