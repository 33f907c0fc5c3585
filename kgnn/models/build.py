"""Building a model anew from its arguments: for further replicates, for baselines and when a run is loaded."""

from __future__ import annotations

from typing import Any

from flax import nnx

from kgnn.errors import unknown_choice
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models.contract import BuildArguments, Model
from kgnn.models.dense import DenseNetwork
from kgnn.models.replicates import Replicates
from kgnn.models.response import DrugResponseNetwork
from kgnn.models.visible import VisibleNetwork
from kgnn.structure import Hierarchy

KINDS = {"VisibleNetwork": VisibleNetwork, "DrugResponseNetwork": DrugResponseNetwork, "DenseNetwork": DenseNetwork}


def build(arguments: BuildArguments, hierarchy: Hierarchy | None, *, seed: int) -> Model:
    """A model with a fresh random start.

    Args:
        arguments: `Model.arguments` of a model like it.
        hierarchy: The compiled hierarchy; None for a model without structure.
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
        return Replicates([build(others["member"], hierarchy, seed=each) for each in seeds])  # type: ignore[return-value]
    if arguments.kind not in KINDS:
        raise unknown_choice("kind of model", arguments.kind, [*KINDS, "Replicates"])
    rngs = nnx.Rngs(seed)
    if hierarchy is None:
        return KINDS[arguments.kind](**others, rngs=rngs)
    return KINDS[arguments.kind](hierarchy, settings=arguments.settings, **others, rngs=rngs)


def arguments_to_json(arguments: BuildArguments) -> dict[str, Any]:
    """A value that `json` can write."""
    settings = None
    if arguments.settings is not None:
        settings = arguments.settings._asdict()
        if isinstance(arguments.settings.n_states, StateRule):
            settings["n_states"] = vars(arguments.settings.n_states)
    others = {
        name: arguments_to_json(value) if isinstance(value, BuildArguments) else value
        for name, value in arguments.others
    }
    return {"kind": arguments.kind, "settings": settings, "others": others}


def arguments_from_json(value: dict[str, Any]) -> BuildArguments:
    """The arguments that `arguments_to_json` wrote."""
    settings = None
    if value["settings"] is not None:
        fields = dict(value["settings"])
        if isinstance(fields["n_states"], dict):
            fields["n_states"] = StateRule(**fields["n_states"])
        settings = SubsystemSettings(**fields)
    others = {}
    for name, item in value["others"].items():
        if isinstance(item, dict):
            others[name] = arguments_from_json(item)
        else:
            others[name] = tuple(item) if isinstance(item, list) else item
    return BuildArguments(value["kind"], settings, tuple(others.items()))
