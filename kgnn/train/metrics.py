"""Scores of predictions against targets; for several outputs the mean over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special, stats

SCORES = {
    "regression": ("pearson", "spearman", "r2", "mse"),
    "classes": ("accuracy", "macro_f1", "auroc", "auprc"),
    "labels": ("auroc", "auprc", "accuracy", "macro_f1"),
}
SMALLER_IS_BETTER = ("mse",)


def pearson(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean over outputs of Pearson's correlation; NaN for an output that does not vary.

    Args:
        predicted: ``[sample, output]``.
        target: ``[sample, output]``.

    Returns:
        The correlation.
    """
    a, b = predicted - predicted.mean(axis=0), target - target.mean(axis=0)
    spread = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.mean(np.where(spread > 0, (a * b).sum(axis=0) / spread, np.nan)))


def spearman(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean over outputs of Spearman's rank correlation; arguments as in `pearson`."""
    return pearson(stats.rankdata(predicted, axis=0), stats.rankdata(target, axis=0))


def r2(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean over outputs of the share of variance explained; arguments as in `pearson`."""
    residual = np.square(target - predicted).sum(axis=0)
    total = np.square(target - target.mean(axis=0)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.mean(np.where(total > 0, 1 - residual / total, np.nan)))


def mse(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean squared error; arguments as in `pearson`."""
    return float(np.square(predicted - target).mean())


def probabilities(logits: np.ndarray, task: str) -> np.ndarray:
    """Class or label probabilities ``[sample, output]`` from logits of the same shape."""
    return special.softmax(logits, axis=1) if task == "classes" else special.expit(logits)


def evaluate(task: str, predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """All scores of a task.

    Args:
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        predicted: ``[sample, output]``; logits for classes and labels.
        target: ``[sample, output]``, or ``[sample]`` of class codes.

    Returns:
        Scores by name, the headline first; NaN where a score is not defined, such as AUROC of a single class.
    """
    predicted = np.asarray(predicted, dtype=np.float64)
    if task == "regression":
        of: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
            "pearson": pearson, "spearman": spearman, "r2": r2, "mse": mse
        }  # fmt: skip
        return {name: score(predicted, np.asarray(target, dtype=np.float64)) for name, score in of.items()}
    return _classification_scores(task, probabilities(predicted, task), np.asarray(target))


def score_of(name: str, task: str, predicted: np.ndarray, target: np.ndarray) -> float:
    """One score, so that larger is better: errors come back negative."""
    value = evaluate(task, predicted, target)[name]
    return -value if name in SMALLER_IS_BETTER else value


def _classification_scores(task: str, probability: np.ndarray, target: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

    if task == "classes":
        truth = np.eye(probability.shape[1])[target]
        chosen = probability.argmax(axis=1)
        exact = accuracy_score(target, chosen)
        f1 = f1_score(target, chosen, average="macro", labels=np.unique(target), zero_division=0)
    else:
        truth = target
        exact = accuracy_score(truth.reshape(-1), probability.reshape(-1) > 0.5)
        f1 = f1_score(truth, probability > 0.5, average="macro", zero_division=0)
    both = (truth.min(axis=0) == 0) & (truth.max(axis=0) == 1)
    auroc = auprc = float("nan")
    if both.any():
        auroc = float(np.mean([roc_auc_score(truth[:, k], probability[:, k]) for k in np.flatnonzero(both)]))
        auprc = float(np.mean([average_precision_score(truth[:, k], probability[:, k]) for k in np.flatnonzero(both)]))
    scores = {"accuracy": float(exact), "macro_f1": float(f1), "auroc": auroc, "auprc": auprc}
    return {name: scores[name] for name in SCORES[task]}
