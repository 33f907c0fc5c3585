"""DrugCell (Kuenzi et al. 2020): response of cancer cells to drugs, from genotype and drug structure."""

from __future__ import annotations

from typing import Any

from kgnn.layers import SubsystemSettings
from kgnn.models import DrugResponseNetwork
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

_PAPER = SubsystemSettings(6, heads="tanh_linear", gene_layer=True, initial_scale=0.1)
_DRUG: dict[str, Any] = {"n_fingerprint": 2048, "drug_dropout": 0.0}
_SHARED: dict[str, Any] = {
    "options": {"dropout": float, "drug_dropout": float, "activation": str, "norm": str},
    "modalities": ("genotype", "fingerprint"),
    "leave_out": ("cell", "drug"),
    "tasks": ("regression",),
    "from_samples": lambda samples: {"n_fingerprint": len(samples.modalities["fingerprint"].features)},
}
drugcell = Recipe(
    card=Card(
        name="drugcell",
        title="Drug response from a visible genotype branch and a drug branch",
        year=2020,
        doi="10.1016/j.ccell.2020.09.014",
        inputs="a hierarchy; a folder in DrugCell's schema (genotypes, fingerprints, pairs with a response)",
        versions={
            "robust": "standardized targets, AdamW with a cosine schedule, dropout 0.2 on the drug, running average",
            "paper": "auxiliary losses 0.2, initial scale 0.1, Adam, batch 5,000, 300 epochs",
        },
        differs=(
            "samples are shuffled every epoch; the released code does not",
            "masks act inside the forward pass; the released code masks in its training loop and finds terms by "
            "cutting parameter names",
            "branches run once a distinct cell or drug of a batch, with weighted batch statistics: same numbers",
        ),
    ),
    model=DrugResponseNetwork,
    settings={
        "robust": (SubsystemSettings(6, heads="tanh_linear"), {**_DRUG, "drug_dropout": 0.2}),
        "paper": (_PAPER, _DRUG),
    },
    configs={
        "robust": TrainConfig(
            epochs=80,
            batch_size=256,
            optimizer="adamw",
            learning_rate=2e-2,
            weight_decay=0.3,
            schedule="cosine",
            auxiliary_weight=0.001,
            average=0.99,
        ),
        "paper": TrainConfig(
            epochs=300, batch_size=5000, b2=0.99, epsilon=1e-5, auxiliary_weight=0.2, standardize_targets=False
        ),
    },
    **_SHARED,
)
"""The DrugCell network: a visible genotype branch (6 states a term), a drug branch (100, 50, 6), and a join.

- `hierarchy`: The compiled hierarchy of the genotype.
- `n_fingerprint`: Bits of a drug's fingerprint.
- `drug_dropout`: Dropout of the drug branch and of the join.

References:
    Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014.
"""
sparsego = Recipe(
    card=Card(
        name="sparsego",
        title="Drug response from expression or mutations: DrugCell's network without auxiliary heads",
        year=2023,
        doi="10.1016/j.ebiom.2023.104767",
        inputs="a hierarchy; cells with expression or mutations, drugs with fingerprints, pairs with a response",
        versions={"sparsego": "no auxiliary heads, a falling rate; scored on pairs, unseen cells and unseen drugs"},
        differs=(
            "steps are those of Adam; the released program takes plain gradient steps with a rate of 0.1",
            "relations that skip levels need no virtual nodes",
        ),
    ),
    model=DrugResponseNetwork,
    settings={"sparsego": (_PAPER._replace(heads="none", gene_layer=False, initial_scale=1.0), _DRUG)},
    configs={
        "sparsego": TrainConfig(
            epochs=300, batch_size=5000, learning_rate=1e-2, schedule="exponential", auxiliary_weight=0.0
        )
    },
    **_SHARED,
)
"""The SparseGO network: that of DrugCell without auxiliary heads and without a second weight an annotation.

References:
    Sada Del Real & Rubio 2023, eBioMedicine 96:104767, doi:10.1016/j.ebiom.2023.104767.
"""
