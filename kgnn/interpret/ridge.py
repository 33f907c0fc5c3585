"""Out-of-fold ridge regression of many targets at once: how well some states predict, on samples not fitted on."""

from __future__ import annotations

import numpy as np

PENALTIES = 10.0 ** np.arange(-4, 3)
"""Candidate penalties, per sample, on standardized predictors."""


class FoldedTargets:
    """Targets with what every fold needs of them, computed once for all subsystems.

    Args:
        targets: ``[sample, target]``.
        folds: Pairs of training and test positions.
    """

    def __init__(self, targets: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]):
        self.centered = targets - targets.mean(axis=0)
        self.squares = np.einsum("nt,nt->t", self.centered, self.centered)
        self.folds = folds
        self.levels = [targets[train].mean(axis=0) for train, _ in folds]
        self.training = [targets[train] - level for (train, _), level in zip(folds, self.levels, strict=True)]
        self.totals = [np.einsum("nt,nt->t", each, each) for each in self.training]


def out_of_fold_correlation(predictors: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    r"""Pearson correlation of every target with its out-of-fold ridge prediction.

    In each fold the predictors are standardized and the penalty of every target is chosen by generalized
    cross-validation, on the training part alone. Constant predictors are dropped; without any left, or for a constant
    target, the correlation is 0.

    .. math:: \hat\beta = (X^\top X + n\lambda I)^{-1} X^\top y

    Args:
        predictors: ``[sample, predictor]``.
        targets: The targets, folded.

    Returns:
        ``[target]``.

    References:
        Golub, Heath & Wahba 1979, doi:10.1080/00401706.1979.10489751 (generalized cross-validation).
    """
    predicted = np.empty_like(targets.centered)
    for fold, (train, test) in enumerate(targets.folds):
        slopes = _slopes(predictors[train], predictors[test], targets.training[fold], targets.totals[fold])
        predicted[test] = targets.levels[fold] if slopes is None else slopes + targets.levels[fold]
    predicted -= predicted.mean(axis=0)
    product = np.einsum("nt,nt->t", predicted, targets.centered)
    spread = np.sqrt(np.einsum("nt,nt->t", predicted, predicted) * targets.squares)
    # A prediction that is constant up to rounding (one mean a fold) correlates with nothing.
    negligible = spread <= 1e-9 * np.maximum(targets.squares, np.finfo(float).tiny)
    return np.where(negligible, 0.0, product / np.where(negligible, 1.0, spread))


def _slopes(train: np.ndarray, test: np.ndarray, targets: np.ndarray, total: np.ndarray) -> np.ndarray | None:
    """Predicted deviations from the mean for the test samples; None where no predictor varies."""
    n = len(train)
    center, scale = train.mean(axis=0), train.std(axis=0)
    varying = scale > 1e-7 * np.maximum(np.abs(center), 1.0)
    if not varying.any():
        return None
    x = (train[:, varying] - center[varying]) / scale[varying]
    # Eigenvectors of the smaller Gram matrix make the problem diagonal for every penalty at once.
    wide = x.shape[1] > n
    power, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    power = np.maximum(power, 0.0)
    along = vectors.T @ (targets if wide else x.T @ targets)
    shrink = power[:, None] / (power[:, None] + n * PENALTIES)
    explained = along**2 if wide else along**2 / np.maximum(power, 1e-10 * power.max())[:, None]
    residual = total - (2 * shrink - shrink**2).T @ explained
    score = residual / (1 - (shrink.sum(axis=0) + 1) / n).clip(1e-6)[:, None] ** 2
    penalty = n * PENALTIES[score.argmin(axis=0)]
    solved = vectors @ (along / (power[:, None] + penalty))
    coefficients = x.T @ solved if wide else solved
    return ((test[:, varying] - center[varying]) / scale[varying]) @ coefficients
