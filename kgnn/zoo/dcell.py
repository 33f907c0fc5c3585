"""DCell (Ma et al. 2018): a visible network of a yeast cell, genotype to growth."""

from __future__ import annotations

from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

SETTINGS = {
    "robust": SubsystemSettings(StateRule(20, 0.3), heads="tanh", heads_read="activation", dropout=0.1),
    "paper": SubsystemSettings(
        StateRule(20, 0.3), heads="tanh", heads_read="activation", gene_layer=True, initial_scale=0.001
    ),
    "code": SubsystemSettings(
        StateRule(10, 0.2, "down"), heads="tanh", heads_read="activation", gene_layer=True, initial_scale=0.001
    ),
}
_PUBLISHED = TrainConfig(epochs=200, batch_size=800, b2=0.99, l2=1e-5, auxiliary_weight=0.3, standardize_targets=False)
CONFIGS = {
    "robust": TrainConfig(
        epochs=150,
        batch_size=256,
        optimizer="adamw",
        learning_rate=3e-3,
        weight_decay=0.3,
        auxiliary_weight=0.3,
        average=0.99,
        replicates=4,
    ),
    "paper": _PUBLISHED,
    "code": _PUBLISHED.updated({"auxiliary_weight": 0.5}),
}


dcell = Recipe(
    card=Card(
        name="dcell",
        title="Visible network of a cell over the Gene Ontology: genotype to growth (or any phenotype)",
        year=2018,
        doi="10.1038/nmeth.4627",
        inputs="an ontology with annotations; samples with altered genes (or expression) and a target",
        versions={
            "robust": "the paper's widths, trained with AdamW, dropout, running averages and four replicates",
            "paper": "the article: max(20, 0.3 n) states, auxiliary weight 0.3",
            "code": "the released program: max(10, 0.2 n) states, auxiliary weight 0.5",
        },
        differs=(
            "masks act inside the forward pass; the released program masks gradients in its training loop",
            "every auxiliary loss is addressed by its term; in the released program the root's weight can land on "
            "another term, because outputs come in hash order",
            "robust: weight decay 0.3 (decoupled), dropout 0.1 and averaging replace the penalty on weights; chosen "
            "by validation on the training pairs of the DNA repair example, never on its test pairs",
            "paper, code: with the few pairs of that example the penalty on weights outruns the loss from such small "
            "starts, and predictions are constant; with l2=0 the network learns (Pearson 0.29)",
        ),
    ),
    model=VisibleNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"dropout": float, "activation": str, "norm": str},
)
r"""The DCell network: states of a term from its genes and child terms, tanh, then batch normalization.

A term of :math:`n` genes has :math:`\max(20, \lceil 0.3 n \rceil)` states (paper) or
:math:`\max(10, \lfloor 0.2 n \rfloor)` (code). Every term but the root has an auxiliary head, the tanh of a linear
map of its activation before normalization; the output is a linear map of the root's states.

References:
    Ma et al. 2018, Nature Methods 15:290, doi:10.1038/nmeth.4627.
"""
