"""The moderated t-test equals its equations, and finds the prior that variances were drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from kgnn.errors import KgnnError
from kgnn.interpret import moderated_t_test


def test_equals_the_equations():
    random = np.random.default_rng(0)
    scale = np.sqrt(0.5 * 6 / random.chisquare(6, 40))
    first, second = random.normal(0.3, 1, (7, 40)) * scale, random.normal(0, 1, (5, 40)) * scale
    found = moderated_t_test(first, second)
    freedom = 10
    pooled = (6 * first.var(axis=0, ddof=1) + 4 * second.var(axis=0, ddof=1)) / freedom
    logs = np.log(pooled) - special.digamma(5) + np.log(5)
    spread = logs.var(ddof=1) - special.polygamma(1, 5)
    half: Any = optimize.brentq(lambda x: special.polygamma(1, x) - spread, 1e-3, 1e4)
    prior = np.exp(logs.mean() + special.digamma(half) - np.log(half))
    assert found.prior_freedom == pytest.approx(2 * half, rel=1e-6)
    assert found.prior_variance == pytest.approx(prior, rel=1e-6)
    shrunk = (2 * half * prior + freedom * pooled) / (2 * half + freedom)
    t = (first.mean(axis=0) - second.mean(axis=0)) / np.sqrt(shrunk * (1 / 7 + 1 / 5))
    np.testing.assert_allclose(found.t, t, rtol=1e-6)
    np.testing.assert_allclose(found.p_value, 2 * stats.t.sf(np.abs(t), 2 * half + freedom), rtol=1e-6)


def test_finds_the_prior():
    random = np.random.default_rng(1)
    deviation = np.sqrt(2.0 * 8 / random.chisquare(8, 20_000))
    first, second = (random.normal(0, deviation, (4, 20_000)) for _ in range(2))
    found = moderated_t_test(first, second)
    assert found.prior_freedom == pytest.approx(8, rel=0.15)
    assert found.prior_variance == pytest.approx(2.0, rel=0.05)
    # Without a difference, p-values are uniform.
    assert stats.kstest(found.p_value, "uniform").pvalue > 0.01


def test_columns_alike_or_constant():
    random = np.random.default_rng(2)
    first, second = random.normal(size=(30, 3000)), random.normal(size=(30, 3000))
    alike = moderated_t_test(first, second)
    assert alike.prior_freedom > 500
    assert stats.kstest(alike.p_value, "uniform").pvalue > 0.01
    first[:, 0] = second[:, 0] = 1.0
    constant = moderated_t_test(first, second)
    assert constant.t[0] == 0 and constant.p_value[0] == 1 and np.isfinite(constant.t).all()
    with pytest.raises(KgnnError, match="the groups have the shapes"):
        moderated_t_test(first[:1], second)
