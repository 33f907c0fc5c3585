r"""Graph convolutions over a compiled graph: GCN, GAT, GIN, Chebyshev, and the gated convolution of ChromeGCN.

All take and give node-major values ``[node, sample, feature]``, padded nodes included: one graph serves every sample
and is never copied. Padded nodes have edges among themselves only, so nothing real depends on them. The coefficients of
the messages are those of the `Adjacency`; they may be replaced in a call, to ask for the gradient of an edge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError
from kgnn.layers.graphs import softmax_over_senders
from kgnn.layers.initial import uniform_within
from kgnn.layers.messages import received
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.messages import Messages


def messages_of(adjacency: Adjacency) -> Messages:
    """The edges of a graph, padding included."""
    n = adjacency.n_padded_nodes
    return Messages(adjacency.senders, adjacency.receivers, n, n)


def neighbor_sum(messages: Messages, coefficient: Array, values: Array) -> Array:
    """`received` of values ``[node, sample, feature]``."""
    n_nodes = values.shape[0]
    return received(messages, coefficient, values.reshape(n_nodes, -1)).reshape(-1, *values.shape[1:])


class _Linear(nnx.Module):
    """A linear map of the last axis; weights start uniform within 1/sqrt(source)."""

    def __init__(self, n_sources: int, n_outputs: int, *, bias: bool = True, scale: float = 1.0, rngs: nnx.Rngs):
        bound = scale * n_sources**-0.5
        self.kernel = nnx.Param(uniform_within(np.full((n_sources, n_outputs), bound), rngs))
        self.bias = nnx.Param(jnp.zeros(n_outputs, jnp.float32)) if bias else None

    def __call__(self, values: Array) -> Array:
        found = values @ self.kernel[...]
        if self.bias is None:
            return found
        return found + jnp.broadcast_to(self.bias[...], found.shape)


class _OverGraph(nnx.Module):
    """What all convolutions share: the edges and their coefficients."""

    def __init__(self, adjacency: Adjacency):
        self.adjacency = adjacency
        self.messages = messages_of(adjacency)

    def coefficients(self, given: Array | None) -> Array:
        """Coefficients of the edges: those given, else those of the graph."""
        return jnp.asarray(self.adjacency.coefficient, jnp.float32) if given is None else given


class GraphConvolution(_OverGraph):
    r"""Graph convolution (GCN): neighbors' values summed with the coefficients of the graph, then one linear map.

    .. math:: H' = C H W + b

    Args:
        adjacency: The graph; compile it with ``self_loops="add"`` and ``normalization="symmetric"`` for Kipf's.
        n_in: Features of a node.
        n_out: Features after it.
        rngs: Stream ``params``.

    References:
        Kipf & Welling 2017, arXiv:1609.02907.
    """

    def __init__(self, adjacency: Adjacency, n_in: int, n_out: int, *, rngs: nnx.Rngs):
        super().__init__(adjacency)
        self.linear = _Linear(n_in, n_out, bias=False, rngs=rngs)
        self.bias = nnx.Param(jnp.zeros(n_out, jnp.float32))

    def __call__(self, values: Array, coefficient: Array | None = None) -> Array:
        """Values after it, ``[node, sample, feature]``."""
        coefficient = self.coefficients(coefficient)
        narrow_first = self.linear.kernel.shape[1] < self.linear.kernel.shape[0]
        if narrow_first:
            found = neighbor_sum(self.messages, coefficient, self.linear(values))
        else:
            found = self.linear(neighbor_sum(self.messages, coefficient, values))
        return found + jnp.broadcast_to(self.bias[...], found.shape)


class GraphAttention(_OverGraph):
    r"""Graph attention (GAT): each node weighs its neighbors by a softmax over what it receives.

    .. math:: e_{sr} = \mathrm{LeakyReLU}(a^\top W h_s + b^\top W h_r), \quad
        \alpha_{sr} = \frac{\exp e_{sr}}{\sum_{s'} \exp e_{s'r}}, \quad h'_r = \sum_s \alpha_{sr} W h_s

    Weights and coefficients of the graph play no part, only who is joined to whom; a node that receives nothing becomes
    the bias alone, so give every node a self-loop.

    Args:
        adjacency: The graph.
        n_in: Features of a node.
        n_out: Features after it, of all heads together.
        n_heads: Number of heads; divides `n_out`.
        slope: Of the leaky ReLU.
        rngs: Stream ``params``.

    Raises:
        KgnnError: If the heads do not divide the features.

    References:
        Veličković et al. 2018, arXiv:1710.10903.
    """

    def __init__(
        self, adjacency: Adjacency, n_in: int, n_out: int, *, n_heads: int = 1, slope: float = 0.2, rngs: nnx.Rngs
    ):
        super().__init__(adjacency)
        if n_out % n_heads:
            raise KgnnError(f"{n_heads} heads do not divide {n_out} features. Choose a number that does.")
        self.n_heads, self.slope = n_heads, slope
        self.linear = _Linear(n_in, n_out, bias=False, rngs=rngs)
        bound = np.full((n_heads, n_out // n_heads), (n_out // n_heads) ** -0.5)
        self.to_sender = nnx.Param(uniform_within(bound, rngs))
        self.to_receiver = nnx.Param(uniform_within(bound, rngs))
        self.bias = nnx.Param(jnp.zeros(n_out, jnp.float32))

    def attention(self, values: Array) -> tuple[Array, Array]:
        """Attention of every edge ``[edge, sample, head]``, and the values that it weighs."""
        mapped = self.linear(values).reshape(*values.shape[:2], self.n_heads, -1)
        senders, receivers = (jnp.asarray(each) for each in (self.messages.senders, self.messages.receivers))
        by_sender = jnp.einsum("nkhf,hf->nkh", mapped, self.to_sender[...])
        by_receiver = jnp.einsum("nkhf,hf->nkh", mapped, self.to_receiver[...])
        logits = jax.nn.leaky_relu(by_sender[senders] + by_receiver[receivers], self.slope)
        return softmax_over_senders(logits, receivers, self.messages.n_receivers), mapped

    def __call__(self, values: Array, coefficient: Array | None = None) -> Array:
        """Values after it, ``[node, sample, feature]``; coefficients that are given multiply the attention."""
        attention, mapped = self.attention(values)
        if coefficient is not None:
            attention = attention * coefficient[:, None, None]
        sent = attention[..., None] * mapped[jnp.asarray(self.messages.senders)]
        sums = jax.ops.segment_sum(sent, jnp.asarray(self.messages.receivers), self.messages.n_receivers)
        found = sums.reshape(*values.shape[:2], -1)
        return found + jnp.broadcast_to(self.bias[...], found.shape)


class GraphIsomorphism(_OverGraph):
    r"""Graph isomorphism convolution (GIN): a small network on a node and the sum of its neighbors.

    .. math:: h'_r = \mathrm{MLP}\big((1 + \epsilon) h_r + \textstyle\sum_s c_{sr} h_s\big)

    Args:
        adjacency: The graph, without self-loops.
        n_in: Features of a node.
        n_out: Features after it; as many hidden ones.
        rngs: Stream ``params``.

    References:
        Xu et al. 2019, arXiv:1810.00826.
    """

    def __init__(self, adjacency: Adjacency, n_in: int, n_out: int, *, rngs: nnx.Rngs):
        super().__init__(adjacency)
        self.epsilon = nnx.Param(jnp.zeros((), jnp.float32))
        self.first = _Linear(n_in, n_out, rngs=rngs)
        self.second = _Linear(n_out, n_out, rngs=rngs)

    def __call__(self, values: Array, coefficient: Array | None = None) -> Array:
        """Values after it, ``[node, sample, feature]``."""
        sums = neighbor_sum(self.messages, self.coefficients(coefficient), values)
        return self.second(jax.nn.relu(self.first((1.0 + self.epsilon[...]) * values + sums)))


class ChebyshevConvolution(_OverGraph):
    r"""Chebyshev convolution: a filter over all nodes within `order` steps, by polynomials of the Laplacian.

    .. math:: H' = \sum_{k=0}^{K} T_k(\tilde L) H W_k + b

    Args:
        adjacency: Undirected, without self-loops, ``normalization="symmetric"``; see
            `kgnn.layers.graphs.chebyshev_features`.
        n_in: Features of a node.
        n_out: Features after it.
        order: Highest power K.
        rngs: Stream ``params``.

    References:
        Defferrard, Bresson & Vandergheynst 2016, arXiv:1606.09375.
    """

    def __init__(self, adjacency: Adjacency, n_in: int, n_out: int, *, order: int = 3, rngs: nnx.Rngs):
        super().__init__(adjacency)
        self.order = order
        self.linear = _Linear((order + 1) * n_in, n_out, rngs=rngs)

    def __call__(self, values: Array, coefficient: Array | None = None) -> Array:
        """Values after it, ``[node, sample, feature]``."""
        coefficient = self.coefficients(coefficient)
        joined = np.zeros((self.adjacency.n_padded_nodes, 1, 1), np.float32)
        joined[self.adjacency.receivers[self.adjacency.coefficient != 0]] = 1
        has_edge = jnp.asarray(joined)

        def step(state: Array) -> Array:
            # The largest eigenvalue is taken as 2, so that the scaled Laplacian is L - I.
            return has_edge * state - neighbor_sum(self.messages, coefficient, state) - state

        powers = [values]
        if self.order:
            powers.append(step(values))
        for _ in range(2, self.order + 1):
            powers.append(2.0 * step(powers[-1]) - powers[-2])
        return self.linear(jnp.concatenate(powers, axis=-1))


class GatedGraphConvolution(_OverGraph):
    r"""Gated graph convolution: a node takes over as much of its neighbors' message as its gate lets in.

    .. math:: z = \tanh(C H W + b), \quad g = \sigma(z\,u + c), \quad H' = (1 - g) \odot H + g \odot z

    Args:
        adjacency: The graph, with self-loops and ``normalization="mean"`` for the published one.
        n_features: Features of a node, before and after.
        rngs: Stream ``params``.

    References:
        Lanchantin & Qi 2020, Bioinformatics 36:i659, doi:10.1093/bioinformatics/btaa793.
    """

    def __init__(self, adjacency: Adjacency, n_features: int, n_out: int | None = None, *, rngs: nnx.Rngs):
        super().__init__(adjacency)
        if n_out not in (None, n_features):
            raise KgnnError(f"a gated convolution keeps its {n_features} features, but {n_out} are asked for.")
        self.convolution = GraphConvolution(adjacency, n_features, n_features, rngs=rngs)
        self.to_gate = _Linear(n_features, 1, rngs=rngs)

    def message(self, values: Array, coefficient: Array | None = None) -> tuple[Array, Array]:
        """The message :math:`z` ``[node, sample, feature]`` and the gate :math:`g` ``[node, sample, 1]``."""
        return self.gated(self.convolution(values, coefficient))

    def gated(self, sums: Array) -> tuple[Array, Array]:
        """Message and gate from what the convolution gave."""
        message = jnp.tanh(sums)
        return message, jax.nn.sigmoid(self.to_gate(message))

    def __call__(self, values: Array, coefficient: Array | None = None) -> Array:
        """Values after it, ``[node, sample, feature]``."""
        message, gate = self.message(values, coefficient)
        return (1.0 - gate) * values + gate * message


CONVOLUTIONS: dict[str, Callable[..., Any]] = {
    "gcn": GraphConvolution,
    "gat": GraphAttention,
    "gin": GraphIsomorphism,
    "chebyshev": ChebyshevConvolution,
    "gated": GatedGraphConvolution,
}
