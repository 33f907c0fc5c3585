"""`importance`: the table, what it is measured on, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas
import pytest

from kgnn.data import Samples
from kgnn.data.measured import Targets
from kgnn.data.splits import folds
from kgnn.errors import AlignmentError, KgnnError
from kgnn.interpret import importance, node_sensitivity
from kgnn.interpret.evidence import gather_evidence
from kgnn.interpret.rlipp import rlipp
from kgnn.perturb.forward import inputs_of
from tests.models.compiled import call
from tests.perturb.runs import GENES, response_network, run_of, samples, screen, some_run

COLUMNS = ["term", "name", "level", "n_genes", "output", "measure", "importance", "importance_low", "importance_high",
           "same_sign", "n_replicates", "null_mean", "null_sd", "p_value", "q_value"]  # fmt: skip


def values(table: pandas.DataFrame, column: str, terms: tuple[str, ...], outputs: tuple[str, ...]) -> np.ndarray:
    """A column as ``[term, output]``."""
    return table.pivot(index="term", columns="output", values=column).loc[list(terms), list(outputs)].to_numpy()


@pytest.mark.parametrize("measure", ["rlipp", "sensitivity", "knockdown"])
@pytest.mark.parametrize("kind", ["one", "replicates"])
def test_the_table_has_a_row_a_term_and_output(measure: str, kind: str) -> None:
    run = some_run(kind)
    table = importance(run, measure, samples=samples(31), n_null=4)
    further = ["rho_parent", "rho_children", "rlipp"] if measure == "rlipp" else []
    assert list(table.columns) == [*COLUMNS, *further, "rank"]
    assert table["output"].tolist() == ["growth"] * 5 + ["size"] * 5
    assert table["rank"].tolist() == [1, 2, 3, 4, 5] * 2
    assert set(table["measure"]) == {measure}
    for _, rows in table.groupby("output"):
        assert (np.diff(rows["importance"]) <= 0).all()
        assert set(rows["term"]) == set(run.hierarchy.terms)
    root = table[table["term"] == "R"].iloc[0]
    assert (root["name"], root["level"], root["n_genes"]) == ("process R", 2, 8)
    assert table["p_value"].between(1 / 21, 1).all() and (table["q_value"] >= table["p_value"] - 1e-12).all()
    assert table.equals(importance(run, measure, samples=samples(31), n_null=4))


@pytest.mark.parametrize("measure", ["rlipp", "knockdown"])
def test_without_a_null_there_are_no_p_values(measure: str) -> None:
    table = importance(some_run(), measure, n_null=0)
    assert table[["null_mean", "null_sd", "p_value", "q_value"]].isna().all(axis=None)
    assert table["importance"].notna().all()


def test_terms_of_equal_importance_stay_in_level_order() -> None:
    run = some_run()
    flat = run.samples.with_gene_values(np.ones((13, 8)))
    table = importance(run, "rlipp", samples=flat, n_null=0)
    assert (table["importance"] == 0).all()
    assert table["term"].tolist() == [*run.hierarchy.terms] * 2


def test_rlipp_is_that_of_states_and_genes_out_of_fold() -> None:
    run, data = some_run(), samples(40)
    table = importance(run, "rlipp", samples=data, n_null=3, n_folds=4, seed=6)
    states = np.asarray(call(run.model, jnp.asarray(data.gene_values())).states)
    term_of_state = np.asarray(run.model.term_of_state)  # type: ignore[attr-defined]
    parts = folds(data, 4, stratify=False, seed=6)
    expected = rlipp(run.hierarchy, term_of_state, states, data.gene_values(), data.targets.values, parts)
    named = (run.hierarchy.terms, run.output_names)
    np.testing.assert_allclose(values(table, "rho_parent", *named), expected.rho_parent, atol=1e-4)
    np.testing.assert_allclose(values(table, "rho_children", *named), expected.rho_children, atol=1e-4)
    gain = values(table, "rho_parent", *named) - values(table, "rho_children", *named)
    np.testing.assert_allclose(values(table, "importance", *named), gain)
    no_ratio = values(table, "rho_children", *named) <= 0
    np.testing.assert_array_equal(np.isnan(values(table, "rlipp", *named)), no_ratio)


def test_the_target_may_be_the_models_own_prediction() -> None:
    run, data = some_run(), samples(40)
    table = importance(run, "rlipp", samples=replace(data, targets=None), target="predicted", n_null=0)
    root = table[table["term"] == "R"]
    assert (root["rho_parent"] > 0.999).all()
    with pytest.raises(KgnnError, match="the samples have no targets"):
        importance(run, "rlipp", samples=replace(data, targets=None))


def test_classes_are_met_by_name() -> None:
    run = some_run(task="classes")
    data = samples(40, task="classes")
    codes = data.require_targets().values
    renamed = replace(data, targets=Targets((2 - codes).astype(np.int32), ("NK", "B", "T"), "classes"))
    expected = importance(run, "rlipp", samples=data, n_null=0)
    assert importance(run, "rlipp", samples=renamed, n_null=0).equals(expected)
    assert set(expected["output"]) == {"T", "B", "NK"}
    unknown = replace(data, targets=Targets(codes, ("T", "B", "plasma"), "classes"))
    with pytest.raises(AlignmentError, match="1 classes of the samples are not among the 3 known: plasma"):
        importance(run, "rlipp", samples=unknown)


def test_states_of_many_samples_are_those_of_few() -> None:
    run, data = some_run(), samples(700)
    whole = gather_evidence(run.model, data, "observed")
    some = gather_evidence(run.model, data.take(np.arange(600, 700)), "predicted")
    np.testing.assert_allclose(whole.states[600:], some.states, atol=1e-5)
    np.testing.assert_array_equal(whole.targets, data.require_targets().values)
    expected = call(run.model, jnp.asarray(data.gene_values()[600:])).output
    np.testing.assert_allclose(some.targets, expected, atol=1e-5)


def test_samples_that_share_genes_count_once_each_relative_to_its_drug() -> None:
    data = screen(12)
    run = run_of(response_network(), data)
    keep = np.random.default_rng(0).permutation(60)[:50]
    part = data.take(keep)
    evidence = gather_evidence(run.model, part, "observed")
    assert evidence.targets.shape == (12, 1) and len(evidence.samples) == 12
    response = part.require_targets().values[:, 0].astype(float)
    cell, drug = keep // 5, keep % 5
    relative = response - np.array([response[drug == each].mean() for each in drug])
    expected = [relative[cell == each].mean() for each in range(12)]
    np.testing.assert_allclose(evidence.targets[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(evidence.genes, data.modalities["genotype"].values)
    states = call(run.model, inputs_of(part)).states
    for each in range(12):
        np.testing.assert_allclose(evidence.states[each], states[np.flatnonzero(cell == each)[0]], atol=1e-5)
    assert len(importance(run, "rlipp", samples=part, n_null=3)) == 5
    with pytest.raises(KgnnError, match="7 samples with different genes are too few"):
        importance(run, "rlipp", samples=screen(7))


def test_the_other_measures_draw_samples() -> None:
    run, data = some_run(), samples(50)
    chosen = np.sort(np.random.default_rng(2).choice(50, 12, replace=False))
    table = importance(run, "sensitivity", samples=data, n_null=0, max_samples=12, seed=2)
    expected = node_sensitivity(run.model, inputs_of(data.take(chosen)))
    np.testing.assert_allclose(values(table, "importance", run.hierarchy.terms, run.output_names), expected, atol=1e-6)


def test_the_root_never_stands_out_of_the_shuffled_models() -> None:
    table = importance(some_run(), "knockdown", n_null=5)
    root = table[table["term"] == "R"]
    np.testing.assert_allclose(root["null_mean"], root["importance"])
    assert (root["null_sd"] < 1e-9).all() and (root["p_value"] > 0.2).all()


def test_progress_is_told() -> None:
    steps: list[tuple[int, int]] = []
    importance(some_run(), "knockdown", n_null=3, progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    steps.clear()
    importance(some_run(), "rlipp", n_null=3, progress=lambda *step: steps.append(step))
    assert steps == [(term, 5) for term in range(1, 6)]


def test_what_cannot_be_measured_is_refused() -> None:
    run = some_run()
    with pytest.raises(KgnnError, match="measure is 'shap', which is not known"):
        importance(run, "shap")
    with pytest.raises(KgnnError, match="target is 'both', which is not known"):
        importance(run, target="both")
    with pytest.raises(KgnnError, match="9 samples are too few"):
        importance(run, samples=samples(9))
    with pytest.raises(KgnnError, match="n_null is 2. Give 0 for no null, or at least 3"):
        importance(run, n_null=2)
    with pytest.raises(KgnnError, match="n_null is -1"):
        importance(run, n_null=-1)
    with pytest.raises(KgnnError, match="max_samples is 3"):
        importance(run, "knockdown", max_samples=3)
    with pytest.raises(KgnnError, match="n_folds is 1 "):
        importance(run, n_folds=1)
    with pytest.raises(KgnnError, match="kind 'classes', but the model predicts 'regression'"):
        importance(run, samples=samples(task="classes"))
    one = Targets(np.zeros((13, 1), np.float32), ("growth",), "regression")
    with pytest.raises(KgnnError, match="have 1 targets, but the model has 2 outputs"):
        importance(run, samples=replace(samples(), targets=one))
    fewer = Samples.from_values(np.ones((13, 7)), GENES[:-1], meaning="abundance")
    with pytest.raises(AlignmentError, match="1 of 8 genes of the model are not in the samples: d_é"):
        importance(run, samples=fewer)
