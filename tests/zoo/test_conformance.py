"""Every recipe keeps the promises of the zoo: one table over `RECIPES`, on the toys of `tests.zoo.toys`."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import kgnn.zoo
from kgnn.errors import KgnnError
from kgnn.interpret import importance
from kgnn.models import Model, build
from kgnn.models.build import arguments_from_json, arguments_to_json
from kgnn.models.contract import reference_of, term_facts
from kgnn.perturb import knockdown
from kgnn.perturb.forward import inputs_of
from kgnn.train import Run, fit, load_run, predict
from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.train.frozen import parameter_names
from kgnn.train.reference import store_reference
from kgnn.zoo import RECIPES, Recipe
from kgnn.zoo.compile_knowledge import COMPILERS
from tests.models.compiled import jit
from tests.zoo.toys import N_SAMPLES, Built, built, case_for

EVERY_VERSION = [(each, version) for each in RECIPES for version in each.card.versions]
PER_RECIPE = pytest.mark.parametrize("each", RECIPES, ids=lambda each: each.card.name)
PER_VERSION = pytest.mark.parametrize(
    ("each", "version"), EVERY_VERSION, ids=lambda value: value.card.name if isinstance(value, Recipe) else value
)
MOST_LINES = 2_500
LEAST_SYSTEMS = 22
FOLDER = Path(kgnn.zoo.__file__).parent


# --- the card


@PER_RECIPE
def test_the_card_is_complete(each: Recipe):
    card = each.card
    assert re.fullmatch(r"[a-z][a-z0-9_]*", card.name) and kgnn.zoo.recipe(card.name) is each
    assert len(card.title) > 20 and card.inputs and 1980 < card.year < 2030
    assert re.fullmatch(r"10\.\d{4,}/\S+", card.doi)
    assert card.versions and list(card.versions) == list(each.configs)
    assert all(meaning for meaning in card.versions.values())
    assert card.differs and all(len(text) > 15 for text in card.differs)
    described = each.describe()
    for text in (card.name, str(card.year), card.doi, card.inputs, *card.versions, *card.differs, *each.options):
        assert text in described
    assert each.knowledge in COMPILERS and set(each.tasks) <= {"regression", "classes", "labels"}


def _docstrings() -> dict[str, str]:
    """The string below every recipe of the zoo's source."""
    found = {}
    for file in FOLDER.glob("*.py"):
        body = ast.parse(file.read_text()).body
        for node, after in itertools.pairwise(body):
            if isinstance(node, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[getattr(node.targets[0], "id", "")] = str(after.value.value)
    return found


@PER_RECIPE
def test_the_recipe_is_documented_and_public_by_the_name_of_its_card(each: Recipe):
    assert getattr(kgnn.zoo, each.card.name) is each
    text = _docstrings()[each.card.name]
    assert "References:" in text and (each.card.doi in text or each.card.doi.removeprefix("10.48550/") in text)


@PER_VERSION
def test_options_are_settings_or_arguments_of_the_model(each: Recipe, version: str):
    settings, others = each._settings(version)
    taken = inspect.signature(each.model.__init__ if isinstance(each.model, type) else each.model).parameters
    passes_on = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    assert passes_on or set(each.options) <= {*getattr(settings, "_fields", ()), *others, *taken}


@PER_RECIPE
def test_an_unknown_version_task_or_option_is_refused_with_the_known_ones(each: Recipe):
    structure = object()  # never looked at
    for wrong, named in (
        ({"version": "none"}, each.default_version),
        ({"task": "none"}, each.tasks[0]),
        ({"no_such_option": 1}, next(iter(each.options))),
    ):
        with pytest.raises(KgnnError, match=named):
            each(structure, rngs=nnx.Rngs(0), **wrong)  # type: ignore[arg-type]


def test_names_are_distinct_and_the_zoo_is_large_in_systems_and_small_in_lines():
    names = [each.card.name for each in RECIPES]
    assert len(set(names)) == len(names) >= LEAST_SYSTEMS
    assert sum(len(file.read_text().splitlines()) for file in FOLDER.glob("*.py")) < MOST_LINES


# --- the model


class Moved(NamedTuple):
    """Gradients of a model on its toy."""

    params: nnx.State
    gate: jax.Array
    shift: jax.Array


def _wave(shape: tuple[int, ...]) -> jax.Array:
    return jnp.sin(1.0 + jnp.arange(np.prod(shape), dtype=jnp.float32)).reshape(shape)


def _loss_gradients(found: Built) -> nnx.State:
    """Gradient of the loss of training, so that whatever training moves is told from what it does not."""
    engine = Engine(found.model, found.config, N_SAMPLES)
    _, params, rest = nnx.split(found.model, nnx.Param, ...)
    data = device_data(found.samples)
    ones = jnp.ones(N_SAMPLES)
    gradient = jit(jax.grad(engine._loss, has_aux=True))
    return gradient(params, rest, inputs_of(found.samples), data.targets, ones, ones)[0]


@PER_VERSION
def test_builds_promised_shapes_and_every_parameter_gets_a_gradient(each: Recipe, version: str):
    found = built(each, version)
    model, case = found.model, case_for(each, version)
    assert isinstance(model, Model)
    targets = found.samples.require_targets()
    assert model.task == targets.kind and len(model.output_names) == len(targets.names)
    assert model.structure == found.structure
    assert (model.hierarchy is None) or model.hierarchy == model.structure
    graph, state = nnx.split(model)
    shapes = jax.eval_shape(lambda inputs: nnx.merge(graph, state)(inputs), inputs_of(found.samples))
    assert shapes.output.shape == (N_SAMPLES, len(model.output_names))
    assert shapes.auxiliary.shape == (N_SAMPLES, len(model.heads), len(model.output_names))
    assert shapes.states.shape == (N_SAMPLES, len(model.term_of_state))
    assert {each.dtype for each in (shapes.output, shapes.auxiliary, shapes.states)} == {jnp.dtype("float32")}
    assert set(model.term_of_state) == set(range(len(model.terms))) and len(set(model.terms)) == len(model.terms)
    facts = term_facts(model)
    assert len(facts.names) == len(facts.levels) == len(facts.n_genes) == len(model.terms)
    gradients = jax.tree_util.tree_flatten_with_path(_loss_gradients(found))[0]
    names = parameter_names(model)
    assert len(names) == len(gradients) > 0
    frozen = [part.strip() for part in found.config.frozen.split(",") if part]
    for name, (_, gradient) in zip(names, gradients, strict=True):
        moves = bool(np.any(np.asarray(gradient) != 0))
        stated = any(fnmatch(name, part) for part in frozen) or name.endswith(case.still or ("\0",))
        assert moves or stated, f"{name} gets no gradient"
        assert np.isfinite(np.asarray(gradient)).all(), name


@PER_RECIPE
def test_gate_and_shift_act_and_leave_alone(each: Recipe):
    found = built(each)
    model, case = found.model, case_for(each)
    if not model.terms:
        pytest.skip("the model has no terms")
    inputs = inputs_of(found.samples)
    n_terms, n_states = len(model.terms), len(model.term_of_state)
    reference = reference_of(model)
    assert reference is not None and reference.shape == (n_states,)
    store_reference(model, 0.7 + 0.1 * _wave((n_states,)))
    graph, state = nnx.split(model)

    def outputs(gate: jax.Array | None, shift: jax.Array | None) -> jax.Array:
        return nnx.merge(graph, state)(inputs, gate=gate, shift=shift).output

    def acted(gate: jax.Array, shift: jax.Array) -> jax.Array:
        output = outputs(gate, shift)
        return (output * _wave(output.shape)).sum()

    @partial(jit)
    def measured():
        one, none = jnp.ones(n_terms), jnp.zeros(n_states)
        half = 0.5 * one
        same = [outputs(None, None), outputs(one, none), outputs(jnp.ones((N_SAMPLES, n_terms)), None)]
        same.append(outputs(None, jnp.zeros((N_SAMPLES, n_states))))
        rows = [outputs(half, none), outputs(jnp.tile(half[None, :], (N_SAMPLES, 1)), None)]
        return same, rows, jax.grad(acted, argnums=(0, 1))(one, none)

    same, rows, (by_gate, by_shift) = jax.tree.map(np.asarray, measured())
    scale = max(1.0, float(np.abs(same[0]).max()))
    for other in same[1:]:
        np.testing.assert_allclose(other, same[0], rtol=0, atol=2e-5 * scale)
    np.testing.assert_allclose(rows[1], rows[0], rtol=0, atol=2e-5 * scale)
    acts = np.asarray([term not in case.silent for term in model.terms])
    assert (by_gate[acts] != 0).all(), [term for term, each in zip(model.terms, by_gate, strict=True) if each == 0]
    shifted = np.zeros(n_terms, bool)
    np.logical_or.at(shifted, np.asarray(model.term_of_state), by_shift != 0)
    assert shifted[acts].all(), [term for term, each in zip(model.terms, shifted, strict=True) if not each]


@PER_RECIPE
def test_is_made_anew_from_its_arguments(each: Recipe):
    model = built(each).model
    assert hash(model.arguments) == hash(arguments_from_json(arguments_to_json(model.arguments)))
    again = build(arguments_from_json(arguments_to_json(model.arguments)), model.structure, seed=0)
    assert nnx.graphdef(again) == nnx.graphdef(model)
    for name in ("task", "output_names", "terms", "heads", "genes", "term_of_state", "arguments", "structure"):
        assert getattr(again, name) == getattr(model, name), name


# --- a run of it


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Finished runs by name, filled by the first test that asks."""
    return {}


def run_of(each: Recipe, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    name = each.card.name
    if name not in runs:
        found = built(each)
        folder = tmp_path_factory.mktemp(name)
        runs[name] = fit(found.model, found.samples, found.config, out=folder, baselines=(), recipe=name)
    return runs[name]


@PER_RECIPE
def test_saves_and_loads_bit_for_bit(each: Recipe, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory):
    run, samples = run_of(each, runs, tmp_path_factory), built(each).samples
    assert run.folder is not None
    loaded = load_run(run.folder)
    assert loaded.structure == run.structure and loaded.recipe == each.card.name
    assert predict(run.model, samples).tobytes() == predict(loaded.model, samples).tobytes()
    assert np.isfinite(run.history["loss"]).all()


@PER_RECIPE
def test_knocks_down_and_ranks(each: Recipe, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory):
    run, samples = run_of(each, runs, tmp_path_factory), built(each).samples
    model = run.model
    if samples.meaning in ("alteration", "abundance"):
        effects = knockdown(run, model.genes[3], samples=samples)
        assert np.isfinite(effects["effect"]).all() and "output" in set(effects["target"])
    if not model.terms:
        return
    effects = knockdown(run, subsystems=model.terms[0], samples=samples)
    assert set(effects["target"]) == {"output", "subsystem"}
    assert np.isfinite(effects["effect"]).all()
    assert set(effects.loc[effects["target"] == "subsystem", "name"]) <= set(model.terms)
    for measure in ("sensitivity", "knockdown"):
        ranking = importance(run, measure, samples=samples, n_null=3)
        assert sorted(ranking["term"].unique()) == sorted(model.terms)
        assert len(ranking) == len(model.terms) * len(model.output_names)
        assert np.isfinite(ranking[["importance", "null_mean", "p_value"]].to_numpy()).all()
        assert ranking["importance"].abs().max() > 0


@PER_RECIPE
def test_compiles_once(each: Recipe):
    found = built(each)
    engine = Engine(found.model, found.config, N_SAMPLES)
    state, data = engine.start(found.model, 0), device_data(found.samples)
    for _ in range(3):
        state, losses = engine.run_epoch(state, data)
    assert engine.run_epoch._cache_size() == 1
    assert all(np.isfinite(np.asarray(each)).all() for each in losses)
