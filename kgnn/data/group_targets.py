"""Targets that are measured in groups of their own scale, such as screens of two sites: standardized group by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, name_some


@dataclass(frozen=True)
class GroupScaling:
    """Center and scale of the targets of every group.

    Attributes:
        covariate: Name of the covariate that tells groups apart.
        center: ``[output]`` by group.
        scale: ``[output]`` by group, above zero.
    """

    covariate: str
    center: Mapping[str, np.ndarray]
    scale: Mapping[str, np.ndarray]

    def apply(self, samples: Samples) -> Samples:
        """The samples with targets in units of their group.

        Raises:
            AlignmentError: If a group was not seen before.
        """
        targets = samples.require_targets()
        center, scale = self._of(samples)
        return replace(samples, targets=replace(targets, values=(targets.values - center) / scale))

    def restore(self, predicted: np.ndarray, samples: Samples) -> np.ndarray:
        """Predictions ``[sample, output]`` in the original unit.

        Raises:
            AlignmentError: If a group was not seen before.
        """
        center, scale = self._of(samples)
        return predicted * scale + center

    def _of(self, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
        groups = [str(group) for group in samples.covariates[self.covariate]]
        unseen = [group for group in dict.fromkeys(groups) if group not in self.center]
        if unseen:
            raise AlignmentError(
                f"{len(unseen)} groups of {self.covariate!r} were not among the training samples: {name_some(unseen)}. "
                "Leave their samples out, or train with some of them."
            )
        return tuple(np.stack([table[group] for group in groups]) for table in (self.center, self.scale))  # type: ignore[return-value]


def standardize_targets(train: Samples, by: str) -> GroupScaling:
    """Center and scale of regression targets, group by group.

    Where two screens measured the same thing on scales of their own, a network would otherwise spend itself on telling
    them apart. Give it training samples only, and restore predictions with the group of the new samples.

    Args:
        train: Training samples.
        by: Covariate that tells groups apart.

    Returns:
        The scaling; a group whose targets do not vary keeps its unit.

    Raises:
        AlignmentError: If the samples have no such covariate, or no regression targets.

    Example:
        >>> from kgnn.data import Samples, Targets
        >>> targets = Targets(np.array([[1.0], [3.0]]), ("auc",), "regression")
        >>> samples = Samples.from_values(
        ...     np.eye(2), ["A", "B"], meaning="alteration", targets=targets, covariates={"screen": np.array(["x"] * 2)}
        ... )
        >>> standardize_targets(samples, "screen").apply(samples).targets.values.ravel().tolist()
        [-1.0, 1.0]
    """
    targets = train.require_targets()
    if by not in train.covariates or targets.kind != "regression":
        raise AlignmentError(
            f"the samples have {targets.kind} targets and the covariates {name_some(train.covariates)}, but "
            f"regression targets in groups of {by!r} are wanted."
        )
    groups = np.array([str(group) for group in train.covariates[by]], dtype=object)
    center, scale = {}, {}
    for group in dict.fromkeys(groups):
        values = targets.values[groups == group].astype(np.float64)
        spread = values.std(axis=0)
        center[group] = values.mean(axis=0).astype(np.float32)
        scale[group] = np.where(spread > 0, spread, 1.0).astype(np.float32)
    return GroupScaling(by, center, scale)
