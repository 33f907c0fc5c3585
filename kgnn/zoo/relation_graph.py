"""Graph convolution with a relation network (Rhee et al. 2018): breast cancer subtypes over protein interactions."""

from __future__ import annotations

from typing import Any

from kgnn.models import GraphNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

_SHARED = {"conv": "chebyshev", "widths": (8, 8), "coarsen_levels": 2, "order": 3, "keep": 32, "dropout": 0.3}
VERSIONS: dict[str, dict[str, Any]] = {
    "paper": {**_SHARED, "readout": ("nodes", "relation")},
    "graph": {**_SHARED, "readout": ("nodes",)},
}
_CONFIG = TrainConfig(epochs=60, batch_size=32, optimizer="adamw", learning_rate=2e-3, weight_decay=0.1, average=0.99)


relation_graph = Recipe(
    card=Card(
        name="relation_graph",
        title="Graph convolution and relation network over protein interactions, for tumor subtypes",
        year=2018,
        doi="10.24963/ijcai.2018/490",
        inputs="a protein interaction network; samples with expression and a class",
        versions={
            "paper": "coarse nodes read as they are and as pairs (relation network)",
            "graph": "without the relation network",
        },
        differs=(
            "no code was published: sizes are ours",
            "pairs are those of the 32 coarse nodes with the highest learned score, not of all",
            "the largest eigenvalue of the Laplacian is taken as 2",
        ),
    ),
    model=GraphNetwork,
    settings=VERSIONS,
    tasks=("classes", "labels", "regression"),
    configs=dict.fromkeys(VERSIONS, _CONFIG),
    options={"dropout": float, "order": int, "keep": int, "coarsen_levels": int},
    knowledge="network",
    compiling={"normalization": "symmetric", "self_loops": "drop", "unconnected": "keep", "direction": "both"},
)
"""Chebyshev convolutions with Graclus pooling; coarse nodes are read as they are, and as pairs.

- `adjacency`: The compiled network, symmetric normalized without self-loops.

References:
    Rhee, Seo & Kim 2018, IJCAI, doi:10.24963/ijcai.2018/490.
"""
