"""Replicates: the same in chunks as at once, each as if trained by itself, and scored one by one."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from flax import nnx

from kgnn.errors import TrainingError
from kgnn.models import Replicates, build
from kgnn.train import evaluate, fit, load_run, predict
from kgnn.train.chunks import InChunks
from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.train.loop import start_model
from kgnn.train.memory import Chunking
from kgnn.train.replicate_outputs import EachOutput
from kgnn.train.replicate_scores import replicate_metrics
from kgnn.train.spread import Members
from kgnn.train.summary import score_table
from tests.train.small import arrays_of, quick, small_model, small_samples

DROPOUT = {"dropout": 0.3}


def trained(chunking: Chunking, n: int = 5, epochs: int = 2) -> dict[str, np.ndarray]:
    # A large epsilon: early on, Adam blows rounding up to whole steps.
    config = quick(replicates=n, average=0.5, epsilon=1e-3)
    network = build(small_model().arguments._replace(settings=small_model().arguments.settings._replace(**DROPOUT)),
                    small_model().hierarchy, seed=0)  # fmt: skip
    model = start_model(network, small_samples(), config)
    engine = Engine(model, config, 41)
    engine.in_chunks[()] = InChunks(partial(engine._epoch, capacity=()), n, chunking)
    state, data = engine.start(model, 3), device_data(small_samples())
    for _ in range(epochs):
        state, losses = engine.train_epoch(state, data)
    assert losses[0].shape == (n,)
    assert engine.in_chunks[()].n_programs == 1
    return arrays_of(engine.kept(state))


def test_chunks_change_nothing() -> None:
    together = trained(Chunking(5, 1))
    for name, array in trained(Chunking(2, 2)).items():
        np.testing.assert_allclose(array, together[name], rtol=1e-5, atol=2e-6, err_msg=name)


def test_a_replicate_is_the_network_that_its_seeds_give_by_itself() -> None:
    """Three replicates against three single trainings with the same weights and the same order of samples."""
    config, samples = quick(replicates=3, replicates_together=2, epsilon=1e-3), small_samples()
    together = start_model(small_model(), samples, config)
    engine = Engine(together, config, 41)
    state, data = engine.start(together, 8), device_data(samples)
    alone = config.updated({"replicates": 1})
    single = Engine(small_model(), alone, 41)
    states = []
    for number, network in enumerate(Members(together)):
        assert network.arguments == small_model().arguments
        states.append(single.start(network, 8 + 7919 * number))
    for _ in range(3):
        state, _ = engine.train_epoch(state, data)
        states = [single.train_epoch(each, data)[0] for each in states]
    [in_chunks] = engine.in_chunks.values()
    assert in_chunks.chunking.size * in_chunks.chunking.workers <= 2
    found = arrays_of(engine.kept(state))
    for number, each in enumerate(states):
        for name, array in arrays_of(single.kept(each)).items():
            np.testing.assert_allclose(found[name][number], array, rtol=1e-5, atol=2e-6, err_msg=name)


def test_together_may_not_be_negative() -> None:
    with pytest.raises(TrainingError, match="replicates_together is -1, but must be at least 0"):
        quick(replicates_together=-1)


def test_every_replicate_is_scored_beside_their_mean(tmp_path) -> None:
    test = small_samples(23, seed=4)
    run = fit(small_model(), small_samples(), quick(), replicates=3, test=test, baselines=(), out=tmp_path / "run")
    assert run.settings.replicates == 3
    assert isinstance(run.model, Replicates)
    each = [evaluate("regression", predict(one, test), test.targets.values) for one in Members(run.model)]
    found = run.metrics["replicates"]["test"]
    assert found.keys() == each[0].keys() and run.metrics["replicates"].keys() == run.metrics["model"].keys()
    for name, scores in found.items():
        expected = [one[name] for one in each]
        np.testing.assert_allclose(scores["each"], expected, rtol=1e-4)
        assert scores["mean"] == pytest.approx(np.mean(expected), rel=1e-4)
        assert scores["sd"] == pytest.approx(np.std(expected, ddof=1), rel=1e-2)
        assert scores["high"] - scores["low"] == pytest.approx(2 * 4.302653 * scores["sd"] / 3**0.5, rel=1e-5)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == run.metrics == load_run(run.folder).metrics
    assert run.metrics["model"]["valid"]["pearson"] == pytest.approx(run.history["valid_score"].max(), abs=1e-6)
    assert int(np.argmax(run.history["valid_score"])) + 1 == run.metrics["best_epoch"]
    shown = score_table(run.metrics).splitlines()
    assert shown[0].split() == ["pearson", "valid", "test"]
    assert [line[:32].strip() for line in shown[2:6]] == [
        "each of its 3 networks: mean", "95 % interval from", "to", "sd",
    ]  # fmt: skip
    assert f"{found['pearson']['mean']:.3f}" == shown[2].split()[-1]


def test_one_network_has_no_scores_of_replicates() -> None:
    assert replicate_metrics(small_model(), {"train": small_samples()}) == {}


def test_outputs_of_each_replicate() -> None:
    samples = small_samples(300)
    model = start_model(small_model(), samples, quick(replicates=10))
    assert isinstance(model, Replicates)
    each = EachOutput(model, chunk=256)
    found = each(nnx.state(model.stacked), device_data(samples))
    assert found.shape == (10, 300, 1)
    np.testing.assert_allclose(found.mean(axis=0), predict(model, samples), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[7], predict(model.member(7), samples), rtol=1e-5, atol=1e-5)
