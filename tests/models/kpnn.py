"""A KPNN once more, by the names of its nodes: forward, loss, gradient and node weights in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@dataclass
class NaiveKpnn:
    """One activity a node; of outputs, the sum itself.

    Attributes:
        order: Nodes, every child before its parents.
        outputs: Those that are outputs.
        edges: Weight by (child, parent); children are genes or nodes.
        bias: By node.
    """

    order: list[str]
    outputs: list[str]
    edges: dict[tuple[str, str], float]
    bias: dict[str, float]

    def forward(self, genes: dict[str, np.ndarray], moved: dict[str, float] | None = None) -> dict[str, np.ndarray]:
        """Values ``[sample]`` of genes and nodes; the activity of a node can be moved by a number."""
        value = dict(genes)
        for node in self.order:
            z = self.bias[node] + sum(w * value[child] for (child, parent), w in self.edges.items() if parent == node)
            value[node] = (z if node in self.outputs else sigmoid(z)) + (moved or {}).get(node, 0.0)
        return value

    def backward(self, value: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Derivative ``[sample]`` with respect to the activity of every node, from that of the outputs."""
        found = {}
        for node in reversed(self.order):
            total = given.get(node, np.zeros_like(next(iter(value.values()))))
            for (child, parent), weight in self.edges.items():
                if child == node:
                    total = total + weight * found[parent] * self.slope(parent, value)
            found[node] = total
        return found

    def slope(self, node: str, value: dict[str, np.ndarray]) -> np.ndarray:
        return np.ones_like(value[node]) if node in self.outputs else value[node] * (1 - value[node])

    def gradient(
        self, genes: dict[str, np.ndarray], labels: dict[str, np.ndarray], weights: np.ndarray
    ) -> tuple[float, dict, dict]:
        """Class-weighted cross-entropy, and its gradient by edge and by node (of the bias)."""
        value = self.forward(genes)
        share = weights / weights.sum()
        loss, given = 0.0, {}
        for output in self.outputs:
            p = sigmoid(value[output])
            loss -= float(share @ (labels[output] * np.log(p) + (1 - labels[output]) * np.log(1 - p)))
            given[output] = share * (p - labels[output])
        of_node = {node: each * self.slope(node, value) for node, each in self.backward(value, given).items()}
        by_edge = {(child, parent): float(of_node[parent] @ value[child]) for child, parent in self.edges}
        return loss, by_edge, {node: float(each.sum()) for node, each in of_node.items()}

    def node_weights(self, genes: dict[str, np.ndarray], output: str) -> dict[str, float]:
        """Mean derivative of the probability of an output with respect to the activity of every node."""
        value = self.forward(genes)
        p = sigmoid(value[output])
        return {node: float(each.mean()) for node, each in self.backward(value, {output: p * (1 - p)}).items()}

    def central_difference(self, genes: dict[str, np.ndarray], output: str, node: str, step: float) -> float:
        up, down = (sigmoid(self.forward(genes, {node: by})[output]) for by in (step, -step))
        return float(((up - down) / (2 * step)).mean())
