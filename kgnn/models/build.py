"""Building a model anew from its arguments: for further replicates, for baselines and when a run is loaded."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from flax import nnx

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import BuildArguments, Model
from kgnn.models.replicates import Replicates
from kgnn.structure import Structure

KINDS = {
    "ContactNetwork": "contact",
    "DenseNetwork": "dense",
    "DrugResponseNetwork": "response",
    "FactorizationNetwork": "factorization",
    "GeneSetAutoencoder": "autoencoder",
    "GeneTransformer": "attention",
    "GraphNetwork": "graph",
    "MotifNetwork": "motif_network",
    "PathwayGraphs": "pathway_graphs",
    "PathwayNetwork": "pathway",
    "PathwayTransformer": "attention",
    "PerturbationNetwork": "perturbation",
    "RegulatoryNetwork": "regulatory",
    "SiteAttentionNetwork": "site_attention",
    "SteadyStateNetwork": "steady",
    "VisibleNetwork": "visible",
}
"""Every class of models, with the module of `kgnn.models` that it lives in. A new family adds a line.

The class takes its structure first (where there is one), ``settings=`` where its arguments have settings, all
``others`` by name, and ``rngs=``. Its module knows the classes of its settings by name."""

_SETTINGS = "SubsystemSettings"
_RULE = "StateRule"


def build(arguments: BuildArguments, structure: Structure | None, *, seed: int) -> Model:
    """A model with a fresh random start.

    Args:
        arguments: `Model.arguments` of a model like it.
        structure: The compiled structure; None for a model without structure.
        seed: Seed of the initial weights and of dropout.

    Returns:
        The model, untrained.

    Raises:
        KgnnError: If the kind is unknown.
    """
    others: dict[str, Any] = dict(arguments.others)
    if arguments.kind == "Replicates":
        # Replicates of neighboring seeds must not share members.
        seeds = [seed * 1_000 + number for number in range(others["n"])]
        return Replicates([build(others["member"], structure, seed=each) for each in seeds])  # type: ignore[return-value]
    module = _module_of(arguments.kind)
    if arguments.settings is not None:
        others["settings"] = arguments.settings
    compiled = () if structure is None else (structure,)
    return getattr(module, arguments.kind)(*compiled, **others, rngs=nnx.Rngs(seed))


def build_like(model: Model, structure: Structure | None, *, seed: int) -> Model:
    """A model like another with a fresh random start, but with what that one was given before its fit.

    These are numbers that are no part of the structure (features of the nodes of a graph), and what a first stage has
    trained (`Trained.pretrained` of `kgnn.models.contract`).

    Args:
        model: The other one; not changed.
        structure: The compiled structure, which may be a null of that of `model`.
        seed: Of the random start.

    Returns:
        The model, untrained but for its first stage.
    """
    made: Any = build(model.arguments, structure, seed=seed)
    nnx.update(made, nnx.state(model, FittedStatistic))
    if getattr(model, "pretrained", ()):
        made.pretrained = model.pretrained  # type: ignore[attr-defined]
    for name in getattr(model, "pretrained", ()):
        nnx.update(getattr(made, name), nnx.state(getattr(model, name)))
    return made


def arguments_to_json(arguments: BuildArguments) -> dict[str, Any]:
    """A value that `json` can write."""
    return {
        "kind": arguments.kind,
        "settings": _to_json(arguments.settings),
        "others": {name: _to_json(value) for name, value in arguments.others},
    }


def arguments_from_json(value: dict[str, Any]) -> BuildArguments:
    """The arguments that `arguments_to_json` wrote.

    Raises:
        KgnnError: If the kind, or a class of settings, is unknown.
    """
    module = None if value["kind"] == "Replicates" else _module_of(value["kind"])
    settings = value["settings"]
    if settings is not None and "type" not in settings:
        settings = _as_named(settings)
    others = tuple((name, _from_json(item, module)) for name, item in value["others"].items())
    return BuildArguments(value["kind"], _from_json(settings, module), others)


def _as_named(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as the first runs hold them, when there was one class of settings only."""
    rule = settings["n_states"]
    named = {"type": _RULE, **rule} if isinstance(rule, dict) else rule
    return {"type": _SETTINGS, **settings, "n_states": named}


def _module_of(kind: str) -> ModuleType:
    if kind not in KINDS:
        raise unknown_choice("kind of model", kind, [*KINDS, "Replicates"])
    return import_module(f"kgnn.models.{KINDS[kind]}")


def _to_json(value: Any) -> Any:
    """Numbers, texts and tuples as they are; NamedTuples and dataclasses with the name of their class."""
    if isinstance(value, BuildArguments):
        return arguments_to_json(value)
    if hasattr(value, "_asdict"):
        named = value._asdict()
    elif is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
    else:
        return [_to_json(item) for item in value] if isinstance(value, tuple) else value
    return {"type": type(value).__name__, **{name: _to_json(item) for name, item in named.items()}}


def _from_json(value: Any, module: ModuleType | None) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(item, module) for item in value)
    if not isinstance(value, dict):
        return value
    if "kind" in value and "others" in value:
        return arguments_from_json(value)
    named = {name: _from_json(item, module) for name, item in value.items() if name != "type"}
    return _settings_class(value["type"], module)(**named)


def _settings_class(name: str, module: ModuleType | None) -> Any:
    """A class of settings, among those that the module of the model or the layers know by name."""
    for room in (module, import_module("kgnn.layers")):
        found = getattr(room, name, None)
        if isinstance(found, type) and (hasattr(found, "_fields") or is_dataclass(found)):
            return found
    raise KgnnError(f"{name!r} is no class of settings of this model. Train again with this version.")
