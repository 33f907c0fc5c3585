"""Splits and folds."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import Samples, Split, Targets, folds, leave_cell_out, leave_drug_out, split_by_group, split_random
from kgnn.errors import KgnnError

N = 60
CODES = np.repeat(np.arange(3), [36, 18, 6])


@pytest.fixture
def samples() -> Samples:
    """60 samples, three classes of 36, 18 and 6, seven cell lines, ten drugs."""
    rng = np.random.default_rng(3)
    covariates = {"cell": rng.integers(7, size=N).astype(str).astype(object), "drug": np.arange(N) % 10}
    return Samples.from_values(
        rng.random((N, 4)), list("ghij"), meaning="abundance", covariates=covariates,
        targets=Targets(CODES, ("x", "y", "z"), "classes"),
    )  # fmt: skip


def assert_partition(split: Split) -> None:
    joined = np.concatenate([split.train, split.valid, split.test])
    assert sorted(joined.tolist()) == list(range(N))


def test_random_split_keeps_class_proportions(samples):
    split = split_random(samples, test_fraction=1 / 6, valid_fraction=1 / 3, seed=1)
    assert_partition(split)
    assert np.bincount(CODES[split.train]).tolist() == [18, 9, 3]
    assert np.bincount(CODES[split.valid]).tolist() == [12, 6, 2]
    assert np.bincount(CODES[split.test]).tolist() == [6, 3, 1]
    assert (np.diff(split.train) > 0).all()


def test_random_split_depends_on_the_seed_only(samples):
    first = split_random(samples, seed=5)
    assert len(first.valid) == 0 and len(first.test) == 12
    np.testing.assert_array_equal(first.test, split_random(samples, seed=5).test)
    assert first.test.tolist() != split_random(samples, seed=6).test.tolist()
    everything = split_random(samples, test_fraction=0)
    assert len(everything.train) == N and len(everything.test) == 0


def test_split_survives_json(samples):
    split = split_random(samples, valid_fraction=0.1, seed=2)
    again = Split.from_json(split.to_json())
    assert again.rule == "split_random(test=0.2, valid=0.1, stratify=True, seed=2)"
    for part in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(split, part), getattr(again, part))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("function", "covariate"), [(leave_cell_out, "cell"), (leave_drug_out, "drug")])
def test_no_group_is_in_two_parts(samples, function, covariate, seed):
    split = function(samples, test_fraction=0.3, valid_fraction=0.2, seed=seed)
    assert_partition(split)
    groups = [set(samples.covariates[covariate][part].tolist()) for part in (split.train, split.valid, split.test)]
    assert all(groups)
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("group", [None, "cell", "drug"])
def test_folds_partition_the_samples(samples, group, stratify):
    parts = folds(samples, 3, group=group, stratify=stratify, seed=4)
    assert sorted(np.concatenate([test for _, test in parts]).tolist()) == list(range(N))
    for train, test in parts:
        assert sorted(np.concatenate([train, test]).tolist()) == list(range(N))
        if group:
            column = samples.covariates[group]
            assert not set(column[train].tolist()) & set(column[test].tolist())
        elif stratify:
            assert np.bincount(CODES[test]).tolist() == [12, 6, 2]


def test_too_much_asked(samples):
    with pytest.raises(KgnnError, match=r"test_fraction 0.7 and valid_fraction 0.3 .* sum is below 1"):
        split_random(samples, test_fraction=0.7, valid_fraction=0.3)
    with pytest.raises(KgnnError, match=r"covariate is 'tissue'.*cell, drug"):
        split_by_group(samples, "tissue")
    with pytest.raises(KgnnError, match=r"n_folds is 11 but there are 10 different values of 'drug'. Choose"):
        folds(samples, 11, group="drug")
    with pytest.raises(KgnnError, match="1 of 3 classes have fewer than 7 samples: z"):
        folds(samples, 7)
    assert len(folds(samples, 7, stratify=False)) == 7
    with pytest.raises(KgnnError, match="there are 1 groups for 2 parts"):
        leave_cell_out(samples.take(samples.covariates["cell"] == "0"))
    with pytest.raises(KgnnError, match=r"covariate is 'cell'.*no covariates"):
        leave_cell_out(Samples.from_values(np.ones((2, 1)), ["g"], meaning="abundance"))
    with pytest.raises(KgnnError, match=r"60 samples cannot be split at the fraction 0.01"):
        split_random(samples, test_fraction=0.01)
