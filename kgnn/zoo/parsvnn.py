"""ParsVNN (Huang et al. 2021): a visible network that pays for its edges and loses those that it does not need."""

from __future__ import annotations

from kgnn.layers import SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe

SETTINGS = {
    "robust": SubsystemSettings(6, heads="tanh_linear", annotation_price=1e-3, relation_price=0.1),
    "paper": SubsystemSettings(6, heads="tanh_linear", annotation_price=1e-3, relation_price=0.5),
}
CONFIGS = {
    "robust": TrainConfig(epochs=100, batch_size=256, learning_rate=3e-3, auxiliary_weight=0.2),
    "paper": TrainConfig(epochs=200, batch_size=256, l2=1e-3, auxiliary_weight=0.2),
}


parsvnn = Recipe(
    card=Card(
        name="parsvnn",
        title="A visible network that pays for its edges: parsimonious structure for one cancer type",
        year=2021,
        doi="10.1093/nargab/lqab097",
        inputs="a hierarchy; samples with a target",
        versions={
            "robust": "a lower price of relations, a larger rate, no penalty on weights",
            "paper": "prices 1e-3 and 0.5, L2 1e-3",
        },
        differs=(
            "proximal steps follow every step of Adam; the paper alternates ten epochs of each",
            "an annotation pays for all its weights together; the paper gives it one weight",
            "what is at 0 is cut out of the hierarchy (kgnn.train.prune), not only masked",
        ),
    ),
    model=PathwayNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"annotation_price": float, "relation_price": float, "dropout": float, "activation": str, "norm": str},
    modalities=("gene", "..."),
    from_samples=gene_tables,
)
"""The ParsVNN network: six states a term, and a price on every annotation and relation.

Trained as it is, edges that do not pay go to 0. `kgnn.train.prune` lets a network learn before it has to pay, cuts
what went to 0 out of the hierarchy, reports it and trains what is left.

- `hierarchy`: The compiled hierarchy.
- `features`: Tables of a gene's features, where it has several.

References:
    Huang et al. 2021, NAR Genomics and Bioinformatics 3:lqab097, doi:10.1093/nargab/lqab097.
"""
