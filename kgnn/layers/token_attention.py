"""Attention among tokens of which some are padding, and several heads that pool what remains."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.initial import uniform_within


def masked_softmax(logits: Array, present: Array) -> Array:
    """Softmax over the last axis among what is present; padding has a weight of exactly 0.

    Padding gets a logit of minus infinity before the softmax. A logit of 0 would give it a share, the larger the more
    padding there is. Where nothing is present, all weights are 0.

    Args:
        logits: ``[..., token]``.
        present: bool, broadcast against `logits`.

    Returns:
        Weights that sum to 1, or to 0.
    """
    shown = jnp.where(present, logits, -jnp.inf)
    highest = shown.max(axis=-1, keepdims=True)
    # Where nothing is present there is no highest logit, and infinities would leave no gradient.
    below = jnp.where(present, logits - jax.lax.stop_gradient(jnp.where(jnp.isfinite(highest), highest, 0.0)), -jnp.inf)
    raised = jnp.exp(below)
    total = raised.sum(axis=-1, keepdims=True)
    return raised / jnp.where(total > 0, total, 1.0)


class SelfAttention(nnx.Module):
    r"""Each token as a mean of all present ones, weighted by how its query meets their keys; values stay as they are.

    .. math:: y_i = \sum_j \operatorname{softmax}_j\bigl(q_i^\top k_j / \sqrt d\bigr)\, x_j

    Args:
        n_features: Features of a token.
        n_units: Size :math:`d` of queries and keys.
        rngs: Stream ``params``.
    """

    def __init__(self, n_features: int, n_units: int, *, rngs: nnx.Rngs):
        def start() -> nnx.Param:
            return nnx.Param(uniform_within(np.full((n_units, n_features), n_features**-0.5), rngs))

        self.query, self.key = start(), start()

    def __call__(self, tokens: Array, present: Array) -> Array:
        """``[sample, token, feature]`` from the same, with ``present`` as bool ``[sample, token]``."""
        query, key = tokens @ self.query[...].T, tokens @ self.key[...].T
        logits = jnp.einsum("sid,sjd->sij", query, key) / self.query.shape[0] ** 0.5
        return masked_softmax(logits, present[:, None, :]) @ tokens


class AttentionPooling(nnx.Module):
    r"""Several heads, each a mean of the present tokens by weights of its own.

    .. math:: a_h = \operatorname{softmax}_i\bigl(v_h^\top \tanh(W_h x_i)\bigr), \qquad z_h = \sum_i a_{hi}\, x_i

    Args:
        n_features: Features of a token.
        n_units: Units inside a head.
        n_heads: Number of heads.
        rngs: Stream ``params``.

    References:
        Lin et al. 2017, ICLR, arXiv:1703.03130.
    """

    def __init__(self, n_features: int, n_units: int, n_heads: int, *, rngs: nnx.Rngs):
        self.inner = nnx.Param(uniform_within(np.full((n_heads, n_units, n_features), n_features**-0.5), rngs))
        self.outer = nnx.Param(uniform_within(np.full((n_heads, n_units), n_units**-0.5), rngs))

    def __call__(self, tokens: Array, present: Array) -> tuple[Array, Array]:
        """``[sample, head, feature]``, and the weights ``[sample, head, token]``."""
        inner = jnp.tanh(jnp.einsum("stf,huf->shtu", tokens, self.inner[...]))
        weights = masked_softmax(jnp.einsum("shtu,hu->sht", inner, self.outer[...]), present[:, None, :])
        return weights @ tokens, weights
