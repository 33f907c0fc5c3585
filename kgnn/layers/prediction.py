"""`Prediction`: what every model returns."""

from __future__ import annotations

from typing import NamedTuple

from jax import Array


class Prediction(NamedTuple):
    """Output of a model and of everything inside that can be read.

    Attributes:
        output: ``[sample, output]``, on the scale of the targets; logits where the targets are classes or labels.
        auxiliary: ``[sample, head, output]``, what each auxiliary head (`model.heads`) predicts by itself.
        states: ``[sample, state]``, the states of all subsystems end to end, in the order of `model.terms`.
        penalty: ``[sample]``, what a model adds to the loss of every sample in training (such as the divergence of a
            variational autoencoder), times ``TrainConfig.penalty_weight``; None where it adds nothing.
    """

    output: Array
    auxiliary: Array
    states: Array
    penalty: Array | None = None
