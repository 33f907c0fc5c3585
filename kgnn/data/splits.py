"""Splits of samples into training, validation and test parts, and folds for cross-validation.

In a drug screen a split by pair lets every cell line and every drug recur in the test part; `leave_cell_out` and
`leave_drug_out` ask the harder question, how the model does on a cell line or a drug that it has never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, name_some, unknown_choice


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the samples of each part, sorted; no sample is in two parts and every sample is in one.

    Attributes:
        train: Int64 ``[sample]``.
        valid: Int64 ``[sample]``, empty where none was asked for.
        test: Int64 ``[sample]``, empty where none was asked for.
        rule: How the split was made, for the record.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    rule: str

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write."""
        parts = {"train": self.train.tolist(), "valid": self.valid.tolist(), "test": self.test.tolist()}
        return {**parts, "rule": self.rule}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Split:
        """The split that `to_json` wrote."""
        parts = {part: np.array(value[part], dtype=np.int64) for part in ("train", "valid", "test")}
        return cls(**parts, rule=value["rule"])


def split_random(
    samples: Samples,
    *,
    test_fraction: float = 0.2,
    valid_fraction: float = 0.0,
    stratify: bool = True,
    seed: int = 0,
) -> Split:
    """Split by chance, each class in the same proportion in every part.

    The score is optimistic where samples are related (the same cell line, patient or batch in both parts): use
    `split_by_group` then.

    Args:
        samples: What to split.
        test_fraction: Share of the samples in the test part, 0 for none.
        valid_fraction: Share of all samples in the validation part, 0 for none.
        stratify: Keep the proportion of classes; only matters for targets of kind ``"classes"``.
        seed: Same seed, same split.

    Returns:
        The three parts.

    Raises:
        KgnnError: If the fractions leave no training sample, or a class has too few samples for every part.
    """
    classes = _classes(samples) if stratify else None
    rule = f"split_random(test={test_fraction:g}, valid={valid_fraction:g}, stratify={stratify}, seed={seed})"
    return _split(samples, test_fraction, valid_fraction, seed, rule, classes, None)


def split_by_group(
    samples: Samples, covariate: str, *, test_fraction: float = 0.2, valid_fraction: float = 0.0, seed: int = 0
) -> Split:
    """Split so that all samples with the same value of a covariate come into the same part.

    Args:
        samples: What to split.
        covariate: Name of the covariate, for example ``"cell"``, ``"drug"`` or ``"donor"``.
        test_fraction: Share of the groups (not of the samples) in the test part, 0 for none.
        valid_fraction: Share of all groups in the validation part, 0 for none.
        seed: Same seed, same split.

    Returns:
        The three parts; no group is in two of them.

    Raises:
        KgnnError: If the covariate is unknown or there are too few groups for the parts.
    """
    rule = f"split_by_group({covariate}, test={test_fraction:g}, valid={valid_fraction:g}, seed={seed})"
    return _split(samples, test_fraction, valid_fraction, seed, rule, None, _groups(samples, covariate))


def leave_cell_out(
    samples: Samples, *, test_fraction: float = 0.2, valid_fraction: float = 0.0, seed: int = 0
) -> Split:
    """`split_by_group` over the covariate ``"cell"``: the test part holds only cell lines never seen in training."""
    return split_by_group(samples, "cell", test_fraction=test_fraction, valid_fraction=valid_fraction, seed=seed)


def leave_drug_out(
    samples: Samples, *, test_fraction: float = 0.2, valid_fraction: float = 0.0, seed: int = 0
) -> Split:
    """`split_by_group` over the covariate ``"drug"``: the test part holds only drugs never seen in training."""
    return split_by_group(samples, "drug", test_fraction=test_fraction, valid_fraction=valid_fraction, seed=seed)


def folds(
    samples: Samples, n_folds: int = 5, *, group: str | None = None, stratify: bool = True, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the samples into `n_folds` parts, each of which is the test part once.

    Args:
        samples: What to split.
        n_folds: Number of parts, at least 2.
        group: Covariate whose values never come into two parts, or None.
        stratify: Keep the proportion of classes; only matters for targets of kind ``"classes"``.
        seed: Same seed, same folds.

    Returns:
        For each fold the positions of the training and of the test samples, both sorted.

    Raises:
        KgnnError: If there are fewer samples, groups or samples of a class than folds.

    Example:
        >>> samples = Samples.from_values(np.eye(4, 3, dtype=np.uint8), ["a", "b", "c"], meaning="alteration")
        >>> [len(test) for _, test in folds(samples, 3)]
        [2, 1, 1]
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    groups = None if group is None else _groups(samples, group)
    classes = _classes(samples) if stratify else None
    available = len(samples) if groups is None else len(np.unique(groups))
    what = "samples" if group is None else f"different values of {group!r}"
    if not 2 <= n_folds <= available:
        raise KgnnError(f"n_folds is {n_folds} but there are {available:,} {what}. Choose from 2 to {available:,}.")
    if classes is not None and groups is None:
        _refuse_rare_classes(classes, samples, n_folds)
    if groups is None:
        splitter = KFold if classes is None else StratifiedKFold
    else:
        splitter = GroupKFold if classes is None else StratifiedGroupKFold
    parts = splitter(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(samples)), classes, groups)
    return [(np.sort(train).astype(np.int64), np.sort(test).astype(np.int64)) for train, test in parts]


def _split(
    samples: Samples,
    test_fraction: float,
    valid_fraction: float,
    seed: int,
    rule: str,
    classes: np.ndarray | None,
    groups: np.ndarray | None,
) -> Split:
    if test_fraction < 0 or valid_fraction < 0 or test_fraction + valid_fraction >= 1:
        raise KgnnError(
            f"test_fraction {test_fraction:g} and valid_fraction {valid_fraction:g} must not be negative and must "
            "leave some samples to train on. Choose fractions whose sum is below 1."
        )
    n_parts = 1 + (test_fraction > 0) + (valid_fraction > 0)
    n_units = len(samples) if groups is None else len(np.unique(groups))
    if n_units < n_parts:
        raise KgnnError(
            f"there are {n_units:,} {'samples' if groups is None else 'groups'} for {n_parts} parts. "
            "Ask for fewer parts or add samples."
        )
    if classes is not None:
        _refuse_rare_classes(classes, samples, n_parts)
    rest, test = _part_off(np.arange(len(samples)), test_fraction, seed, classes, groups)
    train, valid = _part_off(rest, valid_fraction / (1 - test_fraction), seed + 1, classes, groups)
    return Split(train, valid, test, rule)


def _part_off(
    index: np.ndarray, fraction: float, seed: int, classes: np.ndarray | None, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The samples of `index` that stay and those that go into a part of their own."""
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

    if fraction == 0:
        return index, np.zeros(0, dtype=np.int64)
    splitter = ShuffleSplit if classes is None else StratifiedShuffleSplit
    if groups is not None:
        splitter = GroupShuffleSplit
    chosen_classes = None if classes is None else classes[index]
    chosen_groups = None if groups is None else groups[index]
    parts = splitter(n_splits=1, test_size=fraction, random_state=seed)
    try:
        stay, leave = next(iter(parts.split(np.zeros(len(index)), chosen_classes, chosen_groups)))
    except ValueError as error:
        raise KgnnError(
            f"{len(index):,} samples cannot be split at the fraction {fraction:.3g}: {error} "
            "Choose another fraction or pass stratify=False."
        ) from None
    return np.sort(index[stay]).astype(np.int64), np.sort(index[leave]).astype(np.int64)


def _classes(samples: Samples) -> np.ndarray | None:
    targets = samples.targets
    return targets.values if targets is not None and targets.kind == "classes" else None


def _groups(samples: Samples, covariate: str) -> np.ndarray:
    if covariate not in samples.covariates:
        raise unknown_choice("covariate", covariate, samples.covariates or ("(the samples have no covariates)",))
    return np.unique(np.asarray(samples.covariates[covariate]), return_inverse=True)[1]


def _refuse_rare_classes(classes: np.ndarray, samples: Samples, n_parts: int) -> None:
    names = () if samples.targets is None else samples.targets.names
    counts = np.bincount(classes, minlength=len(names))
    rare = [name for name, count in zip(names, counts, strict=True) if 0 < count < n_parts]
    if rare:
        raise KgnnError(
            f"{len(rare):,} of {len(counts):,} classes have fewer than {n_parts} samples: {name_some(rare)}. "
            "Leave them out, ask for fewer parts or pass stratify=False."
        )
