"""The door of a fit: samples that suit the model, and which of them train, validate and test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kgnn.data.samples import Samples
from kgnn.data.splits import split_by_group, split_random
from kgnn.errors import TrainingError, name_some
from kgnn.models import Model, Replicates
from kgnn.models.visible import name_outputs
from kgnn.train.config import TrainConfig
from kgnn.train.losses import check_loss
from kgnn.train.scoring import score_name

FEWEST_TO_TRAIN = 2


class Parts(NamedTuple):
    """Samples with the genes and outputs of a model, in their order."""

    train: Samples
    valid: Samples | None
    test: Samples | None

    @property
    def present(self) -> Mapping[str, Samples]:
        """The parts that there are, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}

    @property
    def held_out(self) -> Samples:
        """The part that lies furthest from the training: test, else validation, else the training samples."""
        return self.test or self.valid or self.train


def make_parts(
    model: Model, samples: Samples, valid: Samples | None, test: Samples | None, config: TrainConfig
) -> Parts:
    """Check everything that a fit needs, and hold out validation samples where none are given.

    Args:
        model: The model to be fitted.
        samples: Training samples.
        valid: Validation samples, or None.
        test: Test samples, or None.
        config: Settings; say how many training samples are held out.

    Returns:
        The parts; class codes of all are those of the model.

    Raises:
        AlignmentError: If samples lack a gene of the model, or have a class that training has not.
        TrainingError: If targets, model and settings do not fit each other.
    """
    if isinstance(model, Replicates):
        raise TrainingError("the model is a set of replicates. Give one of its kind, and their number as replicates=.")
    score_name(config, model.task)
    check_loss(config.loss, model.task, hasattr(model, "loss"))
    alone = getattr(model, "trained_by_output", ())
    if alone and not config.output_weight:
        raise TrainingError(
            f"output_weight is 0, but {name_some(alone)} of the model learns from the loss of the output alone. Set "
            "output_weight=1, or read the mean of the heads (readout=mean)."
        )
    if config.frozen and hasattr(model, "start_from") and not getattr(model, "pretrained", ()):
        raise TrainingError(
            f"frozen is {config.frozen!r}, but the model has started from no fitted one, and what is frozen would stay "
            "random. Use fit_recipe, which has both stages; or first call start_from, or kgnn.train.FirstStage.before."
        )
    if config.class_weights != "none" and model.task == "regression":
        raise TrainingError(
            f"class_weights is {config.class_weights!r}, but the model does {model.task!r}. Leave it at 'none'."
        )
    named = model.output_names != name_outputs(len(model.output_names))
    train = _suiting(model, samples, "training", model.output_names if named else ())
    names = train.require_targets().names
    valid = None if valid is None else _suiting(model, valid, "validation", names)
    test = None if test is None else _suiting(model, test, "test", names)
    if valid is None and config.valid_fraction:
        train, valid = _hold_out(train, config)
    if config.patience and valid is None:
        raise TrainingError(f"patience is {config.patience}, but there are no validation samples. Set it to 0.")
    if len(train) < FEWEST_TO_TRAIN:
        raise TrainingError(f"{len(train)} samples are left to train on. Give at least {FEWEST_TO_TRAIN}.")
    return Parts(train, valid, test)


def _suiting(model: Model, samples: Samples, what: str, names: tuple[str, ...]) -> Samples:
    """The samples with the model's genes and, where `names` are known, its outputs in their order."""
    if not len(samples):
        raise TrainingError(f"there are no {what} samples. Leave them away, or read others.")
    if samples.targets is None:
        raise TrainingError(f"the {what} samples have no targets. Read them with target= (a column of the file).")
    if samples.targets.kind != model.task:
        raise TrainingError(
            f"the targets of the {what} samples are of kind {samples.targets.kind!r}, but the model does "
            f"{model.task!r}. Build the model with task={samples.targets.kind!r}."
        )
    samples = samples.with_classes(names) if names else samples
    found = samples.require_targets().names
    if len(found) != len(model.output_names):
        raise TrainingError(
            f"the {what} samples have {len(found)} outputs, but the model has {len(model.output_names)}. Build the "
            f"model with outputs={len(found)}."
        )
    if len(names) > 1 and found != names:
        raise TrainingError(
            f"the outputs of the {what} samples are {name_some(found)}, but {name_some(names)} are expected, in this "
            "order. Name the target columns in the same order."
        )
    return samples.with_genes(model.genes)


def _hold_out(samples: Samples, config: TrainConfig) -> tuple[Samples, Samples]:
    if config.valid_group:
        split = split_by_group(samples, config.valid_group, test_fraction=config.valid_fraction, seed=config.seed)
    else:
        split = split_random(samples, test_fraction=config.valid_fraction, seed=config.seed)
    return samples.take(split.train), samples.take(split.test)
