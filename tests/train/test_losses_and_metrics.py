"""Losses and scores against NumPy, SciPy and scikit-learn."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from kgnn.layers import Prediction
from kgnn.train.losses import batch_losses, sample_losses
from kgnn.train.metrics import evaluate, probabilities


def test_losses_are_those_of_the_textbook():
    random = np.random.default_rng(3)
    predicted, target, scale = random.normal(size=(5, 3)), random.normal(size=(5, 3)), np.array([0.5, 1.0, 2.0])
    found = sample_losses("regression", jnp.asarray(predicted), jnp.asarray(target), jnp.asarray(scale))
    np.testing.assert_allclose(found, (((predicted - target) / scale) ** 2).sum(axis=1), rtol=1e-5)
    codes = np.array([0, 2, 1, 1, 0])
    found = sample_losses("classes", jnp.asarray(predicted), jnp.asarray(codes), jnp.ones(3))
    share = np.exp(predicted) / np.exp(predicted).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, -np.log(share[np.arange(5), codes]), rtol=1e-5)
    labels = (target > 0).astype(float)
    found = sample_losses("labels", jnp.asarray(predicted), jnp.asarray(labels), jnp.ones(3))
    p = 1 / (1 + np.exp(-predicted))
    np.testing.assert_allclose(found, -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).sum(axis=1), rtol=1e-5)


def test_the_auxiliary_loss_sums_heads_and_padding_weighs_nothing():
    random = np.random.default_rng(4)
    output, auxiliary = random.normal(size=(4, 1)), random.normal(size=(4, 3, 1))
    target, weights = random.normal(size=(4, 1)), np.array([1.0, 1.0, 2.0, 0.0])
    prediction = Prediction(jnp.asarray(output), jnp.asarray(auxiliary), jnp.zeros((4, 0)))
    found = batch_losses("regression", prediction, jnp.asarray(target), jnp.ones(1), jnp.asarray(weights))
    share = weights / weights.sum()
    by_head = [share @ ((auxiliary[:, head] - target) ** 2)[:, 0] for head in range(3)]
    np.testing.assert_allclose(found, (share @ ((output - target) ** 2)[:, 0], sum(by_head)), rtol=1e-5)
    target[3] = 1e6
    again = batch_losses("regression", prediction, jnp.asarray(target), jnp.ones(1), jnp.asarray(weights))
    np.testing.assert_array_equal(found, again)


def test_regression_scores():
    random = np.random.default_rng(5)
    predicted, target = random.normal(size=(30, 2)), random.normal(size=(30, 2))
    found = evaluate("regression", predicted, target)
    columns = range(2)
    np.testing.assert_allclose(
        found["pearson"], np.mean([stats.pearsonr(predicted[:, k], target[:, k])[0] for k in columns])
    )
    np.testing.assert_allclose(
        found["spearman"], np.mean([stats.spearmanr(predicted[:, k], target[:, k])[0] for k in columns])
    )
    np.testing.assert_allclose(found["r2"], reference.r2_score(target, predicted))
    np.testing.assert_allclose(found["mse"], reference.mean_squared_error(target, predicted))
    constant = evaluate("regression", np.ones((30, 2)), target)
    assert np.isnan(constant["pearson"])


def test_class_scores():
    random = np.random.default_rng(6)
    logits, codes = random.normal(size=(40, 3)), random.integers(0, 3, size=40)
    found = evaluate("classes", logits, codes)
    chance = probabilities(logits, "classes")
    np.testing.assert_allclose(chance.sum(axis=1), 1.0)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(codes, logits.argmax(axis=1)))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(codes, logits.argmax(axis=1), average="macro"))
    auroc = [reference.roc_auc_score(codes == k, chance[:, k]) for k in range(3)]
    assert found["auroc"] == pytest.approx(np.mean(auroc))
