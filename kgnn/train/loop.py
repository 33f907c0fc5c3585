"""The training loop: epochs, the choice of the best one, checkpoints; no baselines and no run folder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.missing import fit_gene_scaler
from kgnn.data.samples import Samples
from kgnn.data.scaling import Scaler, fit_scaler, fit_scaler_in_blocks
from kgnn.errors import TrainingError
from kgnn.models import Model, Replicates, build_like
from kgnn.train.checkpoint import Checkpoint
from kgnn.train.config import TrainConfig
from kgnn.train.device_memory import data_bytes
from kgnn.train.devices import ONE_DEVICE, Placement
from kgnn.train.engine import Engine, trained_module
from kgnn.train.processes import is_first_process, share
from kgnn.train.progress import EpochReport, Progress
from kgnn.train.reference import set_reference
from kgnn.train.scoring import Validation, best_epoch, score_name
from kgnn.train.step_memory import require_memory
from kgnn.train.stream import StreamedData, place_samples, train_streamed_epoch


def train_model(
    model: Model,
    train: Samples,
    valid: Samples | None,
    config: TrainConfig,
    *,
    what: str = "model",
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    placement: Placement = ONE_DEVICE,
) -> tuple[Model, Any, int]:
    """The training loop alone: no baselines, no files but checkpoints.

    Args:
        model: The model to start from.
        train: Training samples, with the model's genes.
        valid: Validation samples; the last epoch is kept where None or ``config.keep`` says so.
        config: Settings.
        what: Name for the progress report.
        progress: Told after every epoch.
        checkpoint: Where to save and resume, or None.
        placement: Devices to train on; of several processes, all call this alike, and the first one saves.

    Returns:
        The fitted model, the history as a table and the epoch kept.

    Raises:
        TrainingError: If a step would not fit into the memory of the device, or if a loss or a prediction becomes
            infinite or not a number.
    """
    import pandas

    require_memory(model, min(config.batch_size, len(train)), n_devices=placement.n_devices)
    fitted = start_model(model, train, config)
    name = score_name(config, model.task)
    placing = config if placement.mesh is None else _same_everywhere(config)
    validation = None if valid is None else Validation(fitted, valid, name, placing, placement)
    keeps_last = validation is None or config.keep == "last"
    engine = Engine(fitted, config, len(train), placement)
    data = place_samples(train, placing, class_weights(train, config))
    data = data if isinstance(data, StreamedData) else placement.copy(data)
    state = engine.start(fitted, config.seed)
    kept, rows = engine.kept(state), []
    if checkpoint is not None:
        state, kept, rows = checkpoint.resume(state, kept)
        state, kept = placement.copy((state, kept))
    while len(rows) < config.epochs and not (validation and _out_of_patience(rows, name, config)):
        epoch = len(rows) + 1
        if isinstance(data, StreamedData):
            watch = _watch_epoch(progress, what, rows, name, config)
            state, losses = train_streamed_epoch(engine, state, data, watch)
        else:
            state, losses = engine.train_epoch(state, data)
        now = engine.kept(state)
        rows.append({"epoch": epoch, **_finite_losses(losses, epoch, config, getattr(model, "not_finite", ""))})
        rows[-1]["valid_score"] = None if validation is None else validation(*now, epoch)
        if keeps_last or _best(rows, name) == epoch:
            kept = now
        if progress is not None:
            progress(_report(what, rows, name, config))
        if checkpoint is not None and _is_due(epoch, config) and is_first_process():
            checkpoint.save(*placement.local((state, kept)), rows)
    nnx.update(trained_module(fitted), *placement.local(kept))
    set_reference(fitted, train)
    history = pandas.DataFrame(rows).astype({"valid_score": float})
    return fitted, history, len(rows) if keeps_last else _best(rows, name)


def start_model(model: Model, train: Samples, config: TrainConfig) -> Model:
    """The model before its first step: with scalers fitted on the training samples, and with all its replicates.

    Args:
        model: The starting point where there is one replicate; else its arguments are, and every replicate has weights
            of its own, but for what a first stage has trained.
        train: Training samples, with the model's genes.
        config: Settings.

    Returns:
        A new model; `model` is not changed.
    """
    members = [nnx.clone(model)]
    if config.replicates > 1:
        seeds = [config.seed * 1_000 + number for number in range(config.replicates)]
        members = [build_like(model, model.structure, seed=seed) for seed in seeds]
    method = config.scaling
    if method == "auto":
        method = "standard" if train.meaning == "abundance" else "none"
    genes = None if method == "none" else fit_gene_scaler(train, method)
    second = _second_scaler(members[0], train, config)
    targets = train.require_targets()
    outputs = None
    if config.standardize_targets and model.task == "regression":
        outputs = fit_scaler(targets.values, "standard")
    for member in members:
        if genes is not None:
            member.gene_scaling.set(genes.center, genes.scale)
        if second is not None:
            member.second_scaling.set(second.center, second.scale)  # type: ignore[attr-defined]
        if outputs is not None:
            member.output_scaling.set(outputs.center, outputs.scale)
    return members[0] if len(members) == 1 else Replicates(members)


def _second_scaler(model: Model, train: Samples, config: TrainConfig) -> Scaler | None:
    """That of the second table, where the model scales one: abundances by their largest, so that none stays none."""
    if not hasattr(model, "second_scaling"):
        return None
    name = next(each for each in train.modalities if each != train.gene_modality)
    method = config.scaling
    if method == "auto":
        method = "maxabs" if train.modalities[name].meaning == "abundance" else "none"
    return None if method == "none" else fit_scaler_in_blocks(lambda: train.blocks_of(name), method)


def class_weights(train: Samples, config: TrainConfig) -> np.ndarray | None:
    """Weight of every sample in the loss, ``[sample]``: one over the frequency of its class, 1 on average.

    Of labels, samples with the same labels are a class.

    Args:
        train: Training samples.
        config: Its `class_weights` says whether.

    Returns:
        The weights; None where all samples weigh alike.
    """
    if config.class_weights == "none":
        return None
    targets = train.require_targets()
    classes = targets.values
    if targets.kind == "labels":
        classes = np.unique(classes, axis=0, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(classes)
    return (len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[classes]


def _same_everywhere(config: TrainConfig) -> TrainConfig:
    """The settings with one answer, of the first process, to what fits on a device."""
    return replace(config, data_memory=int(share(str(data_bytes(config)).encode())) / 1e9)


def _best(rows: list[dict[str, Any]], name: str) -> int:
    return best_epoch([row["valid_score"] for row in rows], name)


def _out_of_patience(rows: list[dict[str, Any]], name: str, config: TrainConfig) -> bool:
    return bool(rows) and 0 < config.patience <= len(rows) - _best(rows, name)


def _is_due(epoch: int, config: TrainConfig) -> bool:
    every = config.checkpoint_every
    return bool(every) and (epoch % every == 0 or epoch == config.epochs)


def _finite_losses(losses: tuple[Any, Any], epoch: int, config: TrainConfig, hint: str) -> dict[str, float]:
    """Losses of an epoch, the mean over replicates; `hint` is what the model says where one is not finite."""
    output, auxiliary = (float(np.mean(loss)) for loss in losses)
    for name, loss in (("output", output), ("auxiliary", auxiliary)):
        if not math.isfinite(loss):
            raise TrainingError(
                f"the {name} loss became {loss} in epoch {epoch}. Lower learning_rate (now {config.learning_rate:g}) "
                f"or set clip_norm, and look for extreme values among the samples.{hint and ' '}{hint}"
            )
    return {"loss": output, "auxiliary": auxiliary}


def _watch_epoch(
    progress: Progress | None, what: str, rows: list[dict[str, Any]], name: str, config: TrainConfig
) -> Callable[[float, Any], None] | None:
    """Reports within an epoch that comes in chunks: how far it is, and its loss so far."""
    if progress is None:
        return None

    def watch(share: float, losses: Any) -> None:
        loss = float(np.mean(losses[0]))
        if rows:
            report = _report(what, rows, name, config)._replace(loss=loss, share=share)
        else:
            report = EpochReport(what, 0, config.epochs, loss, name, math.nan, math.nan, share)
        progress(report)

    return watch


def _report(what: str, rows: list[dict[str, Any]], name: str, config: TrainConfig) -> EpochReport:
    last = rows[-1]
    best = rows[_best(rows, name) - 1]["valid_score"]
    score, best = (math.nan if value is None else value for value in (last["valid_score"], best))
    return EpochReport(what, last["epoch"], config.epochs, last["loss"], name, score, best)
