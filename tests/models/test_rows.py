"""Shared rows give the numbers of the plain way, in training as well, and gates stay with their samples."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers import SubsystemSettings
from kgnn.models import DenseNetwork, DrugResponseNetwork, Rows, VisibleNetwork
from kgnn.models.contract import unshared
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call, jit
from tests.models.weights import in_double_precision, named_arrays, randomize

N_GENES, N_BITS = 11, 9
RNG = np.random.default_rng(5)
CELLS = RNG.normal(size=(4, N_GENES)).astype(np.float32)
DRUGS = RNG.normal(size=(5, N_BITS)).astype(np.float32)
# Row 3 of the cells and row 1 of the drugs are used by no sample; some samples are padding or count twice.
CELL_OF_SAMPLE = np.array([0, 2, 2, 1, 0, 0, 1, 2], np.int32)
DRUG_OF_SAMPLE = np.array([4, 0, 4, 2, 3, 3, 0, 2], np.int32)
WEIGHTS = np.array([1, 2, 0, 1, 0.5, 1, 1, 3], np.float32)

HIERARCHY, _ = compile_hierarchy(random_ontology(6, N_GENES, seed=2))
PLAIN_CELLS, SHARED_CELLS = CELLS[CELL_OF_SAMPLE], Rows(CELLS, CELL_OF_SAMPLE)
PLAIN = {"genotype": PLAIN_CELLS, "fingerprint": DRUGS[DRUG_OF_SAMPLE]}
SHARED = {"genotype": SHARED_CELLS, "fingerprint": Rows(DRUGS, DRUG_OF_SAMPLE)}
SETTINGS = SubsystemSettings(3, heads="tanh_linear", gene_layer=True)


def visible() -> VisibleNetwork:
    return VisibleNetwork(HIERARCHY, SETTINGS, outputs=2, rngs=nnx.Rngs(1))


def response() -> DrugResponseNetwork:
    return DrugResponseNetwork(HIERARCHY, N_BITS, SETTINGS, drug_layers=(7, 4), outputs=2, rngs=nnx.Rngs(1))


def dense() -> DenseNetwork:
    return DenseNetwork(HIERARCHY.genes, N_BITS, hidden=6, outputs=2, rngs=nnx.Rngs(1))


CASES = [(visible, PLAIN_CELLS, SHARED_CELLS), (response, PLAIN, SHARED), (dense, PLAIN, SHARED)]
MIXED = {"genotype": SHARED_CELLS, "fingerprint": PLAIN["fingerprint"]}


@partial(jit, static_argnums=0)
def gradient(graph: Any, params: Any, rest: Any, inputs: Any, weights: Any) -> Any:
    def loss(params: Any) -> jax.Array:
        found = nnx.merge(graph, params, rest, copy=True)(inputs, weights=weights, train=True)
        squared = (found.output**2).sum(axis=1) + (found.auxiliary**2).sum(axis=(1, 2))
        return squared @ weights

    return jax.grad(loss)(params)


@pytest.mark.parametrize("make", [visible, response, dense])
@pytest.mark.parametrize(
    ("weights", "train"), [(None, False), (None, True), (WEIGHTS, True)], ids=["inference", "training", "weighted"]
)
def test_shared_rows_equal_plain_rows(make, weights, train):
    plain, shared = next(each[1:] for each in CASES if each[0] is make)
    found = []
    for inputs in (plain, shared, MIXED) if isinstance(plain, dict) and train else (plain, shared):
        model = make()
        randomize(model, 3)
        prediction = call(model, inputs, weights=weights, train=train)
        found.append((prediction, named_arrays(model)))
    for other in found[1:]:
        for mine, theirs in zip(found[0][0][:3], other[0][:3], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
        for name, array in found[0][1].items():
            np.testing.assert_allclose(array, other[1][name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("make", "plain", "shared"), CASES[:2])
def test_gradients_are_the_same(make, plain, shared):
    model = make()
    randomize(model, 3)
    # In double precision: normalization of a unit that hardly varies blows up the rounding of single numbers.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        graph, params, rest = nnx.split(in_double_precision(model), nnx.Param, ...)
        one, two = (gradient(graph, params, rest, inputs, WEIGHTS.astype(float)) for inputs in (plain, shared))
        for mine, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-9 * np.abs(mine).max())


@pytest.mark.parametrize(("make", "plain", "shared"), CASES[:2])
def test_a_gate_of_one_sample_does_not_reach_others_of_its_row(make, plain, shared):
    model = make()
    randomize(model, 3)
    rng = np.random.default_rng(8)
    gate = rng.random((8, 6)).astype(np.float32)
    shift = rng.normal(size=(8, 18)).astype(np.float32)
    expected = call(model, plain, gate=gate, shift=shift)
    for mine, theirs in zip(expected[:3], call(model, shared, gate=gate, shift=shift)[:3], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    # As many rows as samples, in another order: a gate laid on rows would go unnoticed by its shape.
    if make is visible:
        turned = Rows(plain[::-1].copy(), np.arange(8, dtype=np.int32)[::-1].copy())
        for mine, theirs in zip(expected[:3], call(model, turned, gate=gate, shift=shift)[:3], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_rows_are_shared_as_long_as_samples_need_not_differ():
    rows = Rows(CELLS, CELL_OF_SAMPLE)
    by_sample, by_term = np.ones((8, 6), np.float32), np.ones(6, np.float32)
    assert unshared(rows, None, by_term) is rows
    for arguments in ((by_sample, None), (by_term, by_sample), (None, by_sample)):
        np.testing.assert_array_equal(unshared(rows, *arguments), PLAIN_CELLS)
    assert unshared(PLAIN_CELLS, by_sample) is PLAIN_CELLS


def test_modalities_that_a_model_does_not_take():
    with pytest.raises(KgnnError, match="the samples have 2 modalities: genotype, fingerprint, but a visible network"):
        visible()(PLAIN)
    with pytest.raises(KgnnError, match="the modalities are expression, but a drug response network takes 'genotype'"):
        response()({"expression": CELLS})
    with pytest.raises(KgnnError, match="the modalities are one without a name"):
        response()(CELLS)
