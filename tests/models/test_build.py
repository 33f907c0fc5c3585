"""A model is built anew from its arguments, also after these went through JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import (
    BuildArguments,
    DenseNetwork,
    DrugResponseNetwork,
    Model,
    Replicates,
    VisibleNetwork,
    build,
)
from kgnn.models.build import arguments_from_json, arguments_to_json
from kgnn.structure import compile_hierarchy
from tests.models.weights import named_arrays

HIERARCHY, _ = compile_hierarchy(random_ontology(4, 6, seed=2))
SETTINGS = SubsystemSettings(
    StateRule(2, 0.3, "down"), "relu", "before", 0.2, 1, heads="tanh", heads_read="activation", gene_layer=True
)


def visible(seed: int) -> VisibleNetwork:
    return VisibleNetwork(
        HIERARCHY, SETTINGS, outputs=["B cell", "T/NK (+)", "naïve"], task="classes", rngs=nnx.Rngs(seed)
    )


def response(seed: int) -> DrugResponseNetwork:
    return DrugResponseNetwork(
        HIERARCHY, 8, SubsystemSettings(2), drug_layers=(5, 3), join_units=4, drug_dropout=0.1, rngs=nnx.Rngs(seed)
    )


def dense(seed: int) -> DenseNetwork:
    return DenseNetwork(["x.1", "y:2"], 3, hidden=5, outputs=2, dropout=0.3, task="labels", rngs=nnx.Rngs(seed))


def replicates(seed: int) -> Replicates:
    return Replicates([visible(1_000 * seed + number) for number in range(3)])


@pytest.mark.parametrize("make", [visible, response, dense, replicates])
def test_round_trip(make):
    model = make(5)
    assert isinstance(model, Model)
    arguments = arguments_from_json(json.loads(json.dumps(arguments_to_json(model.arguments))))
    assert arguments == model.arguments and hash(arguments) == hash(model.arguments)
    again = build(arguments, model.hierarchy, seed=5)
    assert type(again) is type(model)
    for name in ("task", "output_names", "terms", "heads", "genes", "hierarchy", "arguments"):
        assert getattr(again, name) == getattr(model, name), name
    one, two = named_arrays(model), named_arrays(again)
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert nnx.graphdef(again) == nnx.graphdef(model)


def test_replicates_of_neighboring_seeds_share_no_member():
    arguments = replicates(0).arguments
    kernels = [
        one
        for seed in range(3)
        for one in named_arrays(build(arguments, HIERARCHY, seed=seed))["stacked.output_layer.kernel"]
    ]
    assert len({kernel.tobytes() for kernel in kernels}) == 9


def test_unknown_kind():
    with pytest.raises(KgnnError, match="kind of model is 'NoNetwork', .* DenseNetwork, DrugResponseNetwork, "):
        build(BuildArguments("NoNetwork", None, ()), None, seed=0)
