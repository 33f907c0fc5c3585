"""Who takes part in a bake-off: what samples and knowledge allow, and what can be built from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgnn.bakeoff.contestants import CONTROLS, Contestant, built, combinations
from kgnn.bakeoff.learners import LEARNERS
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.train import TrainConfig
from kgnn.zoo import RECIPES, Recipe
from kgnn.zoo.fit_recipe import recipe_settings


def enter(
    samples: Samples,
    knowledge: Mapping[str, Any],
    recipes: Sequence[str] | None,
    controls: Sequence[str],
    learners: Sequence[str],
    settings: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
) -> tuple[tuple[Contestant, ...], dict[str, str]]:
    """All contestants that these samples and this knowledge allow.

    Args:
        samples: Say the task and the tables.
        knowledge: By kind: ``"ontology"``, ``"network"``, ``"motifs"``, ``"contacts"``.
        recipes: Names of recipes, with a version as ``"gene_transformer:plain"``; every recipe that fits, in its
            default version, where None.
        controls: Some of `CONTROLS`, for every recipe.
        learners: ``"mean"`` and names of `kgnn.bakeoff.learners.LEARNERS`.
        settings: For all recipes, each taking what it knows; ``"dcell.dropout"`` for one of them.
        grid: The same, with several values each.

    Returns:
        The contestants, recipes first, each followed by its controls; and why other recipes for this knowledge do
        not fit.

    Raises:
        KgnnError: If a name, version or setting is unknown, or a recipe that was named does not fit.
    """
    for what, wanted, have in (("control", controls, CONTROLS), ("learner", learners, ("mean", *LEARNERS))):
        for name in wanted:
            if name not in have:
                raise unknown_choice(what, name, have)
    found, left_out = [], {}
    for name in dict.fromkeys([each.card.name for each in RECIPES] if recipes is None else recipes):
        each, version = _named(name)
        reason = _unfit(each, samples, knowledge)
        if reason and recipes is not None:
            raise KgnnError(f"{name} cannot take part: {reason}. Leave it out, or give what it takes.")
        if reason:
            if knowledge.get(each.knowledge) is not None:
                left_out[name] = reason
            continue
        own: dict[str, Any] = {"settings": _own(each, name, settings), "grid": _own(each, name, grid)}
        own |= {"knowledge": knowledge[each.knowledge], "version": version}
        found.append(Contestant(name, each, **own))
        found += [Contestant(f"{name}, {one}", each, one, **own) for one in controls if one in _allowed(each)]
    _require_known([*settings, *grid], [each.recipe for each in found if each.recipe is not None])
    found += [Contestant(name) for name in learners]
    if not found:
        raise KgnnError(f"nobody takes part: no recipe fits {name_some(knowledge)} and these samples. Name learners.")
    return tuple(found), left_out


def _named(name: str) -> tuple[Recipe, str]:
    """The recipe and version of a name such as ``gene_transformer:plain``; the version is empty where none is named."""
    known = {each.card.name: each for each in RECIPES}
    plain, _, version = name.partition(":")
    if plain not in known:
        raise unknown_choice("recipe", plain, known)
    if version and version not in known[plain].card.versions:
        raise unknown_choice(f"version of {plain}", version, known[plain].card.versions)
    return known[plain], version


def check_entries(
    contestants: Sequence[Contestant], samples: Samples, *, named: bool
) -> tuple[tuple[Contestant, ...], dict[str, str]]:
    """Build every network once, over all genes and before anything is fitted.

    Args:
        contestants: From `enter`.
        samples: All samples.
        named: Whether the recipes were named: then one that cannot be built is refused, else it is left out.

    Returns:
        The contestants that can be built, and why the other recipes cannot.

    Raises:
        KgnnError: If a recipe that was named cannot be built, none can from one of the kinds of knowledge, or a setting
            is unknown.
    """
    left_out: dict[str, str] = {}
    for each in contestants:
        if each.recipe is None or each.control:
            continue
        tried = [{**each.settings, **one} for one in combinations(each.grid)]
        for settings in tried:
            recipe_settings(each.recipe, each.version or each.recipe.default_version, settings)
        try:
            built(each, (samples, samples, samples), tried[0], 0)
        except KgnnError as error:
            if named:
                raise KgnnError(f"{each.name} cannot take part: {error}") from None
            left_out[each.name] = str(error)
    _require_one_of_each_kind(contestants, left_out)
    return tuple(each for each in contestants if each.name.partition(", ")[0] not in left_out), left_out


def _require_one_of_each_kind(contestants: Sequence[Contestant], left_out: Mapping[str, str]) -> None:
    """Refuse knowledge that no recipe can be built from, such as one with other names of genes."""
    by_kind: dict[str, list[str]] = {}
    for each in contestants:
        if each.recipe is not None and not each.control:
            by_kind.setdefault(each.recipe.knowledge, []).append(each.name)
    for kind, names in by_kind.items():
        if all(name in left_out for name in names):
            raise KgnnError(f"no recipe can be built from the {kind}: {name_some(names)}: {left_out[names[0]]}")


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
        return "it is an autoencoder, which predicts its own input and not the target"
    if recipe.knowledge != "contacts" and (samples.meaning == "sequence") != (recipe.knowledge == "motifs"):
        return f"the samples hold {samples.meaning}"
    if samples.meaning not in recipe.meanings:
        return f"it takes {' or '.join(recipe.meanings)}, and the samples hold {samples.meaning}"
    return ""


def _require_known(names: Sequence[str], recipes: Sequence[Recipe]) -> None:
    """Refuse a setting that no recipe takes; one of a certain recipe is checked with it."""
    known = set(TrainConfig.__dataclass_fields__).union(*(recipe.options for recipe in recipes))
    for name in names:
        if recipes and "." not in name and name not in known:
            raise unknown_choice("setting", name, sorted(known))


def _allowed(recipe: Recipe) -> tuple[str, ...]:
    return tuple(one for one in CONTROLS if one == "random" or one in recipe.baselines)


def _own(recipe: Recipe, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of common settings concerns a recipe: its options and those of training; what names it comes first."""
    known = {*TrainConfig.__dataclass_fields__, *recipe.options}
    own = {setting: value for setting, value in given.items() if setting in known}
    for whose in dict.fromkeys((recipe.card.name, name)):
        own |= {each.removeprefix(f"{whose}."): value for each, value in given.items() if each.startswith(f"{whose}.")}
    return own
