"""Knockdowns of replicates: the interval is that of the effects of the networks by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest
from scipy import stats

from kgnn.perturb import knockdown
from kgnn.train.spread import Members
from tests.perturb.runs import some_run

KEYS = ["perturbation", "target", "name"]


def effects(run, **options) -> pandas.DataFrame:
    return knockdown(run, "all", pairs=[("a1", "d.1")], subsystems=["B"], **options)


@pytest.mark.parametrize("task", ["regression", "classes"])
def test_intervals_are_those_of_the_networks_by_themselves(task: str) -> None:
    run = some_run("replicates", task)
    table = effects(run)
    each = [effects(replace(run, model=network)) for network in Members(run.model)]
    assert len(each) == 3
    for one in each:
        assert one[KEYS].equals(table[KEYS])
        assert one[["effect_low", "effect_high"]].isna().all(axis=None)
        assert set(one["n_replicates"]) == set(one["same_sign"]) == {1}
    own = np.stack([one["effect"] for one in each])
    half = stats.t.ppf(0.975, 2) * stats.sem(own, axis=0)
    is_state = (table["target"] == "subsystem").to_numpy()
    low = table["effect"] - half
    np.testing.assert_allclose(table["effect_low"], np.where(is_state, np.maximum(low, 0), low), atol=1e-5)
    np.testing.assert_allclose(table["effect_high"], table["effect"] + half, atol=1e-5)
    assert (is_state & (low < 0)).any(), "the lower end of some change of a state is 0"
    np.testing.assert_array_equal(table["same_sign"], (np.sign(own) == np.sign(table["effect"].to_numpy())).sum(axis=0))
    assert set(table["n_replicates"]) == {3}
    assert table.loc[~is_state, "same_sign"].nunique() > 1
    if task == "regression":
        np.testing.assert_allclose(table["effect"][~is_state], own.mean(axis=0)[~is_state], atol=1e-5)


def test_without_states_there_are_outputs_alone() -> None:
    run = some_run("replicates")
    table, whole = effects(run, states=False), effects(run)
    expected = whole[whole["target"] == "output"].reset_index(drop=True)
    np.testing.assert_allclose(table["effect_high"], expected["effect_high"], atol=1e-6)
