"""Contestants of a bake-off: published systems, what they look like without their knowledge, and plain learners."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgnn.bakeoff.leaks import select_genes
from kgnn.bakeoff.learners import LEARNERS, fit_learner
from kgnn.bakeoff.splits import Fold
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.models import Model, build_like
from kgnn.structure import random_structure, shuffle_structure
from kgnn.train import TrainConfig, count_parameters, fit
from kgnn.train.baselines import dense_of_equal_size, features_of
from kgnn.train.metrics import SMALLER_IS_BETTER, evaluate
from kgnn.train.predict import predict
from kgnn.train.progress import Progress
from kgnn.zoo import RECIPES, Recipe, build_model
from kgnn.zoo.fit_recipe import build_first, recipe_settings

CONTROLS = ("dense", "shuffled", "random")
"""A recipe without its knowledge: a dense network of equal size, and two null structures."""


@dataclass(frozen=True)
class Contestant:
    """Something that learns from one fold and is scored on it.

    Attributes:
        name: In the table, such as ``"dcell"``, ``"dcell, shuffled"`` or ``"forest"``.
        recipe: The recipe, or None for a plain learner.
        control: One of `CONTROLS`, ``""`` for the recipe itself.
        knowledge: What the recipe is compiled from.
        settings: Settings of training and options of the recipe.
        grid: Values of settings that are tried; those that do best on the inner validation samples are kept.
        version: Of the recipe.
    """

    name: str
    recipe: Recipe | None = None
    control: str = ""
    knowledge: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    version: str = ""

    @property
    def kind(self) -> str:
        """``"knowledge"``, ``"control"`` or ``"learner"``."""
        return "learner" if self.recipe is None else "control" if self.control else "knowledge"


def enter(
    samples: Samples,
    knowledge: Mapping[str, Any],
    recipes: Sequence[str] | None,
    controls: Sequence[str],
    learners: Sequence[str],
    settings: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
) -> tuple[Contestant, ...]:
    """All contestants that these samples and this knowledge allow.

    Args:
        samples: Say the task and the tables.
        knowledge: By kind: ``"ontology"``, ``"network"``, ``"motifs"``, ``"contacts"``.
        recipes: Names of recipes; every recipe that fits where None.
        controls: Some of `CONTROLS`, for every recipe.
        learners: ``"mean"`` and names of `kgnn.bakeoff.learners.LEARNERS`.
        settings: For all recipes, each taking what it knows; ``"dcell.dropout"`` for one of them.
        grid: The same, with several values each.

    Returns:
        The contestants, recipes first, each followed by its controls.

    Raises:
        KgnnError: If a name is unknown, or a recipe that was named does not fit.
    """
    known = {each.card.name: each for each in RECIPES}
    for what, wanted, have in (
        ("recipe", recipes or (), known), ("control", controls, CONTROLS), ("learner", learners, ("mean", *LEARNERS)),
    ):  # fmt: skip
        for name in wanted:
            if name not in have:
                raise unknown_choice(what, name, have)
    found = []
    for each in RECIPES if recipes is None else [known[name] for name in recipes]:
        reason = _unfit(each, samples, knowledge)
        if reason and recipes is not None:
            raise KgnnError(f"{each.card.name} cannot take part: {reason}. Leave it out, or give what it takes.")
        if reason:
            continue
        own = {"settings": _own(each, settings), "grid": _own(each, grid), "knowledge": knowledge[each.knowledge]}
        found.append(Contestant(each.card.name, each, **own))
        found += [Contestant(f"{each.card.name}, {one}", each, one, **own) for one in controls if one in _allowed(each)]
    found += [Contestant(name) for name in learners]
    if not found:
        raise KgnnError(f"nobody takes part: no recipe fits {name_some(knowledge)} and these samples. Name learners.")
    return tuple(found)


def _unfit(recipe: Recipe, samples: Samples, knowledge: Mapping[str, Any]) -> str:
    """Why a recipe cannot take part, ``""`` if it can."""
    if knowledge.get(recipe.knowledge) is None:
        return f"there is no {recipe.knowledge}"
    wanted = [name for name in recipe.modalities if name != "..."]
    exact = "..." not in recipe.modalities
    if len(samples.modalities) < len(wanted) or (exact and len(samples.modalities) != len(wanted)):
        return f"it takes the tables {', '.join(recipe.modalities)}"
    if samples.require_targets().kind not in recipe.tasks:
        return f"it predicts {' or '.join(recipe.tasks)}"
    if recipe.prepare is not None:
        return "it predicts something else than the target"
    if recipe.knowledge != "contacts" and (samples.meaning == "sequence") != (recipe.knowledge == "motifs"):
        return f"the samples hold {samples.meaning}"
    return ""


def _allowed(recipe: Recipe) -> tuple[str, ...]:
    return tuple(one for one in CONTROLS if one == "random" or one in recipe.baselines)


def _own(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of common settings concerns a recipe: its options, those of training, and what names it."""
    own = {}
    for name, value in given.items():
        whose, _, setting = name.rpartition(".")
        of_training = setting in TrainConfig.__dataclass_fields__
        if whose == recipe.card.name or (not whose and (of_training or setting in recipe.options)):
            own[setting] = value
    return own


def run_fold(
    contestant: Contestant,
    samples: Samples,
    fold: Fold,
    score: str,
    *,
    select: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit a contestant on a fold, choose on its validation samples, and score it on its test samples.

    Args:
        contestant: Who.
        samples: All samples.
        fold: Which of them train, validate and test.
        score: What chooses.
        select: Genes to keep, selected on the training samples of the fold; 0 for all.
        progress: Told after every epoch of a network.

    Returns:
        Scores on the test samples by name, ``n_parameters``, ``n_genes``, ``seconds``, ``chosen`` and ``valid``, the
        score on the validation samples.
    """
    started = time.monotonic()
    train, valid, test = (samples.take(part) for part in (fold.train, fold.valid, fold.test))
    if select:
        train = select_genes(train, select)
        valid, test = valid.with_genes(train.genes), test.with_genes(train.genes)
    task = samples.require_targets().kind
    truth, judged = test.require_targets().values, valid.require_targets().values
    if contestant.recipe is None:
        chosen, scaler = fit_learner(contestant.name, train, valid, score, fold.seed)
        scores = evaluate(task, chosen.predict(features_of(test, scaler)), truth)
        on_valid = evaluate(task, chosen.predict(features_of(valid, scaler)), judged)[score]
        facts = {"n_parameters": None, "n_genes": len(train.genes), "chosen": chosen.settings}
    else:
        model, settings = _best_network(contestant, (train, valid, test), score, fold, progress)
        scores = evaluate(task, predict(model, test), truth)
        on_valid = evaluate(task, predict(model, valid), judged)[score]
        facts = {"n_parameters": count_parameters(model), "n_genes": len(model.genes), "chosen": settings}
    return {**scores, "valid": on_valid, **facts, "seconds": round(time.monotonic() - started, 2)}


def _best_network(
    contestant: Contestant, parts: tuple[Samples, Samples, Samples], score: str, fold: Fold, progress: Progress | None
) -> tuple[Model, str]:
    """The network of the settings that do best on the validation samples, and these settings as text."""
    train, valid, _ = parts
    best: tuple[float, Model, str] | None = None
    for tried in _combinations(contestant.grid):
        settings = {**contestant.settings, **tried, "score": score}
        model, config = _untrained(contestant, parts, settings, fold.seed)
        run = fit(model, train, config, valid=valid, baselines=(), progress=progress, recipe=contestant.name)
        value = run.metrics["model"]["valid"][score]
        rank = float("-inf") if value is None else -value if score in SMALLER_IS_BETTER else value
        text = ", ".join(f"{name} {each}" for name, each in {**tried, "epoch": run.metrics["best_epoch"]}.items())
        if best is None or rank > best[0]:
            best = rank, run.model, text
    return best[1], best[2]  # type: ignore[index]


def _untrained(
    contestant: Contestant, parts: tuple[Samples, Samples, Samples], settings: Mapping[str, Any], seed: int
) -> tuple[Model, TrainConfig]:
    """The model of a contestant before its fit, compiled over the genes of the training samples."""
    train, valid, _ = parts
    recipe: Recipe = contestant.recipe  # type: ignore[assignment]
    version = contestant.version or recipe.default_version
    settings = {**settings, "seed": seed, "checkpoint_every": 0}
    config, options = recipe_settings(recipe, version, settings)
    lost = {"ontology": {"unannotated": "drop"}, "network": {"unconnected": "drop"}}
    choices = lost.get(recipe.knowledge, {}) if recipe.compiler is None else {}
    structure, _ = recipe.compile(contestant.knowledge, train, **{**choices, **recipe.compiling})
    model = build_model(recipe, structure, train, version=version, seed=seed, inputs=parts, **options)
    if contestant.control == "dense":
        return dense_of_equal_size(model, train, seed), config.without_hooks()
    first = build_first(recipe, structure, train, version=version, settings=settings, inputs=parts)
    if first is not None:
        first.before(model, train, valid=valid)
    if contestant.control:
        null = shuffle_structure if contestant.control == "shuffled" else random_structure
        model = build_like(model, null(structure, seed), seed=seed)
    return model, config


def _combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{}]
    for name, values in grid.items():
        found = [{**one, name: value} for one in found for value in values]
    return found
