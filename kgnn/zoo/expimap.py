"""expiMap (Lotfollahi et al. 2023): gene programs as latent variables, of which the unused are switched off."""

from __future__ import annotations

from kgnn.layers.decoder import DecoderSettings
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.reconstruct import RECONSTRUCTION

COUNTS = {"likelihood": "negative_binomial", "dropout": 0.05}
SETTINGS = {
    "robust": (DecoderSettings(latent="every", term_price=0.1), {**COUNTS, "hidden": (128,), "kl_weight": 0.35}),
    "paper": (
        DecoderSettings(latent="every", term_price=0.7),
        {**COUNTS, "hidden": (256, 256, 256), "kl_weight": 0.35},
    ),
}
_COUNTING = TrainConfig(
    epochs=100, batch_size=128, learning_rate=2e-3, loss="model", scaling="none", standardize_targets=False, score="r2"
)
CONFIGS = {"robust": _COUNTING, "paper": _COUNTING.updated({"epochs": 400, "learning_rate": 1e-3})}


expimap = Recipe(
    card=Card(
        name="expimap",
        title="Gene programs as latent variables over counts, with a soft mask and programs that switch off",
        year=2023,
        doi="10.1038/s41556-022-01072-x",
        inputs="gene sets; samples with counts (for log-normalized values set likelihood=gaussian, loss=auto)",
        versions={
            "robust": "one hidden layer of 128, price of a program 0.1",
            "paper": "three hidden layers of 256, price of a program 0.7, divergence weight 0.35",
        },
        differs=(
            "prices are paid in units of the loss: thresholds follow the step that Adam takes at each weight",
            "no batch covariate in the decoder, no HSIC between new and old programs; no annealing of prices",
            "the root is a program of the genes that no other holds",
            "batch normalization follows the activation of the encoder",
        ),
    ),
    settings=SETTINGS,
    configs=CONFIGS,
    **RECONSTRUCTION,
)
r"""One latent variable a gene program, a negative binomial over counts, and prices on what the decoder uses.

.. math:: \hat m = N\,\mathrm{softmax}(W z + b), \qquad
    \Omega = \alpha \sum_t \sqrt{n_t}\,\lVert W_{\cdot t} \rVert_2
    + \lambda \sum_{t \not\ni g} |V_{gt}|

``term_price`` is :math:`\alpha`, the group lasso that switches programs off; ``soft`` is :math:`\lambda`, at which
a gene that the knowledge does not name can join a program (see `kgnn.interpret.selected_edges`).

- `hierarchy`: Gene programs below one root; of a deeper hierarchy every term is a program with all genes below it.

References:
    Lotfollahi et al. 2023, Nature Cell Biology 25:337, doi:10.1038/s41556-022-01072-x.
"""
