"""`fit_recipe`: from an ontology and samples to a finished run of a published system, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.data.splits import split_by_group
from kgnn.errors import TrainingError
from kgnn.knowledge.ontology import Ontology
from kgnn.models import Model
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import Run, TrainConfig, fit
from kgnn.train.baselines import BASELINES, check_baselines
from kgnn.train.config import convert
from kgnn.train.fit import refuse_finished
from kgnn.train.progress import Progress
from kgnn.zoo.join_samples import join_samples
from kgnn.zoo.recipe import Recipe


def fit_recipe(
    recipe: Recipe,
    ontology: Ontology,
    train: Samples,
    *,
    valid: Samples | None = None,
    test: Samples | None = None,
    version: str = "",
    settings: Mapping[str, Any] | None = None,
    unannotated: str = "error",
    skips: str = "direct",
    leave_out: Sequence[str] = (),
    baselines: Sequence[str] = BASELINES,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    devices: int | str | None = None,
) -> Run:
    """Compile an ontology over the genes of the samples, build a recipe's model and fit it.

    Args:
        recipe: From `kgnn.zoo.recipe`.
        ontology: With annotations, pruned as wished.
        train: Training samples.
        valid: Validation samples; a share of the training samples where None.
        test: Test samples, scored once.
        version: Version of the recipe; its default where empty.
        settings: Fields of `TrainConfig` and options of the recipe to replace, as values or as text.
        unannotated: ``"error"``, ``"drop"`` or ``"root"``: what to do with genes of the data without an annotation.
        skips: ``"direct"`` or ``"copy"``: what to do with relations that skip levels; see `compile_hierarchy`.
        leave_out: Covariates (such as ``"cell"`` or ``"drug"``) whose groups are left out whole in further fits on
            the samples of all parts, which know nothing of the main fit and teach it nothing; their scores join the
            metrics as ``leave_out``.
        baselines: See `kgnn.fit`.
        out: Run folder.
        progress: Told after every epoch.
        devices: See `kgnn.fit`.

    Returns:
        The run.

    Raises:
        AlignmentError: If samples and ontology do not fit.
        KgnnError: If the version, a baseline or a covariate to leave out is unknown.
        TrainingError: If a setting is unknown, or samples and recipe do not fit.
        RunError: If `out` holds a finished run, or one of another model, other settings or samples.
    """
    refuse_finished(out)
    check_baselines(baselines)
    version = version or recipe.default_version
    hierarchy, alignment = compile_hierarchy(ontology, train.genes, unannotated=unannotated, skips=skips)
    config, options = _settings(recipe, version, settings or {})
    model = build_model(recipe, hierarchy, train, version=version, seed=config.seed, **options)
    further: dict[str, Any] = {}
    if leave_out:
        everything = join_samples([part for part in (train, valid, test) if part is not None])
        for covariate in leave_out:
            further[covariate] = _left_out(model, everything, covariate, config, baselines, progress, devices)
    return fit(
        model,
        train,
        config,
        valid=valid,
        test=test,
        out=out,
        baselines=baselines,
        progress=progress,
        recipe=recipe.card.name,
        alignment=alignment,
        further_metrics={"version": version, **({"leave_out": further} if further else {})},
        devices=devices,
    )


def build_model(
    recipe: Recipe, hierarchy: Hierarchy, samples: Samples, *, version: str = "", seed: int = 0, **options: Any
) -> Model:
    """A recipe's model for the outputs and modalities of some samples.

    Args:
        recipe: The recipe.
        hierarchy: The compiled hierarchy.
        samples: Give the names and kind of the outputs.
        version: Version of the recipe.
        seed: Of the initial weights.
        **options: Options of the recipe.

    Returns:
        The model, untrained.

    Raises:
        TrainingError: If the recipe does not take such samples.
    """
    targets = samples.require_targets()
    arguments: dict[str, Any] = {"outputs": targets.names, "version": version or recipe.default_version, **options}
    modalities = list(samples.modalities.items())
    if len(modalities) != len(recipe.modalities):
        raise TrainingError(
            f"{recipe.card.name} takes {len(recipe.modalities)} tables ({', '.join(recipe.modalities)}), but the "
            f"samples have {len(modalities)} ({', '.join(samples.modalities)}). See kgnn zoo {recipe.card.name}."
        )
    if len(modalities) > 1:
        if targets.kind != "regression":
            raise TrainingError(f"{recipe.card.name} predicts numbers, but the targets are {targets.kind}.")
        arguments["n_fingerprint"] = len(modalities[1][1].features)
    else:
        arguments["task"] = targets.kind
    return recipe.build(hierarchy, rngs=nnx.Rngs(seed), **arguments)


def _settings(recipe: Recipe, version: str, settings: Mapping[str, Any]) -> tuple[TrainConfig, dict[str, Any]]:
    """Settings of training, and options of the recipe."""
    options = {
        name: convert(name, value, recipe.options[name]) for name, value in settings.items() if name in recipe.options
    }
    try:
        rest = {name: value for name, value in settings.items() if name not in options}
        return recipe.config(version).updated(rest), options
    except TrainingError as problem:
        raise TrainingError(f"{problem} Options of {recipe.card.name}: {', '.join(recipe.options)}.") from None


def _left_out(
    model: Model,
    samples: Samples,
    covariate: str,
    config: TrainConfig,
    baselines: Sequence[str],
    progress: Progress | None,
    devices: int | str | None,
) -> dict[str, Any]:
    """Scores on groups never seen in training; the epoch is chosen on further unseen groups."""
    split = split_by_group(samples, covariate, test_fraction=0.2, valid_fraction=0.1, seed=config.seed)
    run = fit(
        model,
        samples.take(split.train),
        replace(config, valid_group=""),
        valid=samples.take(split.valid),
        test=samples.take(split.test),
        baselines=baselines,
        progress=progress,
        recipe=f"leave {covariate}s out",
        devices=devices,
    )
    n_groups = len(np.unique(np.asarray(samples.covariates[covariate])[split.test]))
    return {
        "n_groups": n_groups,
        "n_samples": len(split.test),
        "model": run.metrics["model"]["test"],
        "baselines": {name: scores["test"] for name, scores in run.metrics["baselines"].items()},
    }
