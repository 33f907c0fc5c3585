"""Every recipe keeps the promises of the zoo: one table over `RECIPES`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Modality, Samples, Targets, toy
from kgnn.errors import KgnnError, TrainingError
from kgnn.perturb import knockdown
from kgnn.structure import compile_hierarchy
from kgnn.train import fit, load_run, predict
from kgnn.train.device_data import batch_inputs, device_data
from kgnn.train.engine import Engine
from kgnn.zoo import RECIPES, Recipe, build_model, fit_recipe, recipe
from tests.models.compiled import call, jit

TOY = toy("additive", n_samples=43)
EVERY_VERSION = [(each, version) for each in RECIPES for version in each.card.versions]


def samples_for(each: Recipe) -> Samples:
    """Toy samples with the tables that a recipe takes."""
    if len(each.modalities) == 1:
        return TOY.samples
    genes = replace(TOY.samples.modalities[TOY.samples.gene_modality])
    random = np.random.default_rng(0)
    bits = (random.random((5, 11)) < 0.4).astype(np.uint8)
    drugs = Modality(bits, tuple(f"bit {k}" for k in range(11)), tuple("vwxyz"), "signal")
    cell = np.arange(43, dtype=np.int32) % 7
    drug = np.arange(43, dtype=np.int32) % 5
    genotype = Modality(genes.values[:7], genes.features, genes.rows[:7], "alteration")
    target = genes.values[cell].sum(axis=1) + bits[drug].sum(axis=1)
    return Samples(
        names=tuple(f"pair {k}" for k in range(43)),
        modalities=dict(zip(each.modalities, (genotype, drugs), strict=True)),
        row_of_sample=dict(zip(each.modalities, (cell, drug), strict=True)),
        targets=Targets(target[:, None].astype(np.float32), ("response",), "regression"),
        covariates={"cell": cell.astype(str), "drug": drug.astype(str)},
    )


def config_for(each: Recipe, version: str):
    return each.config(version).updated({"epochs": 2, "batch_size": 16, "replicates": 1, "checkpoint_every": 0})


@pytest.mark.parametrize(("each", "version"), EVERY_VERSION, ids=lambda value: getattr(value, "card", value))
def test_builds_trains_and_every_parameter_gets_a_gradient(each: Recipe, version: str):
    samples = samples_for(each)
    hierarchy, _ = compile_hierarchy(TOY.ontology, samples.genes)
    model = build_model(each, hierarchy, samples, version=version)
    data = device_data(samples)
    inputs = batch_inputs(data, jnp.arange(len(samples)))
    prediction = call(model, inputs)
    assert prediction.output.shape == (43, 1)
    assert prediction.auxiliary.shape == (43, len(model.heads), 1)
    assert prediction.states.shape == (43, len(model.term_of_state))
    assert model.terms == hierarchy.terms
    graph, params, rest = nnx.split(model, nnx.Param, ...)

    def loss(params):
        found = nnx.merge(graph, params, rest, copy=True)(inputs, train=True)
        wave = jnp.sin(jnp.arange(found.output.size, dtype=jnp.float32)).reshape(found.output.shape)
        return (found.output * wave).sum() + (found.auxiliary * wave[:, None] ** 2).sum()

    for path, gradient in nnx.to_flat_state(jit(jax.grad(loss))(params)):
        assert np.any(gradient[...] != 0), path
    assert each.card.doi.startswith("10.")
    assert each.build.__doc__ is not None and each.card.doi in each.build.__doc__
    assert each.card.versions[version] in each.describe()


@pytest.mark.parametrize("each", RECIPES, ids=lambda each: each.card.name)
def test_compiles_once(each: Recipe):
    samples = samples_for(each)
    hierarchy, _ = compile_hierarchy(TOY.ontology, samples.genes)
    model = build_model(each, hierarchy, samples)
    engine = Engine(model, config_for(each, ""), len(samples))
    state, data = engine.start(model, 0), device_data(samples)
    for _ in range(3):
        state, _ = engine.run_epoch(state, data)
    assert engine.run_epoch._cache_size() == 1


@pytest.mark.parametrize("each", RECIPES, ids=lambda each: each.card.name)
def test_saves_loads_bit_for_bit_and_knocks_down(each: Recipe, tmp_path: Path):
    samples = samples_for(each)
    hierarchy, _ = compile_hierarchy(TOY.ontology, samples.genes)
    model = build_model(each, hierarchy, samples)
    run = fit(model, samples, config_for(each, ""), out=tmp_path, baselines=())
    loaded = load_run(tmp_path)
    assert predict(run.model, samples).tobytes() == predict(loaded.model, samples).tobytes()
    effects = knockdown(loaded, hierarchy.genes[3])
    assert set(effects["target"]) == {"output", "subsystem"}
    assert np.isfinite(effects["effect"]).all()


def test_groups_are_left_out_whole_beside_the_same_baselines():
    each = recipe("drugcell")
    settings = {"epochs": 1, "batch_size": 16, "checkpoint_every": 0}
    run = fit_recipe(
        each, TOY.ontology, samples_for(each), settings=settings, leave_out=["cell"], baselines=("mean", "linear")
    )
    found = run.metrics["leave_out"]["cell"]
    assert found["n_groups"] == 2
    assert set(found["baselines"]) == set(run.metrics["baselines"]) == {"mean", "ridge"}


def test_unknown_names_list_the_known_ones():
    with pytest.raises(KgnnError, match="Choose one of: dcell, drugcell"):
        recipe("pcell")
    with pytest.raises(KgnnError, match="Choose one of: code, paper, robust"):
        recipe("dcell").config("newest")
    with pytest.raises(TrainingError, match="Options of dcell"):
        fit_recipe(recipe("dcell"), TOY.ontology, TOY.samples, settings={"color": "red"})
    with pytest.raises(TrainingError, match="takes 2 tables"):
        hierarchy, _ = compile_hierarchy(TOY.ontology, TOY.samples.genes)
        build_model(recipe("drugcell"), hierarchy, TOY.samples)


def test_dcell_has_the_widths_of_the_paper_and_of_the_code():
    samples = TOY.samples
    hierarchy, _ = compile_hierarchy(TOY.ontology, samples.genes)
    for version, least, share, whole in (("paper", 20, 0.3, np.ceil), ("code", 10, 0.2, np.floor)):
        model = build_model(recipe("dcell"), hierarchy, samples, version=version)
        expected = np.maximum(least, whole(np.round(share * hierarchy.n_genes_of_term, 9)))
        np.testing.assert_array_equal(np.bincount(model.term_of_state), expected)
