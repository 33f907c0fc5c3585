"""Learners without knowledge: each finds what it can find, chooses on validation samples, and knows every class."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.bakeoff import corrected_interval
from kgnn.bakeoff.learners import LEARNERS, fit_learner
from kgnn.data import Samples, Targets
from kgnn.errors import KgnnError
from kgnn.train.baselines import features_of
from kgnn.train.metrics import SCORES, evaluate


def planted(task: str, n: int = 200, seed: int = 0, *, sign: float = 1.0) -> Samples:
    random = np.random.default_rng(seed)
    values = random.normal(3.0, 2.0, (n, 12)).astype(np.float32)
    score = values[:, 0] - sign * values[:, 1]
    if task == "classes":
        code = np.digitize(score, [-1.5, 1.5]).astype(np.int32)
        targets = Targets(code, ("down", "flat", "up", "never"), task)
    elif task == "labels":
        targets = Targets(np.stack([score > 0, values[:, 2] > 3], axis=1).astype(np.float32), ("a", "b"), task)
    else:
        targets = Targets(np.stack([1e3 * score, values[:, 2]], axis=1).astype(np.float32), ("y", "z"), task)
    return Samples.from_values(values, [f"g{k}" for k in range(12)], meaning="abundance", targets=targets)


@pytest.mark.parametrize("task", ["regression", "classes", "labels"])
@pytest.mark.parametrize("name", ["mean", *LEARNERS])
def test_learns_what_is_planted(name: str, task: str):
    train, valid, test = (planted(task, n, seed) for n, seed in ((200, 0), (60, 1), (100, 2)))
    score = SCORES[task][0]
    chosen, scaler = fit_learner(name, train, valid, score, 0)
    predicted = chosen.predict(features_of(test, scaler))
    assert predicted.shape == (100, len(test.targets.names)) and np.isfinite(predicted).all()
    found = evaluate(task, predicted, test.targets.values)
    if name == "mean":
        at_most = {"regression": ("r2", 0.01), "classes": ("accuracy", 0.6), "labels": ("auroc", 0.5)}
        measure, most = at_most[task]
        assert chosen.settings == "" and found[measure] <= most
        return
    least = {"regression": 0.8, "classes": 0.75, "labels": 0.85}[task]
    assert found[score] > least
    known = {", ".join(f"{key} {each:g}" for key, each in one.items()) for one in LEARNERS[name].settings}
    assert chosen.settings in known
    again, _ = fit_learner(name, train, valid, score, 0)
    np.testing.assert_array_equal(again.predict(features_of(test, scaler)), predicted)


def test_the_validation_samples_choose():
    # Where the validation samples say the opposite, the strongest penalty is the least wrong.
    train, opposed = planted("regression"), planted("regression", 60, 1, sign=-1.0)
    opposed = opposed.take(np.arange(60))
    against = Targets(-opposed.targets.values, opposed.targets.names, "regression")
    settings = [
        fit_learner("linear", train, Samples.from_values(
            np.asarray(opposed.gene_values()), opposed.genes, meaning="abundance", targets=targets
        ), "mse", 0)[0].settings
        for targets in (against,)
    ]  # fmt: skip
    assert settings == ["penalty 1000"]
    assert fit_learner("linear", train, planted("regression", 60, 5), "mse", 0)[0].settings != "penalty 1000"


def test_names():
    train = planted("classes", 30)
    with pytest.raises(
        KgnnError, match="learner is 'svm', .* Choose one of: boosting, elastic_net, forest, linear, mean"
    ):
        fit_learner("svm", train, train, "accuracy", 0)


def test_intervals_count_what_folds_share():
    values = np.array([0.1, 0.3, 0.2, 0.4, np.nan])
    found = corrected_interval(values, 0.25)
    sd = np.std([0.1, 0.3, 0.2, 0.4], ddof=1)
    half = 3.182446 * sd * np.sqrt(1 / 4 + 0.25)
    assert found.n == 4 and found.mean == pytest.approx(0.25) and found.sd == pytest.approx(sd)
    assert (found.low, found.high) == (pytest.approx(0.25 - half, abs=1e-6), pytest.approx(0.25 + half, abs=1e-6))
    from scipy.stats import t

    assert found.p_value == pytest.approx(2 * t.sf(0.25 / (sd * np.sqrt(0.5)), 3))
    assert corrected_interval(np.array([0.5]), 0.25)[0] == 0.5 and np.isnan(
        corrected_interval(np.array([0.5]), 0.25).low
    )
    assert corrected_interval(np.array([np.nan]), 0.25).n == 0
    assert corrected_interval(np.zeros(3), 0.25).p_value == 1.0 and corrected_interval(np.ones(3), 0.2).p_value == 0.0
