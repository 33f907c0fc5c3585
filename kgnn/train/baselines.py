"""Baselines without knowledge and without a network: the mean, and a penalized linear model."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgnn.data.samples import Samples
from kgnn.data.scaling import fit_scaler
from kgnn.train.metrics import SCORES, evaluate, score_of

RIDGE_PENALTIES = (1.0, 10.0, 100.0, 1_000.0)
LOGISTIC_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)


def linear_baselines(train: Samples, valid: Samples | None, others: dict[str, Samples], scaling: str) -> dict[str, Any]:
    """Scores of the mean and of ridge regression (logistic regression for classes and labels).

    The penalty is chosen on the validation samples, or on a tenth of the training samples where there are none; the
    scaler is fitted on the training samples. The test samples choose nothing.

    Args:
        train: Training samples.
        valid: Validation samples, or None.
        others: Samples to score, by name of the split.
        scaling: Method of `kgnn.data.fit_scaler` for the gene values.

    Returns:
        Scores by baseline and split.
    """
    task = _targets(train).kind
    scaler = fit_scaler(_gene_values(train), scaling)
    fitted = {"mean": _mean_predictor(train)}
    if valid is None or not len(valid):
        order = np.random.default_rng(0).permutation(len(train))
        held = max(1, len(train) // 10)
        train, valid = train.take(order[held:]), train.take(order[:held])
    features = features_of(train, scaler)
    candidates = _ridges(features, train) if task == "regression" else _logistics(features, train, task)
    headline = SCORES[task][0]
    valid_features, valid_target = features_of(valid, scaler), _targets(valid).values
    scores = [score_of(headline, task, fit(valid_features), valid_target) for fit in candidates]
    best = candidates[int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))]
    fitted["ridge" if task == "regression" else "logistic"] = best
    return {
        name: {
            split: evaluate(task, fit(features_of(samples, scaler)), _targets(samples).values)
            for split, samples in others.items()
        }
        for name, fit in fitted.items()
    }


def features_of(samples: Samples, scaler: Any) -> np.ndarray:
    """All modalities of every sample side by side, float32 ``[sample, feature]``, genes scaled."""
    parts = []
    for name, table in samples.modalities.items():
        values = np.asarray(table.values, dtype=np.float32)
        values = scaler.apply(values) if name == samples.gene_modality else values
        parts.append(values[samples.row_of_sample[name]])
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _gene_values(samples: Samples) -> np.ndarray:
    table = samples.modalities[samples.gene_modality]
    return np.asarray(table.values, dtype=np.float32)[samples.row_of_sample[samples.gene_modality]]


def _targets(samples: Samples) -> Any:
    return samples.targets


def _mean_predictor(train: Samples) -> Any:
    targets = _targets(train)
    if targets.kind == "classes":
        share = np.bincount(targets.values, minlength=len(targets.names)) / len(train)
    else:
        share = targets.values.mean(axis=0)
    level = share if targets.kind == "regression" else np.log(np.clip(share, 1e-6, 1 - 1e-6))
    if targets.kind == "labels":
        level = level - np.log1p(-np.clip(share, 1e-6, 1 - 1e-6))
    return lambda features: np.broadcast_to(level, (len(features), len(level)))


def _ridges(features: np.ndarray, train: Samples) -> list[Any]:
    from sklearn.linear_model import Ridge

    fits = []
    for penalty in RIDGE_PENALTIES:
        model = Ridge(alpha=penalty, solver="cholesky").fit(features, _targets(train).values)
        fits.append(lambda rows, model=model: model.predict(rows).reshape(len(rows), -1))
    return fits


def _logistics(features: np.ndarray, train: Samples, task: str) -> list[Any]:
    from sklearn.linear_model import LogisticRegression

    targets = _targets(train)
    fits = []
    for strength in LOGISTIC_PENALTIES:
        columns = [targets.values] if task == "classes" else list(targets.values.T)
        models = [
            LogisticRegression(C=strength, max_iter=1000).fit(features, column) if len(np.unique(column)) > 1 else None
            for column in columns
        ]
        fits.append(lambda rows, models=models: _log_odds(models, rows, task, len(targets.names)))
    return fits


def _log_odds(models: list[Any], rows: np.ndarray, task: str, n_outputs: int) -> np.ndarray:
    if task == "labels":
        return np.stack([np.zeros(len(rows)) if m is None else m.decision_function(rows) for m in models], axis=1)
    logits = np.full((len(rows), n_outputs), -30.0)
    if models[0] is not None:
        logits[:, models[0].classes_] = models[0].predict_log_proba(rows)
    return logits
