"""P-NET (Elmarakeby et al. 2021): mutation and copy number of genes through layers of pathways, a head a layer."""

from __future__ import annotations

from functools import partial
from typing import Any

from kgnn.layers import SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe

_GENES = {"gene_dropout": 0.5, "readout": "mean", "head_weights": "growing"}
SETTINGS = {
    "robust": (SubsystemSettings(1, norm="after", dropout=0.1), _GENES),
    "paper": (SubsystemSettings(1, norm="none", dropout=0.1), _GENES),
}
_HEADS: dict[str, Any] = {"output_weight": 0.0, "auxiliary_weight": 1.0}
CONFIGS = {
    "robust": TrainConfig(
        epochs=100, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.3, average=0.99, **_HEADS
    ),
    "paper": TrainConfig(epochs=300, batch_size=50, schedule="exponential", l2=1e-3, **_HEADS),
}
_OPTIONS = {
    "dropout": float, "gene_dropout": float, "readout": str, "head_weights": str, "activation": str, "norm": str,
}  # fmt: skip


pnet = Recipe(
    card=Card(
        name="pnet",
        title="Somatic mutations and copy numbers through Reactome to the state of a cancer, a head a level",
        year=2021,
        doi="10.1038/s41586-021-03922-4",
        inputs="Reactome (or any hierarchy) cut to some levels; tables of a gene's features; classes or labels",
        versions={
            "robust": "batch normalization, AdamW, running average",
            "paper": "no normalization, Adam with a falling rate, L2 1e-3, 300 epochs, batch 50",
        },
        differs=(
            "the hierarchy has a root, with a unit fewer than classes (or one an output), whose head is above that of "
            "the highest pathways",
            "layers are counted from the genes, and a pathway's own genes reach it through copies (see "
            "compile_hierarchy); the program feeds genes to the lowest layer alone",
            "Reactome's tables are read without a header: the released program loses the first record of each",
            "dropout is the same at all pathway layers; L2 is the same for heads and pathways",
        ),
    ),
    model=PathwayNetwork,
    settings=SETTINGS,
    tasks=("labels", "classes", "regression"),
    configs=CONFIGS,
    options=_OPTIONS,
    # Only the mean of the heads is trained by their losses alone.
    implied=lambda options: {"output_weight": 1.0} if options.get("readout", "mean") != "mean" else {},
    modalities=("gene", "..."),
    compiling={"skips": "copy"},
    from_samples=partial(gene_tables, even_one=True),
)
"""The P-NET network: a unit a gene over its features, one unit a pathway, and a head at every level.

The heads are trained, those further up with weights that grow as e to the level; the output is their mean in
probability.

- `hierarchy`: Compiled with ``skips="copy"``.
- `features`: Tables of a gene's features, such as mutation, amplification and deletion.
- `readout`: ``"mean"`` of the heads, or ``"linear"`` (trained weights of the heads: the authors' later program), for
  which the loss of the output counts as well (``output_weight`` 1).
- `gene_dropout`: Share of the genes set to 0 in training.

References:
    Elmarakeby et al. 2021, Nature 598:348, doi:10.1038/s41586-021-03922-4.
"""
