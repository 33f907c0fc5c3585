"""Importance of replicates: the mean over the networks, each measured by itself, with an interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kgnn.interpret import importance
from kgnn.train.spread import Members
from tests.perturb.runs import samples, some_run

KEYS = ["output", "term"]


@pytest.mark.parametrize("measure", ["rlipp", "sensitivity", "knockdown"])
def test_importance_is_the_mean_over_the_networks(measure: str) -> None:
    run, data, told = some_run("replicates"), samples(31), []
    table = importance(run, measure, samples=data, n_null=3, seed=2, progress=lambda *step: told.append(step))
    table = table.sort_values(KEYS)
    each = [
        importance(replace(run, model=network), measure, samples=data, n_null=3, seed=2).sort_values(KEYS)
        for network in Members(run.model)
    ]
    own = np.stack([one["importance"] for one in each])
    np.testing.assert_allclose(table["importance"], own.mean(axis=0), atol=1e-6)
    half = stats.t.ppf(0.975, 2) * stats.sem(own, axis=0)
    np.testing.assert_allclose(table["importance_low"], own.mean(axis=0) - half, atol=1e-6)
    np.testing.assert_allclose(table["importance_high"], own.mean(axis=0) + half, atol=1e-6)
    assert set(table["n_replicates"]) == {3} and set(each[0]["n_replicates"]) == {1}
    np.testing.assert_array_equal(table["same_sign"], (np.sign(own) == np.sign(own.mean(axis=0))).sum(axis=0))
    assert each[0][["importance_low", "importance_high"]].isna().all(axis=None)
    if measure == "rlipp":
        # The permutations of the null are the same for every network.
        nulls = np.stack([one["null_mean"] for one in each])
        np.testing.assert_allclose(table["null_mean"], nulls.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(table["rho_parent"], np.mean([one["rho_parent"] for one in each], axis=0))
    steps = 3 * (5 if measure == "rlipp" else 3)
    assert told == [(done, steps) for done in range(1, steps + 1)]
