"""Which samples `knockdown` perturbs: the wild type, held-out or given ones; shared rows, any order, any number."""

from __future__ import annotations

import logging
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples
from kgnn.errors import AlignmentError, KgnnError
from kgnn.models import DenseNetwork
from kgnn.perturb import knockdown
from kgnn.perturb.forward import wild_type
from kgnn.perturb.knockdown import wild_type_sample
from tests.models.compiled import call
from tests.perturb.runs import (
    GENES,
    by_hand,
    network,
    outputs,
    response_network,
    run_of,
    samples,
    screen,
    some_run,
)


def test_an_alteration_goes_to_one_in_the_wild_type() -> None:
    run = run_of(network(), samples(meaning="alteration"))
    table = knockdown(run, ["c (+)", "r"])
    nothing, altered = np.zeros((1, 8)), np.eye(8)[[4]]
    expected = np.asarray(by_hand(run, altered).output - by_hand(run, nothing).output)[0]
    np.testing.assert_allclose(outputs(table, "c (+)"), expected, atol=1e-5)
    assert set(table["n_samples"]) == {1}
    assert table["effect_sd"].isna().all()
    assert len(wild_type_sample(run.samples)) == 1


def test_an_alteration_goes_to_one_in_samples_that_are_given() -> None:
    run = run_of(network(), samples(meaning="alteration"))
    values = run.samples.gene_values().astype(float)
    altered = values.copy()
    altered[:, 1] = 1.0
    delta = np.asarray(by_hand(run, altered).output - by_hand(run, values).output)
    table = knockdown(run, "a1", samples=run.samples)
    np.testing.assert_allclose(outputs(table, "a1"), delta.mean(axis=0), atol=1e-5)
    assert set(table["n_samples"]) == {13}


def test_shared_rows_are_the_same_as_rows_of_ones_own() -> None:
    shared, plain = screen(), screen(shared=False)
    run = run_of(response_network(), shared)
    options = {"genes": "all", "subsystems": "all", "dose": 0.7}
    one, other = knockdown(run, samples=shared, **options), knockdown(run, samples=plain, **options)
    np.testing.assert_allclose(one["effect"], other["effect"], atol=1e-6)
    np.testing.assert_allclose(one["wild_type"], other["wild_type"], atol=1e-6)
    assert set(one["n_samples"]) == {35}


def test_of_several_modalities_only_the_genes_are_knocked_down() -> None:
    # The fingerprint comes first in the alphabet, and so inside a compiled function.
    data = screen(shared=False)
    run = run_of(response_network(), data)
    inputs = {name: jnp.asarray(values, jnp.float32) for name, values in dict(data.inputs()).items()}
    before = call(run.model, inputs).output
    after = call(run.model, {**inputs, "genotype": inputs["genotype"].at[:, 5].set(1.0)}).output
    table = knockdown(run, "d.1")
    np.testing.assert_allclose(outputs(table, "d.1"), np.asarray(after - before).mean(axis=0), atol=1e-5)
    assert set(table["n_samples"]) == {35}
    assert np.abs(outputs(table, "d.1")).max() > 1e-4


def test_columns_of_given_samples_may_lie_in_another_order_with_others_between() -> None:
    run = some_run()
    data = run.samples
    order = [7, 3, 5, 1, 0, 2, 4, 6]
    values = np.concatenate([data.gene_values()[:, order], np.full((13, 1), 9.0)], axis=1)
    other = Samples.from_values(values, (*(GENES[position] for position in order), "unknown"), meaning="abundance")
    expected = knockdown(run, "a1", samples=data)
    assert knockdown(run, "a1", samples=other).equals(expected)


def test_samples_are_drawn_where_there_are_more_than_asked_for() -> None:
    run = some_run()
    few = knockdown(run, "a1", max_samples=4)
    chosen = np.sort(np.random.default_rng(run.seed).choice(13, 4, replace=False))
    assert set(few["n_samples"]) == {4}
    assert few.equals(knockdown(run, "a1", samples=run.samples.take(chosen)))


def test_wild_type_does_not_depend_on_the_chunk() -> None:
    run = some_run()
    data = samples(600, seed=8)
    prediction = by_hand(run, data.gene_values())
    for chunk in (256, 1024):
        found, states = wild_type(run.model, data, chunk=chunk)
        np.testing.assert_allclose(found, prediction.output, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(states, prediction.states, atol=1e-5, rtol=1e-5)


def test_a_knockdown_needs_values_with_a_zero_that_means_absent(caplog) -> None:
    run = some_run()
    signal = Samples.from_values(run.samples.gene_values(), GENES, meaning="signal")
    with pytest.raises(KgnnError, match="meaning 'signal', and a knockdown of a gene has no value for it"):
        knockdown(run, "a1", samples=signal)
    assert len(knockdown(run, subsystems="A", samples=signal)) == 4
    centered = run.samples.with_gene_values(run.samples.gene_values() - 6.0)
    with caplog.at_level(logging.WARNING):
        knockdown(run, "a1", samples=run.samples)
        assert not caplog.records
        knockdown(run, "a1", samples=centered)
    assert "of the abundances are negative" in caplog.text


def test_there_must_be_samples_and_subsystems() -> None:
    run = some_run()
    with pytest.raises(KgnnError, match="max_samples is 0"):
        knockdown(run, "a1", max_samples=0)
    with pytest.raises(KgnnError, match="there are no samples to perturb"):
        knockdown(run, "a1", samples=Samples.from_values(np.zeros((0, 8)), GENES, meaning="abundance"))
    dense = replace(run, model=DenseNetwork(GENES, hidden=4, rngs=nnx.Rngs(0)))
    with pytest.raises(AlignmentError, match="does not know 1 term: A. It has no terms"):
        knockdown(dense, subsystems="A")
