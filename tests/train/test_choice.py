"""Which epoch is kept, on which samples that is decided, and what the user is shown of it."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from kgnn.data import Samples, Targets
from kgnn.errors import KgnnError, TrainingError
from kgnn.train import EpochReport, RichProgress, evaluate, train_model
from kgnn.train.metrics import score_of
from kgnn.train.parts import make_parts
from kgnn.train.scoring import Validation, best_epoch, score_name, undefined_as_none
from kgnn.train.summary import run_summary, score_table
from tests.train.conftest import Finished
from tests.train.small import GENES, arrays_of, quick, small_model, small_samples


@pytest.mark.parametrize(
    ("scores", "name", "epoch"),
    [
        ([0.1, 0.3, 0.3, 0.2], "pearson", 2),
        ([None, None, -0.4], "pearson", 3),
        ([None, None], "accuracy", 1),
        ([0.4, 0.1, None, 0.2], "mse", 2),
        ([None, 7.0], "mse", 2),
    ],
)
def test_the_first_best_epoch_is_chosen(scores: list[float | None], name: str, epoch: int) -> None:
    assert best_epoch(scores, name) == epoch


def test_an_error_is_smallest_when_best() -> None:
    predicted, target = np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])
    assert score_of("mse", "regression", predicted, target) == -2.0
    assert score_of("pearson", "regression", predicted, target) == pytest.approx(1.0)
    train, valid = small_samples(31), small_samples(9, seed=5)
    _, history, best = train_model(small_model(), train, valid, quick(score="mse"))
    assert (history["valid_score"] > 0).all()
    assert history["valid_score"].idxmin() + 1 == best


def test_the_best_epoch_is_what_is_kept() -> None:
    """A learning rate that falls to nothing of use: the arrays of the best epoch come back, not those of the last."""
    train, valid = small_samples(31), small_samples(9, seed=5)
    config = quick(epochs=9, learning_rate=0.4)
    fitted, history, best = train_model(small_model(), train, valid, config)
    again, _, _ = train_model(small_model(), train, None, config.updated({"epochs": best}))
    assert best < 9
    for name, array in arrays_of(again).items():
        np.testing.assert_array_equal(arrays_of(fitted)[name], array, err_msg=name)
    assert history["valid_score"].max() == history["valid_score"][best - 1]


def test_scores_of_a_task() -> None:
    assert [score_name(quick(), task) for task in ("regression", "classes", "labels")] == [
        "pearson", "accuracy", "auroc"
    ]  # fmt: skip
    with pytest.raises(TrainingError, match="score is 'r2', which does not fit labels. Choose one of: auroc, auprc"):
        score_name(quick(score="r2"), "labels")


def test_undefined_scores_become_none() -> None:
    values = {"a": math.nan, "b": {"c": math.inf, "d": 0.5}, "e": 3, "f": "nan"}
    assert undefined_as_none(values) == {"a": None, "b": {"c": None, "d": 0.5}, "e": 3, "f": "nan"}


def test_validation_refuses_predictions_that_are_not_finite() -> None:
    from flax import nnx

    model, samples = small_model(), small_samples(9)
    validation = Validation(model, samples, "pearson")
    _, params, rest = nnx.split(model, nnx.Param, ...)
    assert validation(params, rest, 1) == pytest.approx(validation(params, rest, 1))
    model.output_layer.bias[...] = model.output_layer.bias[...] * np.inf
    _, params, rest = nnx.split(model, nnx.Param, ...)
    with pytest.raises(TrainingError, match="predictions of validation samples became infinite .* in epoch 7"):
        validation(params, rest, 7)
    model.output_layer.bias[...] = np.zeros(1, np.float32)
    model.output_layer.kernel[...] = np.zeros((1, 2), np.float32)
    _, params, rest = nnx.split(model, nnx.Param, ...)
    assert validation(params, rest, 8) is None, "a constant prediction has no correlation"


@pytest.mark.parametrize(("task", "score"), [("classes", "auroc"), ("labels", "auprc")])
def test_a_score_that_nobody_can_have_is_refused(task: str, score: str) -> None:
    samples = small_samples(6, task)
    same = Targets(np.zeros_like(samples.targets.values), samples.targets.names, task)
    constant = Samples.from_values(samples.gene_values(), GENES, meaning="abundance", targets=same)
    with pytest.raises(TrainingError, match=f"{score} is not defined on the 6 validation samples"):
        Validation(small_model(task=task), constant, score)


def test_groups_are_held_out_whole() -> None:
    samples = small_samples(40)
    donors = np.array([f"donor {position % 8}" for position in range(40)])
    grouped = Samples.from_values(
        samples.gene_values(), GENES, meaning="abundance", targets=samples.targets, covariates={"donor": donors}
    )
    parts = make_parts(small_model(), grouped, None, None, quick(valid_group="donor", valid_fraction=0.25))
    assert parts.valid is not None
    assert set(parts.train.covariates["donor"]).isdisjoint(parts.valid.covariates["donor"])
    assert (len(parts.train), len(parts.valid)) == (30, 10)
    assert list(parts.present) == ["train", "valid"]
    assert parts.held_out is parts.valid
    with pytest.raises(KgnnError, match="covariate is 'lab'"):
        make_parts(small_model(), grouped, None, None, quick(valid_group="lab"))


def test_genes_are_taken_by_name() -> None:
    samples = small_samples(10)
    order = [3, 6, 0, 5, 1, 2, 4]
    shuffled = Samples.from_values(
        samples.gene_values()[:, order], [GENES[k] for k in order], meaning="abundance", targets=samples.targets
    )
    parts = make_parts(small_model(), shuffled, None, samples, quick(valid_fraction=0))
    np.testing.assert_array_equal(parts.train.gene_values(), samples.gene_values())
    assert parts.test is not None
    assert parts.test.genes == GENES


def test_metrics_of_outputs_that_do_not_vary() -> None:
    target = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    predicted = np.array([[1.1, 0.0], [2.0, 1.0], [3.9, 0.0]])
    scores = evaluate("regression", predicted, target)
    assert scores["pearson"] == evaluate("regression", predicted[:, :1], target[:, :1])["pearson"]
    assert math.isnan(evaluate("regression", predicted[:, 1:], target[:, 1:])["r2"])
    # The mean of three times 0.1 is not 0.1 in floating point: that is no variation.
    assert math.isnan(evaluate("regression", np.full((3, 1), 0.1), target[:, :1])["pearson"])
    assert math.isnan(evaluate("regression", np.full((3, 1), 0.1), target[:, :1])["spearman"])


def test_metrics_of_rare_classes_and_labels() -> None:
    from sklearn.metrics import average_precision_score, f1_score

    logits = np.array([[2.0, 0, 0, -9], [0, 1, 0, -9], [0, 2, 1, -9], [1, 0, 0, -9], [0, 0, 3, -9]])
    codes = np.array([0, 1, 2, 1, 2])
    scores = evaluate("classes", logits, codes)
    assert scores["macro_f1"] == pytest.approx(f1_score(codes, logits.argmax(axis=1), average="macro"))
    assert list(scores) == ["accuracy", "macro_f1", "auroc", "auprc"]
    one_class = evaluate("classes", logits[:2], np.zeros(2, int))
    assert one_class["accuracy"] == 0.5
    assert math.isnan(one_class["auroc"])
    truth = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 1.0]])
    predicted = np.array([[0.3, -1, 2], [0.4, -2, 3], [2, 1, 1], [-1, -3, -1.0]])
    scores = evaluate("labels", predicted, truth)
    assert scores["accuracy"] == pytest.approx(9 / 12)
    expected = f1_score(truth.astype(int), (predicted > 0).astype(int), average="macro", zero_division=0)
    assert scores["macro_f1"] == pytest.approx(expected)
    # Only the first label has both states.
    assert scores["auroc"] == pytest.approx(0.75)
    assert scores["auprc"] == pytest.approx(average_precision_score(truth[:, 0], predicted[:, 0]))
    single = evaluate("labels", predicted[:, :1], truth[:, :1])
    assert single["macro_f1"] == pytest.approx(2 * 2 / (2 + 3))


def test_the_table_shows_the_model_beside_its_baselines(finished: Finished) -> None:
    lines = score_table(finished.run.metrics).splitlines()
    assert lines[0].split() == ["pearson", "valid", "test"]
    named = [line[2:32].strip() for line in lines[1:6]]
    assert named == [
        "toy", "mean of the training samples", "ridge regression", "dense network of equal size",
        "same network, shuffled",
    ]  # fmt: skip
    assert lines[2].split()[-2:] == ["–", "–"]
    assert f"{finished.run.metrics['model']['test']['pearson']:.3f}" in lines[1]
    assert lines[-1].startswith(f"epoch {finished.run.metrics['best_epoch']}, ")
    few = score_table({**finished.run.metrics, "n_samples": {"train": 170, "valid": 17}}).splitlines()
    assert few[-2].startswith("17 validation samples chose the epoch") and few[-1] == lines[-1]
    enough = score_table({**finished.run.metrics, "n_samples": {"train": 170, "valid": 50}})
    assert "chose the epoch" not in enough
    summary = run_summary(finished.run)
    assert (summary["recipe"], summary["n_samples"]["test"]) == ("toy", 75)


def test_progress_shows_loss_and_score(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=stream, force_terminal=True, width=150))
    with RichProgress() as progress:
        progress(EpochReport("dcell", 1, 2, 0.5, "pearson", 0.25, 0.25))
        progress(EpochReport("dcell", 2, 2, 0.25, "pearson", 0.125, 0.25))
        progress(EpochReport("dense baseline", 1, 2, 0.5, "pearson", math.nan, math.nan))
    shown = stream.getvalue()
    assert "loss 0.2500  valid pearson 0.125 (best 0.250)" in shown
    assert "dense baseline" in shown
    assert "nan" not in shown
