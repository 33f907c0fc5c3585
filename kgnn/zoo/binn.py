"""BINN (Hartman et al. 2023): proteins through layers of Reactome to a phenotype; DTox: the same with other widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import nnx

from kgnn.layers import LogStateRule, SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.structure import Hierarchy
from kgnn.train import TrainConfig
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe, choose_version

SETTINGS = {
    "robust": SubsystemSettings(1, norm="before", dropout=0.2, heads="none"),
    "paper": SubsystemSettings(1, norm="before", dropout=0.2, heads="none"),
    "dtox": SubsystemSettings(LogStateRule(20, 5), activation="relu", norm="none", heads="linear"),
}
_ADAMW: dict[str, Any] = {"optimizer": "adamw", "average": 0.99}
CONFIGS = {
    "robust": TrainConfig(epochs=100, batch_size=16, learning_rate=3e-3, weight_decay=0.1, replicates=4, **_ADAMW),
    "paper": TrainConfig(epochs=100, batch_size=8, learning_rate=1e-4),
    "dtox": TrainConfig(epochs=100, batch_size=32, l2=1e-4, auxiliary_weight=0.5, patience=20),
}


def binn(
    hierarchy: Hierarchy,
    *,
    rngs: nnx.Rngs,
    version: str = "robust",
    features: Sequence[str] = (),
    readout: str = "root",
    outputs: int | Sequence[str] = 1,
    task: str = "classes",
    **settings: Any,
) -> PathwayNetwork:
    """The BINN network: proteins, then one normalized unit a pathway, in layers of fixed depth.

    With ``version="dtox"`` the terms have states by the logarithm of their size, rectified, and auxiliary heads whose
    losses weigh one over the size of their level (DTox: target proteins of a compound to its toxicity).

    Args:
        hierarchy: BINN: compiled with ``skips="copy"``.
        rngs: Streams ``params`` and ``dropout``.
        version: ``"robust"``, ``"paper"`` or ``"dtox"``.
        features: Tables of a protein's features; ``("expression", "measured")`` for a table with gaps, see
            `kgnn.data.mask_missing`.
        readout: ``"root"``, or ``"mean"`` or ``"linear"`` of a head a level (the program's ensemble of heads).
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        **settings: Fields of `SubsystemSettings` to replace.

    Returns:
        The model; train it with ``recipe("binn").config(version)``.

    References:
        Hartman et al. 2023, Nature Communications 14:5359, doi:10.1038/s41467-023-41146-4; Hao et al. 2022 (DTox),
        Patterns 3:100565, doi:10.1016/j.patter.2022.100565.

    Differs from the paper:
        See the cards: ``kgnn zoo binn``, ``kgnn zoo dtox``.
    """
    chosen = choose_version("binn", version, SETTINGS)._replace(**settings)
    weights = "level_size" if version == "dtox" else "equal"
    return PathwayNetwork(
        hierarchy, chosen, features=features, readout=readout, head_weights=weights, outputs=outputs, task=task,
        rngs=rngs,
    )  # fmt: skip


_OPTIONS = {"dropout": float, "readout": str, "activation": str, "norm": str}
BINN = Recipe(
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
            "dropout follows the activation",
        ),
    ),
    build=binn,
    configs={name: config for name, config in CONFIGS.items() if name != "dtox"},
    options=_OPTIONS,
    modalities=("gene", "..."),
    compiling={"skips": "copy", "unannotated": "drop"},
    from_samples=gene_tables,
)
DTOX = Recipe(
    card=Card(
        name="dtox",
        title="Toxicity of compounds from their target proteins, through Reactome",
        year=2022,
        doi="10.1016/j.patter.2022.100565",
        inputs="Reactome with members; binding of compounds to targets (or any value a gene); labels",
        versions={"dtox": "states by the logarithm of a term's size, rectified; auxiliary losses 0.5 / size of level"},
        differs=("a variant of binn: version='dtox'", "relations that skip levels are kept as they are"),
    ),
    build=binn,
    configs={"dtox": CONFIGS["dtox"]},
    options=_OPTIONS,
    modalities=("gene", "..."),
    compiling={"unannotated": "drop"},
    from_samples=gene_tables,
)
