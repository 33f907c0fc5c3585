"""What scatters between replicates: a t-interval over the networks, and how many of them agree in sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from kgnn.models import Model, Replicates

LEVEL = 0.95


class Spread(NamedTuple):
    """How far the values of several networks lie apart, elementwise.

    Attributes:
        mean: Mean over the networks.
        sd: Standard deviation between them; NaN for one network.
        half_width: Half the width of the t-interval of the mean; NaN for one network.
        same_sign: How many networks have the sign of the value that is reported.
        n: Number of networks.
    """

    mean: np.ndarray
    sd: np.ndarray
    half_width: np.ndarray
    same_sign: np.ndarray
    n: int


class Members:
    """The networks of a model, one after another; a single network is its own only member.

    Args:
        model: Any model.
    """

    def __init__(self, model: Model):
        self._model = model

    def __len__(self) -> int:
        return self._model.n_replicates if isinstance(self._model, Replicates) else 1

    def __iter__(self) -> Iterator[Model]:
        if not isinstance(self._model, Replicates):
            yield self._model
            return
        # One at a time: all of them beside the stacked ones would take their memory twice.
        for number in range(len(self)):
            yield self._model.member(number)


def spread(values: Iterable[np.ndarray], reported: np.ndarray | None = None) -> Spread:
    r"""Mean, standard deviation and t-interval over networks, in one pass.

    .. math:: \bar v \pm t_{0.975,\,n-1}\,\frac{s}{\sqrt n}

    The interval is that of the mean over random starts, with the samples as they are: it says how much another set of
    networks would change the value, and nothing about other samples.

    Args:
        values: Of each network, all of one shape.
        reported: Whose sign is compared; the mean where None.

    Returns:
        The spread.
    """
    n, mean, squares = 0, np.zeros(()), np.zeros(())
    signs: dict[int, Any] = {}
    for given in values:
        value = np.asarray(given, dtype=np.float64)
        n += 1
        # Welford's recurrence: the difference of two large sums would lose the digits.
        delta = value - mean
        mean = mean + delta / n
        squares = squares + delta * (value - mean)
        for sign in (-1, 0, 1):
            signs[sign] = signs.get(sign, 0) + (np.sign(value) == sign)
    sign = np.sign(mean if reported is None else np.asarray(reported, dtype=np.float64))
    same = sum(np.where(sign == each, count, 0) for each, count in signs.items())
    sd = np.sqrt(squares / (n - 1)) if n > 1 else np.full(mean.shape, np.nan)
    return Spread(mean, sd, half_width(sd, n), np.asarray(same, dtype=np.int64), n)


def alone(values: np.ndarray) -> Spread:
    """The spread of a single network, which has none.

    Args:
        values: Its values.

    Returns:
        Its values as the mean, and NaN for what scatters.
    """
    unknown = np.broadcast_to(np.nan, np.shape(values))
    return Spread(np.asarray(values, dtype=np.float64), unknown, unknown, np.ones(np.shape(values), np.int64), 1)


def half_width(sd: np.ndarray, n: int) -> np.ndarray:
    """Half the width of the 95 % t-interval of a mean; NaN for one network.

    Args:
        sd: Standard deviations.
        n: Number of networks.

    Returns:
        As many numbers.
    """
    from scipy.special import stdtrit

    if n < 2:
        return np.full(np.shape(sd), np.nan)
    return np.asarray(sd) * float(stdtrit(n - 1, 0.5 + LEVEL / 2)) / np.sqrt(n)
