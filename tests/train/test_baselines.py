"""The linear baselines against scikit-learn by hand."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from kgnn.train.baselines import RIDGE_PENALTIES, linear_baselines
from kgnn.train.metrics import pearson
from tests.train.small import small_samples


def test_ridge_is_standardized_on_training_samples_and_chosen_on_validation_samples():
    train, valid, test = small_samples(60, seed=1), small_samples(20, seed=2), small_samples(30, seed=3)
    found = linear_baselines(train, valid, {"valid": valid, "test": test}, "standard")
    scaler = StandardScaler().fit(train.gene_values())
    fits = [
        Ridge(alpha=penalty).fit(scaler.transform(train.gene_values()), train.require_targets().values)
        for penalty in RIDGE_PENALTIES
    ]

    def score(fit: Ridge, part) -> float:
        predicted = fit.predict(scaler.transform(part.gene_values())).reshape(len(part), -1)
        return pearson(predicted, part.require_targets().values)

    best = max(fits, key=lambda fit: score(fit, valid))
    np.testing.assert_allclose(found["ridge"]["test"]["pearson"], score(best, test), atol=1e-5)
    error = test.require_targets().values - train.require_targets().values.mean(axis=0)
    np.testing.assert_allclose(found["mean"]["test"]["mse"], np.square(error).mean(), rtol=1e-5)


def test_logistic_regression_beats_the_mean_and_a_constant_label_is_no_error():
    train, test = small_samples(80, "classes", seed=1), small_samples(40, "classes", seed=2)
    found = linear_baselines(train, None, {"test": test}, "standard")
    assert found["logistic"]["test"]["accuracy"] > found["mean"]["test"]["accuracy"] + 0.1
    labels = small_samples(50, "labels", seed=1)
    values = labels.require_targets().values
    values[:, 0] = 0
    found = linear_baselines(labels, None, {"test": small_samples(30, "labels", seed=4)}, "standard")
    # The label that never varied in training is ranked by nothing (0.5), which a third of the mean is.
    assert found["logistic"]["test"]["auroc"] > (0.5 + 0.9 + 0.9) / 3
