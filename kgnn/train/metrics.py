"""Scores of predictions against targets; for several outputs the mean over them."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

SCORES = {
    "regression": ("pearson", "spearman", "r2", "mse"),
    "classes": ("accuracy", "macro_f1", "auroc", "auprc"),
    "labels": ("auroc", "auprc", "accuracy", "macro_f1"),
}
SMALLER_IS_BETTER = ("mse",)


def pearson(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean of Pearson's correlation over the outputs whose target varies.

    Args:
        predicted: ``[sample, output]``.
        target: ``[sample, output]``.

    Returns:
        The correlation; NaN where a prediction is constant, or no target varies.
    """
    varying = np.ptp(target, axis=0) > 0
    if not varying.any() or (np.ptp(predicted, axis=0)[varying] == 0).any():
        return float("nan")
    a, b = (each[:, varying] - each[:, varying].mean(axis=0) for each in (predicted, target))
    return float(np.mean((a * b).sum(axis=0) / np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))))


def spearman(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean of Spearman's rank correlation over the outputs whose target varies; see `pearson`."""
    return pearson(stats.rankdata(predicted, axis=0), stats.rankdata(target, axis=0))


def r2(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean share of variance explained over the outputs whose target varies; NaN if none does. See `pearson`."""
    varying = np.ptp(target, axis=0) > 0
    if not varying.any():
        return float("nan")
    residual = np.square(target - predicted)[:, varying].sum(axis=0)
    total = np.square(target - target.mean(axis=0))[:, varying].sum(axis=0)
    return float(np.mean(1 - residual / total))


def mse(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean squared error; arguments as in `pearson`."""
    return float(np.square(predicted - target).mean())


REGRESSION_SCORES = {"pearson": pearson, "spearman": spearman, "r2": r2, "mse": mse}


def probabilities(logits: np.ndarray, task: str) -> np.ndarray:
    """Class or label probabilities ``[sample, output]`` from logits of the same shape."""
    return special.softmax(logits, axis=1) if task == "classes" else special.expit(logits)


def evaluate(task: str, predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """All scores of a task.

    For classes and labels, F1, AUROC and AUPRC are means over one class (label) against the rest: F1 over the classes
    that occur or all labels, the other two over those of which both states occur.

    Args:
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        predicted: ``[sample, output]``; logits for classes and labels.
        target: ``[sample, output]``, or ``[sample]`` of class codes.

    Returns:
        Scores by name, the headline first; NaN where a score is not defined, such as AUROC of a single class.
    """
    predicted = np.asarray(predicted, dtype=np.float64)
    if task == "regression":
        target = np.asarray(target, dtype=np.float64)
        return {name: score(predicted, target) for name, score in REGRESSION_SCORES.items()}
    return _classification_scores(task, probabilities(predicted, task), np.asarray(target))


def score_of(name: str, task: str, predicted: np.ndarray, target: np.ndarray) -> float:
    """One score, so that larger is better: errors come back negative."""
    value = evaluate(task, predicted, target)[name]
    return -value if name in SMALLER_IS_BETTER else value


def _classification_scores(task: str, probability: np.ndarray, target: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if task == "classes":
        truth = np.eye(probability.shape[1], dtype=bool)[target]
        chosen = np.eye(probability.shape[1], dtype=bool)[probability.argmax(axis=1)]
        exact, counted = (truth & chosen).any(axis=1).mean(), truth.any(axis=0)
    else:
        truth, chosen = target > 0.5, probability > 0.5
        exact, counted = (truth == chosen).mean(), np.ones(truth.shape[1], dtype=bool)
    scores = {"accuracy": float(exact), "macro_f1": float(_f1(truth, chosen)[counted].mean())}
    both = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    for name, score in (("auroc", roc_auc_score), ("auprc", average_precision_score)):
        each = [score(truth[:, k], probability[:, k]) for k in both]
        scores[name] = float(np.mean(each)) if each else float("nan")
    return {name: scores[name] for name in SCORES[task]}


def _f1(truth: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """F1 of every column; 0 where nothing is true and nothing chosen."""
    return 2 * (truth & chosen).sum(axis=0) / np.maximum(truth.sum(axis=0) + chosen.sum(axis=0), 1)
