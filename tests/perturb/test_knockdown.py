"""`knockdown` against calls of the model by hand: what a value becomes, what moves, what stays exactly where it was."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
from flax import nnx

from kgnn.data import Samples
from kgnn.errors import KgnnError, RunError
from kgnn.layers import Prediction
from kgnn.models import DenseNetwork
from kgnn.perturb import knockdown
from kgnn.perturb.forward import Perturbation, changes, inputs_of, wild_type
from kgnn.perturb.knockdown import wild_type_sample
from kgnn.perturb.table import COLUMNS
from kgnn.train import Run
from tests.perturb.runs import (
    ABOVE,
    GENES,
    call,
    hierarchy,
    network,
    response_network,
    run_of,
    samples,
    screen,
    some_run,
)


def outputs(table: pandas.DataFrame, perturbation: str, column: str = "effect") -> np.ndarray:
    rows = table[(table["target"] == "output") & (table["perturbation"] == perturbation)]
    return rows[column].to_numpy()


def moved(table: pandas.DataFrame, perturbation: str) -> dict[str, float]:
    rows = table[(table["target"] == "subsystem") & (table["perturbation"] == perturbation)]
    return dict(zip(rows["name"], rows["effect"], strict=True))


def by_hand(run: Run, values: np.ndarray, gate: np.ndarray | None = None) -> Prediction:
    chosen = {} if gate is None else {"gate": jnp.asarray(gate, jnp.float32)}
    return call(run.model, jnp.asarray(values, jnp.float32), **chosen)


def terms_of_states(run: Run) -> np.ndarray:
    return np.asarray(run.model.term_of_state)  # type: ignore[attr-defined]


@pytest.mark.parametrize("dose", [1.0, 0.25])
@pytest.mark.parametrize("kind", ["one", "replicates"])
def test_an_abundance_goes_to_zero_in_the_units_of_the_samples(kind: str, dose: float) -> None:
    run = some_run(kind)
    values = run.samples.gene_values().copy()
    before = by_hand(run, values)
    values[:, 2] *= 1 - dose
    after = by_hand(run, values)
    table = knockdown(run, "a2", dose=dose)
    delta = np.asarray(after.output - before.output)
    assert list(table.columns) == list(COLUMNS)
    np.testing.assert_allclose(outputs(table, "a2"), delta.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(outputs(table, "a2", "effect_sd"), delta.std(axis=0), atol=1e-5)
    np.testing.assert_allclose(outputs(table, "a2", "wild_type"), np.asarray(before.output).mean(axis=0), atol=1e-5)
    squared = np.square(np.asarray(after.states - before.states)).mean(axis=0)
    term_of_state = terms_of_states(run)
    expected = {term: squared[term_of_state == run.hierarchy.term_index[term]].mean() ** 0.5 for term in ABOVE["a2"]}
    found = moved(table, "a2")
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-5)
    assert all(value > 1e-3 for value in found.values())
    assert set(table["n_samples"]) == {13} and set(table["dose"]) == {dose}


def test_an_alteration_goes_to_one_in_the_wild_type() -> None:
    run = run_of(network(), samples(meaning="alteration"))
    table = knockdown(run, ["c (+)", "r"])
    nothing, altered = np.zeros((1, 8)), np.eye(8)[[4]]
    expected = np.asarray(by_hand(run, altered).output - by_hand(run, nothing).output)[0]
    np.testing.assert_allclose(outputs(table, "c (+)"), expected, atol=1e-6)
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
    np.testing.assert_allclose(outputs(table, "a1"), delta.mean(axis=0), atol=1e-6)
    assert set(table["n_samples"]) == {13}


@pytest.mark.parametrize("kind", ["one", "replicates"])
def test_what_is_not_above_a_perturbation_does_not_move_at_all(kind: str) -> None:
    run = some_run(kind)
    terms = run.hierarchy.terms
    genes = [Perturbation(genes=(gene,)) for gene in range(8)]
    [found] = changes(run.model, inputs_of(run.samples), genes)
    for gene, name in enumerate(GENES):
        above = [term in ABOVE[name] for term in terms]
        assert (found.states[gene][above] > 0).all()
        assert (found.states[gene][~np.array(above)] == 0).all()


def test_no_dose_and_no_gene_change_nothing_at_all() -> None:
    run = some_run()
    table = knockdown(run, "all", subsystems="all", pairs="all", dose=0.0)
    assert (table["effect"] == 0).all()
    assert (table["epistasis"].dropna() == 0).all()
    [nothing] = changes(run.model, inputs_of(run.samples), [Perturbation()])
    assert all((each == 0).all() for each in nothing[1:])


@pytest.mark.parametrize("dose", [1.0, 0.4])
@pytest.mark.parametrize("kind", ["one", "replicates"])
def test_a_subsystem_is_replaced_by_its_mean_state(kind: str, dose: float) -> None:
    run = some_run(kind)
    term = run.hierarchy.term_index["B"]
    gate = np.ones(5)
    gate[term] = 1 - dose
    values = run.samples.gene_values()
    before, after = by_hand(run, values), by_hand(run, values, gate)
    table = knockdown(run, subsystems="B", dose=dose)
    np.testing.assert_allclose(outputs(table, "B"), np.asarray(after.output - before.output).mean(axis=0), atol=1e-6)
    assert set(moved(table, "B")) == {"B", "R"}
    of_b = terms_of_states(run) == term
    mean = np.asarray(before.states).mean(axis=0)[of_b]
    expected = (1 - dose) * np.asarray(before.states)[:, of_b] + dose * mean
    np.testing.assert_allclose(np.asarray(after.states)[:, of_b], expected, atol=1e-5)


def test_epistasis_is_what_two_genes_do_beyond_the_sum() -> None:
    run = some_run()
    values = run.samples.gene_values()

    def prediction(*genes: int) -> np.ndarray:
        changed = values.copy()
        changed[:, list(genes)] = 0.0
        return np.asarray(by_hand(run, changed).output, dtype=np.float64).mean(axis=0)

    table = knockdown(run, pairs=[("a1", "d.1"), ("r", "c (+)")])
    assert list(dict.fromkeys(table["perturbation"])) == ["a1", "d.1", "r", "c (+)", "a1+d.1", "r+c (+)"]
    assert table.loc[table["kind"] == "gene", "epistasis"].isna().all()
    expected = prediction(1, 5) - prediction(1) - prediction(5) + prediction()
    np.testing.assert_allclose(outputs(table, "a1+d.1", "epistasis"), expected, atol=1e-5)
    assert np.abs(expected).max() > 1e-3
    assert set(moved(table, "r+c (+)")) == {"R", "A", "C"}


def test_effects_on_classes_sum_to_zero() -> None:
    run = some_run(task="classes")
    table = knockdown(run, "all", pairs=[("a1", "b/1")], subsystems="all")
    effects = table[table["target"] == "output"]
    assert set(effects["unit"]) == {"probability"}
    assert effects["name"].tolist()[:3] == ["T", "B", "NK"]
    sums = effects.groupby(["kind", "perturbation"])[["effect", "wild_type"]].sum()
    np.testing.assert_allclose(sums["effect"], 0, atol=1e-6)
    np.testing.assert_allclose(sums["wild_type"], 1, atol=1e-6)
    logits = by_hand(run, run.samples.gene_values()).output
    np.testing.assert_allclose(outputs(table, "r", "wild_type"), jax.nn.softmax(logits).mean(axis=0), atol=1e-6)


def test_labels_are_probabilities_of_their_own() -> None:
    run = some_run(task="labels")
    values = run.samples.gene_values().copy()
    before = jax.nn.sigmoid(by_hand(run, values).output)
    values[:, 0] = 0.0
    delta = np.asarray(jax.nn.sigmoid(by_hand(run, values).output) - before)
    np.testing.assert_allclose(outputs(knockdown(run, "r"), "r"), delta.mean(axis=0), atol=1e-6)


def test_more_perturbations_than_a_call_takes_and_a_last_call_that_is_not_full(monkeypatch) -> None:
    run = some_run()
    whole = knockdown(run, "all", pairs="all", subsystems="all")
    steps = []
    monkeypatch.setattr("kgnn.perturb.forward.BATCH", 4)
    parts = knockdown(run, "all", pairs="all", subsystems="all", progress=lambda *step: steps.append(step))
    assert steps[0] == (4, 41) and steps[-1] == (41, 41) and len(steps) == 11
    assert parts.drop(columns=["effect", "effect_sd", "wild_type", "epistasis"]).equals(
        whole.drop(columns=["effect", "effect_sd", "wild_type", "epistasis"])
    )
    np.testing.assert_allclose(parts["effect"], whole["effect"], atol=1e-6)


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
    np.testing.assert_allclose(outputs(table, "d.1"), np.asarray(after - before).mean(axis=0), atol=1e-6)
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
        np.testing.assert_allclose(found, prediction.output, atol=1e-5)
        np.testing.assert_allclose(states, prediction.states, atol=1e-5)


def test_states_are_left_out_on_request() -> None:
    assert set(knockdown(some_run(), "all", states=False)["target"]) == {"output"}


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


@pytest.mark.parametrize("dose", [-0.1, 1.1, float("nan")])
def test_a_dose_lies_between_nothing_and_all(dose: float) -> None:
    with pytest.raises(KgnnError, match="must be between 0"):
        knockdown(some_run(), "a1", dose=dose)


def test_there_must_be_samples_and_subsystems() -> None:
    run = some_run()
    with pytest.raises(KgnnError, match="max_samples is 0"):
        knockdown(run, "a1", max_samples=0)
    with pytest.raises(KgnnError, match="there are no samples to perturb"):
        knockdown(run, "a1", samples=Samples.from_values(np.zeros((0, 8)), GENES, meaning="abundance"))
    dense = replace(run, model=DenseNetwork(GENES, hidden=4, rngs=nnx.Rngs(0)))
    with pytest.raises(RunError, match="has no hierarchy"):
        knockdown(dense, "a1")


def test_a_table_that_would_not_fit_is_refused_before_it_is_computed(monkeypatch) -> None:
    monkeypatch.setattr(import_module("kgnn.perturb.knockdown"), "MOST_STATE_ROWS", 50)
    with pytest.raises(KgnnError, match=r"36 perturbations may change 160 states .* Pass states=False"):
        knockdown(some_run(), pairs="all")
    assert len(knockdown(some_run(), pairs="all", states=False)) == 36 * 2
    assert hierarchy().n_terms == 5
