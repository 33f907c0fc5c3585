"""`BiasedAttention`: attention among genes, pathways or bins whose logits know what is known of each pair."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers.graph_convolutions import _Linear
from kgnn.layers.initial import uniform_within
from kgnn.structure.affinity import Affinity

BIASES = ("linear", "network", "none")


class BiasedAttention(nnx.Module):
    r"""Multi-head attention with a bias a head from prior affinity; forbidden pairs are at minus infinity.

    .. math:: \ell^h_{ij} = \frac{q^h_i \cdot k^h_j}{\sqrt d} + b_h(A_{ij}), \qquad
        \alpha^h_{ij} = \mathrm{softmax}_{j:\,ij \text{ allowed}}\, \ell^h_{ij}

    With ``bias="none"`` and all pairs allowed it is plain attention. Attention is where a head looks, not what matters:
    compare with gates before you read it.

    Args:
        affinity: What is known of the pairs.
        n_features: Features of a token, before and after.
        n_heads: Number of heads; divides `n_features`.
        bias: How a pair's features become a bias: ``"linear"`` (a table, where they are 0 and 1), ``"network"`` (a
            hidden layer of 8 units) or ``"none"``. It starts at 0.
        rngs: Stream ``params``.

    Raises:
        KgnnError: If the choice is unknown or the heads do not divide the features.

    References:
        Ying et al. 2021 (Graphormer), arXiv:2106.05234; Jumper et al. 2021, doi:10.1038/s41586-021-03819-2 (pair bias).
    """

    def __init__(self, affinity: Affinity, n_features: int, *, n_heads: int = 2, bias: str = "linear", rngs: nnx.Rngs):
        if bias not in BIASES:
            raise unknown_choice("bias", bias, BIASES)
        if n_features % n_heads:
            raise KgnnError(f"{n_heads} heads do not divide {n_features} features. Choose a number that does.")
        self.affinity, self.n_heads, self.kind = affinity, n_heads, bias
        self.query, self.key, self.value, self.output = (
            _Linear(n_features, n_features, bias=name in ("value", "output"), rngs=rngs)
            for name in ("query", "key", "value", "output")
        )
        n_known = len(affinity.names)
        hidden = bias == "network"
        self.hidden = _Linear(n_known, 8, rngs=rngs) if hidden else None
        # A bias of 0 is plain attention; the hidden layer has a random start, so that its gradient is not 0.
        n_in = 8 if hidden else n_known
        self.of_pair = nnx.Param(jnp.zeros((n_in, n_heads), jnp.float32)) if bias != "none" else None

    def bias(self) -> Array:
        """The bias of every pair, ``[head, token, token]``, minus infinity where it is forbidden."""
        forbidden = jnp.asarray(np.where(self.affinity.allowed, 0.0, -np.inf).astype(np.float32))[None]
        if self.of_pair is None:
            return jnp.broadcast_to(forbidden, (self.n_heads, *forbidden.shape[1:]))
        known = jnp.asarray(self.affinity.values)
        known = known if self.hidden is None else jnp.tanh(self.hidden(known))
        return (known @ self.of_pair[...]).transpose(2, 0, 1) + forbidden

    def attention(self, tokens: Array) -> Array:
        """Attention ``[sample, head, token, token]``; what a token looks at sums to 1."""
        query, key = (self._by_head(layer(tokens)) for layer in (self.query, self.key))
        logits = jnp.einsum("kihf,kjhf->khij", query, key) / jnp.float32(query.shape[-1]) ** 0.5
        return jax.nn.softmax(logits + self.bias()[None], axis=-1)

    def __call__(self, tokens: Array) -> Array:
        """Tokens ``[sample, token, feature]`` after attention, without what went in."""
        attended = jnp.einsum("khij,kjhf->kihf", self.attention(tokens), self._by_head(self.value(tokens)))
        return self.output(attended.reshape(tokens.shape))

    def _by_head(self, tokens: Array) -> Array:
        return tokens.reshape(*tokens.shape[:2], self.n_heads, -1)


class TransformerBlock(nnx.Module):
    r"""Attention, then a small network a token, each on normalized tokens and added to what went in.

    Args:
        affinity: What is known of the pairs.
        n_features: Features of a token.
        n_heads: Heads of attention.
        bias: See `BiasedAttention`.
        dropout: Share of added values set to 0 in training.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    References:
        Vaswani et al. 2017, arXiv:1706.03762; norm first: Xiong et al. 2020, arXiv:2002.04745; its kind: `TokenNorm`.
    """

    def __init__(
        self, affinity: Affinity, n_features: int, *, n_heads: int, bias: str, dropout: float = 0.0, rngs: nnx.Rngs
    ):
        self.attention = BiasedAttention(affinity, n_features, n_heads=n_heads, bias=bias, rngs=rngs)
        self.first = _Linear(n_features, 2 * n_features, rngs=rngs)
        self.second = _Linear(2 * n_features, n_features, rngs=rngs)
        self.norms = nnx.List([TokenNorm(n_features), TokenNorm(n_features)])
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None

    def __call__(self, tokens: Array, *, train: bool = False) -> Array:
        """Tokens after it, ``[sample, token, feature]``."""
        tokens = tokens + self._dropped(self.attention(self.norms[0](tokens)), train)
        inside = self.second(jax.nn.gelu(self.first(self.norms[1](tokens))))
        return tokens + self._dropped(inside, train)

    def _dropped(self, values: Array, train: bool) -> Array:
        return values if self.dropout is None else self.dropout(values, deterministic=not train)


class TokenNorm(nnx.Module):
    r"""Root-mean-square normalization: the features of every token by themselves, to a mean square of 1, then scaled.

    The mean is not taken out. Layer normalization takes it out, so that adding a constant to all features of a token
    changes nothing that is computed from it: a `shift` of a term's states would vanish.

    .. math:: y_f = w_f\, x_f \Big/ \sqrt{\tfrac{1}{d} \sum_{f'} x_{f'}^2 + \epsilon}

    Args:
        n_features: Features of a token.
        epsilon: Added to the mean square.

    References:
        Zhang & Sennrich 2019, arXiv:1910.07467.
    """

    def __init__(self, n_features: int, *, epsilon: float = 1e-5):
        self.scale = nnx.Param(jnp.ones(n_features, jnp.float32))
        self.epsilon = epsilon

    def __call__(self, tokens: Array) -> Array:
        """Normalized values, features last."""
        mean_square = jnp.square(tokens).mean(axis=-1, keepdims=True)
        normal = tokens / jnp.sqrt(mean_square + self.epsilon)
        return normal * jnp.broadcast_to(self.scale[...], normal.shape)


class GeneSums(nnx.Module):
    r"""First token of every term: a weighted sum of its own genes, one vector an annotation, and a bias.

    .. math:: t_t = b_t + \sum_{g \in \mathrm{genes}(t)} w_{tg} x_g

    Args:
        genes: int ``[annotation]``, in the order of terms.
        terms: int ``[annotation]``.
        n_terms: Number of terms.
        n_features: Features of a token.
        rngs: Stream ``params``.
    """

    def __init__(self, genes: np.ndarray, terms: np.ndarray, n_terms: int, n_features: int, *, rngs: nnx.Rngs):
        self.genes, self.terms, self.n_terms = tuple(genes.tolist()), tuple(terms.tolist()), n_terms
        bound = np.bincount(terms, minlength=n_terms)[terms] ** -0.5
        self.kernel = nnx.Param(uniform_within(np.repeat(bound[:, None], n_features, axis=1), rngs))
        self.bias = nnx.Param(uniform_within(np.full((n_terms, n_features), n_features**-0.5), rngs))

    def __call__(self, rows: Array) -> Array:
        """Tokens ``[sample, term, feature]`` from genes ``[gene, sample]``."""
        sent = rows[np.asarray(self.genes)][..., None] * self.kernel[...][:, None]
        sums = jax.ops.segment_sum(sent, np.asarray(self.terms), self.n_terms, indices_are_sorted=True)
        return sums.transpose(1, 0, 2) + self.bias[...][None]
