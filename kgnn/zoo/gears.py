"""GEARS (Roohani et al. 2024): the response of all genes to perturbations, also of genes never perturbed before."""

from __future__ import annotations

from typing import Any

from kgnn.models import PerturbationNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

VERSIONS: dict[str, dict[str, Any]] = {"robust": {"n_features": 16}, "paper": {"n_features": 64}}
_CONFIG = TrainConfig(
    epochs=150, batch_size=32, optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, loss="model", average=0.99
)


gears = Recipe(
    card=Card(
        name="gears",
        title="Expression changes after single and combined perturbations, from a graph of genes",
        year=2024,
        doi="10.1038/s41587-023-01905-6",
        inputs="a network of genes; samples with perturbed genes (1) and expression changes from control as targets",
        versions={"robust": "16 units an embedding", "paper": "64 units an embedding"},
        differs=(
            "targets are differences from the control, means a perturbation or single cells",
            "the loss of the direction has a slope: tanh in place of the sign of the prediction",
            "errors above four units count as four in the focused term, so that an outlier does not rule the fit",
            "genes outside the network are kept as nodes without neighbors, and not refused",
        ),
    ),
    model=PerturbationNetwork,
    settings=VERSIONS,
    configs=dict.fromkeys(VERSIONS, _CONFIG),
    options={"n_features": int, "n_hops": int, "focus": float, "direction": float},
    knowledge="network",
    compiling={"normalization": "symmetric", "self_loops": "add", "unconnected": "keep", "direction": "both"},
    tasks=("regression",),
    meanings=("alteration",),
    baselines=("mean", "linear", "shuffled"),
)
"""Embeddings of perturbed genes, averaged over a graph, and a decoder for every response gene.

- `adjacency`: A graph of perturbable genes, such as GO or STRING similarity, symmetric normalized with self-loops.

References:
    Roohani, Huang & Leskovec 2024, Nature Biotechnology 42:927, doi:10.1038/s41587-023-01905-6.
"""
