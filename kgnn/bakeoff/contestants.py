"""Contestants of a bake-off: published systems, what they look like without their knowledge, and plain learners."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgnn.bakeoff.leaks import select_genes
from kgnn.bakeoff.learners import fit_learner
from kgnn.bakeoff.splits import Fold
from kgnn.data.samples import Samples
from kgnn.models import Model, build_like
from kgnn.structure import random_structure, shuffle_structure
from kgnn.train import FirstStage, TrainConfig, count_parameters, fit
from kgnn.train.baselines import dense_of_equal_size, features_of
from kgnn.train.metrics import SMALLER_IS_BETTER, evaluate
from kgnn.train.predict import predict
from kgnn.train.progress import Progress
from kgnn.zoo import Recipe, build_model
from kgnn.zoo.fit_recipe import build_first, recipe_settings

CONTROLS = ("dense", "shuffled", "random")
"""A recipe without its knowledge: a dense network of equal size, and two null structures."""

_LOST: dict[str, dict[str, str]] = {
    "ontology": {"unannotated": "drop"}, "network": {"unconnected": "drop"}, "motifs": {}, "contacts": {}
}  # fmt: skip


@dataclass(frozen=True)
class Contestant:
    """Something that learns from one fold and is scored on it.

    Attributes:
        name: In the table, such as ``"dcell"``, ``"dcell:paper"``, ``"dcell, shuffled"`` or ``"forest"``.
        recipe: The recipe, or None for a plain learner.
        control: One of `CONTROLS`, ``""`` for the recipe itself.
        knowledge: What the recipe is compiled from.
        settings: Settings of training and options of the recipe.
        grid: Values of settings that are tried; those that do best on the inner validation samples are kept.
        version: Of the recipe; its default where empty.
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
    for tried in combinations(contestant.grid):
        settings = {**contestant.settings, **tried, "score": score}
        model, config = _untrained(contestant, parts, settings, fold.seed)
        run = fit(model, train, config, valid=valid, baselines=(), progress=progress, recipe=contestant.name)
        value = run.metrics["model"]["valid"][score]
        rank = float("-inf") if value is None else -value if score in SMALLER_IS_BETTER else value
        text = ", ".join(f"{name} {each}" for name, each in {**tried, "epoch": run.metrics["best_epoch"]}.items())
        if best is None or rank > best[0]:
            best = rank, run.model, text
    return best[1], best[2]  # type: ignore[index]


def built(
    contestant: Contestant, parts: tuple[Samples, Samples, Samples], settings: Mapping[str, Any], seed: int
) -> tuple[Model, FirstStage | None, TrainConfig]:
    """The model of a contestant over its own knowledge before anything is fitted.

    Args:
        contestant: With a recipe.
        parts: Training, validation and test samples. Genes of the training samples that the knowledge does not know are
            left out, unless the recipe keeps them; of the other parts, inputs alone are looked at.
        settings: Settings of training and options of the recipe.
        seed: Of the initial weights.

    Returns:
        The model, the stage that comes before it if there is one, and the settings to train it with.

    Raises:
        KgnnError: If the recipe, the knowledge and the samples do not fit.
    """
    recipe: Recipe = contestant.recipe  # type: ignore[assignment]
    version = contestant.version or recipe.default_version
    settings = {**settings, "seed": seed, "checkpoint_every": 0}
    config, options = recipe_settings(recipe, version, settings)
    choices = {**_LOST[recipe.knowledge], **recipe.compiling}
    structure, _ = recipe.compile(contestant.knowledge, parts[0], version=version, **choices)
    model = build_model(recipe, structure, parts[0], version=version, seed=seed, inputs=parts, **options)
    first = build_first(recipe, structure, parts[0], version=version, settings=settings, inputs=parts)
    return model, first, config


def _untrained(
    contestant: Contestant, parts: tuple[Samples, Samples, Samples], settings: Mapping[str, Any], seed: int
) -> tuple[Model, TrainConfig]:
    """The network of a contestant before its fit; one of two stages has the first behind it."""
    train, valid, _ = parts
    model, first, config = built(contestant, parts, settings, seed)
    if contestant.control == "dense":
        return dense_of_equal_size(model, train, seed), config.without_hooks()
    if first is not None:
        first.before(model, train, valid=valid)
    if contestant.control:
        null = shuffle_structure if contestant.control == "shuffled" else random_structure
        model = build_like(model, null(model.structure, seed), seed=seed)  # type: ignore[arg-type]
    return model, config


def combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every choice of one value a setting."""
    found: list[dict[str, Any]] = [{}]
    for name, values in grid.items():
        found = [{**one, name: value} for one in found for value in values]
    return found
