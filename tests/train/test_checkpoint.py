"""Checkpoints: written whole, refused where they do not belong, kept when something goes wrong later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import RunError
from kgnn.models import Model
from kgnn.train import EpochReport, TrainConfig, fit
from kgnn.train.checkpoint import Checkpoint
from tests.train.small import assert_same, quick, small_model, small_samples

CONFIG = quick(epochs=4, checkpoint_every=2)


def stop_after(epoch: int):
    def told(report: EpochReport) -> None:
        if report.epoch == epoch:
            raise KeyboardInterrupt

    return told


def interrupt(out: Path, *, after: int = 3, model: Model | None = None, config: TrainConfig = CONFIG) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(model or small_model(), small_samples(), config, out=out, baselines=(), progress=stop_after(after))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    return fit(small_model(), small_samples(), CONFIG, out=tmp_path_factory.mktemp("whole") / "run", baselines=())


def test_only_the_last_checkpoint_is_kept(tmp_path: Path) -> None:
    interrupt(tmp_path / "run", config=quick(epochs=9, checkpoint_every=2), after=7)
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoint").iterdir()) == [
        "checkpoint.json", "epoch_6.safetensors"
    ]  # fmt: skip
    record = json.loads((tmp_path / "run" / "checkpoint" / "checkpoint.json").read_text())
    assert record["epoch"] == 6
    assert [row["epoch"] for row in record["history"]] == [1, 2, 3, 4, 5, 6]


def test_an_interrupt_while_a_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between the arrays and the record of the second checkpoint."""
    from kgnn.train import checkpoint

    write, written = checkpoint.write_bytes, []

    def interrupted(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_bytes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(small_model(), small_samples(), CONFIG, out=tmp_path / "run", baselines=())
    found = sorted(path.name for path in (tmp_path / "run" / "checkpoint").iterdir())
    assert found == ["checkpoint.json", "epoch_2.safetensors", "epoch_4.safetensors"]
    resumed = fit(small_model(), small_samples(), CONFIG, out=tmp_path / "run", baselines=())
    assert_same(whole.model, resumed.model)
    assert whole.history.equals(resumed.history)


def test_training_that_had_ended_is_not_repeated(tmp_path: Path, whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the last epoch, while the baselines are fitted: no epoch of the model is computed again."""

    def stop_at_the_baseline(report: EpochReport) -> None:
        if report.what == "dense baseline":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(
            small_model(), small_samples(), CONFIG, out=tmp_path / "run", baselines=("dense",),
            progress=stop_at_the_baseline,
        )  # fmt: skip
    told: list[EpochReport] = []
    resumed = fit(small_model(), small_samples(), CONFIG, out=tmp_path / "run", baselines=(), progress=told.append)
    assert told == []
    assert_same(whole.model, resumed.model)
    assert {**resumed.metrics, "seconds": 0} == {**whole.metrics, "seconds": 0}


@pytest.mark.parametrize("what", ["weights", "samples", "settings", "validation"])
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, what: str) -> None:
    interrupt(tmp_path / "run")
    arguments = {
        "weights": (small_model(seed=1), small_samples(), CONFIG, None),
        "samples": (small_model(), small_samples(seed=1), CONFIG, None),
        "settings": (small_model(), small_samples(), CONFIG.updated({"learning_rate": 0.03}), None),
        "validation": (small_model(), small_samples(), CONFIG, small_samples(9, seed=2)),
    }
    model, samples, config, valid = arguments[what]
    with pytest.raises(
        RunError, match=r"an interrupted run is here whose model, settings or samples differ \(2 epochs"
    ):
        fit(model, samples, config, valid=valid, out=tmp_path / "run", baselines=())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("checkpoint.json", b"{", "checkpoint.json: damaged"),
        ("checkpoint.json", b"\xff\xfe\x00", "checkpoint.json: damaged"),
        ("checkpoint.json", b"[1]", "checkpoint.json: damaged"),
        ("checkpoint.json", b'{"epoch": 2}', "checkpoint.json: damaged, without arrays, belongs_to, history"),
        ("epoch_2.safetensors", b"", "epoch_2.safetensors: the arrays cannot be read"),
        ("epoch_2.safetensors", b"\x00" * 100, "epoch_2.safetensors: the arrays cannot be read"),
    ],
    ids=["cut", "binary", "a list", "incomplete", "no arrays", "zeros"],
)
def test_a_damaged_checkpoint_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    interrupt(tmp_path)
    (tmp_path / "checkpoint" / name).write_bytes(content)
    with pytest.raises(RunError, match=message):
        fit(small_model(), small_samples(), CONFIG, out=tmp_path, baselines=())


def test_a_checkpoint_without_its_arrays_is_refused(tmp_path: Path) -> None:
    interrupt(tmp_path)
    (tmp_path / "checkpoint" / "epoch_2.safetensors").unlink()
    with pytest.raises(RunError, match="epoch_2.safetensors: the arrays cannot be read"):
        fit(small_model(), small_samples(), CONFIG, out=tmp_path, baselines=())


def test_nothing_saved_means_from_the_start(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(tmp_path, small_model(), CONFIG, small_samples(), None)
    state, kept = {"x": np.ones(2)}, {"x": np.zeros(2)}
    assert checkpoint.resume(state, kept) == (state, kept, [])
    checkpoint.save(state, kept, [{"epoch": 1, "loss": 0.1, "auxiliary": 0.25, "valid_score": None}])
    back, back_kept, rows = checkpoint.resume(state, kept)
    assert rows == [{"epoch": 1, "loss": 0.1, "auxiliary": 0.25, "valid_score": None}]
    np.testing.assert_array_equal(back["x"], state["x"])
    np.testing.assert_array_equal(back_kept["x"], kept["x"])
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
