"""Nodes ranked by weight alone, and beside networks on control inputs, in the columns of any other importance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest

from kgnn.data import control_samples, log_per_million, regulatory_toy
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.interpret import compare_with_controls, importance, node_weights, rank_nodes
from kgnn.train import Run
from kgnn.zoo import fit_recipe, recipe

TOY = regulatory_toy("planted", n_samples=60, seed=3)


def fitted(samples: Samples, **settings: object) -> Run:
    logs = log_per_million(samples)
    chosen = {"epochs": 4, "replicates": 3, "batch_size": 20, **settings}
    return fit_recipe(
        recipe("kpnn"), TOY.network, logs.take(range(40)), test=logs.take(range(40, 60)), settings=chosen,
        compiling={"unconnected": "drop"}, baselines=(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> tuple[Run, Run]:
    return fitted(TOY.samples), fitted(control_samples(TOY.samples))


def weights_of(run: Run) -> np.ndarray:
    """``[replicate, inner node]`` on the samples that the run held out."""
    return node_weights(run.model, run.samples.with_genes(run.model.genes).gene_values())[:, :-1, 0]


def test_by_size_alone(runs: tuple[Run, Run]):
    run = runs[0]
    table, weights = rank_nodes(run), weights_of(run)
    size = pandas.Series(np.abs(weights).mean(axis=0), run.model.terms[:-1])
    assert table["rank"].tolist() == list(range(1, len(size) + 1))
    assert table["term"].tolist() == size.sort_values(ascending=False, kind="stable").index.tolist()
    np.testing.assert_allclose(table["importance"], size[table["term"]], rtol=1e-6)
    assert table[["null_mean", "null_sd", "p_value", "q_value", "t"]].isna().all(axis=None)
    assert set(table["n_replicates"]) == {3} and (table["importance_low"] < table["importance"]).all()
    signs = np.sign(weights)[:, [run.model.terms.index(term) for term in table["term"]]]
    np.testing.assert_allclose(table["sign"], signs.mean(axis=0))


def test_beside_controls(runs: tuple[Run, Run]):
    run, controls = runs
    table = importance(run, "node_weights", controls=controls)
    nodes = run.model.terms[:-1]
    expected = compare_with_controls(weights_of(run)[:, :, None], weights_of(controls)[:, :, None], nodes)
    assert table["term"].tolist() == expected["node"].tolist()
    for own, other in (("importance", "weight"), ("null_mean", "control"), ("t", "t"), ("q_value", "q_value")):
        np.testing.assert_allclose(table[own], expected[other], rtol=1e-6, atol=1e-9)
    assert table["importance"].between(0, 1).all() and (table["null_sd"] > 0).any()
    others = importance(run, "sensitivity", n_null=0)
    assert set(others) - set(table) == set()


def test_the_papers_difference_and_scale(runs: tuple[Run, Run]):
    run, controls = runs
    exact = importance(run, "node_weights", controls=controls, normalize="quantile").set_index("term")
    assert exact["importance"].max() <= 1 and exact["importance"].mean() == pytest.approx(0.5)
    near = importance(run, "node_weights", controls=controls, normalize="quantile", step=0.001).set_index("term")
    wide = importance(run, "node_weights", step=0.5).set_index("term")["importance"]
    np.testing.assert_allclose(near["t"][exact.index], exact["t"], rtol=0.05, atol=0.2)
    expected = node_weights(run.model, run.samples.with_genes(run.model.genes).gene_values(), step=0.5)
    size = pandas.Series(np.abs(expected[:, :-1, 0]).mean(axis=0), run.model.terms[:-1])
    np.testing.assert_allclose(wide, size[wide.index], rtol=1e-6)
    assert np.abs(wide - rank_nodes(run).set_index("term")["importance"][wide.index]).max() > 1e-6


def with_scores(run: Run, scores: list[float | None]) -> Run:
    """A run whose replicates are said to have these scores on test samples."""
    told = {"test": {"auroc": {"each": scores}}}
    return replace(run, metrics={**run.metrics, "replicates": told})


def test_replicates_that_failed_are_left_out(runs: tuple[Run, Run]):
    run, controls = with_scores(runs[0], [0.9, 0.4, 0.81]), with_scores(runs[1], [0.8, 0.8, None])
    table = rank_nodes(run, controls, least_score=0.8)
    assert set(table["n_replicates"]) == {2} and set(table["n_controls"]) == {2}
    expected = compare_with_controls(
        weights_of(run)[[0, 2], :, None], weights_of(controls)[:2, :, None], run.model.terms[:-1]
    )
    assert table["term"].tolist() == expected["node"].tolist()
    np.testing.assert_allclose(table["t"], expected["t"], rtol=1e-6)
    assert set(rank_nodes(run, least_score=0.85)["n_replicates"]) == {1}
    without = replace(run, metrics={"score": "auroc"})
    assert set(rank_nodes(without)["n_replicates"]) == {3}
    with pytest.raises(RunError, match="the run of the replicates holds no scores of each"):
        rank_nodes(without, least_score=0.5)
    with pytest.raises(KgnnError, match=r"2 of 3 replicates do not reach auroc 0.85 on test samples: 1 \(0.4\), 2"):
        rank_nodes(run, controls, least_score=0.85)
    with pytest.raises(KgnnError, match="2 of 3 controls do not reach"):
        rank_nodes(with_scores(run, [1.0, 1.0, 1.0]), with_scores(controls, [1.0, 0.8, 0.8]), least_score=0.85)


def test_what_does_not_fit_is_refused(runs: tuple[Run, Run]):
    run, controls = runs
    with pytest.raises(KgnnError, match="node_weights alone takes controls, step, but knockdown is chosen"):
        importance(run, "knockdown", controls=controls, step=0.001)
    with pytest.raises(KgnnError, match="the null of node weights are controls"):
        importance(run, "node_weights", n_null=20)
    other = regulatory_toy("hubs", n_samples=12, seed=1)
    elsewhere = fit_recipe(
        recipe("kpnn"), other.network, log_per_million(other.samples), settings={"epochs": 1, "replicates": 2},
        compiling={"unconnected": "drop"}, baselines=(),
    )  # fmt: skip
    with pytest.raises(AlignmentError, match="the nodes of the run and of its controls differ"):
        rank_nodes(run, elsewhere)
