"""Out-of-fold ridge regression of many targets at once: how well some states predict, on samples not fitted on."""

from __future__ import annotations

import numpy as np

PENALTIES = 10.0 ** np.arange(-4, 3)
"""Candidate penalties, per sample, on standardized predictors."""
_CONSTANT = 1e-7
"""Deviation in a training part, as a share of that in all samples, below which a predictor is constant."""


class FoldedTargets:
    """Targets with what every fold needs of them, computed once for all predictors.

    Args:
        targets: ``[sample, target]``.
        folds: Pairs of training and test positions; every sample is in one test part.

    Attributes:
        folds: The folds.
        values: ``[sample, target]``, centered.
        levels: ``[fold, target]``, mean of `values` in each training part.
        totals: ``[fold, target]``, squared deviations from it in each training part.
        deviations: ``[sample, target]``, of each test sample from the mean of its training part.
    """

    def __init__(self, targets: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]):
        self.folds = folds
        self.values = targets - targets.mean(axis=0)
        self.deviations = np.empty_like(self.values)
        n_train = np.array([[len(train)] for train, _ in folds])
        sums = np.stack([self.values[test].sum(axis=0) for _, test in folds])
        squares = np.stack([_squares(self.values[test]) for _, test in folds])
        self.levels = (sums.sum(axis=0) - sums) / n_train
        self.totals = np.maximum(squares.sum(axis=0) - squares - n_train * self.levels**2, 0.0)
        for (_, test), level in zip(folds, self.levels, strict=True):
            self.deviations[test] = self.values[test] - level
        # A constant is one up to rounding: the mean of equal numbers is not always their value.
        self.rounding = 1e-10 * len(targets) ** 0.5 * np.abs(targets).max(axis=0, initial=0.0)


def out_of_fold_prediction(predictors: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    r"""Prediction of every target for every sample by ridge regression on the other folds.

    In each fold the predictors are standardized and the penalty of every target is chosen by generalized
    cross-validation, on the training part alone. Constant predictors are dropped.

    .. math:: \hat\beta = (X^\top X + n\lambda I)^{-1} X^\top y

    Args:
        predictors: ``[sample, predictor]``.
        targets: The targets, folded.

    Returns:
        ``[sample, target]``, as deviations from the mean of the training part; 0 where nothing predicts.

    References:
        Golub, Heath & Wahba 1979, doi:10.1080/00401706.1979.10489751 (generalized cross-validation).
    """
    x = np.asarray(predictors, dtype=np.float64)
    center, scale = x.mean(axis=0), x.std(axis=0)
    # One affine map of all samples, for the digits only: what each fold does to its predictors undoes it.
    x = ((x - center) / np.where(scale > 0, scale, 1.0))[:, scale > _CONSTANT * 1e-3 * np.abs(center)]
    if x.shape[1] > min(len(train) for train, _ in targets.folds):
        return _by_samples(x, targets)
    return _by_predictors(x, targets)


def out_of_fold_correlation(predictors: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    """Pearson correlation of every target with its out-of-fold ridge prediction.

    Prediction and target both count from the mean of the training part. The mean itself is no prediction: it is low
    where the test part is high, and a constant would seem to predict the opposite. Useless predictors still scatter
    around a value somewhat below 0, since a fold on which chance smiled is missing where the others are fitted.

    Args:
        predictors: ``[sample, predictor]``.
        targets: The targets, folded.

    Returns:
        ``[target]``; 0 where nothing predicts, or the target is constant.
    """
    predicted = out_of_fold_prediction(predictors, targets)
    n, actual = len(predicted), targets.deviations
    # Moments, not centered copies: the targets are many.
    sums, actual_sums = predicted.sum(axis=0), actual.sum(axis=0)
    length = np.sqrt(np.maximum(_squares(predicted) - sums**2 / n, 0.0))
    size = np.sqrt(np.maximum(_squares(actual) - actual_sums**2 / n, 0.0))
    product = np.einsum("nt,nt->t", predicted, actual) - sums * actual_sums / n
    defined = (size > targets.rounding) & (length > 1e-9 * size)
    return np.where(defined, product, 0.0) / np.where(defined, length * size, 1.0)


def _by_predictors(x: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    """With few predictors: the products of a training part are those of all samples less those of the test part."""
    blocks = [(x[test], targets.values[test]) for _, test in targets.folds]
    sums = np.stack([part.sum(axis=0) for part, _ in blocks])
    gram = np.stack([part.T @ part for part, _ in blocks])
    product = [part.T @ values for part, values in blocks]
    all_sums, all_gram, all_product = sums.sum(axis=0), gram.sum(axis=0), sum(product)
    predicted = np.empty_like(targets.values)
    for fold, (train, test) in enumerate(targets.folds):
        n = len(train)
        center = (all_sums - sums[fold]) / n
        covariance = all_gram - gram[fold] - n * np.outer(center, center)
        scale = np.sqrt(np.maximum(np.diag(covariance) / n, 0.0))
        kept = np.flatnonzero(scale > _CONSTANT)
        shape = np.outer(scale[kept], scale[kept])
        power, vectors = np.linalg.eigh(covariance[np.ix_(kept, kept)] / shape)
        power = np.maximum(power, 0.0)
        along = (all_product - product[fold])[kept] - n * np.outer(center[kept], targets.levels[fold])
        along = vectors.T @ (along / scale[kept, None])
        explained = along**2 / np.maximum(power, 1e-10 * power.max(initial=1.0))[:, None]
        solved = vectors @ (along / (power[:, None] + _penalty(power, explained, targets.totals[fold], n)))
        predicted[test] = ((x[test][:, kept] - center[kept]) / scale[kept]) @ solved
    return predicted


def _by_samples(x: np.ndarray, targets: FoldedTargets) -> np.ndarray:
    """With more predictors than samples: the same solution from the products of samples with each other."""
    predicted = np.empty_like(targets.values)
    for fold, (train, test) in enumerate(targets.folds):
        n = len(train)
        center, scale = x[train].mean(axis=0), x[train].std(axis=0)
        kept = scale > _CONSTANT
        center, scale = center[kept], scale[kept]
        near, far = ((x[part][:, kept] - center) / scale for part in (train, test))
        power, vectors = np.linalg.eigh(near @ near.T)
        power = np.maximum(power, 0.0)
        along = vectors.T @ (targets.values[train] - targets.levels[fold])
        penalty = _penalty(power, along**2, targets.totals[fold], n)
        predicted[test] = (far @ near.T) @ (vectors @ (along / (power[:, None] + penalty)))
    return predicted


def _penalty(power: np.ndarray, explained: np.ndarray, total: np.ndarray, n: int) -> np.ndarray:
    """The penalty of every target with the least score of generalized cross-validation, times the samples.

    Args:
        power: ``[direction]``, eigenvalues.
        explained: ``[direction, target]``, squares of each target along each direction.
        total: ``[target]``, all squares of each target.
        n: Number of samples.
    """
    left = n * PENALTIES / (power[:, None] + n * PENALTIES)
    residual = (left**2).T @ explained + np.maximum(total - explained.sum(axis=0), 0.0)
    freedom = n - 1 - (1.0 - left).sum(axis=0)
    return n * PENALTIES[(residual / np.maximum(freedom / n, 1e-6)[:, None] ** 2).argmin(axis=0)]


def _squares(values: np.ndarray) -> np.ndarray:
    return np.einsum("nt,nt->t", values, values)
