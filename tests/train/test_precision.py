"""Training with products in bfloat16: near to float32, and nothing but the products is short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from kgnn.data import toy
from kgnn.errors import KgnnError
from kgnn.layers import Subsystems, SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from kgnn.train import TrainConfig, fit, load_run, predict, train_model
from kgnn.train.engine import Engine, trained_module
from tests.train.small import quick, small_model, small_samples


def fitted(precision: str):
    data = toy("additive", n_samples=60)
    hierarchy, _ = compile_hierarchy(data.ontology, data.samples.genes)
    model = VisibleNetwork(hierarchy, SubsystemSettings(4), rngs=nnx.Rngs(0))
    config = TrainConfig(epochs=3, batch_size=30, precision=precision, seed=1)
    return train_model(model, data.samples, None, config)[:2]


def test_the_loss_curve_is_near_and_all_weights_are_long():
    long, long_history = fitted("float32")
    short, short_history = fitted("bfloat16")
    difference = np.abs(long_history["loss"] - short_history["loss"]).to_numpy()
    # Two or three digits: a bfloat16 has eight bits.
    assert 0 < difference.max() < 0.03 * long_history["loss"].max()
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(short, nnx.Param))} == {np.dtype(np.float32)}
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(short, nnx.BatchStat))} == {np.dtype(np.float32)}
    assert long.arguments == short.arguments


@pytest.mark.parametrize("replicates", [1, 2])
def test_only_training_is_short(replicates: int, tmp_path: Path):
    """Predictions and the scores that choose the epoch are those of the run that is saved and loaded."""
    samples = small_samples(60)
    config = quick(epochs=3, precision="bfloat16", replicates=replicates)
    run = fit(small_model(), samples, config, baselines=(), out=tmp_path / "run")
    loaded = load_run(tmp_path / "run")
    for model in (run.model, loaded.model):
        assert [each.settings.precision for each in subsystems_of(model)] == ["float32"]
    assert predict(run.model, samples).tobytes() == predict(loaded.model, samples).tobytes()
    kept = run.history["valid_score"][run.metrics["best_epoch"] - 1]
    assert kept == pytest.approx(run.metrics["model"]["valid"][run.metrics["score"]], rel=1e-5)
    engine = Engine(run.model, config, len(samples))
    params, rest = nnx.split(trained_module(run.model), nnx.Param, ...)[1:]
    (trained,) = subsystems_of(nnx.merge(engine.graph, params, rest, copy=True))
    assert trained.settings.precision == "bfloat16"


def subsystems_of(model: Any) -> list[Subsystems]:
    return [module for _, module in nnx.iter_modules(model) if isinstance(module, Subsystems)]


def test_another_precision_is_refused():
    with pytest.raises(KgnnError, match="float16"):
        TrainConfig(precision="float16")
