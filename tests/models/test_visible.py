"""The visible network equals its equations, whatever the settings, the ontology, the buckets and the order of terms."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.knowledge import read_ontology
from kgnn.knowledge.ontology import Ontology
from kgnn.layers import Prediction, StateRule, SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call
from tests.models.reference import NaiveSubsystems
from tests.models.weights import in_double_precision, naive_subsystems, named_arrays, randomize

ACTIVATIONS = ("tanh", "relu", "sigmoid", "gelu", "identity")
NORMS = ("after", "before", "none")
HEADS = ("tanh_linear", "tanh", "linear")
STATES = (3, StateRule(2, 0.3), StateRule(1, 0.7, "down"))
# Every pair of two choices occurs in one of these.
CHOSEN = [
    SubsystemSettings(
        STATES[(k // 3 + 2 * k) % 3],
        activation,
        norm,
        heads=HEADS[(k // 3 + k) % 3],
        heads_read="activation" if "101010010011110"[k] == "1" else "state",
        gene_layer="001110100100110"[k] == "1",
    )
    for k, (activation, norm) in enumerate(product(ACTIVATIONS, NORMS))
]
any_settings = st.builds(
    SubsystemSettings,
    n_states=st.one_of(st.integers(1, 4), st.sampled_from(STATES)),
    activation=st.sampled_from(ACTIVATIONS),
    norm=st.sampled_from(NORMS),
    heads=st.sampled_from(HEADS),
    heads_read=st.sampled_from(("state", "activation")),
    gene_layer=st.booleans(),
    dropout=st.just(0.0),
    dropout_from_level=st.just(0),
    initial_scale=st.sampled_from((1.0, 0.3)),
    precision=st.just("float32"),
    gene_dropout=st.just(0.0),
    dropout_rule=st.just("plain"),
    signed=st.just(False),
    last_activation=st.just(""),
    annotation_price=st.just(0.0),
    relation_price=st.just(0.0),
    price_rule=st.just("l0"),
    root_states=st.sampled_from((0, 3)),
)


def make(ontology: Ontology, chosen: SubsystemSettings, seed: int, n_outputs: int = 2) -> VisibleNetwork:
    hierarchy, _ = compile_hierarchy(ontology)
    model = VisibleNetwork(hierarchy, chosen, outputs=n_outputs, rngs=nnx.Rngs(seed))
    randomize(model, seed)
    return model


def expected(model: VisibleNetwork, ontology: Ontology, x: np.ndarray, **arguments):
    """Output, auxiliary and states by the naive reference, and the reference itself."""
    naive = naive_subsystems(model.subsystems, model.hierarchy, ontology)
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    scaled = (x.astype(np.float64) - arrays["gene_scaling.center"]) / arrays["gene_scaling.scale"]
    states, heads = naive(dict(zip(model.genes, scaled.T, strict=True)), **arguments)
    output = states[model.hierarchy.root] @ arrays["output_layer.kernel"].T + arrays["output_layer.bias"]
    scale, center = arrays["output_scaling.scale"], arrays["output_scaling.center"]
    auxiliary = np.zeros((len(x), len(model.heads), len(scale)))
    for number, name in enumerate(model.heads):
        auxiliary[:, number] = heads[name] * scale + center
    return output * scale + center, auxiliary, np.concatenate([states[t] for t in model.terms], axis=1), naive


def assert_equal(model: VisibleNetwork, ontology: Ontology, seed: int) -> None:
    """Inference under a gate and a shift, and training with weights, each against the reference."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(9, len(model.genes))).astype(np.float32)
    gate = rng.choice([0.0, 0.4, 1.0], size=(9, len(model.terms))).astype(np.float32)
    shift = rng.normal(size=(9, len(model.term_of_state))).astype(np.float32)
    weights = np.array([1, 2, 0, 1, 0.5, 1, 3, 1, 1], np.float32)
    owner = np.array(model.term_of_state)
    by_term = {
        "gate": dict(zip(model.terms, gate.T, strict=True)),
        "shift": {term: shift[:, owner == number] for number, term in enumerate(model.terms)},
    }
    assert_close(call(model, x, gate=gate, shift=shift), expected(model, ontology, x, **by_term), 1e-5)
    # Normalization blows up the rounding of units that hardly vary: in double precision only mistakes remain.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        double = in_double_precision(model)
        found = call(double, x, weights=weights.astype(np.float64), train=True)
        moved = named_arrays(double.subsystems)
    reference = expected(model, ontology, x, weights=weights.astype(np.float64), train=True)
    assert_close(found, reference, 1e-8)
    assert_averages_moved(model, moved, reference[-1], 1e-8)


def assert_close(found: Prediction, reference: Any, tolerance: float) -> None:
    for mine, theirs in zip(found[:3], reference[:3], strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def assert_averages_moved(model: VisibleNetwork, moved: Any, naive: NaiveSubsystems, tolerance: float) -> None:
    if model.subsystems.norm is not None:
        for name in ("mean", "variance"):
            averages = np.concatenate([getattr(naive.weights[term].norm, name) for term in model.terms])
            np.testing.assert_allclose(moved[f"norm.{name}"], averages, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("number", range(len(CHOSEN)))
def test_equals_the_equations(number):
    ontology = random_ontology(5 + number, 7 + 2 * number, seed=number)
    assert_equal(make(ontology, CHOSEN[number], number), ontology, number)


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(1, 16), st.integers(1, 25), any_settings, st.integers(0, 1_000))
def test_equals_the_equations_whatever_is_chosen(n_terms, n_genes, chosen, seed):
    ontology = random_ontology(n_terms, n_genes, seed)
    assert_equal(make(ontology, chosen, seed), ontology, seed)


def test_every_pair_of_choices_was_tried():
    for one, other in combinations(("n_states", "activation", "norm", "heads", "heads_read", "gene_layer"), 2):
        tried = {(getattr(each, one), getattr(each, other)) for each in CHOSEN}
        assert tried == set(product({pair[0] for pair in tried}, {pair[1] for pair in tried})), (one, other)


@pytest.mark.parametrize(
    ("chosen", "train"),
    [
        (SubsystemSettings(6, heads="tanh_linear"), False),
        (SubsystemSettings(6, heads="tanh_linear", gene_layer=True, initial_scale=0.1), True),
    ],
)
def test_equals_the_equations_on_the_drugcell_ontology(shared_data, chosen, train):
    ontology = read_ontology(shared_data / "drugcell" / "drugcell_ont.txt.gz")
    model = make(ontology, chosen, seed=1, n_outputs=1)
    assert len(model.terms) == 2_086 and len(model.term_of_state) == 6 * 2_086
    x = (np.random.default_rng(2).random((13, 3_008)) < 0.1).astype(np.float32)
    if not train:
        assert_close(call(model, x), expected(model, ontology, x), 1e-5)
        return
    # Normalization blows up the rounding of units that hardly vary: in double precision only mistakes remain.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        double = in_double_precision(model)
        found = call(double, x, train=True)
        moved = named_arrays(double.subsystems)
    reference = expected(model, ontology, x, train=True)
    assert_close(found, reference, 1e-8)
    assert_averages_moved(model, moved, reference[-1], 1e-8)
