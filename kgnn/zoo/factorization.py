"""Multi-view factorization autoencoder (Ma & Zhang 2019): factors that agree with an interaction network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgnn.data import Samples
from kgnn.models import FactorizationNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

VERSIONS: dict[str, dict[str, Any]] = {"paper": {"kind": "laplacian"}, "cosine": {"kind": "cosine"}}
_CONFIG = TrainConfig(epochs=80, batch_size=64, optimizer="adamw", learning_rate=2e-3, weight_decay=0.1, average=0.99)


def _views(samples: Samples) -> Mapping[str, Any]:
    names = tuple(samples.modalities)
    if len(names) == 1:
        return {}
    sizes = [len(samples.modalities[name].features) for name in sorted(names[1:])]
    return {"views": tuple(sizes), "view_names": names}


factorization = Recipe(
    card=Card(
        name="factorization",
        title="Autoencoders of several views, factors that agree with an interaction network, one prediction",
        year=2019,
        doi="10.1186/s12864-019-6285-x",
        inputs="a network of the genes; samples of one or more tables (expression first) with a target",
        versions={"paper": "graph-Laplacian penalty", "cosine": "penalty on the cosine of joined genes' weights"},
        differs=(
            "only the first view, that of the genes, has a network",
            "similarity is that of the views' factors, not of similarity matrices among patients",
            "further views are taken as they are: scale them before, inside the fold",
        ),
    ),
    model=FactorizationNetwork,
    settings=VERSIONS,
    tasks=("classes", "labels", "regression"),
    configs=dict.fromkeys(VERSIONS, _CONFIG),
    options={"dropout": float, "n_factors": int, "hidden": int, "fusion": str, "laplacian": float, "similarity": float},
    modalities=("gene", "..."),
    knowledge="network",
    compiling={"self_loops": "drop", "unconnected": "keep", "direction": "both"},
    from_samples=_views,
)
"""An autoencoder a view with linear decoders, a graph-Laplacian penalty on the genes' decoder, fused factors.

- `adjacency`: The network of the genes of the first view.

References:
    Ma & Zhang 2019, BMC Genomics 20:944, doi:10.1186/s12864-019-6285-x.
"""
