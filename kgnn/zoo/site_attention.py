"""Attention over binding sites and the factors of a cell, after Kang et al. 2020."""

from __future__ import annotations

from typing import Any

from kgnn.models import SiteAttentionNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.sequence_inputs import positions_and_factors

SETTINGS: dict[str, dict[str, Any]] = {
    "robust": {"units": 30, "heads": 10, "hidden": 32, "dropout": 0.1},
    "paper": {"units": 30, "heads": 10, "hidden": 32, "dropout": 0.0},
}
CONFIGS = {
    "robust": TrainConfig(epochs=30, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.01),
    "paper": TrainConfig(epochs=20, batch_size=64, learning_rate=1e-3),
}


site_attention = Recipe(
    card=Card(
        name="site_attention",
        title="Expression of a gene from the sites in its promoter and the factors of the cell, by attention",
        year=2020,
        doi="10.3389/fgene.2020.00869",
        inputs="motifs; two tables, promoter sequences and expression of transcription factors; a target",
        versions={
            "robust": "dropout 0.1, AdamW",
            "paper": "Adam, 20 epochs",
        },
        differs=(
            "motifs without a site are padding with a logit of minus infinity; the released code multiplies padded "
            "logits by 0, which gives padding a share of the attention",
            "sites are found by the motifs inside the network; the paper reads lists of putative sites",
            "the branches for histone marks and methylation are left out: give their signals to another model and join",
            "expression of factors is a share of its largest in the training samples, so any unit will do; of TPM, "
            "which few cells dominate, give the logarithm of one more",
            "squared error or cross-entropy in place of the focal loss",
        ),
    ),
    model=SiteAttentionNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"units": int, "heads": int, "hidden": int, "dropout": float, "filters": str},
    modalities=("sequence", "expression"),
    knowledge="motifs",
    compiling={"both_strands": True, "length": 24, "crop": True},
    from_samples=positions_and_factors,
)
"""Putative binding sites times the expression of what binds there, by self-attention and ten attention heads.

- `kernels`: The compiled motifs.
- `factors`: Names of the measured transcription factors.
- `n_positions`: Letters of a promoter.

References:
    Kang et al. 2020, Frontiers in Genetics 11:869, doi:10.3389/fgene.2020.00869.
"""
