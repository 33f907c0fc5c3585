"""`knockdown` against calls of the model by hand: what a value becomes, what moves, what stays exactly where it was."""

from __future__ import annotations

from importlib import import_module

import jax
import numpy as np
import pytest

from kgnn.errors import KgnnError
from kgnn.perturb import knockdown
from kgnn.perturb.forward import Perturbation, changes, inputs_of
from kgnn.perturb.table import COLUMNS
from tests.perturb.runs import (
    ABOVE,
    GENES,
    by_hand,
    hierarchy,
    moved,
    outputs,
    some_run,
    terms_of_states,
)


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
    np.testing.assert_allclose(outputs(table, "B"), np.asarray(after.output - before.output).mean(axis=0), atol=1e-5)
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
    np.testing.assert_allclose(outputs(table, "r", "wild_type"), jax.nn.softmax(logits).mean(axis=0), atol=1e-5)


def test_labels_are_probabilities_of_their_own() -> None:
    run = some_run(task="labels")
    values = run.samples.gene_values().copy()
    before = jax.nn.sigmoid(by_hand(run, values).output)
    values[:, 0] = 0.0
    delta = np.asarray(jax.nn.sigmoid(by_hand(run, values).output) - before)
    np.testing.assert_allclose(outputs(knockdown(run, "r"), "r"), delta.mean(axis=0), atol=1e-5)


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


def test_states_are_left_out_on_request() -> None:
    assert set(knockdown(some_run(), "all", states=False)["target"]) == {"output"}


@pytest.mark.parametrize("dose", [-0.1, 1.1, float("nan")])
def test_a_dose_lies_between_nothing_and_all(dose: float) -> None:
    with pytest.raises(KgnnError, match="must be between 0"):
        knockdown(some_run(), "a1", dose=dose)


def test_a_table_that_would_not_fit_is_refused_before_it_is_computed(monkeypatch) -> None:
    monkeypatch.setattr(import_module("kgnn.perturb.knockdown"), "MOST_STATE_ROWS", 50)
    with pytest.raises(KgnnError, match=r"36 perturbations may change 160 states .* Pass states=False"):
        knockdown(some_run(), pairs="all")
    assert len(knockdown(some_run(), pairs="all", states=False)) == 36 * 2
    assert hierarchy().n_terms == 5
