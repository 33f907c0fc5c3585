"""OntoVAE (Doncevic & Herrmann 2023): a variational autoencoder with an ontology in its decoder."""

from __future__ import annotations

from kgnn.layers.decoder import DecoderSettings
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.reconstruct import RECONSTRUCTION

SETTINGS = {
    "robust": (DecoderSettings(3, "top"), {"hidden": (128,), "dropout": 0.1, "kl_weight": 0.1}),
    "paper": (
        DecoderSettings(3, "root", non_negative=True),
        {"hidden": (512,), "dropout": 0.2, "latent_dropout": 0.5, "kl_weight": 1e-4},
    ),
}
CONFIGS = {
    "robust": TrainConfig(epochs=100, batch_size=128, optimizer="adamw", learning_rate=2e-3, score="r2"),
    "paper": TrainConfig(
        epochs=300, batch_size=128, optimizer="adamw", learning_rate=1e-4, score="r2", standardize_targets=False
    ),
}


ontovae = Recipe(
    card=Card(
        name="ontovae",
        title="Autoencoder with an ontology in its decoder: pathway activities and in-silico perturbation",
        year=2023,
        doi="10.1093/bioinformatics/btad387",
        inputs="an ontology with annotations; samples with log-normalized expression, no target",
        versions={
            "robust": "the root and its children hold the latent variables, weights of either sign, standardized genes",
            "paper": "the root alone holds three latent variables, weights not negative, divergence weight 1e-4",
        },
        differs=(
            "robust: three latent variables for all of biology are a bottleneck that nothing passes; those of the "
            "root's children pass, and belong to named terms as well",
            "skips=all also links a term to what lies below it through others; the released code links relations alone",
            "prune the ontology yourself (min_genes=30, max_genes=1000 are the paper's)",
            "batch normalization follows the activation of the encoder",
        ),
    ),
    settings=SETTINGS,
    configs=CONFIGS,
    **RECONSTRUCTION,
)
r"""States of terms from the top of an ontology down; every term feeds what is related to it, at any level below.

.. math:: h_t = \sum_{p \in \mathrm{parents}(t)} W_{tp} h_p + b_t, \qquad
    \hat x_g = \sum_{t \ni g} w_{gt} h_t + b_g

References:
    Doncevic & Herrmann 2023, Bioinformatics 39:btad387, doi:10.1093/bioinformatics/btad387.
"""
