"""The moderated t-test: variances of many tests borrow strength from each other."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kgnn.errors import KgnnError

FEWEST_ROWS = 2
_STEPS = 50


class ModeratedTest(NamedTuple):
    """What the test says, one entry a column.

    Attributes:
        difference: Mean of the first group minus mean of the second.
        t: Moderated t-statistic.
        p_value: Two-sided.
        prior_variance: The variance that the variances of all columns scatter around.
        prior_freedom: Its degrees of freedom; infinite where the variances do not differ by more than chance.
    """

    difference: np.ndarray
    t: np.ndarray
    p_value: np.ndarray
    prior_variance: float
    prior_freedom: float


def moderated_t_test(first: np.ndarray, second: np.ndarray) -> ModeratedTest:
    r"""Compare two groups of rows, column by column, with variances shrunk toward a common one.

    The variances :math:`s_c^2` of all columns (with :math:`d` degrees of freedom) are taken as draws from a scaled
    inverse chi-squared distribution, whose :math:`d_0` and :math:`s_0^2` follow from the mean and the variance of their
    logarithms.

    .. math:: \tilde s_c^2 = \frac{d_0 s_0^2 + d s_c^2}{d_0 + d}, \qquad
        t_c = \frac{\bar x_c - \bar y_c}{\tilde s_c \sqrt{1/n_x + 1/n_y}} \sim t_{d_0 + d}

    Args:
        first: ``[row, column]``.
        second: ``[row, column]``, the same columns.

    Returns:
        The test.

    Raises:
        KgnnError: If columns disagree, or a group has fewer than two rows.

    References:
        Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3:3, doi:10.2202/1544-6115.1027.
    """
    from scipy.stats import t as student

    n_first, n_second = len(first), len(second)
    if min(n_first, n_second) < FEWEST_ROWS or first.shape[1:] != second.shape[1:]:
        raise KgnnError(
            f"the groups have the shapes {first.shape} and {second.shape}. Give at least {FEWEST_ROWS} rows of each, "
            "and the same columns."
        )
    freedom = n_first + n_second - 2
    squares = n_first * first.var(axis=0) + n_second * second.var(axis=0)
    variance = squares / freedom
    prior_variance, prior_freedom = _prior(variance, freedom)
    if math.isinf(prior_freedom):
        shrunk, total = np.full_like(variance, prior_variance), len(variance) * float(freedom)
    else:
        shrunk = (prior_freedom * prior_variance + freedom * variance) / (prior_freedom + freedom)
        # No more than all columns have together.
        total = min(prior_freedom + freedom, len(variance) * float(freedom))
    difference = first.mean(axis=0) - second.mean(axis=0)
    error = np.sqrt(shrunk * (1 / n_first + 1 / n_second))
    t = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return ModeratedTest(difference, t, 2 * student.sf(np.abs(t), total), prior_variance, prior_freedom)


def _prior(variance: np.ndarray, freedom: int) -> tuple[float, float]:
    """Prior variance and degrees of freedom by the moments of the logarithms; columns that never vary say nothing."""
    from scipy.special import digamma, polygamma

    varying = variance[variance > 1e-12 * max(float(np.median(variance)), np.finfo(float).tiny)]
    if len(varying) < 2:
        return (float(varying[0]) if len(varying) else 0.0), 0.0
    logs = np.log(varying) - digamma(freedom / 2) + math.log(freedom / 2)
    mean, spread = logs.mean(), logs.var(ddof=1) - polygamma(1, freedom / 2)
    if spread <= 0:
        return float(np.exp(mean)), math.inf
    half = _inverse_trigamma(float(spread))
    return float(np.exp(mean + digamma(half) - math.log(half))), 2 * half


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has a value above 0, by Newton's method on its reciprocal, which is convex."""
    from scipy.special import polygamma

    at = 0.5 + 1 / value
    for _ in range(_STEPS):
        trigamma = float(polygamma(1, at))
        change = trigamma * (1 - trigamma / value) / float(polygamma(2, at))
        at += change
        if abs(change) < 1e-12 * at:
            break
    return at
