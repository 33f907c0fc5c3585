"""`TrainConfig`: every setting of a fit, checked at the door and stored in the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kgnn.errors import KgnnError, TrainingError, name_some, unknown_choice

CHOICES = {
    "optimizer": ("adam", "adamw"),
    "schedule": ("constant", "cosine", "exponential"),
    "class_weights": ("none", "balanced"),
    "precision": ("float32", "bfloat16"),
    "scaling": ("auto", "standard", "maxabs", "minmax", "none"),
    "stream": ("auto", "always", "never"),
    "keep": ("best", "last"),
    "score": ("auto", "pearson", "spearman", "r2", "mse", "accuracy", "macro_f1", "auroc", "auprc"),
}
LEAST = {
    "epochs": 1, "batch_size": 2, "replicates": 1, "replicates_together": 0, "patience": 0, "checkpoint_every": 0,
    "seed": 0, "epsilon": 0, "l2": 0, "weight_decay": 0, "clip_norm": 0, "auxiliary_weight": 0, "data_memory": 0,
    "penalty_weight": 0, "output_weight": 0,
}  # fmt: skip
BELOW_ONE = ("valid_fraction", "average", "b1", "b2", "unpriced")
SEEDS = 2**32


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `kgnn.fit`.

    Attributes:
        epochs: Passes over the training samples.
        batch_size: Samples a step; batches are made as equal as possible and none is dropped.
        optimizer: ``"adam"`` or ``"adamw"``.
        learning_rate: Step size at the start.
        schedule: ``"constant"``, ``"cosine"`` (to 0 at the last epoch) or ``"exponential"`` (to a hundredth).
        b1: Decay of the first moment.
        b2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        l2: Weight of half the squared weights in the loss (its gradient passes through Adam).
        weight_decay: Decoupled decay of AdamW; a share `learning_rate` times this of every weight a step.
        clip_norm: Largest norm of the gradient; 0 for no limit.
        output_weight: Weight of the loss of the output; 0 where the auxiliary heads alone are trained, as in P-NET.
        auxiliary_weight: Weight of the sum of the losses of all auxiliary heads.
        loss: ``"auto"`` for that of the task (squared error, cross-entropy, binary cross-entropy), ``"model"`` for the
            model's own, or one of `kgnn.train.losses.LOSSES`, such as ``"concordance"``. Heads have the same, those of
            ``"model"`` that of the task.
        penalty_weight: Weight of what the model adds to the loss by itself (`Prediction.penalty`, and ``penalty()`` of
            `kgnn.models.contract.Trained`).
        unpriced: Share of the epochs, the first ones, in which no weight has to pay a price (such as that of
            `kgnn.layers.GroupLasso`): a network that has not learned yet does not know what it needs.
        frozen: Parameters that are not trained, by name or pattern, separated by commas (``"filters.*"``).
        class_weights: ``"balanced"`` weighs samples in the loss by the inverse of their class's frequency; of labels,
            samples with the same labels are a class.
        scaling: How gene values are scaled by statistics of the training samples; ``"auto"`` standardizes
            abundances and leaves alterations alone.
        standardize_targets: Whether regression targets are centered and scaled inside the model.
        valid_fraction: Share of the training samples held out to choose the epoch, where no validation samples are
            given; 0 to train for all epochs and keep the last.
        valid_group: Covariate whose groups are held out whole.
        keep: ``"best"`` keeps the epoch with the best score on validation samples, ``"last"`` the last one: they are
            then scored and choose nothing, as for a reading of the network that settles later than its predictions.
        score: What chooses the epoch; ``"auto"`` is Pearson correlation, accuracy or AUROC by task.
        patience: Epochs without a better score before stopping; 0 to run all epochs.
        average: Decay a step of the running average of weights that is scored and kept; 0 for none.
        replicates: Networks trained side by side from different seeds; the model predicts their mean. One epoch is
            kept for all of them, that with the best score of the mean.
        replicates_together: Networks computed at once, for want of memory; 0 chooses it by the memory of the device.
            The result does not depend on it.
        checkpoint_every: Epochs between checkpoints of a run that has a folder; 0 for none.
        precision: Type in which the terms of a visible network multiply while it is trained; ``"bfloat16"`` for GPU and
            TPU. Sums, batch statistics, heads and all weights stay in float32, and so do predictions of the run.
        seed: Seed of initial weights, splits, order and dropout.
        stream: Whether samples are streamed in chunks from disk or the host's memory, with the same batches and losses
            as on the device: ``"always"``, ``"never"``, or ``"auto"`` where they take more than `data_memory`.
        data_memory: GB that samples may take on the device; 0 for a quarter of what the device has.
    """

    epochs: int = 100
    batch_size: int = 256
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    b1: float = 0.9
    b2: float = 0.999
    epsilon: float = 1e-8
    l2: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    output_weight: float = 1.0
    auxiliary_weight: float = 0.2
    loss: str = "auto"
    penalty_weight: float = 1.0
    unpriced: float = 0.0
    frozen: str = ""
    class_weights: str = "none"
    scaling: str = "auto"
    standardize_targets: bool = True
    valid_fraction: float = 0.1
    valid_group: str = ""
    keep: str = "best"
    score: str = "auto"
    patience: int = 0
    average: float = 0.0
    replicates: int = 1
    replicates_together: int = 0
    checkpoint_every: int = 10
    precision: str = "float32"
    seed: int = 0
    stream: str = "auto"
    data_memory: float = 0.0

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown_choice(name, getattr(self, name), known)
        # Written as "not above" rather than "below" so that NaN is refused as well.
        for name, least in LEAST.items():
            if not least <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} is {getattr(self, name)}, but must be at least {least} and finite.")
        for name in BELOW_ONE:
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}, but must be at least 0 and below 1.")
        if not 0 < self.learning_rate < math.inf:
            raise TrainingError(f"learning_rate is {self.learning_rate}, but must be above 0 and finite.")
        if self.seed >= SEEDS:
            raise TrainingError(f"seed is {self.seed}, but must be below {SEEDS}.")
        if self.keep == "last" and self.patience:
            raise TrainingError(
                f"keep is 'last', but patience is {self.patience}: it stops where the score was best before. Set "
                "patience=0, or keep=best."
            )
        if self.weight_decay and self.optimizer != "adamw":
            raise TrainingError(
                f"weight_decay is {self.weight_decay:g}, but {self.optimizer} has none. Choose optimizer=adamw, or set "
                "weight_decay=0 (and l2 for a penalty in the loss)."
            )

    def without_hooks(self) -> TrainConfig:
        """A copy without what only one kind of model understands: its own loss, and names of its parameters."""
        loss = "auto" if self.loss == "model" else self.loss
        return replace(self, loss=loss, output_weight=1.0, frozen="")

    def updated(self, settings: Mapping[str, Any]) -> TrainConfig:
        """A copy with some settings replaced; text is turned into the setting's type.

        Args:
            settings: New values by name.

        Returns:
            The new configuration.

        Raises:
            TrainingError: If a name is unknown or a text does not fit its type.

        Example:
            >>> TrainConfig().updated({"epochs": "5"}).epochs
            5
        """
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        unknown = [name for name in settings if name not in known]
        if unknown:
            raise TrainingError(f"unknown setting {name_some(unknown)}. Known: {', '.join(known)}.")
        return replace(self, **{name: convert(name, value, known[name]) for name, value in settings.items()})


def convert(name: str, value: Any, kind: Callable[[Any], Any]) -> Any:
    """A setting given as text in the type that it should have.

    Args:
        name: Name of the setting, for the message.
        value: Text, or a value of the type already.
        kind: The type, or a function such as `whole_numbers` whose name says what it makes of a text.

    Returns:
        The value.

    Raises:
        TrainingError: If the text does not fit.
    """
    if kind is bool:
        text = str(value).lower()
        if text not in ("true", "false", "1", "0", "yes", "no"):
            raise TrainingError(f"{name} is {value!r}, but must be true or false.")
        return text in ("true", "1", "yes")
    try:
        converted = kind(value)
        if kind is int and not isinstance(value, str) and converted != value:
            raise ValueError
        return converted
    except KgnnError:
        raise
    except (TypeError, ValueError, OverflowError):
        what = getattr(kind, "__name__", str(kind)).replace("_", " ")
        raise TrainingError(f"{name} is {value!r}, but must be of type {what}.") from None


def whole_numbers(value: Any) -> tuple[int, ...]:
    """Numbers from a text that separates them by commas; a number alone, or several, as they are.

    Example:
        >>> whole_numbers("8,16"), whole_numbers(6)
        ((8, 16), (6,))
    """
    return tuple(int(each) for each in (value.split(",") if isinstance(value, str) else np.atleast_1d(value)))


def one_or_more_numbers(value: Any) -> Any:
    """A number alone, several as a tuple; what is no text, such as a rule, as it is.

    Example:
        >>> one_or_more_numbers("6"), one_or_more_numbers("6,4")
        (6, (6, 4))
    """
    found = whole_numbers(value) if isinstance(value, str) else value
    return found[0] if isinstance(value, str) and len(found) == 1 else found


def names(value: Any) -> tuple[str, ...]:
    """Names from a text that separates them by commas.

    Example:
        >>> names("mean, top_k")
        ('mean', 'top_k')
    """
    return tuple(each.strip() for each in value.split(",")) if isinstance(value, str) else tuple(value)
