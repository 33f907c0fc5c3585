"""A planted pair of site and factor is found, which no linear model can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Modality, Samples, Targets, sequence_samples
from kgnn.structure import compile_kernels
from kgnn.train import TrainConfig, predict, train_model
from kgnn.train.baselines import linear_baselines
from kgnn.train.loop import start_model
from kgnn.zoo.site_attention import site_attention
from tests.models.test_site_attention import FACTORS, MOTIFS


@pytest.mark.parametrize("unit", [1, 3000], ids=["shares", "tpm"])
def test_a_factor_acts_where_it_has_a_site(unit: int):
    random = np.random.default_rng(0)
    promoters = []
    for number in range(60):
        letters = random.choice(list("ACGT"), size=20)
        letters[5:12] = list("ACCTGGA" if number % 2 else "CCGCGCC")
        promoters.append("".join(letters))
    cells = random.random((40, 5)).astype(np.float32)
    pair = random.integers(60, size=900), random.integers(40, size=900)
    level = np.where(pair[0] % 2, cells[pair[1], 2], 1 - cells[pair[1], 1])
    table = sequence_samples(promoters).modalities["sequence"]
    cells = (unit * cells).astype(np.float32)
    samples = Samples(
        tuple(f"pair {number}" for number in range(900)),
        {"sequence": table, "expression": Modality(cells, FACTORS, tuple(f"cell {k}" for k in range(40)), "abundance")},
        {"sequence": pair[0].astype(np.int32), "expression": pair[1].astype(np.int32)},
        Targets(level[:, None], ("expression",), "regression"),
    )
    kernels = compile_kernels(MOTIFS, both_strands=True)
    model = site_attention(kernels, factors=FACTORS, n_positions=20, units=3, heads=2, rngs=nnx.Rngs(0))
    config = TrainConfig(epochs=12, batch_size=50, learning_rate=1e-2, checkpoint_every=0)
    train = samples.take(range(700))
    alone = start_model(model, train, replace(config, scaling="none"))
    assert np.all(alone.second_scaling.scale[...] == 1)  # type: ignore[attr-defined]
    many = start_model(model, train, replace(config, replicates=2))
    assert np.ptp(np.asarray(many.stacked.second_scaling.scale[...]), axis=0).max() == 0  # type: ignore[attr-defined]
    model, _, _ = train_model(model, train, None, config)
    scaling = model.second_scaling  # type: ignore[attr-defined]
    np.testing.assert_allclose(scaling.scale[...], cells[pair[1][:700]].max(axis=0), rtol=1e-6)
    assert not np.any(scaling.center[...])
    test = samples.take(range(700, 900))
    found = np.corrcoef(predict(model, test)[:, 0], level[700:])[0, 1]
    linear = linear_baselines(samples.take(range(700)), None, {"test": test}, "none")["ridge"]["test"]
    assert found > max(0.9, linear["pearson"] + 0.05)
