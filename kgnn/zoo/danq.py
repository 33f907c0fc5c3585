"""DanQ (Quang & Xie 2016): motifs, and a recurrent network that reads how they follow each other."""

from __future__ import annotations

from kgnn.models import MotifNetwork, MotifSettings
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.sequence_inputs import positions_of

SETTINGS = {
    "robust": MotifSettings(window=15, recurrent=32, hidden=(32,), dropout=0.2),
    "jaspar": MotifSettings(unit="raw", window=15, recurrent=512, hidden=(925,), dropout=0.2),
    "paper": MotifSettings(initial="random", unit="raw", window=13, recurrent=320, hidden=(925,), dropout=0.2),
}
_PUBLISHED = TrainConfig(epochs=60, batch_size=100, learning_rate=1e-3)
CONFIGS = {
    "robust": TrainConfig(epochs=20, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.01),
    "jaspar": _PUBLISHED,
    "paper": _PUBLISHED,
}


danq = Recipe(
    card=Card(
        name="danq",
        title="Motifs and the order in which they follow each other: a convolution and a recurrent network",
        year=2016,
        doi="10.1093/nar/gkw226",
        inputs="motifs (JASPAR, MEME …); sequences of one length with labels",
        versions={
            "robust": "32 recurrent units, filters scaled so that the best site scores 1",
            "jaspar": "DanQ-JASPAR: 512 recurrent units, windows of 15, 925 hidden units",
            "paper": "as many random filters, 320 recurrent units, windows of 13",
        },
        differs=(
            "motifs lie in the middle of the filter, not at a random place in it, and their offsets begin where chance "
            "scores 0, not between −1 and 0",
            "one filter reads both strands; the paper has a filter more for the reverse strand of every motif",
            "Adam in place of RMSprop; dropout 0.2 behind the LSTM as well, where the paper has 0.5",
        ),
    ),
    model=MotifNetwork,
    settings=SETTINGS,
    tasks=("labels", "classes", "regression"),
    configs=CONFIGS,
    options={"dropout": float, "filters": str, "initial": str, "window": int, "recurrent": int, "n_new": int},
    modalities=("sequence",),
    knowledge="motifs",
    compiling={"both_strands": True, "length": 30, "crop": True, "kind": "centered"},
    from_samples=positions_of,
)
"""The DanQ network: filters, maxima of windows, a bidirectional LSTM over these, one hidden layer.

- `kernels`: The compiled motifs, centered (probabilities minus the background) as in the paper.
- `n_positions`: Letters of a sequence.

References:
    Quang & Xie 2016, Nucleic Acids Research 44:e107, doi:10.1093/nar/gkw226.
"""
