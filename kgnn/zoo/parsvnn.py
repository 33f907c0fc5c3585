"""ParsVNN (Huang et al. 2021): a visible network that pays for its edges and loses those that it does not need."""

from __future__ import annotations

from kgnn.layers import SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe

SETTINGS = {
    # Normalization would undo the size of the weights, which is what the lasso's price is on.
    "robust": SubsystemSettings(
        6, heads="tanh_linear", norm="none", price_rule="lasso", annotation_price=5e-3, relation_price=1e-3
    ),
    # The group lasso here multiplies a price by the root of a relation's 36 weights, the published code does not.
    "paper": SubsystemSettings(
        6, heads="tanh_linear", gene_layer=True, initial_scale=0.1, price_rule="l0", annotation_price=1e-3,
        relation_price=0.5 / 6,
    ),
}  # fmt: skip
CONFIGS = {
    # On one scale genes pay alike, and a rare alteration is not too dear.
    "robust": TrainConfig(
        epochs=200, batch_size=256, learning_rate=3e-3, auxiliary_weight=0.2, unpriced=0.5, scaling="standard"
    ),
    "paper": TrainConfig(
        epochs=200, batch_size=256, b2=0.99, epsilon=1e-5, l2=1e-3, auxiliary_weight=0.2, unpriced=0.5
    ),
}


parsvnn = Recipe(
    card=Card(
        name="parsvnn",
        title="A visible network that pays for its edges: parsimonious structure for one cancer type",
        year=2021,
        doi="10.1093/nargab/lqab097",
        inputs="a hierarchy; samples with a target",
        versions={
            "robust": "the lasso in units of the loss, standardized genes, no normalization, a larger rate",
            "paper": "rule l0 with the thresholds of the published code: 0.0014 of an annotation, 5e-4 of a relation",
        },
        differs=(
            "prices come after half of the epochs; the published code prunes a network that was trained before",
            "proximal steps follow every step of Adam; the paper alternates ten epochs of proximal gradient steps with "
            "ten of Adam on what is left",
            "robust: an annotation pays for all its weights together; the paper, and paper here, give it one",
            "paper: weight decay passes through Adam, and an annotation has a bias beside its weight",
            "the epoch is chosen on validation and may be one before edges went; kgnn prune cuts what is at 0 in the "
            "last one out of the hierarchy and trains what is left without prices",
        ),
    ),
    model=PathwayNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={
        "annotation_price": float, "relation_price": float, "price_rule": str, "dropout": float, "activation": str,
        "norm": str,
    },
    modalities=("gene", "..."),
    from_samples=gene_tables,
)  # fmt: skip
"""The ParsVNN network: six states a term, and a price on every annotation and relation.

Trained as it is, edges that do not pay go to 0. `kgnn.train.prune` lets a network learn before it has to pay, by the
prices and the rule of the recipe where none are given, cuts what went to 0 out of the hierarchy, reports it and trains
what is left.

The prices of version ``robust`` are in units of the loss: choose them on validation, up to 1e-2 where samples are few.
With version ``paper`` a weight that came below 0.0014 stays at 0; at the published start, a tenth of
:math:`\\pm 1 / \\sqrt{n}` for :math:`n` genes, those are most annotations of 3,000 genes before anything is learned.

- `hierarchy`: The compiled hierarchy.
- `features`: Tables of a gene's features, where it has several.

References:
    Huang et al. 2021, NAR Genomics and Bioinformatics 3:lqab097, doi:10.1093/nargab/lqab097; thresholds:
    ``optimize_palm`` of the published code, xiaoqinghuanglab/ParsVNN.
"""
