"""Training with products in bfloat16: near to float32, and nothing but the products is short."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx

from kgnn.data import toy
from kgnn.errors import KgnnError
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from kgnn.train import TrainConfig, train_model


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


def test_another_precision_is_refused():
    with pytest.raises(KgnnError, match="float16"):
        TrainConfig(precision="float16")
