"""VEGA (Seninge et al. 2021): a variational autoencoder whose latent variables are gene sets."""

from __future__ import annotations

from kgnn.layers.decoder import DecoderSettings
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.reconstruct import RECONSTRUCTION

SETS = DecoderSettings(latent="every", non_negative=True, background=True)
SETTINGS = {
    "robust": (SETS, {"hidden": (128,), "dropout": 0.1, "kl_weight": 0.1}),
    "paper": (SETS, {"hidden": (800, 800), "dropout": 0.1, "latent_dropout": 0.3, "kl_weight": 5e-5}),
}
CONFIGS = {
    # More epochs reconstruct better, and tell the cell types of the demo apart less well: sets then fit noise.
    "robust": TrainConfig(epochs=30, batch_size=128, optimizer="adamw", learning_rate=2e-3, score="r2"),
    "paper": TrainConfig(epochs=300, batch_size=64, learning_rate=1e-4, score="r2", standardize_targets=False),
}


vega = Recipe(
    card=Card(
        name="vega",
        title="Gene-set autoencoder: latent variables that are pathways, for single cells",
        year=2021,
        doi="10.1038/s41467-021-26017-0",
        inputs="gene sets; samples with log-normalized expression, no target",
        versions={
            "robust": "one hidden layer of 128, standardized genes, a divergence that matters (0.1), AdamW",
            "paper": "two hidden layers of 800, latent dropout 0.3, divergence weight 5e-5, Adam",
        },
        differs=(
            "the node that feeds all genes is the root; set background=false with soft=, lest it stand in for a set",
            "weights are projected after every step and clipped inside the layer, so that none below 0 is ever used",
            "batch normalization follows the activation of the encoder",
            "activity of a set is the mean change of its genes that its state makes, see term_activity",
        ),
    ),
    settings=SETTINGS,
    configs=CONFIGS,
    **RECONSTRUCTION,
)
r"""One latent variable a gene set, which feeds the genes of the set with weights that are not negative.

.. math:: \hat x = \max(W, 0)\,z + b, \qquad W_{gt} \text{ exists for } g \in t

The root feeds all genes: it is the node for what no set explains.

- `hierarchy`: Gene sets below one root; of a deeper hierarchy every term is a set with all genes below it.

References:
    Seninge et al. 2021, Nature Communications 12:5684, doi:10.1038/s41467-021-26017-0.
"""
