"""Graph layers written once more on dense matrices in NumPy, node by node and sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgnn.knowledge import build_network
from kgnn.structure import Adjacency, compile_adjacency, graph_matrix
from tests.models.weights import named_arrays

N_NODES, N_SAMPLES, N_IN, N_OUT = 13, 4, 3, 6


def random_graph(seed: int = 3, *, order: np.ndarray | None = None, **options: Any) -> Adjacency:
    """A graph of 13 nodes, the last without an edge; `order` permutes the nodes and nothing else."""
    random = np.random.default_rng(seed)
    source, target = random.integers(0, N_NODES - 1, (2, 24))
    names = [f"g{number:02}" for number in range(N_NODES)]
    network = build_network(names, source, target, weight=random.uniform(0.2, 1, 24))
    genes = names if order is None else [names[place] for place in order]
    return compile_adjacency(network, genes, unconnected="keep", **options)[0]


def padded(adjacency: Adjacency) -> Adjacency:
    return adjacency.pad(adjacency.n_nodes + 5, adjacency.n_edges + 9)


def node_major(values: np.ndarray, n_nodes: int, fill: float = 0.0) -> np.ndarray:
    """``[sample, node, feature]`` as layers take it, padding filled up."""
    turned = values.transpose(1, 0, 2)
    return np.pad(turned, ((0, n_nodes - len(turned)), (0, 0), (0, 0)), constant_values=fill).astype(np.float32)


def weights_of(layer: Any) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float64) for name, array in named_arrays(layer).items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def matrix_of(adjacency: Adjacency) -> np.ndarray:
    return graph_matrix(adjacency).toarray()


def dense_gcn(adjacency: Adjacency, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    return matrix_of(adjacency) @ x @ w["linear.kernel"] + w["bias"]


def dense_gat(adjacency: Adjacency, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    joined = matrix_of(adjacency) != 0
    n_heads = len(w["to_sender"])
    mapped = (x @ w["linear.kernel"]).reshape(len(x), n_heads, -1)
    found = np.zeros_like(mapped)
    for head in range(n_heads):
        for receiver in range(len(x)):
            senders = np.flatnonzero(joined[receiver])
            logits = mapped[senders, head] @ w["to_sender"][head] + mapped[receiver, head] @ w["to_receiver"][head]
            logits = np.exp(np.where(logits > 0, logits, 0.2 * logits))
            found[receiver, head] = (logits / logits.sum()) @ mapped[senders, head] if len(senders) else 0
    return found.reshape(len(x), -1) + w["bias"]


def dense_gin(adjacency: Adjacency, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    inside = (1 + w["epsilon"]) * x + matrix_of(adjacency) @ x
    hidden = np.maximum(inside @ w["first.kernel"] + w["first.bias"], 0)
    return hidden @ w["second.kernel"] + w["second.bias"]


def dense_chebyshev(adjacency: Adjacency, w: dict[str, np.ndarray], x: np.ndarray, order: int = 3) -> np.ndarray:
    coefficients = matrix_of(adjacency)
    scaled = np.diag((coefficients != 0).any(axis=1).astype(float)) - coefficients - np.eye(len(x))
    powers = [np.eye(len(x)), scaled]
    while len(powers) <= order:
        powers.append(2 * scaled @ powers[-1] - powers[-2])
    blocks = w["linear.kernel"].reshape(order + 1, x.shape[1], -1)
    return sum(power @ x @ block for power, block in zip(powers, blocks, strict=True)) + w["linear.bias"]


def dense_gated(adjacency: Adjacency, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    message = np.tanh(matrix_of(adjacency) @ x @ w["convolution.linear.kernel"] + w["convolution.bias"])
    gate = sigmoid(message @ w["to_gate.kernel"] + w["to_gate.bias"])
    return (1 - gate) * x + gate * message


DENSE = {"gcn": dense_gcn, "gat": dense_gat, "gin": dense_gin, "chebyshev": dense_chebyshev, "gated": dense_gated}
GRAPH_OF = {
    "gcn": {"normalization": "symmetric", "self_loops": "add"},
    "gat": {"self_loops": "add"},
    "gin": {"self_loops": "drop"},
    "chebyshev": {"normalization": "symmetric", "self_loops": "drop"},
    "gated": {"normalization": "mean", "self_loops": "add"},
}
FURTHER = {"gat": {"n_heads": 2}, "chebyshev": {"order": 3}}
