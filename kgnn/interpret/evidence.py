"""`Evidence`: states, genes and targets with one row an independent observation, which is what RLIPP regresses on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.models.contract import Model
from kgnn.perturb.forward import wild_type


class Evidence(NamedTuple):
    """Rows that may be dealt into folds and permuted against each other.

    Attributes:
        samples: One sample a row, for its name and its groups.
        states: float32 ``[row, state]``.
        genes: ``[row, gene]``.
        targets: ``[row, output]``.
    """

    samples: Samples
    states: np.ndarray
    genes: np.ndarray
    targets: np.ndarray


def gather_evidence(model: Model, samples: Samples, target: str) -> Evidence:
    """Compute states and targets, a row each distinct row of genes.

    Where samples share a row of genes (every drug on one cell line), counting each as an observation would let a
    fold recognize the cell lines of the others, and would make p-values far too small. Targets are then averaged over
    the samples of a row, each taken relative to the mean of its other conditions (its drug).

    Args:
        model: A fitted model.
        samples: With the genes of the model, in its order.
        target: ``"observed"`` or ``"predicted"``.

    Returns:
        The evidence.

    Raises:
        KgnnError: If there are no targets, or not those of the model.
    """
    targets = observed_targets(model, samples) if target == "observed" else None
    predicted, states = wild_type(model, samples)
    targets = predicted.astype(np.float64) if targets is None else targets
    rows = samples.row_of_sample[samples.gene_modality]
    _, first, row = np.unique(rows, return_index=True, return_inverse=True)
    if len(first) == len(samples):
        return Evidence(samples, states, samples.gene_values(), targets)
    for name, others in samples.row_of_sample.items():
        if name != samples.gene_modality:
            targets = targets - _means(targets, others)[others]
    units = samples.take(first)
    return Evidence(units, _means(states, row).astype(np.float32), units.gene_values(), _means(targets, row))


def observed_targets(model: Model, samples: Samples) -> np.ndarray:
    """Targets ``[sample, output]`` in the order of the model's outputs; classes as 0 and 1.

    Raises:
        KgnnError: If there are none, or not those of the model.
    """
    if samples.targets is None:
        raise KgnnError("the samples have no targets. Read them with target=, or use target='predicted'.")
    if samples.targets.kind != model.task:
        raise KgnnError(
            f"the targets are of kind {samples.targets.kind!r}, but the model predicts {model.task!r}. Give samples "
            "with the targets that it was trained on, or use target='predicted'."
        )
    targets = samples.with_classes(model.output_names).require_targets()
    if len(targets.names) != len(model.output_names):
        raise KgnnError(
            f"the samples have {len(targets.names)} targets, but the model has {len(model.output_names)} outputs. "
            "Give samples with the targets that it was trained on, or use target='predicted'."
        )
    if targets.kind == "classes":
        return np.eye(len(model.output_names))[targets.values]
    return np.asarray(targets.values, dtype=np.float64)


def _means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean of the rows of every group, ``[group, column]``; 0 for a group without rows."""
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    sums = np.add.reduceat(values[order], starts, axis=0, dtype=np.float64)
    means = np.zeros((int(group.max()) + 1, values.shape[1]))
    means[present] = sums / np.diff([*starts, len(group)])[:, None]
    return means
