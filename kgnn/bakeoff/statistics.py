"""Intervals and paired comparisons over folds and seeds, corrected for the samples that folds have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean over folds and what surrounds it.

    Attributes:
        mean: Mean over the folds that have a score; NaN where none has.
        sd: Standard deviation over them; NaN for one.
        low: Lower end of the 95 % interval; NaN for one fold.
        high: Its upper end.
        p_value: Two-sided, of a mean of 0; NaN for one fold.
        n: Number of folds that have a score.
    """

    mean: float
    sd: float
    low: float
    high: float
    p_value: float
    n: int


def corrected_interval(values: np.ndarray, test_share: float) -> Interval:
    r"""The t-interval of a mean over repeated folds, for training parts that overlap.

    Scores of folds are not independent: two training parts of ten folds share most of their samples. The usual interval
    is far too narrow then; the corrected one counts what a test part is in proportion to a training part.

    .. math:: \bar v \pm t_{0.975,\,n-1}\; s \sqrt{\frac1n + \frac{n_\text{test}}{n_\text{train}}}

    Args:
        values: One score, or one difference, a fold; NaN where a fold has none.
        test_share: Size of a test part over that of the rest, :math:`n_\text{test} / n_\text{train}`.

    Returns:
        Mean, spread, interval and p-value.

    References:
        Nadeau & Bengio 2003, Machine Learning 52:239, doi:10.1023/A:1024068626366.

    Example:
        >>> corrected_interval(np.array([0.1, 0.2, 0.3, 0.2]), 0.25).mean
        0.2
    """
    from scipy.special import stdtr, stdtrit

    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    n, nan = len(values), float("nan")
    if n < 2:
        return Interval(float(values[0]) if n else nan, nan, nan, nan, nan, n)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    error = sd * np.sqrt(1.0 / n + test_share)
    half = float(stdtrit(n - 1, 0.5 + LEVEL / 2)) * error
    p_value = 1.0 if mean == 0 else 0.0 if error == 0 else float(2.0 * stdtr(n - 1, -abs(mean) / error))
    return Interval(mean, sd, mean - half, mean + half, p_value, n)
