"""Attention biased by knowledge: a transformer over genes (Graphormer's bias), and a visible one over terms."""

from __future__ import annotations

from typing import Any

from kgnn.models import GeneTransformer, PathwayTransformer
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

OVER_GENES: dict[str, dict[str, Any]] = {
    "bias": {"bias": "linear"},
    "near": {"bias": "linear", "most_hops": 2, "forbid_far": True},
    "plain": {"bias": "none"},
}
OVER_TERMS: dict[str, dict[str, Any]] = {"bias": {"bias": "linear"}, "plain": {"bias": "none"}}
_CONFIG = TrainConfig(
    epochs=60,
    batch_size=32,
    optimizer="adamw",
    learning_rate=3e-3,
    weight_decay=0.1,
    average=0.99,
    clip_norm=1.0,
)
_OPTIONS = {"n_features": int, "n_blocks": int, "n_heads": int, "dropout": float, "bias": str}


gene_transformer = Recipe(
    card=Card(
        name="gene_transformer",
        title="Attention among genes, biased by a network of them",
        year=2021,
        doi="10.48550/arXiv.2106.05234",
        inputs="a network of genes; samples with expression and a target; a few thousand genes at most",
        versions={
            "bias": "a bias a head from edge weights and path lengths",
            "near": "likewise, and pairs more than two hops apart are forbidden",
            "plain": "no bias: what the network is worth",
        },
        differs=(
            "one graph for all samples, whose nodes have identities; Graphormer's graphs are molecules",
            "no encoding of a node's degree; edges on a path do not enter, only its length",
        ),
    ),
    model=GeneTransformer,
    settings=OVER_GENES,
    configs=dict.fromkeys(OVER_GENES, _CONFIG),
    options=_OPTIONS | {"read": str, "most_hops": int, "forbid_far": bool},
    knowledge="network",
    compiling={"self_loops": "drop", "unconnected": "keep", "direction": "both"},
)
"""A transformer over genes whose logits take a bias a head from edge weights and path lengths of a network.

References:
    Ying et al. 2021 (Graphormer), doi:10.48550/arXiv.2106.05234.
"""
pathway_transformer = Recipe(
    card=Card(
        name="pathway_transformer",
        title="A visible network by attention: terms attend to what lies below them",
        year=2017,
        doi="10.48550/arXiv.1706.03762",
        inputs="an ontology with annotations; samples with altered genes or expression, and a target",
        versions={"bias": "a bias a head for children and for further descendants", "plain": "no bias, same mask"},
        differs=(
            "tokens are terms, with a first value from their own genes; there is no order of positions",
            "the mask is that of a visible network: a state depends on a gene only at or below its term",
        ),
    ),
    model=PathwayTransformer,
    settings=OVER_TERMS,
    configs=dict.fromkeys(OVER_TERMS, _CONFIG),
    options=_OPTIONS,
)
"""A visible network by attention: a term attends to itself and to the terms below it, and to nothing else.

References:
    Vaswani et al. 2017, doi:10.48550/arXiv.1706.03762, under the mask of a visible network.
"""
