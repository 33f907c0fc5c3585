"""An interrupted fit goes on to the same end, bit for bit; NaN and infinity are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flax import nnx

from kgnn.errors import RunError, TrainingError
from kgnn.layers import SubsystemSettings
from kgnn.train import EpochReport, fit, load_run, predict
from tests.train.small import assert_same, quick, small_model, small_samples

SETTINGS = {"epochs": 5, "checkpoint_every": 2, "average": 0.9, "replicates": 2}


class Interruption:
    """Stops a fit as Ctrl-C does, after some epochs."""

    def __init__(self, after: int):
        self.after = after

    def __call__(self, report: EpochReport) -> None:
        if report.epoch == self.after:
            raise KeyboardInterrupt


def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path: Path):
    model = small_model(settings=SubsystemSettings(2, dropout=0.2))
    samples, config = small_samples(), quick(**SETTINGS)
    whole = fit(model, samples, config, out=tmp_path / "whole", baselines=())
    with pytest.raises(KeyboardInterrupt):
        fit(model, samples, config, out=tmp_path / "broken", baselines=(), progress=Interruption(after=3))
    assert [path.name for path in (tmp_path / "broken").iterdir()] == ["checkpoint"]
    with pytest.raises(RunError, match="training has not ended"):
        load_run(tmp_path / "broken")
    resumed = fit(model, samples, config, out=tmp_path / "broken", baselines=())
    assert_same(whole.model, resumed.model)
    assert whole.history.equals(resumed.history)
    assert not (tmp_path / "broken" / "checkpoint").exists()
    loaded = load_run(tmp_path / "broken")
    assert predict(loaded.model, samples).tobytes() == predict(whole.model, samples).tobytes()


def test_a_checkpoint_of_other_settings_is_not_resumed(tmp_path: Path):
    samples = small_samples()
    with pytest.raises(KeyboardInterrupt):
        fit(small_model(), samples, quick(**SETTINGS), out=tmp_path, baselines=(), progress=Interruption(after=3))
    with pytest.raises(RunError, match="differ"):
        fit(small_model(), samples, quick(**SETTINGS, seed=1), out=tmp_path, baselines=())


def test_a_loss_that_is_not_a_number_names_itself_and_the_epoch():
    model = small_model()
    model.output_layer.bias[...] = model.output_layer.bias[...] * np.nan
    with pytest.raises(TrainingError, match="output loss became nan in epoch 1"):
        fit(model, small_samples(), quick(), baselines=())


def test_one_seed_gives_one_run_and_two_seeds_give_two():
    samples = small_samples()
    runs = [fit(small_model(seed), samples, quick(seed=seed), baselines=()) for seed in (0, 0, 1)]
    assert_same(runs[0].model, runs[1].model)
    weights = [nnx.state(run.model, nnx.Param) for run in runs]
    for one, other in zip(nnx.to_flat_state(weights[0]), nnx.to_flat_state(weights[2]), strict=True):
        assert not np.array_equal(one[1][...], other[1][...]), one[0]
