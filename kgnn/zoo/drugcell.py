"""DrugCell (Kuenzi et al. 2020): response of cancer cells to drugs, from genotype and drug structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import nnx

from kgnn.layers import SubsystemSettings
from kgnn.models import DrugResponseNetwork
from kgnn.structure import Hierarchy
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe, choose_version

SETTINGS = {
    "robust": SubsystemSettings(6, heads="tanh_linear", dropout=0.0),
    "paper": SubsystemSettings(6, heads="tanh_linear", gene_layer=True, initial_scale=0.1),
}
SETTINGS["sparsego"] = SETTINGS["paper"]._replace(heads="none", gene_layer=False, initial_scale=1.0)
DRUG_DROPOUT = {"robust": 0.2, "paper": 0.0, "sparsego": 0.0}
CONFIGS = {
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
    "sparsego": TrainConfig(
        epochs=300, batch_size=5000, learning_rate=1e-2, schedule="exponential", auxiliary_weight=0.0
    ),
}


def drugcell(
    hierarchy: Hierarchy,
    n_fingerprint: int = 2048,
    *,
    rngs: nnx.Rngs,
    version: str = "robust",
    outputs: int | Sequence[str] = 1,
    drug_dropout: float | None = None,
    **settings: Any,
) -> DrugResponseNetwork:
    """The DrugCell network: a visible genotype branch (6 states a term), a drug branch (100, 50, 6), and a join.

    Args:
        hierarchy: The compiled hierarchy of the genotype.
        n_fingerprint: Bits of a drug's fingerprint.
        rngs: Streams ``params`` and ``dropout``.
        version: ``"robust"``, ``"paper"`` (whose settings are those of the released code as well) or ``"sparsego"``
            (without auxiliary heads, Sada Del Real & Rubio 2023).
        outputs: Names of the outputs, or their number.
        drug_dropout: Dropout of the drug branch and of the join; that of the version where None.
        **settings: Fields of `SubsystemSettings` to replace.

    Returns:
        The model; train it with ``RECIPES["drugcell"].config(version)``.

    References:
        Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014; Sada Del Real & Rubio 2023
        (SparseGO), eBioMedicine 96:104767, doi:10.1016/j.ebiom.2023.104767.

    Differs from the paper:
        See the card: ``kgnn zoo drugcell``.
    """
    chosen = choose_version("drugcell", version, SETTINGS)._replace(**settings)
    dropout = DRUG_DROPOUT[version] if drug_dropout is None else drug_dropout
    return DrugResponseNetwork(hierarchy, n_fingerprint, chosen, drug_dropout=dropout, outputs=outputs, rngs=rngs)


_SHARED: dict[str, Any] = {
    "options": {"dropout": float, "drug_dropout": float, "activation": str, "norm": str},
    "modalities": ("genotype", "fingerprint"),
    "leave_out": ("cell", "drug"),
    "tasks": ("regression",),
    "from_samples": lambda samples: {"n_fingerprint": len(samples.modalities["fingerprint"].features)},
}
DRUGCELL = Recipe(
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
    build=drugcell,
    configs={name: config for name, config in CONFIGS.items() if name != "sparsego"},
    **_SHARED,
)
SPARSEGO = Recipe(
    card=Card(
        name="sparsego",
        title="Drug response from expression or mutations: DrugCell's network without auxiliary heads",
        year=2023,
        doi="10.1016/j.ebiom.2023.104767",
        inputs="a hierarchy; cells with expression or mutations, drugs with fingerprints, pairs with a response",
        versions={"sparsego": "no auxiliary heads, a falling rate; scored on pairs, unseen cells and unseen drugs"},
        differs=(
            "a variant of drugcell: version='sparsego'",
            "steps are those of Adam; the released program takes plain gradient steps with a rate of 0.1",
            "relations that skip levels need no virtual nodes",
        ),
    ),
    build=drugcell,
    configs={"sparsego": CONFIGS["sparsego"]},
    **_SHARED,
)
