"""`fit`: train a model on samples, choose the epoch on held-out samples, and score it beside baselines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.data.scaling import fit_scaler
from kgnn.data.splits import split_by_group, split_random
from kgnn.errors import RunError, TrainingError
from kgnn.models import DenseNetwork, Model, Replicates, build, width_of_equal_size
from kgnn.structure import shuffle_genes
from kgnn.train.baselines import linear_baselines
from kgnn.train.checkpoint import Checkpoint
from kgnn.train.config import TrainConfig
from kgnn.train.engine import Engine, device_data
from kgnn.train.metrics import SCORES, SMALLER_IS_BETTER, evaluate
from kgnn.train.predict import predict
from kgnn.train.progress import EpochReport, Progress
from kgnn.train.reference import set_reference
from kgnn.train.run import Run, package_versions

BASELINES = ("mean", "linear", "dense", "shuffled")
STORED_SAMPLES = 5_000
"""Most held-out samples that a run keeps for later knockdowns."""


def fit(
    model: Model,
    samples: Samples,
    config: TrainConfig | None = None,
    *,
    valid: Samples | None = None,
    test: Samples | None = None,
    out: str | PathLike[str] | None = None,
    baselines: Sequence[str] = BASELINES,
    progress: Progress | None = None,
    recipe: str = "",
    alignment: Any = None,
) -> Run:
    """Train a model.

    The epoch is chosen by the score on validation samples; test samples choose nothing and are scored once, at the
    end. Scalers are fitted on training samples. Every baseline is fitted on the same training samples and chosen on
    the same validation samples: a model that does not beat them has learned nothing from its structure.

    Args:
        model: A model from `kgnn.zoo` or `kgnn.models`; its weights are the starting point where
            ``config.replicates`` is 1, else every replicate starts anew. It is not changed.
        samples: Training samples with targets of the model's task.
        config: Settings; the defaults of `TrainConfig` where None.
        valid: Validation samples; a share of the training samples is held out where None.
        test: Test samples, scored once.
        out: Folder for the run and its checkpoints; a run that was interrupted there is resumed.
        baselines: Which of ``"mean"``, ``"linear"``, ``"dense"`` (equal number of parameters) and ``"shuffled"``
            (the same hierarchy over shuffled genes) to fit; empty for none.
        progress: Told after every epoch.
        recipe: Name of the recipe, for the record.
        alignment: What `compile_hierarchy` returned with the hierarchy, for the record.

    Returns:
        The run.

    Raises:
        AlignmentError: If the samples lack a gene of the model.
        TrainingError: If targets and task disagree, or a loss becomes infinite or not a number.
        RunError: If `out` holds a finished run, or one of other settings or samples.
    """
    config = TrainConfig() if config is None else config
    started = time.monotonic()
    if out is not None and (Path(out) / "metrics.json").exists():
        raise RunError(f"{out}: a finished run is here already. Choose another folder, or remove this one.")
    samples, valid, test = (_fitting(model, each) for each in (samples, valid, test))
    train, valid = _hold_out(samples, valid, config)
    checkpoint = Checkpoint.open(out, model, config, train, valid) if out is not None else None
    best_model, history, best_epoch = train_model(
        model, train, valid, config, what=recipe or "model", progress=progress, checkpoint=checkpoint
    )
    parts = {"train": train, "valid": valid, "test": test}
    present = {name: part for name, part in parts.items() if part is not None and len(part)}
    metrics = {
        "recipe": recipe or None,
        "task": model.task,
        "score": _score_name(config, model.task),
        "best_epoch": best_epoch,
        "n_parameters": count_parameters(model),
        "n_samples": {name: len(part) for name, part in present.items()},
        "model": _scores(best_model, present),
        "baselines": _baseline_scores(model, present, config, baselines, progress),
        "seconds": round(time.monotonic() - started, 2),
    }
    held_out = next(part for part in (test, valid, train) if part is not None and len(part))
    knowledge = model.hierarchy.provenance if model.hierarchy is not None else samples.provenance
    run = Run(
        model=best_model,
        samples=_at_most(held_out, STORED_SAMPLES, config.seed),
        settings=config,
        history=history,
        metrics=metrics,
        split={name: list(part.names) for name, part in present.items()},
        provenance=knowledge.join(samples.provenance),
        recipe=recipe,
        alignment=_alignment_record(alignment),
        versions=package_versions(),
    )
    if out is None:
        return run
    run = run.save(out)
    if checkpoint is not None:
        checkpoint.remove()
    return run


def train_model(
    model: Model,
    train: Samples,
    valid: Samples | None,
    config: TrainConfig,
    *,
    what: str = "model",
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Model, Any, int]:
    """The training loop alone: no baselines, no files but checkpoints.

    Args:
        model: The model to start from.
        train: Training samples, with the model's genes.
        valid: Validation samples, or None to keep the last epoch.
        config: Settings.
        what: Name for the progress report.
        progress: Told after every epoch.
        checkpoint: Where to save and resume, or None.

    Returns:
        The fitted model, the history as a table and the epoch kept.
    """
    import pandas

    members = _members(model, train, config)
    engine = Engine(members[0], config, len(train))
    state = engine.start(members, config.seed)
    data = device_data(train, _class_weights(train, config))
    valid_data = None if valid is None or not len(valid) else device_data(valid)
    score_name = _score_name(config, model.task)
    kept, rows, best, best_epoch, first = engine.kept(state), [], -np.inf, 0, 0
    if checkpoint is not None:
        state, kept, rows = checkpoint.resume(state, kept)
        first = len(rows)
        for row in rows:
            if row["valid_score"] is not None and row["valid_score"] > best:
                best, best_epoch = row["valid_score"], row["epoch"]
    for epoch in range(first + 1, config.epochs + 1):
        if config.patience and epoch - 1 - best_epoch >= config.patience and best_epoch:
            break
        state, losses = engine.run_epoch(state, data)
        output_loss, auxiliary_loss = (float(np.mean(loss)) for loss in losses)
        _refuse_not_finite(epoch, {"output": output_loss, "auxiliary": auxiliary_loss}, config)
        score = float("nan")
        if valid_data is not None and valid is not None:
            outputs = engine.predict(*engine.kept(state), valid_data)
            score = _validation_score(score_name, model.task, outputs, valid)
            if score > best or not best_epoch:
                best, best_epoch = score, epoch
                kept = jax.tree.map(jnp.copy, engine.kept(state))
        rows.append(
            {"epoch": epoch, "loss": output_loss, "auxiliary": auxiliary_loss, "valid_score": _or_none(score)}
        )
        if progress is not None:
            progress(EpochReport(what, epoch, config.epochs, output_loss, score_name, score, best))
        if checkpoint is not None and config.checkpoint_every and epoch % config.checkpoint_every == 0:
            checkpoint.save(state, kept, rows)
    if valid_data is None:
        kept, best_epoch = engine.kept(state), len(rows)
    fitted = _assemble(engine, members, kept)
    set_reference(fitted, train)
    return fitted, pandas.DataFrame(rows).astype({"valid_score": float}), best_epoch


def count_parameters(model: Model) -> int:
    """Number of trained weights, unused slots of padded buckets left out."""
    from kgnn.layers import FanInLinear

    total = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    for _, module in nnx.iter_modules(model):
        if isinstance(module, FanInLinear):
            total -= module.n_unused
    return int(total)


def _fitting(model: Model, samples: Samples | None) -> Any:
    """The samples with the model's genes, once task and outputs are known to agree."""
    if samples is None:
        return None
    if samples.targets is None:
        raise TrainingError("the samples have no targets. Read them with target= (a column of the file).")
    if samples.targets.kind != model.task:
        raise TrainingError(
            f"the targets are of kind {samples.targets.kind!r}, but the model does {model.task!r}. Build the model "
            f"with task={samples.targets.kind!r}."
        )
    if len(samples.targets.names) != len(model.output_names):
        raise TrainingError(
            f"the samples have {len(samples.targets.names)} outputs, but the model has {len(model.output_names)}. "
            f"Build the model with outputs={len(samples.targets.names)}."
        )
    return samples.with_genes(model.genes)


def _hold_out(samples: Samples, valid: Samples | None, config: TrainConfig) -> tuple[Samples, Samples | None]:
    if valid is not None or not config.valid_fraction:
        return samples, valid
    share = {"test_fraction": config.valid_fraction, "seed": config.seed}
    if config.valid_group:
        split = split_by_group(samples, config.valid_group, **share)
    else:
        split = split_random(samples, **share)
    return samples.take(split.train), samples.take(split.test)


def _members(model: Model, train: Samples, config: TrainConfig) -> list[Model]:
    """One model a replicate, with scalers fitted on the training samples."""
    members = [nnx.clone(model)]
    if config.replicates > 1:
        seeds = [config.seed * 1_000 + number for number in range(config.replicates)]
        members = [build(model.arguments, model.hierarchy, seed=seed) for seed in seeds]
    method = config.scaling
    if method == "auto":
        method = "standard" if train.meaning == "abundance" else "none"
    table = train.modalities[train.gene_modality]
    scaler = fit_scaler(table.values[train.row_of_sample[train.gene_modality]], method)
    for member in members:
        member.gene_scaling.set(scaler.center, scaler.scale)
        if config.standardize_targets and model.task == "regression" and train.targets is not None:
            targets = fit_scaler(train.targets.values, "standard")
            member.output_scaling.set(targets.center, targets.scale)
    return members


def _assemble(engine: Engine, members: list[Model], kept: tuple[Any, Any]) -> Model:
    if len(members) == 1:
        fitted = members[0]
        nnx.update(fitted, *kept)
        return fitted
    fitted = Replicates(members)
    nnx.update(fitted.stacked, *kept)
    return fitted


def _class_weights(train: Samples, config: TrainConfig) -> np.ndarray | None:
    targets = train.targets
    if config.class_weights == "none" or targets is None or targets.kind != "classes":
        return None
    counts = np.bincount(targets.values, minlength=len(targets.names))
    return (len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[targets.values]


def _score_name(config: TrainConfig, task: str) -> str:
    if config.score == "auto":
        return SCORES[task][0]
    if config.score not in SCORES[task]:
        raise TrainingError(
            f"score is {config.score!r}, which does not fit {task}. Choose one of: {', '.join(SCORES[task])}."
        )
    return config.score


def _validation_score(name: str, task: str, outputs: np.ndarray, valid: Samples) -> float:
    score = evaluate(task, outputs, valid.targets.values)[name]  # type: ignore[union-attr]
    score = -score if name in SMALLER_IS_BETTER else score
    return -np.inf if np.isnan(score) else score


def _refuse_not_finite(epoch: int, losses: dict[str, float], config: TrainConfig) -> None:
    for name, loss in losses.items():
        if not np.isfinite(loss):
            raise TrainingError(
                f"the {name} loss became {loss} in epoch {epoch}. Lower learning_rate (now {config.learning_rate:g}) "
                "or set clip_norm, and look for extreme values among the samples."
            )


def _scores(model: Model, parts: dict[str, Samples]) -> dict[str, Any]:
    return {
        name: evaluate(model.task, predict(model, part), part.targets.values)  # type: ignore[union-attr]
        for name, part in parts.items()
    }


def _baseline_scores(
    model: Model, parts: dict[str, Samples], config: TrainConfig, wanted: Sequence[str], progress: Progress | None
) -> dict[str, Any]:
    train, valid = parts["train"], parts.get("valid")
    scored = {name: part for name, part in parts.items() if name != "train"} or parts
    found: dict[str, Any] = {}
    if {"mean", "linear"} & set(wanted):
        scaling = "standard" if train.meaning == "abundance" else "none"
        found = linear_baselines(train, valid, scored, scaling)
        if "mean" not in wanted:
            del found["mean"]
    networks: dict[str, Model] = {}
    if "dense" in wanted:
        networks["dense"] = _dense_of_equal_size(model, train, config.seed)
    if "shuffled" in wanted and model.hierarchy is not None:
        networks["shuffled"] = build(model.arguments, shuffle_genes(model.hierarchy, config.seed), seed=config.seed)
    for name, network in networks.items():
        fitted, _, _ = train_model(network, train, valid, config, what=f"{name} baseline", progress=progress)
        found[name] = _scores(fitted, scored)
    return found


def _dense_of_equal_size(model: Model, train: Samples, seed: int) -> DenseNetwork:
    others = sum(len(table.features) for table in train.modalities.values()) - len(train.genes)
    n_outputs = len(model.output_names)
    hidden = width_of_equal_size(count_parameters(model), len(train.genes) + others, n_outputs)
    return DenseNetwork(
        train.genes, others, hidden=hidden, outputs=model.output_names, task=model.task, rngs=nnx.Rngs(seed)
    )


def _at_most(samples: Samples, most: int, seed: int) -> Samples:
    if len(samples) <= most:
        return samples
    return samples.take(np.sort(np.random.default_rng(seed).choice(len(samples), most, replace=False)))


def _alignment_record(alignment: Any) -> dict[str, Any] | None:
    if alignment is None:
        return None
    return {
        "aligned genes": len(alignment.genes),
        "genes without annotation": len(alignment.unannotated),
        "annotated genes not measured": len(alignment.unmeasured),
        "losses": [[loss.what, loss.reason, len(loss.names)] for loss in alignment.losses],
    }


def _or_none(score: float) -> float | None:
    return None if np.isnan(score) else score
