"""GenNet (van Hilten et al. 2021): variants to genes to pathways to a phenotype, a weight an edge."""

from __future__ import annotations

from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

SETTINGS = {
    "robust": SubsystemSettings(1, heads="none", dropout=0.1),
    "paper": SubsystemSettings(1, heads="none"),
}
CONFIGS = {
    "robust": TrainConfig(
        epochs=100, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.3, average=0.99
    ),
    "paper": TrainConfig(epochs=100, batch_size=64, l2=1e-3, patience=20),
}


gennet = Recipe(
    card=Card(
        name="gennet",
        title="Genotypes of variants through genes and pathways to a phenotype",
        year=2021,
        doi="10.1038/s42003-021-02622-z",
        inputs="an ontology of genes with variants below them (kgnn.knowledge.annotate_variants); allele counts",
        versions={
            "robust": "AdamW, dropout 0.1, running average",
            "paper": "Adam, a penalty on weights, early stopping",
        },
        differs=(
            "the penalty is L2; the paper's is L1",
            "weights of a level are one batched product; the released layer is a sparse product on the processor",
        ),
    ),
    model=VisibleNetwork,
    settings=SETTINGS,
    tasks=("labels", "classes", "regression"),
    configs=CONFIGS,
    options={"dropout": float, "activation": str, "norm": str},
)
"""The GenNet network: one unit a gene over its variants, one unit a pathway over its genes.

- `hierarchy`: Variants annotated to genes, genes below pathways: compile what `kgnn.knowledge.annotate_variants`
  returns, over the variants of the samples.

References:
    van Hilten et al. 2021, Communications Biology 4:1094, doi:10.1038/s42003-021-02622-z.
"""
