"""`fit` on a planted truth: what it learns, reports, writes and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples
from kgnn.data.measured import Targets
from kgnn.errors import AlignmentError, KgnnError, RunError, TrainingError
from kgnn.models import Replicates
from kgnn.train import evaluate, fit, predict, predict_natural, train_model
from kgnn.train.baselines import BASELINES
from kgnn.train.config import CHOICES
from kgnn.train.loop import start_model
from kgnn.train.summary import score_table
from tests.train.conftest import Finished
from tests.train.small import arrays_of, assert_same, quick, small_model, small_samples


def test_the_planted_truth_is_learned(finished: Finished) -> None:
    scores, baselines = finished.run.metrics["model"], finished.run.metrics["baselines"]
    assert scores["test"]["pearson"] > 0.8
    assert scores["test"]["mse"] < 0.4 * baselines["mean"]["test"]["mse"]
    assert list(baselines) == ["mean", "ridge", "dense", "shuffled"]
    assert baselines["mean"]["test"]["pearson"] is None
    assert baselines["ridge"]["test"]["pearson"] > 0.8


def test_scores_are_those_of_the_model_that_is_kept(finished: Finished) -> None:
    run = finished.run
    predicted = predict(run.model, finished.test)
    assert run.metrics["model"]["test"] == evaluate("regression", predicted, finished.test.targets.values)
    history, best = run.history, run.metrics["best_epoch"]
    assert list(history.columns) == ["epoch", "loss", "auxiliary", "valid_score"]
    assert history["epoch"].tolist() == list(range(1, 41))
    assert int(np.argmax(history["valid_score"])) + 1 == best
    assert history["valid_score"].max() == run.metrics["model"]["valid"]["pearson"]


def test_the_split_has_every_sample_once(finished: Finished) -> None:
    split = finished.run.split
    assert {name: len(names) for name, names in split.items()} == finished.run.metrics["n_samples"]
    assert finished.run.metrics["n_samples"] == {"train": 180, "valid": 45, "test": 75}
    assert sorted(split["train"] + split["valid"]) == sorted(finished.train.names)
    assert split["test"] == list(finished.test.names)
    assert finished.run.samples.names == finished.test.names


def test_progress_is_told_after_every_epoch_of_every_network(finished: Finished) -> None:
    told = [(report.what, report.epoch) for report in finished.reports]
    networks = ("toy", "dense baseline", "shuffled baseline")
    assert told == [(what, epoch) for what in networks for epoch in range(1, 41)]
    last = finished.reports[39]
    assert last.score_name == "pearson"
    assert last.best == finished.run.history["valid_score"].max()
    assert last.loss == finished.run.history["loss"].iloc[-1]


def test_the_record_is_strict_json(finished: Finished) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    folder = finished.run.folder
    assert folder is not None
    for name in ("metrics.json", "run.json", "split.json"):
        json.loads((folder / name).read_text(), parse_constant=refuse)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics == finished.run.metrics
    assert metrics["version"] == "test"
    assert sorted(path.name for path in folder.iterdir()) == [
        "hierarchy.npz", "history.tsv", "metrics.json", "run.json", "samples.npz", "split.json", "weights.safetensors",
    ]  # fmt: skip


def test_a_finished_run_is_not_overwritten(finished: Finished) -> None:
    with pytest.raises(RunError, match="a finished run is here already"):
        fit(finished.run.model, finished.train, out=finished.run.folder)


def test_out_must_not_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="taken: this is a file"):
        fit(small_model(), small_samples(), quick(), out=tmp_path / "taken")


def test_samples_decide_scalers_by_training_alone() -> None:
    train, valid = small_samples(31), small_samples(9, seed=5)
    model, _, _ = train_model(small_model(), train, valid, quick(epochs=1))
    values = train.gene_values().astype(np.float64)
    np.testing.assert_allclose(model.gene_scaling.center[...], values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.gene_scaling.scale[...], values.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.output_scaling.center[...], train.targets.values.mean(), rtol=1e-5)
    np.testing.assert_allclose(model.output_scaling.scale[...], train.targets.values.std(), rtol=1e-5)


def test_classes_of_other_files_are_recoded_and_classes_can_be_weighed() -> None:
    train = small_samples(37, "classes")
    other = small_samples(11, "classes", seed=3)
    swapped = Targets(1 - other.targets.values, ("high", "low"), "classes")
    swapped_test = Samples.from_values(other.gene_values(), other.genes, meaning="abundance", targets=swapped)
    run = fit(
        small_model(task="classes"), train, quick(epochs=12, class_weights="balanced", score="auroc"),
        valid=swapped_test, test=other, baselines=("linear",),
    )  # fmt: skip
    assert run.metrics["model"]["valid"] == run.metrics["model"]["test"]
    assert run.metrics["model"]["test"]["auroc"] > 0.8
    assert list(run.metrics["baselines"]) == ["logistic"]
    natural = predict_natural(run.model, other)
    np.testing.assert_allclose(natural.sum(axis=1), 1, rtol=1e-5)


def test_without_validation_the_last_epoch_is_kept_and_checkpoints_work(tmp_path: Path) -> None:
    config = quick(valid_fraction=0, checkpoint_every=2)
    run = fit(small_model(), small_samples(), config, out=tmp_path / "run", baselines=())
    assert run.metrics["best_epoch"] == 3
    assert run.history["valid_score"].isna().all()
    assert list(run.metrics["n_samples"]) == ["train"]
    assert run.samples.names == small_samples().names


def test_the_last_epoch_is_kept_though_another_was_better_on_validation_samples() -> None:
    config = quick(epochs=30, learning_rate=0.3)
    best, last = (
        fit(small_model(), small_samples(), replace(config, keep=which), baselines=()) for which in CHOICES["keep"]
    )
    assert best.metrics["best_epoch"] < last.metrics["best_epoch"] == 30
    assert best.history["valid_score"].tolist() == last.history["valid_score"].tolist()
    assert last.metrics["model"]["valid"]["pearson"] == pytest.approx(last.history["valid_score"].iloc[-1], abs=1e-5)
    assert last.metrics["keep"] == "last" and "chose the epoch" not in score_table(last.metrics)


def test_patience_stops_and_keeps_the_best_epoch() -> None:
    run = fit(small_model(), small_samples(), quick(epochs=400, learning_rate=0.3, patience=4), baselines=())
    assert len(run.history) < 400
    assert len(run.history) == run.metrics["best_epoch"] + 4
    assert int(np.argmax(run.history["valid_score"])) + 1 == run.metrics["best_epoch"]


def test_the_model_is_not_changed() -> None:
    model = small_model()
    before = {name: array.copy() for name, array in arrays_of(model).items()}
    fit(model, small_samples(), quick(epochs=1), baselines=())
    after = arrays_of(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_replicates_and_seeds_start_from_other_weights() -> None:
    config = quick(replicates=2)
    one, same, other = (
        nnx.state(start_model(small_model(), small_samples(), config.updated({"seed": seed})), nnx.Param)
        for seed in (5, 5, 6)
    )
    assert_same(one, same)
    first, second = arrays_of(one), arrays_of(other)
    for name in first:
        # Batch normalization starts at 1 and 0 in every network.
        if "norm" not in name:
            assert not np.array_equal(first[name][0], first[name][1]), f"{name}: equal replicates"
            assert not np.array_equal(first[name], second[name]), f"{name}: equal seeds"


@pytest.mark.parametrize("what", ["output", "auxiliary"])
def test_a_loss_that_is_not_finite_is_named_with_its_epoch(what: str) -> None:
    model = small_model()
    layer = model.output_layer.bias if what == "output" else model.subsystems.heads.bias
    layer[...] = np.full(layer.shape, 1e30, np.float32)
    with pytest.raises(TrainingError, match=f"the {what} loss became inf in epoch 1. Lower learning_rate"):
        fit(model, small_samples(), quick(), baselines=())


REFUSED = {
    "another task": (
        lambda: fit(small_model(task="classes"), small_samples(), quick()),
        TrainingError,
        "targets of the training samples are of kind 'regression', but the model does 'classes'",
    ),
    "other outputs": (
        lambda: fit(small_model(), two_outputs(), quick()),
        TrainingError,
        "the training samples have 2 outputs, but the model has 1",
    ),
    "no targets": (
        lambda: fit(small_model(), without_targets(), quick()),
        TrainingError,
        "the training samples have no targets. Read them with target=",
    ),
    "no targets to test": (
        lambda: fit(small_model(), small_samples(), quick(), test=without_targets()),
        TrainingError,
        "the test samples have no targets",
    ),
    "no sample": (
        lambda: fit(small_model(), small_samples(), quick(), valid=without_targets().take([])),
        TrainingError,
        "there are no validation samples",
    ),
    "one sample": (
        lambda: fit(small_model(), small_samples(1), quick(valid_fraction=0)),
        TrainingError,
        "1 samples are left to train on. Give at least 2",
    ),
    "a gene less": (
        lambda: fit(small_model(), small_samples().with_genes(["r", "a1", "b2"]), quick()),
        AlignmentError,
        r"4 of 7 genes of the model are not in the samples: a2, a3, b1, c \(\+\)",
    ),
    "a class of its own": (
        lambda: fit(small_model(task="classes"), small_samples(9, "classes"), quick(), test=other_classes()),
        AlignmentError,
        "1 classes of the samples are not among the 2 known: dead",
    ),
    "constant validation targets": (
        lambda: fit(small_model(), small_samples(), quick(), valid=small_samples(1)),
        TrainingError,
        "pearson is not defined on the 1 validation samples: their targets do not vary",
    ),
    "a score of another task": (
        lambda: fit(small_model(), small_samples(), quick(score="auroc")),
        TrainingError,
        "score is 'auroc', which does not fit regression. Choose one of: pearson, spearman, r2, mse",
    ),
    "weights without classes": (
        lambda: fit(small_model(), small_samples(), quick(class_weights="balanced")),
        TrainingError,
        "class_weights is 'balanced', but the model does 'regression'",
    ),
    "patience without validation": (
        lambda: fit(small_model(), small_samples(), quick(patience=3, valid_fraction=0)),
        TrainingError,
        "patience is 3, but there are no validation samples",
    ),
    "patience where the last epoch is kept": (
        lambda: quick(patience=3, keep="last"),
        TrainingError,
        "keep is 'last', but patience is 3",
    ),
    "an unknown baseline": (
        lambda: fit(small_model(), small_samples(), quick(), baselines=("ridge",)),
        KgnnError,
        "baseline is 'ridge', which is not known. Choose one of: dense, linear, mean, shuffled",
    ),
    "replicates of replicates": (
        lambda: fit(Replicates([small_model(0), small_model(1)]), small_samples(), quick()),
        TrainingError,
        "the model is a set of replicates",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_before_training(case: str) -> None:
    attempt, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        attempt()


def test_outputs_of_another_order_are_refused() -> None:
    samples = small_samples(9, "labels")
    swapped = Targets(samples.targets.values, ("c up", "b1 up", "a1 up"), "labels")
    test = Samples.from_values(samples.gene_values(), samples.genes, meaning="abundance", targets=swapped)
    with pytest.raises(TrainingError, match="the outputs of the test samples are c up, b1 up, a1 up, but a1 up, b1 up"):
        fit(small_model(task="labels"), small_samples(21, "labels"), quick(), test=test)


def test_known_baselines() -> None:
    assert BASELINES == ("mean", "linear", "dense", "shuffled")


def without_targets() -> Samples:
    samples = small_samples(8)
    return Samples.from_values(samples.gene_values(), samples.genes, meaning="abundance")


def two_outputs() -> Samples:
    samples = small_samples(8)
    targets = Targets(np.tile(samples.targets.values, 2), ("growth", "yield"), "regression")
    return Samples.from_values(samples.gene_values(), samples.genes, meaning="abundance", targets=targets)


def other_classes() -> Samples:
    samples = small_samples(8, "classes")
    targets = Targets(samples.targets.values, ("low", "dead"), "classes")
    return Samples.from_values(samples.gene_values(), samples.genes, meaning="abundance", targets=targets)
