"""Graph networks (Kipf & Welling 2017; Veličković et al. 2018; Xu et al. 2019) over a network of the measured genes."""

from __future__ import annotations

from typing import Any

from kgnn.models import GraphNetwork
from kgnn.train import TrainConfig
from kgnn.train.config import names, whole_numbers
from kgnn.zoo.recipe import Card, Recipe

VERSIONS: dict[str, dict[str, Any]] = {
    "gcn": {"conv": "gcn", "widths": (8, 8), "readout": "nodes", "dropout": 0.5},
    "gat": {"conv": "gat", "widths": (8, 8), "readout": "nodes", "dropout": 0.5, "n_heads": 2},
    "gin": {"conv": "gin", "widths": (8, 8), "readout": ("mean", "top_k"), "hidden": 16, "dropout": 0.2},
}
_CONFIG = TrainConfig(
    epochs=30, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.1, average=0.99, valid_fraction=0.0
)
_OPTIONS = {
    "conv": str, "widths": whole_numbers, "readout": names, "order": int, "dropout": float, "hidden": int,
    "n_heads": int, "keep": int,
}  # fmt: skip


graph_network = Recipe(
    card=Card(
        name="graph_network",
        title="Graph convolutions over a network of genes: GCN, GAT or GIN",
        year=2017,
        doi="10.48550/arXiv.1609.02907",
        inputs="a network of genes (HumanNet, STRING ...); samples with expression and a target",
        versions={
            "gcn": "graph convolution, every gene read by weights of its own",
            "gat": "graph attention with two heads, read likewise",
            "gin": "graph isomorphism network, read by the mean and by the top 32 genes",
        },
        differs=(
            "the papers classify nodes, or graphs that differ; here samples share one graph and differ in values",
            "a gene has vectors of its own at the input, without which convolutions cannot tell genes apart",
            "what goes into a convolution is added to what comes out of it",
        ),
    ),
    model=GraphNetwork,
    settings=VERSIONS,
    configs=dict.fromkeys(VERSIONS, _CONFIG),
    options=_OPTIONS,
    knowledge="network",
    compiling={"normalization": "symmetric", "self_loops": "add", "unconnected": "keep", "direction": "both"},
)
"""Two convolutions over the genes' network, then a linear map of all genes (gcn, gat) or pooled ones (gin).

- `adjacency`: The compiled network, symmetric normalized with self-loops.

References:
    Kipf & Welling 2017, doi:10.48550/arXiv.1609.02907; Veličković et al. 2018, arXiv:1710.10903; Xu et al. 2019,
    arXiv:1810.00826.
"""
