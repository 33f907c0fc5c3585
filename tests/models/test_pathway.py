"""The pathway network equals its equations; gaps are never read; levels, features and heads mean what they say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers import LogStateRule, SubsystemSettings
from kgnn.models import PathwayNetwork, Rows, VisibleNetwork, build
from kgnn.models.build import arguments_from_json, arguments_to_json
from kgnn.structure import Hierarchy, compile_hierarchy
from tests.models.compiled import call
from tests.models.weights import naive_subsystems, named_arrays, randomize

ONTOLOGY = random_ontology(9, 13, 4)
HIERARCHY, _ = compile_hierarchy(ONTOLOGY)
FEATURES = ("mutation", "deletion", "amplification")
N = 11


def tables(names: tuple[str, ...], seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(N, 13)).astype(np.float32) for name in names}


def naive(model: PathwayNetwork, given: dict[str, np.ndarray] | np.ndarray):
    """Output, auxiliary and states by loops over features, terms and levels."""
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    first = given[model.features[0]] if model.features else given
    scaled = (first.astype(np.float64) - arrays["gene_scaling.center"]) / arrays["gene_scaling.scale"]
    genes = scaled
    if model.features:
        if "measured" in model.features:
            scaled = scaled * given["measured"]
        columns = [scaled, *(given[name] for name in model.features[1:])]
        weights = arrays["gene_features.weights"]
        summed = sum(weights[f] * column for f, column in enumerate(columns)) + arrays["gene_features.bias"]
        genes = np.tanh(summed)
        if "gene_features.norm.mean" in arrays:
            off = genes - arrays["gene_features.norm.mean"]
            genes = off / np.sqrt(arrays["gene_features.norm.variance"] + 1e-5)
            genes = genes * arrays["gene_features.norm.scale"] + arrays["gene_features.norm.bias"]
    body = naive_subsystems(model.subsystems, HIERARCHY, ONTOLOGY)
    states, heads = body(dict(zip(model.genes, genes.T, strict=True)))
    scale, center = arrays["output_scaling.scale"], arrays["output_scaling.center"]
    joined = np.concatenate([states[term] for term in model.terms], axis=1)
    if model.readout == "root":
        output = states[HIERARCHY.root] @ arrays["output_layer.kernel"].T + arrays["output_layer.bias"]
        read = [heads[name] for name in model.heads]
    else:
        levels = [genes] if model.features else []
        for level in range(HIERARCHY.n_levels):
            levels.append(
                np.concatenate([states[t] for t in np.array(model.terms)[HIERARCHY.level_of_term == level]], 1)
            )
        read, start = [], 0
        for number, rows in enumerate(levels):
            kernel = arrays["level_heads.kernel"][:, start : start + rows.shape[1]]
            read.append(rows @ kernel.T + arrays["level_heads.bias"][number])
            start += rows.shape[1]
        if model.readout == "linear":
            output = sum(weight * head for weight, head in zip(arrays["mixture"], read, strict=True))
        elif model.task == "regression":
            output = np.mean(read, axis=0)
        elif model.task == "classes":
            output = np.log(np.mean([special.softmax(head, axis=1) for head in read], axis=0))
        else:
            output = special.logit(np.mean([special.expit(head) for head in read], axis=0))
    auxiliary = np.stack(read, axis=1) if read else np.zeros((N, 0, len(scale)))
    return output * scale + center, auxiliary * scale + center, joined


@pytest.mark.parametrize(
    ("features", "readout", "task", "chosen", "gene_norm"),
    [
        ((), "root", "regression", SubsystemSettings(2, heads="tanh_linear"), False),
        ((), "mean", "classes", SubsystemSettings(1, norm="before"), False),
        (("expression",), "mean", "classes", SubsystemSettings(1), False),
        (FEATURES, "root", "regression", SubsystemSettings(2, heads="linear"), True),
        (FEATURES, "mean", "labels", SubsystemSettings(1, norm="none"), False),
        (FEATURES[:2], "linear", "regression", SubsystemSettings(LogStateRule(4, 2)), False),
        (FEATURES, "mean", "regression", SubsystemSettings(2), True),
        (("expression", "measured"), "root", "labels", SubsystemSettings(3, heads="none"), False),
    ],
)
def test_equals_its_equations(features, readout, task, chosen, gene_norm):
    model = PathwayNetwork(
        HIERARCHY,
        chosen,
        features=features,
        readout=readout,
        task=task,
        gene_norm=gene_norm,
        outputs=2,
        rngs=nnx.Rngs(0),
    )
    randomize(model, 5)
    given = tables(features) if features else tables(("x",))["x"]
    if "measured" in features:
        given["measured"] = (given["measured"] > 0).astype(np.float32)
    prediction = call(model, given)
    for found, expected in zip(prediction[:3], naive(model, given), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)
    assert prediction.auxiliary.shape[1] == len(model.heads) == len(model.head_weights)


def test_a_feature_that_is_alone_is_the_only_table():
    model = PathwayNetwork(HIERARCHY, features=("expression",), readout="mean", rngs=nnx.Rngs(1))
    assert model.heads[0] == "genes"
    given = tables(("expression",))
    for found, named in zip(call(model, given["expression"])[:3], call(model, given)[:3], strict=True):
        np.testing.assert_array_equal(found, named)


@pytest.mark.parametrize("kind", [PathwayNetwork, VisibleNetwork])
@pytest.mark.parametrize(
    ("n_states", "task", "outputs", "expected"),
    [
        (1, "regression", 5, 5),
        (1, "labels", 1, 1),
        (1, "classes", 5, 4),
        (1, "classes", 2, 1),
        (6, "labels", 5, 6),
        ((2, 1), "regression", 3, 3),
    ],
)
def test_the_root_has_states_for_all_outputs(kind, n_states, task, outputs, expected):
    model = kind(HIERARCHY, SubsystemSettings(n_states), task=task, outputs=outputs, rngs=nnx.Rngs(1))
    own = SubsystemSettings(n_states).states_of_terms(HIERARCHY)
    np.testing.assert_array_equal(np.bincount(model.term_of_state), [*own[:-1], expected])


def test_what_stands_in_a_gap_is_never_read():
    model = PathwayNetwork(HIERARCHY, features=("expression", "measured"), rngs=nnx.Rngs(1))
    randomize(model, 1)
    given = tables(("expression", "measured"))
    given["measured"] = (given["measured"] > 0).astype(np.float32)
    before = call(model, given).output
    filled = np.where(given["measured"] > 0, given["expression"], 1e3).astype(np.float32)
    np.testing.assert_array_equal(call(model, given | {"expression": filled}).output, before)
    other = given | {"measured": np.ones_like(given["measured"])}
    assert np.abs(np.asarray(call(model, other).output) - np.asarray(before)).max() > 1e-3


def test_shared_rows_samples_and_padding_change_nothing():
    model = PathwayNetwork(HIERARCHY, features=FEATURES, gene_norm=True, readout="mean", rngs=nnx.Rngs(2))
    randomize(model, 2)
    given, rows = tables(FEATURES), np.array([3, 3, 0, 10, 7], np.int32)
    alone = np.asarray(call(model, given).output)
    shared = {name: Rows(jnp.asarray(table), jnp.asarray(rows)) for name, table in given.items()}
    np.testing.assert_allclose(call(model, shared).output, alone[rows], atol=1e-6)
    padded = {name: np.concatenate([table, 1e3 * np.ones((4, 13), np.float32)]) for name, table in given.items()}
    weights = jnp.asarray([1.0] * N + [0.0] * 4)
    trained = [nnx.clone(model) for _ in range(2)]
    with_padding = trained[0](padded, weights=weights, train=True).output[:N]
    np.testing.assert_allclose(with_padding, trained[1](given, train=True).output, atol=1e-4)


def copied() -> Hierarchy:
    return compile_hierarchy(ONTOLOGY, skips="copy")[0]


def test_every_parameter_has_a_gradient_and_copies_are_terms():
    hierarchy = copied()
    model = PathwayNetwork(hierarchy, SubsystemSettings(1), features=FEATURES, readout="mean", rngs=nnx.Rngs(3))
    assert model.heads == ("genes", *(f"level {level}" for level in range(hierarchy.n_levels)))
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    given = {name: jnp.asarray(table) for name, table in tables(FEATURES).items()}

    def loss(params):
        found = nnx.merge(graph, params, rest, copy=True)(given, train=True)
        return jnp.square(found.auxiliary - 0.3).sum() + found.output.sum()

    for path, gradient in nnx.to_flat_state(jax.jit(jax.grad(loss))(params)):
        assert np.any(np.asarray(gradient[...]) != 0), path


def test_a_closed_gate_puts_the_reference_in_place_of_a_state():
    model = PathwayNetwork(HIERARCHY, readout="mean", rngs=nnx.Rngs(4))
    randomize(model, 4)
    gate = jnp.ones(HIERARCHY.n_terms).at[2].set(0.0)
    found = call(model, tables(("x",))["x"], gate=gate)
    of_term = np.array(model.term_of_state) == 2
    reference = np.asarray(model.subsystems.reference[...])[of_term]
    np.testing.assert_allclose(np.asarray(found.states)[:, of_term], np.tile(reference, (N, 1)), atol=1e-6)


def test_heads_weigh_by_level_or_by_size():
    growing = PathwayNetwork(HIERARCHY, features=FEATURES, readout="mean", head_weights="growing", rngs=nnx.Rngs(0))
    np.testing.assert_allclose(growing.head_weights, np.exp(np.arange(1, HIERARCHY.n_levels + 2)), rtol=1e-5)
    sized = PathwayNetwork(HIERARCHY, head_weights="level_size", rngs=nnx.Rngs(0))
    for term, weight in enumerate(sized.head_weights):
        level = HIERARCHY.level_of_term[term]
        assert weight == pytest.approx(1 / int((HIERARCHY.level_of_term == level).sum()), rel=1e-5)


def test_arguments_build_the_same_model_again():
    chosen = SubsystemSettings(LogStateRule(4, 2), heads="none")
    model = PathwayNetwork(HIERARCHY, chosen, features=FEATURES, gene_norm=True, outputs=("a", "b"), rngs=nnx.Rngs(7))
    arguments = arguments_from_json(arguments_to_json(model.arguments))
    assert arguments == model.arguments
    again = build(arguments, HIERARCHY, seed=7)
    given = tables(FEATURES)
    np.testing.assert_array_equal(call(again, given).output, call(model, given).output)


def test_wrong_choices_and_tables_are_named():
    with pytest.raises(KgnnError, match="readout"):
        PathwayNetwork(HIERARCHY, readout="top", rngs=nnx.Rngs(0))
    model = PathwayNetwork(HIERARCHY, features=FEATURES, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="takes mutation, deletion, amplification"):
        model(tables(FEATURES[:2]))
    with pytest.raises(KgnnError, match="deletion has not the 13 genes"):
        model(tables(FEATURES) | {"deletion": np.zeros((N, 4), np.float32)})
    plain = PathwayNetwork(HIERARCHY, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="3 modalities"):
        plain(tables(FEATURES))
