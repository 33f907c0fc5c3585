"""Out-of-fold ridge against scikit-learn and against a search over penalties that hides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.interpret.ridge import PENALTIES, FoldedTargets, out_of_fold_correlation, out_of_fold_prediction

Folds = list[tuple[np.ndarray, np.ndarray]]


def deal(n: int, k: int, seed: int = 0) -> Folds:
    parts = np.array_split(np.random.default_rng(seed).permutation(n), k)
    return [(np.setdiff1d(np.arange(n), part), part) for part in parts]


def example(n: int, p: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predictors on very different scales, one of them constant, and four targets of falling predictability."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    y = x[:, :2] @ rng.normal(size=(2, 4)) + rng.normal(size=(n, 4)) * [0.1, 0.5, 2.0, 50.0]
    x = x * 10.0 ** rng.uniform(-3, 3, p) + 5 * rng.normal(size=p)
    x[:, -1] = 0.1
    return x, y + 7.0


def by_search(x: np.ndarray, y: np.ndarray, folds: Folds) -> np.ndarray:
    """The definition, a penalty and a target at a time."""
    from sklearn.linear_model import Ridge

    found = np.zeros(y.shape)
    for train, test in folds:
        n, varying = len(train), np.ptp(x[train], axis=0) > 0
        center, scale = x[train][:, varying].mean(axis=0), x[train][:, varying].std(axis=0)
        near, far = ((x[part][:, varying] - center) / scale for part in (train, test))
        for target in range(y.shape[1]):
            own = y[train, target] - y[train, target].mean()
            scores, predictions = [], []
            for penalty in PENALTIES:
                hat = near @ np.linalg.solve(near.T @ near + n * penalty * np.eye(near.shape[1]), near.T)
                scores.append(np.sum((own - hat @ own) ** 2) / (1 - (np.trace(hat) + 1) / n) ** 2)
                predictions.append(Ridge(alpha=n * penalty).fit(near, own).predict(far))
            found[test, target] = predictions[int(np.argmin(scores))]
    return found


@pytest.mark.parametrize(("n", "p", "k"), [(41, 7, 5), (40, 33, 5), (24, 70, 4), (12, 3, 3), (10, 5, 10)])
def test_prediction_is_that_of_the_best_penalty_by_search(n: int, p: int, k: int) -> None:
    x, y = example(n, p)
    folds = deal(n, k)
    predicted = out_of_fold_prediction(x, FoldedTargets(y, folds))
    np.testing.assert_allclose(predicted, by_search(x, y, folds), atol=1e-7)


def test_as_good_as_scikit_learn_with_its_own_choice_of_penalty() -> None:
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    x, y = example(150, 12, seed=2)
    folds = deal(150, 5)
    actual, theirs = np.empty(y.shape), np.empty(y.shape)
    for train, test in folds:
        scaler = StandardScaler().fit(x[train])
        fitted = RidgeCV(len(train) * PENALTIES, alpha_per_target=True).fit(scaler.transform(x[train]), y[train])
        theirs[test] = fitted.predict(scaler.transform(x[test])) - y[train].mean(axis=0)
        actual[test] = y[test] - y[train].mean(axis=0)
    expected = [np.corrcoef(theirs[:, t], actual[:, t])[0, 1] for t in range(4)]
    found = out_of_fold_correlation(x, FoldedTargets(y, folds))
    np.testing.assert_allclose(found[:3], expected[:3], atol=0.01)
    np.testing.assert_allclose(found[3], expected[3], atol=0.05)
    assert found[0] > 0.95 > found[2] > 0.2


def test_correlation_is_that_of_deviations_from_the_training_means() -> None:
    x, y = example(41, 7)
    folded = FoldedTargets(y, deal(41, 5))
    predicted = out_of_fold_prediction(x, folded)
    deviations = np.empty(y.shape)
    for train, test in folded.folds:
        deviations[test] = y[test] - y[train].mean(axis=0)
    expected = [np.corrcoef(predicted[:, t], deviations[:, t])[0, 1] for t in range(4)]
    np.testing.assert_allclose(out_of_fold_correlation(x, folded), expected, atol=1e-10)


@pytest.mark.parametrize("p", [6, 45])
def test_the_test_part_chooses_nothing(p: int) -> None:
    # Whatever is written into the targets of a test part, and into its predictors' other rows, predictions of a row
    # of it come from the training part alone.
    x, y = example(40, p)
    folds = deal(40, 5)
    train, test = folds[2]
    before = out_of_fold_prediction(x, FoldedTargets(y, folds))[test]
    other_y, other_x = y.copy(), x.copy()
    other_y[test] = np.random.default_rng(9).normal(size=(len(test), 4)) * 1e3
    after = out_of_fold_prediction(x, FoldedTargets(other_y, folds))[test]
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    other_x[test[1:]] = x[test[1:]] * 100 + 30
    after = out_of_fold_prediction(other_x, FoldedTargets(y, folds))[test[0]]
    np.testing.assert_allclose(after, before[0], rtol=1e-6, atol=1e-6)
    assert len(train) + len(test) == 40


@pytest.mark.parametrize("n", [10, 60])
def test_what_predicts_nothing_covaries_with_nothing(n: int) -> None:
    rng = np.random.default_rng(1)
    covariance, size = 0.0, 0.0
    for seed in range(100):
        folded = FoldedTargets(rng.normal(size=(n, 30)), deal(n, 5, seed))
        predicted = out_of_fold_prediction(rng.normal(size=(n, 4)), folded)
        covariance += (predicted * folded.deviations).sum()
        size += (np.linalg.norm(predicted, axis=0) * np.linalg.norm(folded.deviations, axis=0)).sum()
    assert abs(covariance / size) < 0.02


def test_the_mean_of_the_training_part_is_no_prediction() -> None:
    # Left out one by one, the mean of the others falls as the one rises: a correlation of -1.
    _, y = example(30, 3)
    nearly_nothing = np.random.default_rng(0).normal(size=(30, 1))
    found = out_of_fold_correlation(nearly_nothing, FoldedTargets(y, deal(30, 30)))
    assert (found > -0.9).all()
    assert (out_of_fold_correlation(np.ones((30, 1)), FoldedTargets(y, deal(30, 30))) == 0).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 / 3])
def test_constant_predictors_and_constant_targets_give_zero(constant: float) -> None:
    x, y = example(30, 5)
    folds = deal(30, 5)
    y[:, 1] = constant
    assert out_of_fold_correlation(x, FoldedTargets(y, folds))[1] == 0
    assert out_of_fold_correlation(x, FoldedTargets(y, folds))[0] != 0
    flat = np.full((30, 3), constant, dtype=np.float32)
    assert (out_of_fold_correlation(flat, FoldedTargets(y, folds)) == 0).all()
    assert (out_of_fold_correlation(np.zeros((30, 0)), FoldedTargets(y, folds)) == 0).all()


@pytest.mark.parametrize("p", [4, 40])
def test_a_predictor_that_only_varies_outside_the_training_part_is_dropped(p: int) -> None:
    x, y = example(30, p)
    folds = deal(30, 5)
    x[:, 0] = 2.0
    x[folds[0][1], 0] = np.arange(6)
    predicted = out_of_fold_prediction(x, FoldedTargets(y, folds))
    without = out_of_fold_prediction(x[:, 1:], FoldedTargets(y, folds))
    np.testing.assert_allclose(predicted[folds[0][1]], without[folds[0][1]], atol=1e-8)


def test_repeated_predictors_and_a_perfect_prediction_are_no_trouble() -> None:
    x, _ = example(30, 4)
    x = np.repeat(x, 3, axis=1)
    y = (x[:, :1] - x[:, :1].mean()) / x[:, :1].std() @ np.array([[1.0, -2.0]])
    np.testing.assert_allclose(out_of_fold_correlation(x, FoldedTargets(y, deal(30, 5))), 1.0, atol=1e-4)
    np.testing.assert_allclose(out_of_fold_correlation(x[:, :1], FoldedTargets(y, deal(30, 5))), 1.0, atol=1e-4)
