"""DeepBind (Alipanahi et al. 2015): sequence specificity of a protein, with filters that begin as known motifs."""

from __future__ import annotations

from kgnn.models import MotifNetwork, MotifSettings
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.sequence_inputs import positions_of

SETTINGS = {
    "motifs": MotifSettings(hidden=(32,), dropout=0.2),
    "paper": MotifSettings(initial="random", unit="raw", hidden=(32,), dropout=0.5),
}
CONFIGS = {
    "motifs": TrainConfig(epochs=20, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.01),
    "paper": TrainConfig(epochs=20, batch_size=64, learning_rate=1e-3, l2=1e-4),
}


deepbind = Recipe(
    card=Card(
        name="deepbind",
        title="Sequence specificity of a DNA-binding protein, from filters that begin as known motifs",
        year=2015,
        doi="10.1038/nbt.3300",
        inputs="motifs (JASPAR, MEME …); sequences of one length with a label, a class or a score",
        versions={
            "motifs": "filters begin as the motifs, scaled so that the best site scores 1",
            "paper": "as many random filters, dropout 0.5; no knowledge",
        },
        differs=(
            "one filter reads both strands, so that a sequence and its reverse complement get the same output; the "
            "paper takes the maximum over two passes",
            "sequences are padded by half a filter; the paper pads by a filter less one",
            "no random search of settings and no choice of the best of thirty fits: set replicates for a mean of "
            "several",
        ),
    ),
    model=MotifNetwork,
    settings=SETTINGS,
    tasks=("labels", "classes", "regression"),
    configs=CONFIGS,
    options={"dropout": float, "filters": str, "initial": str, "pooling": str, "n_new": int, "new_width": int},
    modalities=("sequence",),
    knowledge="motifs",
    compiling={"both_strands": True, "length": 24, "crop": True},
    from_samples=positions_of,
)
r"""The DeepBind network: filters over both strands, rectified, the maximum of each, then one hidden layer.

.. math:: \hat y = W_2\,\mathrm{relu}(W_1 \max_p \mathrm{relu}(s_{mp}) + b_1) + b_2

- `kernels`: The compiled motifs; in version ``"paper"`` they give number and width of the filters only.
- `n_positions`: Letters of a sequence.

References:
    Alipanahi et al. 2015, Nature Biotechnology 33:831, doi:10.1038/nbt.3300.
"""
