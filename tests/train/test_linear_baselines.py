"""Baselines in the corners: constant labels, a single class, several tables, no validation samples."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import Modality, Samples, Targets, fit_scaler
from kgnn.models import DenseNetwork
from kgnn.train import baselines, count_parameters
from kgnn.train.baselines import RIDGE_PENALTIES, baseline_scores, features_of, linear_baselines
from kgnn.train.metrics import evaluate, pearson
from tests.train.small import GENES, quick, small_model, small_samples


def with_targets(samples: Samples, values: np.ndarray, names: tuple[str, ...], kind: str) -> Samples:
    return Samples.from_values(
        samples.gene_values(), samples.genes, meaning=samples.meaning, targets=Targets(values, names, kind)
    )


def test_the_mean_says_the_same_of_every_sample() -> None:
    train, test = small_samples(21), small_samples(8, seed=2)
    found = linear_baselines(train, None, {"test": test}, "none", ["mean"])
    assert list(found) == ["mean"]
    assert found["mean"]["test"]["pearson"] is None
    assert found["mean"]["test"]["spearman"] is None
    assert found["mean"]["test"]["r2"] < 0.05


def test_the_mean_of_classes_is_the_most_frequent_one() -> None:
    samples = small_samples(10)
    codes = np.array([2, 2, 2, 2, 2, 2, 0, 0, 0, 2], np.int32)
    train = with_targets(samples, codes, ("a", "absent", "b"), "classes")
    found = linear_baselines(train, None, {"train": train}, "none", ["mean"])["mean"]["train"]
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["auroc"] == pytest.approx(0.5)


def test_ridge_is_refitted_on_all_training_samples_where_the_penalty_was_chosen_on_some() -> None:
    from sklearn.linear_model import Ridge

    train, test = small_samples(33), small_samples(17, seed=2)
    found = linear_baselines(train, None, {"test": test}, "none", ["linear"])
    features, truth = train.gene_values(), train.targets.values
    possible = [
        pearson(
            Ridge(alpha=penalty).fit(features, truth).predict(test.gene_values()).reshape(-1, 1), test.targets.values
        )
        for penalty in RIDGE_PENALTIES
    ]
    assert any(found["ridge"]["test"]["pearson"] == pytest.approx(each, abs=1e-6) for each in possible)


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_that_never_changes_is_predicted_as_it_is(value: int) -> None:
    samples = small_samples(30, "labels")
    labels = samples.targets.values.copy()
    labels[:, 1] = value
    train = with_targets(samples, labels, samples.targets.names, "labels")
    found = linear_baselines(train, train, {"train": train}, "standard")
    for name in ("mean", "logistic"):
        alone = with_targets(samples, labels[:, [1]], ("constant",), "labels")
        assert found[name]["train"]["accuracy"] is not None
        scores = linear_baselines(alone, alone, {"train": alone}, "standard")[name]["train"]
        assert scores["accuracy"] == 1.0
        assert scores["auroc"] is None
    assert found["logistic"]["train"]["auroc"] > 0.9


def test_a_single_class_is_predicted_always() -> None:
    samples = small_samples(12)
    train = with_targets(samples, np.full(12, 1, np.int32), ("a", "b", "c"), "classes")
    found = linear_baselines(train, None, {"train": train}, "standard")
    assert found["logistic"]["train"]["accuracy"] == found["mean"]["train"]["accuracy"] == 1.0


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    from kgnn.train.baselines import LOGISTIC_PENALTIES

    train, valid, test = (small_samples(n, "classes", seed=seed) for n, seed in ((50, 1), (20, 2), (30, 3)))
    found = linear_baselines(train, valid, {"test": test}, "none", ["linear"])["logistic"]["test"]
    fits = [
        LogisticRegression(C=c, max_iter=1000).fit(train.gene_values(), train.targets.values)
        for c in LOGISTIC_PENALTIES
    ]
    best = max(fits, key=lambda fit: fit.score(valid.gene_values(), valid.targets.values))
    expected = evaluate("classes", best.predict_log_proba(test.gene_values()), test.targets.values)
    assert found == {name: pytest.approx(score) for name, score in expected.items()}


def test_features_are_all_tables_side_by_side_with_genes_scaled() -> None:
    cells = Modality(np.array([[0.0, 4], [2, 8], [6, 6]]), ("g", "h"), ("c1", "c2", "c3"), "abundance")
    drugs = Modality(np.array([[1.0, 0, 1], [0, 0, 1]]), ("x", "y", "z"), ("d1", "d2"), "signal")
    samples = Samples(
        names=("1", "2", "3", "4"),
        modalities={"expression": cells, "drug": drugs},
        row_of_sample={"expression": np.array([2, 0, 0, 1], np.int32), "drug": np.array([1, 1, 0, 0], np.int32)},
    )
    scaler = fit_scaler(cells.values, "minmax")
    expected = [[1, 0.5, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 1, 0, 1], [1 / 3, 1, 1, 0, 1]]
    np.testing.assert_allclose(features_of(samples, scaler), expected, rtol=1e-6)


def test_only_what_is_wanted_is_fitted_and_the_dense_network_is_of_equal_size() -> None:
    from kgnn.train.baselines import dense_of_equal_size

    samples, model = small_samples(20), small_model()
    assert baseline_scores(model, {"train": samples}, quick(), [], None) == {}
    assert list(baseline_scores(model, {"train": samples}, quick(), ["linear"], None)) == ["ridge"]
    dense = dense_of_equal_size(model, samples, seed=0)
    assert isinstance(dense, DenseNetwork)
    assert dense.genes == GENES
    assert count_parameters(model) / 2 < count_parameters(dense) < 2.5 * count_parameters(model)


def test_a_linear_model_of_many_samples_sees_some_and_scores_all(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, test = small_samples(300), small_samples(50, seed=1)
    whole = baselines.linear_baselines(samples, None, {"test": test}, "standard")
    assert baselines.few_enough(samples) is samples
    few = baselines.few_enough(samples, 7 * 41)
    assert len(few) == 41
    assert [samples.names.index(name) for name in few.names] == sorted(samples.names.index(name) for name in few.names)
    monkeypatch.setattr(baselines, "MOST_VALUES", 8 * 7 * 9)
    in_blocks = baselines.linear_baselines(samples, None, {"test": test}, "standard")
    for name, scores in whole.items():
        for score, value in scores["test"].items():
            expected = None if value is None else pytest.approx(value, rel=1e-9)
            assert in_blocks[name]["test"][score] == expected, (name, score)
