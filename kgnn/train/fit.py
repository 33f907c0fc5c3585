"""`fit`: train a model on samples, choose the epoch on held-out samples, and score it beside baselines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import RunError
from kgnn.models import Model
from kgnn.structure import Alignment, NetworkAlignment
from kgnn.train.baselines import BASELINES as BASELINES
from kgnn.train.baselines import baseline_scores, check_baselines
from kgnn.train.checkpoint import Checkpoint, content_of_fit
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.config import TrainConfig
from kgnn.train.devices import place
from kgnn.train.loop import train_model
from kgnn.train.parts import make_parts
from kgnn.train.processes import is_first_process, require_same, wait_for_all
from kgnn.train.progress import Progress
from kgnn.train.replicate_scores import replicate_metrics
from kgnn.train.run import Run, package_versions
from kgnn.train.scoring import score_name, score_parts
from kgnn.train.size import count_parameters

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
    replicates: int | None = None,
    baselines: Sequence[str] = BASELINES,
    progress: Progress | None = None,
    recipe: str = "",
    alignment: Alignment | NetworkAlignment | None = None,
    further_metrics: Mapping[str, Any] | None = None,
    devices: int | str | None = None,
) -> Run:
    """Train a model.

    The epoch is chosen by the score on validation samples, unless ``config.keep`` says that the last one is kept; test
    samples choose nothing and are scored once, at the end. Scalers are fitted on training samples. Every baseline is
    fitted on the same training samples and chosen on the same validation samples: a model that does not beat them has
    learned nothing from its structure.

    Args:
        model: A model from `kgnn.zoo` or `kgnn.models`; its weights are the starting point where
            ``config.replicates`` is 1, else every replicate starts anew. It is not changed.
        samples: Training samples with targets of the model's task.
        config: Settings; the defaults of `TrainConfig` where None.
        valid: Validation samples; a share of the training samples is held out where None.
        test: Test samples, scored once.
        out: Folder for the run and its checkpoints; a run that was interrupted there is resumed, and ends bit for bit
            as if it had not been.
        replicates: Networks to train side by side from seeds of their own, in place of ``config.replicates``. The
            model of the run predicts their mean; the metrics hold the scores of each, and tables of knockdowns and of
            importance an interval over them.
        baselines: Which of ``"mean"``, ``"linear"`` (ridge or logistic regression), ``"dense"`` (a fully connected
            network with an equal number of parameters) and ``"shuffled"`` (the same model on a null of its structure,
            see `kgnn.structure.shuffle_structure`) to fit, the networks with the settings of the model; empty for
            none.
        progress: Told after every epoch.
        recipe: Name of the recipe, for the record.
        alignment: What `compile_hierarchy` or `compile_adjacency` returned with the structure, for the record.
        further_metrics: Entries to add to the metrics, for the record.
        devices: How many devices of this machine train together, or ``"all"``; one where None. The batch is dealt out
            among them and the result is that of one device, so a run may be resumed on another number. Where
            ``jax.distributed`` has joined several processes, all call `fit` alike, with the same samples, train
            together on that many devices each (all where None), and the first one writes.

    Returns:
        The run; in its metrics, None stands for a score that is not defined.

    Raises:
        AlignmentError: If the samples lack a gene of the model, or a part has a class of its own.
        KgnnError: If a baseline is unknown.
        TrainingError: If targets, model and settings do not fit each other, or a loss becomes infinite or not a number.
        RunError: If `out` holds a finished run, or one of another model, other settings or samples.
    """
    config = TrainConfig() if config is None else config
    config = config if replicates is None else config.updated({"replicates": replicates})
    started = time.monotonic()
    enable_compilation_cache()
    placement = place(devices)
    progress = progress if is_first_process() else None
    refuse_finished(out)
    check_baselines(baselines)
    parts = make_parts(model, samples, valid, test, config)
    require_same("model, settings or samples", lambda: content_of_fit(model, config, parts.train, parts.valid))
    checkpoint = None if out is None else Checkpoint.open(out, model, config, parts.train, parts.valid)
    fitted, history, epoch = train_model(
        model, parts.train, parts.valid, config, what=recipe or "model", progress=progress, checkpoint=checkpoint,
        placement=placement,
    )  # fmt: skip
    metrics = {
        "recipe": recipe or None,
        "task": model.task,
        "score": score_name(config, model.task),
        "keep": config.keep,
        "best_epoch": epoch,
        "n_parameters": count_parameters(model),
        "n_samples": {name: len(part) for name, part in parts.present.items()},
        "model": score_parts(fitted, parts.present),
        **replicate_metrics(fitted, parts.present),
        "baselines": baseline_scores(model, parts.present, config, baselines, progress, placement),
        "seconds": round(time.monotonic() - started, 2),
        **(further_metrics or {}),
    }
    provenance = samples.provenance if model.structure is None else model.structure.provenance
    for given in (samples, valid, test):
        provenance = provenance if given is None else provenance.join(given.provenance)
    run = Run(
        model=fitted,
        samples=_at_most(parts.held_out, STORED_SAMPLES, config.seed),
        settings=config,
        history=history,
        metrics=metrics,
        split={name: list(part.names) for name, part in parts.present.items()},
        provenance=provenance,
        recipe=recipe,
        alignment=None if alignment is None else alignment_record(alignment),
        versions=package_versions(),
    )
    if out is None or checkpoint is None:
        return run
    if is_first_process():
        run.save(out)
        checkpoint.remove()
    wait_for_all(f"{recipe or 'model'} saved")
    return replace(run, folder=Path(out))


def refuse_finished(out: str | PathLike[str] | None) -> None:
    """Refuse a folder that a fit must not write to, before anything is computed.

    Args:
        out: The run folder, or None.

    Raises:
        RunError: If it holds a finished run, or is a file.
    """
    if out is None:
        return
    if (Path(out) / "metrics.json").exists():
        raise RunError(f"{out}: a finished run is here already. Choose another folder, or remove this one.")
    if Path(out).exists() and not Path(out).is_dir():
        raise RunError(f"{out}: this is a file, not a folder. Choose another name for the run.")


def _at_most(samples: Samples, most: int, seed: int) -> Samples:
    if len(samples) <= most:
        return samples
    return samples.take(np.sort(np.random.default_rng(seed).choice(len(samples), most, replace=False)))


def alignment_record(alignment: Alignment | NetworkAlignment) -> dict[str, Any]:
    """How data and knowledge met, as a run stores it.

    Args:
        alignment: From `compile_hierarchy` or `compile_adjacency`.

    Returns:
        Counts, and every loss as what, why and how many.
    """
    if isinstance(alignment, NetworkAlignment):
        counts = {"genes not in the network": alignment.unconnected, "genes without an edge": alignment.isolated}
        counts |= {"nodes not measured": alignment.unmeasured}
    else:
        counts = {"genes without annotation": alignment.unannotated}
        counts |= {"annotated genes not measured": alignment.unmeasured}
    return {
        "aligned genes": len(alignment.genes),
        **{what: len(names) for what, names in counts.items()},
        "losses": [[loss.what, loss.reason, len(loss.names)] for loss in alignment.losses],
    }
