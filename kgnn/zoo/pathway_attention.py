"""Pathway attention (Lee et al. 2020): a graph convolution in every pathway, several attentions over pathways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kgnn.knowledge import Network
from kgnn.knowledge.read_network import networks
from kgnn.models import PathwayGraphs
from kgnn.structure import Hierarchy, edges_inside
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

VERSIONS: dict[str, dict[str, Any]] = {
    "robust": {"n_features": 4, "n_layers": 1, "n_attentions": 4, "dropout": 0.3},
    "paper": {"n_features": 8, "n_layers": 2, "n_attentions": 8},
}
_CONFIG = TrainConfig(
    epochs=60,
    batch_size=32,
    optimizer="adamw",
    learning_rate=2e-3,
    weight_decay=0.3,
    average=0.99,
    replicates=4,
)


def _pathway_graphs(
    hierarchy: Hierarchy, *, edges: Network | Sequence[Network] = (), senders: Sequence[int] = (),
    receivers: Sequence[int] = (), **others: Any,
) -> PathwayGraphs:  # fmt: skip
    if edges:
        senders, receivers = edges_inside(edges, hierarchy)
    return PathwayGraphs(hierarchy, senders=senders, receivers=receivers, **others)


pathway_attention = Recipe(
    card=Card(
        name="pathway_attention",
        title="A graph convolution in every pathway, and attention over pathways",
        year=2020,
        doi="10.1093/bioinformatics/btaa203",
        inputs="pathways with genes (KEGG), a network of them (--edges); samples with expression and a class",
        versions={
            "robust": "small, dropout of whole pathways, AdamW with strong decay, four replicates",
            "paper": "two convolutions, eight attentions",
        },
        differs=(
            "all pathways are one program over a disjoint union; the paper trains one network each, then the ensemble",
            "the class does not enter the attention; sizes are ours, as are the settings of training",
            "without edges a pathway's genes only meet in its pooled state",
        ),
    ),
    model=_pathway_graphs,
    settings=VERSIONS,
    tasks=("classes", "labels", "regression"),
    configs=dict.fromkeys(VERSIONS, _CONFIG),
    options={"dropout": float, "n_features": int, "n_layers": int, "n_attentions": int, "edges": networks},
)
"""A graph convolution a pathway, whose states several attentions weigh; see `kgnn.models.PathwayGraphs`.

`kgnn.interpret.propagate_attention` then carries the attention from pathways to genes.

- `hierarchy`: Pathways as terms; their relations play no part.
- `edges`: A network of their genes, or several (of KGML files); an edge counts inside every pathway with both its ends.

References:
    Lee et al. 2020, Bioinformatics 36:3818, doi:10.1093/bioinformatics/btaa203.
"""
