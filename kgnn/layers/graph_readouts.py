"""Readouts: from the values of all nodes, ``[node, sample, feature]``, to one vector a sample, ``[sample, feature]``.

Every readout knows which nodes are real: what stands in padding never counts. All but `NodesReadout` are the same for
any order of the nodes, whatever was learned.
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
from kgnn.layers.graph_convolutions import _Linear
from kgnn.layers.initial import uniform_within


class MeanReadout(nnx.Module):
    """Mean over the real nodes.

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        rngs: Not used.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, rngs: nnx.Rngs):
        self.n_nodes, self.n_features = int(mask.sum()), n_features

    def __call__(self, values: Array) -> Array:
        """One vector a sample."""
        return values[: self.n_nodes].mean(axis=0)


class AttentionReadout(nnx.Module):
    r"""Mean over the nodes, weighted by a softmax of what they say.

    .. math:: r = \sum_i \mathrm{softmax}_i(u^\top \tanh(V h_i))\, h_i

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        rngs: Stream ``params``.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, rngs: nnx.Rngs):
        self.n_nodes, self.n_features = int(mask.sum()), n_features
        self.hidden = _Linear(n_features, n_features, rngs=rngs)
        self.score = _Linear(n_features, 1, bias=False, rngs=rngs)

    def attention(self, values: Array) -> Array:
        """Weight of every real node, ``[node, sample]``; those of a sample sum to 1."""
        return jax.nn.softmax(self.score(jnp.tanh(self.hidden(values[: self.n_nodes])))[..., 0], axis=0)

    def __call__(self, values: Array) -> Array:
        """One vector a sample."""
        return jnp.einsum("nk,nkf->kf", self.attention(values), values[: self.n_nodes])


class SortReadout(nnx.Module):
    """SortPool: the nodes that are largest in the last feature, sorted by it, end to end.

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        keep: How many nodes; zeros where there are fewer.
        rngs: Not used.

    References:
        Zhang et al. 2018, An End-to-End Deep Learning Architecture for Graph Classification, AAAI.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, keep: int = 16, rngs: nnx.Rngs):
        self.n_nodes, self.keep = int(mask.sum()), keep
        self.n_features = keep * n_features

    def __call__(self, values: Array) -> Array:
        """One vector a sample."""
        by_sample = values[: self.n_nodes].transpose(1, 0, 2)
        _, best = jax.lax.top_k(by_sample[..., -1], min(self.keep, self.n_nodes))
        found = jnp.take_along_axis(by_sample, best[..., None], axis=1)
        found = jnp.pad(found, ((0, 0), (0, self.keep - found.shape[1]), (0, 0)))
        return found.reshape(found.shape[0], -1)


class TopKReadout(nnx.Module):
    r"""Mean over the nodes that score highest, each scaled by its score, so that the score is learned.

    .. math:: s_i = p^\top h_i / \lVert p \rVert, \quad r = \frac{1}{k} \sum_{i \in \mathrm{top}\,k} \tanh(s_i)\, h_i

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        keep: How many nodes.
        rngs: Stream ``params``.

    References:
        Gao & Ji 2019, Graph U-Nets, arXiv:1905.05178.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, keep: int = 16, rngs: nnx.Rngs):
        self.n_nodes, self.n_features = int(mask.sum()), n_features
        self.keep = min(keep, self.n_nodes)
        self.direction = nnx.Param(uniform_within(np.full(n_features, n_features**-0.5), rngs))

    def __call__(self, values: Array) -> Array:
        """One vector a sample."""
        direction = self.direction[...]
        by_sample = values[: self.n_nodes].transpose(1, 0, 2)
        scores, best = jax.lax.top_k(by_sample @ direction / jnp.sqrt(jnp.square(direction).sum()), self.keep)
        found = jnp.take_along_axis(by_sample, best[..., None], axis=1)
        return (jnp.tanh(scores)[..., None] * found).mean(axis=1)


class NodesReadout(nnx.Module):
    """The values of all real nodes end to end: what reads it has weights of its own for every node.

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        rngs: Not used.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, rngs: nnx.Rngs):
        self.n_nodes = int(mask.sum())
        self.n_features = self.n_nodes * n_features

    def __call__(self, values: Array) -> Array:
        """One vector a sample, by node and then by feature."""
        return values[: self.n_nodes].transpose(1, 0, 2).reshape(values.shape[1], -1)


class RelationReadout(nnx.Module):
    r"""Relation network: a small network on every pair of nodes, and another on the mean over pairs.

    .. math:: r = f\Big(\frac{1}{n(n-1)}\sum_{i < j} g(h_i, h_j) + g(h_j, h_i)\Big)

    Both orders of a pair are taken, so that the result does not depend on the order of the nodes. It costs the square
    of the number of nodes: read a coarsened graph, or the best scoring ones.

    Args:
        mask: bool ``[node]``, which nodes are real.
        n_features: Features of a node.
        keep: Most nodes; where there are more, those with the largest learned score are related.
        hidden: Units of both networks, and features of the result.
        rngs: Stream ``params``.

    References:
        Santoro et al. 2017, arXiv:1706.01427; Rhee, Seo & Kim 2018, arXiv:1711.05859.
    """

    def __init__(self, mask: np.ndarray, n_features: int, *, keep: int = 64, hidden: int = 16, rngs: nnx.Rngs):
        self.n_nodes, self.n_features = int(mask.sum()), hidden
        if self.n_nodes < 2:
            raise KgnnError(f"{self.n_nodes} nodes have no relations. Coarsen the graph less.")
        self.keep = keep
        few = self.n_nodes > keep
        self.direction = nnx.Param(uniform_within(np.full(n_features, n_features**-0.5), rngs)) if few else None
        self.left = _Linear(n_features, hidden, rngs=rngs)
        self.right = _Linear(n_features, hidden, bias=False, rngs=rngs)
        self.pair = _Linear(hidden, hidden, rngs=rngs)
        self.after = _Linear(hidden, hidden, rngs=rngs)

    def __call__(self, values: Array) -> Array:
        """One vector a sample."""
        nodes = values[: self.n_nodes].transpose(1, 0, 2)
        if self.direction is not None:
            scores, best = jax.lax.top_k(nodes @ self.direction[...], self.keep)
            nodes = jnp.take_along_axis(nodes, best[..., None], axis=1) * jnp.tanh(scores)[..., None]
        # The first layer of g is linear in the pair, so it is applied to nodes and not to pairs.
        pairs = jax.nn.relu(self.left(nodes)[:, :, None] + self.right(nodes)[:, None])
        n = nodes.shape[1]
        apart = jnp.asarray(~np.eye(n, dtype=bool), values.dtype)
        related = jnp.einsum("kijf,ij->kf", jax.nn.relu(self.pair(pairs)), apart) / (n * (n - 1))
        return jax.nn.relu(self.after(related))


READOUTS: dict[str, Callable[..., Any]] = {
    "mean": MeanReadout,
    "attention": AttentionReadout,
    "sort": SortReadout,
    "top_k": TopKReadout,
    "nodes": NodesReadout,
    "relation": RelationReadout,
}


def max_of_clusters(values: Array, members: np.ndarray) -> Array:
    """Largest value in every cluster.

    Args:
        values: ``[node, sample, feature]`` of the finer graph.
        members: int ``[cluster, 2]``, see `kgnn.structure.Coarsening`.

    Returns:
        ``[cluster, sample, feature]``.
    """
    return jnp.maximum(values[jnp.asarray(members[:, 0])], values[jnp.asarray(members[:, 1])])
