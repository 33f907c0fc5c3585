"""NeST-VNN (Park et al. 2024): response of cancer cells to a drug, from mutations and copy numbers of panel genes."""

from __future__ import annotations

from kgnn.layers import SubsystemSettings
from kgnn.models import PathwayNetwork
from kgnn.train import TrainConfig
from kgnn.train.config import one_or_more_numbers
from kgnn.zoo.gene_tables import gene_tables
from kgnn.zoo.recipe import Card, Recipe

SETTINGS = {
    "robust": (SubsystemSettings(4, norm="none", dropout=0.3), {"gene_norm": False, "gene_dropout": 0.3}),
    "paper": (
        SubsystemSettings(4, heads="tanh_linear", dropout=0.3, dropout_from_level=2),
        {"gene_norm": True, "gene_dropout": 0.0},
    ),
}
CONFIGS = {
    "robust": TrainConfig(
        epochs=40,
        batch_size=128,
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=0.3,
        schedule="cosine",
        auxiliary_weight=0.01,
        average=0.99,
        replicates=4,
    ),
    "paper": TrainConfig(
        epochs=300,
        batch_size=64,
        optimizer="adamw",
        learning_rate=5e-4,
        weight_decay=5e-4,
        auxiliary_weight=0.3,
        loss="concordance",
    ),
}
_OPTIONS = {
    "dropout": float, "dropout_from_level": int, "gene_dropout": float, "gene_norm": bool, "activation": str,
    "norm": str, "n_states": one_or_more_numbers,
}  # fmt: skip


nest_vnn = Recipe(
    card=Card(
        name="nest_vnn",
        title="Response of cancer cells to a drug from mutations and copy numbers, through assemblies of proteins",
        year=2024,
        doi="10.1038/s43018-024-00740-1",
        inputs="a hierarchy; tables mutation, deletion, amplification over the same genes; a response",
        versions={
            "robust": "genes are not normalized, dropout on genes and terms, squared error, four replicates",
            "paper": "batch normalization of every gene, dropout 0.3 from level 2, concordance loss, 300 epochs",
        },
        differs=(
            "robust: batch normalization of a gene that is altered in few cells makes these few weigh most; without it "
            "validation by cell rises (benchmarks/nest_vnn.py)",
            "the program standardizes responses by source of the screen before it trains: see "
            "kgnn.data.standardize_targets",
        ),
    ),
    model=PathwayNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options=_OPTIONS,
    modalities=("gene", "..."),
    from_samples=gene_tables,
)
"""The NeST-VNN network: a unit a gene over mutation, deletion and amplification; four states an assembly.

- `hierarchy`: The compiled hierarchy, such as NeST.
- `features`: Tables of a gene's features.

References:
    Park et al. 2024, Nature Cancer 5:996, doi:10.1038/s43018-024-00740-1.
"""
