"""Intervals over networks against SciPy, and signs counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kgnn.models import Replicates
from kgnn.train.spread import Members, alone, spread
from tests.train.small import assert_same, small_model


def test_mean_deviation_and_t_interval() -> None:
    values = 1e4 + np.random.default_rng(0).normal(size=(7, 3, 2))
    found = spread(iter(values))
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.sd, values.std(axis=0, ddof=1), rtol=1e-9)
    low, high = stats.t.interval(0.95, 6, loc=values.mean(axis=0), scale=stats.sem(values, axis=0))
    np.testing.assert_allclose(found.half_width, (high - low) / 2, rtol=1e-9)
    assert found.n == 7


def test_signs_are_those_of_the_value_that_is_reported() -> None:
    values = np.array([[1.0, -1.0, 0.0, 2.0], [2.0, 3.0, 0.0, -1.0], [-1.0, -1.5, 0.0, 0.0]])
    assert spread(values).same_sign.tolist() == [2, 1, 3, 1]
    assert spread(values, np.array([-1.0, -0.1, 1.0, 0.0])).same_sign.tolist() == [1, 2, 0, 1]


@pytest.mark.parametrize("found", [spread([np.array([1.0, -2.0])]), alone(np.array([1.0, -2.0]))])
def test_one_network_has_no_interval(found) -> None:
    assert found.n == 1
    assert np.isnan(found.half_width).all() and np.isnan(found.sd).all()
    assert found.mean.tolist() == [1.0, -2.0] and found.same_sign.tolist() == [1, 1]


def test_members_are_the_networks() -> None:
    each = [small_model(seed) for seed in (3, 4)]
    networks = Members(Replicates(each))
    assert len(networks) == 2
    for one, other in zip(networks, each, strict=True):
        assert_same(one, other)
    assert [*Members(each[0])] == [each[0]]
