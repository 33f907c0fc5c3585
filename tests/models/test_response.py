"""The drug response network equals its equations."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import DrugResponseNetwork
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call
from tests.models.weights import in_double_precision, naive_dense, naive_subsystems, named_arrays, randomize

ONTOLOGY = random_ontology(6, 11, seed=2)
N_BITS, N_SAMPLES = 9, 8


def make(settings: SubsystemSettings, n_outputs: int) -> DrugResponseNetwork:
    hierarchy, _ = compile_hierarchy(ONTOLOGY)
    model = DrugResponseNetwork(
        hierarchy, N_BITS, settings, drug_layers=(7, 4), join_units=5, outputs=n_outputs, rngs=nnx.Rngs(1)
    )
    randomize(model, 6)
    return model


def expected(model: DrugResponseNetwork, x: np.ndarray, drugs: np.ndarray, **arguments: Any) -> tuple[Any, ...]:
    """Output, auxiliary, states, and the variance of the join after the call."""
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    scaled = (x.astype(np.float64) - arrays["gene_scaling.center"]) / arrays["gene_scaling.scale"]
    cell = naive_subsystems(model.subsystems, model.hierarchy, ONTOLOGY)
    states, heads = cell(dict(zip(model.genes, scaled.T, strict=True)), **arguments)
    drug, drug_heads = naive_dense(model.drug)(drugs.astype(np.float64), **arguments)
    join = naive_dense(model.join)
    joined, none = join(np.concatenate([states[model.hierarchy.root], drug], axis=1), **arguments)
    assert none == []
    first = np.tanh(joined @ arrays["first_output.kernel"].T + arrays["first_output.bias"])
    output = first @ arrays["second_output.kernel"].T + arrays["second_output.bias"]
    scale, center = arrays["output_scaling.scale"], arrays["output_scaling.center"]
    auxiliary = np.stack([heads[term] for term in model.terms] + drug_heads, axis=1)
    all_states = np.concatenate([states[term] for term in model.terms], axis=1)
    return output * scale + center, auxiliary * scale + center, all_states, join.norms[0].variance


@pytest.mark.parametrize(
    ("settings", "n_outputs"),
    [
        (SubsystemSettings(3, heads="tanh_linear", gene_layer=True, initial_scale=0.5), 2),
        (SubsystemSettings(StateRule(2, 0.4), norm="before", heads="linear"), 1),
    ],
)
def test_equals_the_equations(settings, n_outputs):
    model = make(settings, n_outputs)
    rng = np.random.default_rng(4)
    x = rng.normal(size=(N_SAMPLES, 11)).astype(np.float32)
    drugs = rng.normal(size=(N_SAMPLES, N_BITS)).astype(np.float32)
    weights = np.array([1, 2, 0, 1, 0.5, 1, 1, 3])
    found = call(model, {"genotype": x, "fingerprint": drugs})
    for mine, theirs in zip(found[:3], expected(model, x, drugs), strict=False):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        double = in_double_precision(model)
        found = call(double, {"genotype": x, "fingerprint": drugs}, weights=weights, train=True)
        moved = named_arrays(double.join)["norms.0.variance"]
    reference = expected(model, x, drugs, weights=weights, train=True)
    for mine, theirs in zip((*found[:3], moved), reference, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-8)


def test_heads_have_the_names_of_what_they_read():
    model = make(SubsystemSettings(2), 1)
    assert model.heads == (*model.terms, "drug layer 1", "drug layer 2")
    assert list(model.heads)[5] == "T0"
    found = call(model, {"genotype": np.ones((3, 11), np.float32), "fingerprint": np.ones((3, 9), np.float32)})
    assert [each.shape for each in found[:3]] == [(3, 1), (3, 8, 1), (3, 12)]


def test_a_closed_root_leaves_only_the_drug():
    model = make(SubsystemSettings(2), 1)
    rng = np.random.default_rng(4)
    drugs = rng.normal(size=(1, N_BITS)).astype(np.float32).repeat(3, axis=0)
    inputs = {"genotype": rng.normal(size=(3, 11)).astype(np.float32), "fingerprint": drugs}
    gate = np.ones(6, np.float32)
    gate[-1] = 0
    found = call(model, inputs, gate=gate).output
    assert np.ptp(found) == 0 and np.ptp(call(model, inputs).output) > 0


def test_two_seeds_differ_in_every_weight():
    hierarchy, _ = compile_hierarchy(ONTOLOGY)
    one, two = (named_arrays(DrugResponseNetwork(hierarchy, N_BITS, outputs=2, rngs=nnx.Rngs(seed))) for seed in (0, 1))
    weights = [name for name in one if "norm" not in name and "scaling" not in name and "reference" not in name]
    assert len(weights) > 20
    for name in weights:
        assert (one[name] != two[name]).any(), name
