"""Nested splits that all contestants share: folds for the test, and inside each a part to choose on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kgnn.data.samples import Samples
from kgnn.data.splits import folds, split_by_group, split_random


class Fold(NamedTuple):
    """One nested split.

    Attributes:
        seed: Of the folds, of the inner split, and of everything random in a contestant.
        number: Which fold of the seed, from 0.
        train: Positions to learn from.
        valid: Positions to choose settings and epochs on.
        test: Positions to score on, once.
    """

    seed: int
    number: int
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def nested_folds(
    samples: Samples, n_folds: int, seeds: Sequence[int], *, group: str | None = None, valid_fraction: float = 0.2
) -> tuple[Fold, ...]:
    """Folds for every seed, each with its inner split.

    Args:
        samples: All samples.
        n_folds: Folds a seed, at least 2.
        seeds: Each deals the samples out anew.
        group: Covariate whose values never stand on two sides of any split.
        valid_fraction: Share of what is not tested that settings are chosen on.

    Returns:
        The folds, seed by seed.

    Raises:
        KgnnError: If there are too few samples, groups or samples of a class.
    """
    found = []
    for seed in seeds:
        for number, (rest, test) in enumerate(folds(samples, n_folds, group=group, seed=seed)):
            inside = samples.take(rest)
            inner_seed = 1_000 * seed + number
            if group is None:
                inner = split_random(inside, test_fraction=valid_fraction, seed=inner_seed)
            else:
                inner = split_by_group(inside, group, test_fraction=valid_fraction, seed=inner_seed)
            found.append(Fold(seed, number, rest[inner.train], rest[inner.test], test))
    return tuple(found)
