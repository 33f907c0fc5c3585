import copy

import numpy as np
import pandas as pd
import pytest

from kgnn.errors import KgnnError
from kgnn.plot import learning_curve, scores
from kgnn.plot.sections import caution, compare
from kgnn.plot.training import Score, best_baseline, format_score, list_scores


def widths(panel) -> list[float]:
    return [bar.get_width() for bar in panel.patches]


def texts(panel) -> list[str]:
    return [text.get_text().strip() for text in panel.texts]


def test_scores_are_listed_headline_first_and_model_first(metrics):
    listed = [score[:3] for score in list_scores(metrics)]
    assert listed[:6] == [
        ("model", "test", "accuracy"),
        ("mean", "test", "accuracy"),
        ("ridge", "test", "accuracy"),
        ("model", "test", "auroc"),
        ("mean", "test", "auroc"),
        ("ridge", "test", "auroc"),
    ]
    assert [score.split for score in list_scores(metrics)] == ["test"] * 6 + ["valid"] * 6 + ["train"] * 2
    undefined = [score.who for score in list_scores(metrics) if np.isnan(score.value)]
    assert undefined == ["mean", "mean"]


def test_scores_shows_a_panel_for_each_split_and_metric(metrics):
    figure = scores(metrics)
    assert len(figure.axes) == 2 * 2
    first = figure.axes[0]
    assert first.get_title(loc="left") == "test (n = 11)"
    assert [label.get_text() for label in first.get_yticklabels()] == ["model", "mean", "ridge"]
    assert widths(first) == [0.7, 0.45, 0.6]
    assert texts(first) == ["0.700", "0.450", "0.600"]
    assert texts(figure.axes[1]) == ["0.880", "undefined", "0.800"]


def test_scores_without_baselines_or_held_out_samples(metrics):
    only_train = {"score": "accuracy", "model": {"train": {"accuracy": 0.9}}}
    assert len(scores(only_train).axes) == 1
    assert best_baseline(only_train) is None
    assert "No baseline was scored" in compare(only_train)
    with pytest.raises(KgnnError, match="no score of the model"):
        scores({"score": "accuracy", "baselines": metrics["baselines"]})


def test_lower_is_better_for_errors(metrics):
    errors = {"score": "mse", "model": {"test": {"mse": 0.02}}}
    errors["baselines"] = {"ridge": {"test": {"mse": 0.03}}, "dense": {"test": {"mse": 0.025}}}
    assert best_baseline(errors) == (Score("model", "test", "mse", 0.02), Score("dense", "test", "mse", 0.025))
    assert "beats its best baseline by 0.00500" in compare(errors)
    assert scores(errors).axes[0].get_xlabel() == "mse (lower is better)"


def test_the_sentence_is_honest(metrics):
    assert "test samples it reaches accuracy 0.700; the best baseline, ridge, reaches 0.600" in compare(metrics)
    assert "beats its best baseline by 0.100" in compare(metrics)
    assert caution(metrics) == ""
    worse = copy.deepcopy(metrics)
    worse["baselines"]["ridge"]["test"]["accuracy"] = 0.71
    assert "does not beat its best baseline" in compare(worse)
    assert "The baseline ridge is as good or better" in caution(worse)
    assert "another seed" in caution(worse)
    worse["baselines"]["shuffled"] = {"test": {"accuracy": 0.7}}
    assert "over shuffled genes predicts as well" in caution(worse)


def test_learning_curve_leaves_out_what_was_not_measured():
    history = pd.DataFrame({"epoch": [1, 2, 3], "loss": [100.0, 10.0, 1.0], "valid_score": [np.nan] * 3})
    figure = learning_curve(history)
    assert len(figure.axes) == 1
    assert figure.axes[0].get_yscale() == "log"


def test_learning_curve_marks_the_epoch_that_was_kept(run):
    figure = learning_curve(run.history, score="accuracy", best_epoch=3)
    loss, score = figure.axes
    assert loss.get_yscale() == "linear"
    assert score.get_ylabel() == "accuracy"
    np.testing.assert_array_equal(score.lines[0].get_xydata(), [[1, 0.3], [3, 0.8], [4, 0.7]])
    assert texts(score) == ["kept: epoch 3"]


def test_learning_curve_refuses_another_table():
    with pytest.raises(KgnnError, match=r"lacks 2 columns: epoch, loss\. Pass the table that kgnn\.fit"):
        learning_curve(pd.DataFrame({"step": [1]}))
    with pytest.raises(KgnnError, match="has no rows"):
        learning_curve(pd.DataFrame({"epoch": [], "loss": []}))


@pytest.mark.parametrize(("value", "text"), [(0.6744, "0.674"), (0.01642, "0.0164"), (-0.05, "-0.0500"), (0, "0.000")])
def test_format_score(value, text):
    assert format_score(value) == text


def test_scores_of_replicates_are_dots_beside_the_bar_of_their_mean(metrics):
    summary = {"each": [0.6, 0.75, None], "mean": None, "sd": None, "low": None, "high": None}
    metrics["replicates"] = {"test": {"accuracy": summary, "auroc": {**summary, "each": [0.8, 0.9]}}}
    figure = scores(metrics)
    dots = [line.get_xdata() for panel in figure.axes for line in panel.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots[0], [0.6, 0.75])
    np.testing.assert_allclose(dots[1], [0.8, 0.9])
    assert len(dots) == 2
