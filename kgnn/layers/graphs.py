"""Compiled graphs as JAX arrays, and the products on them. The only module that imports jraph, when it is used.

Values on nodes are ``[node, feature]``. Every function takes a `jraph.GraphsTuple` from `graphs_tuple`; padded nodes
receive nothing from real ones and send nothing to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from kgnn.errors import AlignmentError
from kgnn.structure.adjacency import Adjacency

if TYPE_CHECKING:
    import jraph


def graphs_tuple(adjacency: Adjacency, values: Any = None) -> jraph.GraphsTuple:
    """A compiled graph for jraph: padding, where there is any, is a second graph.

    Args:
        adjacency: The graph.
        values: ``[node, feature]`` of the real nodes, float32; padded nodes get zeros.

    Returns:
        A tuple whose edges are a dictionary: ``coefficient`` ``[edge]`` and ``features`` ``[edge, feature]``, see
        `Adjacency.features`.

    Raises:
        AlignmentError: If `values` has not a row for each real node.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_adjacency
        >>> network = build_network(["A", "B"], np.array([0]), np.array([1]))
        >>> graphs_tuple(compile_adjacency(network, pad_nodes=4, pad_edges=5)[0]).n_edge.tolist()
        [2, 3]
    """
    import jraph

    if values is not None:
        values = np.asarray(values, dtype=np.float32)
        if len(values) != adjacency.n_nodes:
            raise AlignmentError(
                f"values has {len(values):,} rows, the graph {adjacency.n_nodes:,} nodes. Give one row a node."
            )
        extra = adjacency.n_padded_nodes - adjacency.n_nodes
        values = jnp.asarray(np.pad(values, [(0, extra), *[(0, 0)] * (values.ndim - 1)]))
    padded = adjacency.n_padded_nodes > adjacency.n_nodes
    n_node = [adjacency.n_nodes, *([adjacency.n_padded_nodes - adjacency.n_nodes] if padded else [])]
    n_edge = [adjacency.n_edges, *([adjacency.n_padded_edges - adjacency.n_edges] if padded else [])]
    return jraph.GraphsTuple(
        nodes=values,
        edges={
            "coefficient": jnp.asarray(adjacency.coefficient, dtype=jnp.float32),
            "features": jnp.asarray(adjacency.features),
        },
        senders=jnp.asarray(adjacency.senders),
        receivers=jnp.asarray(adjacency.receivers),
        n_node=jnp.asarray(n_node, dtype=jnp.int32),
        n_edge=jnp.asarray(n_edge, dtype=jnp.int32),
        globals=None,
    )


def spread(graph: jraph.GraphsTuple, values: jax.Array) -> jax.Array:
    r"""One step of messages: each node receives the sum of its senders' values, times the coefficients.

    .. math:: y_r = \sum_{s \to r} c_{sr} x_s

    Args:
        graph: The graph.
        values: ``[node, feature]``, padded nodes included.

    Returns:
        What each node receives, ``[node, feature]``.
    """
    edges: Any = graph.edges
    senders: Any = graph.senders
    return _received(graph, edges["coefficient"][:, None] * values[senders], values.shape[0])


def _received(graph: jraph.GraphsTuple, messages: Any, n_nodes: int) -> Any:
    receivers: Any = graph.receivers
    return jax.ops.segment_sum(messages, receivers, num_segments=n_nodes)


def chebyshev_features(graph: jraph.GraphsTuple, values: jax.Array, order: int, *, largest: float = 2.0) -> jax.Array:
    r"""Chebyshev polynomials of the symmetric normalized Laplacian, applied to values on the nodes.

    .. math:: L = I' - C, \quad \tilde L = \frac{2}{\lambda} L - I, \quad T_k = 2 \tilde L T_{k-1} - T_{k-2}

    Args:
        graph: Compiled with ``normalization="symmetric"`` from an undirected network, so that its coefficients are
            :math:`C`; :math:`I'` is 1 for nodes with an edge, else 0.
        values: ``[node, feature]``, padded nodes included.
        order: Highest power.
        largest: Largest eigenvalue of :math:`L`; never above 2.

    Returns:
        Powers 0 to `order`, ``[power, node, feature]``.

    References:
        Defferrard, Bresson, Vandergheynst 2016, arXiv:1606.09375.
    """
    edges: Any = graph.edges
    size = jnp.abs(edges["coefficient"])
    has_edge = (_received(graph, size, values.shape[0]) > 0).astype(values.dtype)[:, None]

    def step(state: Any) -> Any:
        return (2.0 / largest) * (has_edge * state - spread(graph, state)) - state

    found = [values]
    if order:
        found.append(step(values))
    for _ in range(2, order + 1):
        found.append(2.0 * step(found[-1]) - found[-2])
    return jnp.stack(found)


def random_walk_with_restart(
    graph: jraph.GraphsTuple, seeds: jax.Array, *, restart: float = 0.5, n_steps: int = 64
) -> jax.Array:
    r"""A walker's probabilities after a number of steps, starting from seeds again with probability `restart`.

    What has not been walked after *n* steps is :math:`(1 - r)^n` of the result, 5e-20 for the defaults.

    Args:
        graph: Compiled with ``normalization="random_walk"``. Something must leave every node (``self_loops="add"``),
            else the part that reaches a dead end is lost.
        seeds: ``[node, set]``; each set sums to 1, 0 on padded nodes.
        restart: Probability of going back at each step.
        n_steps: How many steps.

    Returns:
        Probabilities, ``[node, set]``.

    References:
        Köhler et al. 2008, American Journal of Human Genetics 82:949, doi:10.1016/j.ajhg.2008.02.013.
    """

    def step(state: Any, _: None) -> tuple[Any, None]:
        return (1 - restart) * spread(graph, state) + restart * seeds, None

    return jax.lax.scan(step, seeds, None, length=n_steps)[0]


def softmax_over_senders(logits: jax.Array, receivers: jax.Array, n_nodes: int) -> jax.Array:
    """Softmax over the messages that each node receives.

    Args:
        logits: ``[edge, ...]``.
        receivers: int ``[edge]``.
        n_nodes: Number of nodes.

    Returns:
        In the form of `logits`; those of each receiver sum to 1.
    """
    import jraph

    return jraph.segment_softmax(logits, receivers, n_nodes)  # type: ignore[return-value]
