"""Out-of-fold ridge regression of many targets at once: how well some states predict, on samples not fitted on."""

from __future__ import annotations

import numpy as np

PENALTIES = 10.0 ** np.arange(-4, 3)
"""Candidate penalties, per sample, on standardized predictors."""


class FoldedTargets:
    """Targets with what every fold needs of them, computed once for all subsystems.

    Args:
        targets: ``[sample, target]``.
        folds: Pairs of training and test positions; every sample is in one test part.
    """

    def __init__(self, targets: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]):
        self.folds = folds
        self.training, self.totals = [], []
        deviations = np.empty(targets.shape)
        for train, test in folds:
            level = targets[train].mean(axis=0)
            deviations[test] = targets[test] - level
            self.training.append(targets[train] - level)
            self.totals.append(np.einsum("nt,nt->t", self.training[-1], self.training[-1]))
        self.centered = deviations - deviations.mean(axis=0)
        self.squares = np.einsum("nt,nt->t", self.centered, self.centered)
        # A constant is one up to rounding: the mean of equal numbers is not always their value.
        self.constant = self.squares <= len(targets) * (1e-10 * np.abs(targets).max(axis=0, initial=0.0)) ** 2


def out_of_fold_correlation(predictors: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    r"""Pearson correlation of every target with its out-of-fold ridge prediction.

    In each fold the predictors are standardized and the penalty of every target is chosen by generalized
    cross-validation, on the training part alone. Constant predictors are dropped; without any left, or for a constant
    target, the correlation is 0.

    Prediction and target both count from the mean of the training part. The mean itself is no prediction: it is low
    where the test part is high, and would make the correlation of useless predictors negative.

    .. math:: \hat\beta = (X^\top X + n\lambda I)^{-1} X^\top y

    Args:
        predictors: ``[sample, predictor]``.
        targets: The targets, folded.

    Returns:
        ``[target]``.

    References:
        Golub, Heath & Wahba 1979, doi:10.1080/00401706.1979.10489751 (generalized cross-validation).
    """
    predictors = np.asarray(predictors, dtype=np.float64)
    predicted = np.empty_like(targets.centered)
    for (train, test), training, total in zip(targets.folds, targets.training, targets.totals, strict=True):
        predicted[test] = _predicted_deviations(predictors[train], predictors[test], training, total)
    predicted -= predicted.mean(axis=0)
    product = np.einsum("nt,nt->t", predicted, targets.centered)
    spread = np.sqrt(np.einsum("nt,nt->t", predicted, predicted) * targets.squares)
    undefined = targets.constant | (spread <= 1e-9 * targets.squares)
    return np.where(undefined, 0.0, product / np.where(undefined, 1.0, spread))


def _predicted_deviations(train: np.ndarray, test: np.ndarray, targets: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Predicted deviations of the test samples from the training mean; 0 where no predictor varies."""
    n = len(train)
    center, scale = train.mean(axis=0), train.std(axis=0)
    varying = scale > 1e-7 * np.maximum(np.abs(center), 1e-5)
    if not varying.any():
        return np.zeros((len(test), targets.shape[1]))
    center, scale = center[varying], scale[varying]
    x = (train[:, varying] - center) / scale
    # Eigenvectors of the smaller Gram matrix make the problem diagonal for every penalty at once.
    wide = x.shape[1] > n
    power, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    power = np.maximum(power, 0.0)
    along = vectors.T @ (targets if wide else x.T @ targets)
    explained = along**2 if wide else along**2 / np.maximum(power, 1e-10 * power.max())[:, None]
    left = n * PENALTIES / (power[:, None] + n * PENALTIES)
    residual = (left**2).T @ explained + np.maximum(total - explained.sum(axis=0), 0.0)
    freedom = n - 1 - (1.0 - left).sum(axis=0)
    score = residual / np.maximum(freedom / n, 1e-6)[:, None] ** 2
    penalty = n * PENALTIES[score.argmin(axis=0)]
    solved = vectors @ (along / (power[:, None] + penalty))
    return ((test[:, varying] - center) / scale) @ (x.T @ solved if wide else solved)
