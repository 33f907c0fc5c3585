"""`fit_recipe`: from knowledge and samples to a finished run of a published system, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.join_samples import join_samples
from kgnn.data.samples import Samples
from kgnn.data.splits import split_by_group
from kgnn.errors import TrainingError
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Ontology
from kgnn.models import Model
from kgnn.structure import Structure
from kgnn.train import FirstStage, Run, TrainConfig, fit
from kgnn.train.baselines import check_baselines
from kgnn.train.config import convert
from kgnn.train.fit import refuse_finished
from kgnn.train.progress import Progress
from kgnn.zoo.recipe import Recipe


def fit_recipe(
    recipe: Recipe,
    knowledge: Ontology | Network | MotifSet | ContactMap | Structure,
    train: Samples,
    *,
    valid: Samples | None = None,
    test: Samples | None = None,
    version: str = "",
    settings: Mapping[str, Any] | None = None,
    unannotated: str | None = None,
    skips: str | None = None,
    compiling: Mapping[str, Any] | None = None,
    leave_out: Sequence[str] = (),
    baselines: Sequence[str] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    devices: int | str | None = None,
) -> Run:
    """Compile knowledge over the genes of the samples, build a recipe's model and fit it.

    Where the version has two stages (``recipe.stages``) the first is fitted before, on the same training samples; its
    scores are in the metrics as ``pretrained``.

    Args:
        recipe: From `kgnn.zoo.recipe`.
        knowledge: What the recipe is compiled from (``recipe.knowledge``): an ontology with annotations, pruned as
            wished, a network, motifs or contacts; or what was compiled from it before.
        train: Training samples.
        valid: Validation samples; a share of the training samples where None.
        test: Test samples, scored once.
        version: Version of the recipe; its default where empty.
        settings: Fields of `TrainConfig` and options of the recipe to replace, as values or as text.
        unannotated: Of an ontology, ``"error"``, ``"drop"`` or ``"root"``: what to do with genes of the data without an
            annotation; an error unless the recipe wishes otherwise.
        skips: Of an ontology, ``"direct"`` or ``"copy"``: what to do with relations that skip levels.
        compiling: Any argument of `compile_hierarchy`, `compile_adjacency` or `compile_kernels`, by name.
        leave_out: Covariates (such as ``"cell"`` or ``"drug"``) whose groups are left out whole in further fits on
            the samples of all parts, which know nothing of the main fit and teach it nothing; their scores join the
            metrics as ``leave_out``.
        baselines: See `kgnn.fit`; those of the recipe where None.
        out: Run folder.
        progress: Told after every epoch.
        devices: See `kgnn.fit`.

    Returns:
        The run.

    Raises:
        AlignmentError: If samples and knowledge do not fit.
        KgnnError: If the version, a baseline or a covariate to leave out is unknown, or the recipe is compiled from
            another kind of knowledge.
        TrainingError: If a setting is unknown, or samples and recipe do not fit.
        RunError: If `out` holds a finished run, or one of another model, other settings or samples.
    """
    refuse_finished(out)
    baselines = recipe.baselines if baselines is None else baselines
    check_baselines(baselines)
    version = version or recipe.default_version
    named = {"unannotated": unannotated, "skips": skips}
    choices = {name: value for name, value in named.items() if value is not None} | dict(compiling or {})
    config, options = recipe_settings(recipe, version, settings or {})
    structure, alignment = recipe.compile(knowledge, train, version=version, **choices)
    if recipe.prepare is not None:
        train = recipe.prepare(train, structure)
        valid, test = (None if part is None else recipe.prepare(part, structure) for part in (valid, test))
    parts = [part for part in (train, valid, test) if part is not None]
    model = build_model(recipe, structure, train, version=version, seed=config.seed, inputs=parts, **options)
    first = build_first(recipe, structure, train, version=version, settings=settings or {}, inputs=parts)
    further: dict[str, Any] = {"version": version}
    if leave_out:
        everything, further["leave_out"] = join_samples(parts), {}
        for covariate in leave_out:
            scores = _left_out(model, first, everything, covariate, config, baselines, progress, devices)
            further["leave_out"][covariate] = scores
    if first is not None:
        further["pretrained"] = first.before(model, train, valid=valid, progress=progress, devices=devices)
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
        further_metrics=further,
        devices=devices,
    )


def build_model(
    recipe: Recipe,
    structure: Structure,
    samples: Samples,
    *,
    version: str = "",
    seed: int = 0,
    inputs: Sequence[Samples] = (),
    **options: Any,
) -> Model:
    """A recipe's model for the outputs and modalities of some samples.

    Args:
        recipe: The recipe.
        structure: What the recipe's knowledge was compiled to.
        samples: Give the names and kind of the outputs.
        version: Version of the recipe.
        seed: Of the initial weights.
        inputs: The samples of all parts, for recipes that need the inputs of those that do not train as well; their
            targets are taken off before. `samples` alone where empty.
        **options: Options of the recipe.

    Returns:
        The model, untrained.

    Raises:
        TrainingError: If the recipe does not take such samples.
    """
    targets = samples.require_targets()
    arguments: dict[str, Any] = {"outputs": targets.names, "version": version or recipe.default_version, **options}
    wanted = [name for name in recipe.modalities if name != "..."]
    n_tables = len(samples.modalities)
    if n_tables < len(wanted) or (n_tables > len(wanted) and "..." not in recipe.modalities):
        raise TrainingError(
            f"{recipe.card.name} takes {len(wanted)} tables ({', '.join(recipe.modalities)}), but the samples have "
            f"{n_tables} ({', '.join(samples.modalities)}). See kgnn zoo {recipe.card.name}."
        )
    if targets.kind not in recipe.tasks:
        raise TrainingError(
            f"{recipe.card.name} predicts {' or '.join(recipe.tasks)}, but the targets are {targets.kind}. Choose "
            "another recipe, or read the targets with kind=."
        )
    if len(recipe.tasks) > 1:
        arguments["task"] = targets.kind
    if recipe.from_samples is not None:
        arguments |= recipe.from_samples(samples)
    if recipe.from_inputs is not None:
        arguments |= recipe.from_inputs([replace(part, targets=None) for part in inputs or (samples,)])
    return recipe(structure, rngs=nnx.Rngs(seed), **arguments)


def recipe_settings(recipe: Recipe, version: str, settings: Mapping[str, Any]) -> tuple[TrainConfig, dict[str, Any]]:
    """Settings of training, and options of the recipe, from one list of both.

    Args:
        recipe: The recipe.
        version: Version of the recipe.
        settings: Values, or texts, by name.

    Returns:
        The settings of the version with some replaced, and arguments of the recipe's model.

    Raises:
        TrainingError: If a name is neither, or a text does not fit.
    """
    options = {
        name: convert(name, value, recipe.options[name]) for name, value in settings.items() if name in recipe.options
    }
    try:
        rest = {name: value for name, value in settings.items() if name not in options}
        implied = {} if recipe.implied is None else recipe.implied(options)
        return recipe.config(version).updated({**implied, **rest}), options
    except TrainingError as problem:
        raise TrainingError(f"{problem} Options of {recipe.card.name}: {', '.join(recipe.options)}.") from None


def build_first(
    recipe: Recipe, structure: Structure, samples: Samples, *, version: str, settings: Mapping[str, Any],
    inputs: Sequence[Samples] = (),
) -> FirstStage | None:  # fmt: skip
    """The first stage of a version of a recipe, None where it has one stage.

    Args:
        recipe: The recipe.
        structure: What the recipe's knowledge was compiled to.
        samples: Training samples.
        version: Of the second stage.
        settings: As for `recipe_settings`; what makes the version of the first stage comes before them.
        inputs: See `build_model`.
    """
    if version not in recipe.stages:
        return None
    before = recipe.stages[version]
    config, options = recipe_settings(recipe, before, settings)
    kept = {name: value for name, value in options.items() if name not in recipe.settings[before]}
    model = build_model(recipe, structure, samples, version=before, seed=config.seed, inputs=inputs, **kept)
    return FirstStage(model, config, f"{recipe.card.name}, {before}")


def _left_out(
    model: Model,
    first: FirstStage | None,
    samples: Samples,
    covariate: str,
    config: TrainConfig,
    baselines: Sequence[str],
    progress: Progress | None,
    devices: int | str | None,
) -> dict[str, Any]:
    """Scores on groups never seen in training; the epoch is chosen on further unseen groups."""
    split = split_by_group(samples, covariate, test_fraction=0.2, valid_fraction=0.1, seed=config.seed)
    train, valid = samples.take(split.train), samples.take(split.valid)
    if first is not None:
        model = nnx.clone(model)
        first.before(model, train, valid=valid, progress=progress, devices=devices)
    run = fit(
        model,
        train,
        replace(config, valid_group=""),
        valid=valid,
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
