"""BINN (Hartman et al. 2023): proteins through layers of Reactome to a phenotype; DTox: the same with other widths."""

from __future__ import annotations

from typing import Any

from kgnn.layers import LogStateRule, SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.train import TrainConfig
from kgnn.train.config import one_or_more_numbers
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe

_LAYERS = SubsystemSettings(1, norm="before", dropout=0.2, heads="none")
_STATES = SubsystemSettings(LogStateRule(20, 5), activation="relu", norm="none", heads="linear")
_SHARED: dict[str, Any] = {
    "tasks": ("classes", "labels", "regression"),
    "options": {"dropout": float, "readout": str, "activation": str, "norm": str},
    "modalities": ("gene", "..."),
    "from_samples": gene_tables,
}

binn = Recipe(
    card=Card(
        name="binn",
        title="Proteomes through Reactome to a phenotype, in layers of fixed depth",
        year=2023,
        doi="10.1038/s41467-023-41146-4",
        inputs="Reactome with UniProt members, cut to some levels; protein levels, with gaps as a table `measured`",
        versions={
            "robust": "AdamW, running average, four replicates",
            "paper": "Adam 1e-4, batch 8, 100 epochs, one network",
        },
        differs=(
            "a gap has a weight of its own and its value is never read; the released notebooks fill gaps with 0",
            "masks act inside the forward pass; the released program prunes weights once, and starts repeated fits "
            "from the same masked weights",
            "outputs are read from a root with a unit fewer than classes, in the program from the highest pathways",
            "dropout follows the activation",
        ),
    ),
    model=PathwayNetwork,
    settings={"robust": _LAYERS, "paper": _LAYERS},
    configs={
        "robust": TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer="adamw",
            learning_rate=3e-3,
            weight_decay=0.1,
            average=0.99,
            replicates=4,
        ),
        "paper": TrainConfig(epochs=100, batch_size=8, learning_rate=1e-4),
    },
    compiling={"skips": "copy", "unannotated": "drop"},
    **_SHARED,
)
"""The BINN network: proteins, then one normalized unit a pathway, in layers of fixed depth.

- `hierarchy`: Compiled with ``skips="copy"``.
- `features`: Tables of a protein's features; ``("expression", "measured")`` for a table with gaps, see
  `kgnn.data.mask_missing`.
- `readout`: ``"root"``, or ``"mean"`` or ``"linear"`` of a head a level (the program's ensemble of heads).

References:
    Hartman et al. 2023, Nature Communications 14:5359, doi:10.1038/s41467-023-41146-4.
"""
dtox = Recipe(
    card=Card(
        name="dtox",
        title="Toxicity of compounds from their target proteins, through Reactome",
        year=2022,
        doi="10.1016/j.patter.2022.100565",
        inputs="Reactome with members; binding of compounds to targets (or any value a gene); labels",
        versions={"dtox": "states by the logarithm of a term's size, rectified; auxiliary losses 0.5 / size of level"},
        differs=(
            "target proteins are genes of the samples; their structures play no part",
            "relations that skip levels are kept as they are",
        ),
    ),
    model=PathwayNetwork,
    settings={"dtox": (_STATES, {"head_weights": "level_size"})},
    configs={"dtox": TrainConfig(epochs=100, batch_size=32, l2=1e-4, auxiliary_weight=0.5, patience=20)},
    compiling={"unannotated": "drop"},
    **_SHARED | {"options": _SHARED["options"] | {"n_states": one_or_more_numbers}},
)
"""The DTox network: states by the logarithm of a term's size, rectified, and an auxiliary head a term.

The losses of the heads weigh one over the size of their level.

References:
    Hao et al. 2022, Patterns 3:100565, doi:10.1016/j.patter.2022.100565.
"""
