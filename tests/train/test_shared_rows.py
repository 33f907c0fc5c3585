"""Samples that share rows, or have equal ones: a branch runs once a distinct row, with the numbers of the plain way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Modality, Samples, Targets
from kgnn.layers import SubsystemSettings
from kgnn.models import DrugResponseNetwork, Rows
from kgnn.train import predict
from kgnn.train.device_data import Data, batch_inputs, device_data
from kgnn.train.engine import Engine
from kgnn.train.predict import chunked_inputs
from kgnn.train.shared_rows import count_distinct, distinct_rows, likely_distinct, merge_equal_rows
from tests.train.small import GENES, arrays_of, quick, small_hierarchy, small_model, small_samples

RNG = np.random.default_rng(3)


def pairs(n_cells: int, n_drugs: int, n: int, *, seed: int = 0) -> Samples:
    """Pairs of a cell line and a drug, drawn at random; some cell lines come more often than others."""
    rng = np.random.default_rng(seed)
    genotypes = rng.normal(size=(n_cells, len(GENES))).astype(np.float32)
    fingerprints = rng.normal(size=(n_drugs, 5)).astype(np.float32)
    often = 1.0 / (5.0 + np.arange(n_cells))
    return Samples(
        tuple(f"pair {number}" for number in range(n)),
        {
            "genotype": Modality(genotypes, GENES, tuple(f"c {number}" for number in range(n_cells)), "abundance"),
            "fingerprint": Modality(
                fingerprints, tuple("abcde"), tuple(f"d {number}" for number in range(n_drugs)), "signal"
            ),
        },
        {
            "genotype": rng.choice(n_cells, n, p=often / often.sum()).astype(np.int32),
            "fingerprint": rng.integers(0, n_drugs, n).astype(np.int32),
        },
        Targets(rng.normal(size=(n, 1)), ("response",), "regression"),
    )  # fmt: skip


def response(**settings: Any) -> DrugResponseNetwork:
    return DrugResponseNetwork(
        small_hierarchy(), 5, SubsystemSettings(2, **settings), drug_layers=(4, 3), rngs=nnx.Rngs(0)
    )


def plain_data(samples: Samples) -> Data:
    """The way without sharing: a table with a row for every sample, which no rule takes for shared."""
    shared = device_data(samples)
    n = len(samples)
    tables = {}
    for name, table in samples.modalities.items():
        values = jnp.asarray(np.asarray(table.values)[samples.row_of_sample[name]])
        # One more row than samples: larger than any batch, so that it is never handed over whole.
        tables[name] = jnp.concatenate([values, jnp.zeros((1, values.shape[1]), values.dtype)])
    return Data(tables, {name: jnp.arange(n) for name in tables}, shared.targets, shared.weights)


def assert_close(one: Any, other: Any, tolerance: float) -> None:
    expected = arrays_of(other)
    for name, array in arrays_of(one).items():
        np.testing.assert_allclose(array, expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def test_equal_rows_become_one_and_others_stay() -> None:
    distinct = RNG.integers(0, 3, size=(11, 7)).astype(np.float32)
    place = RNG.integers(0, 11, 300)
    rows = RNG.integers(0, 300, 500).astype(np.int32)
    values, row = merge_equal_rows(distinct[place], rows)
    assert values.shape == (len(np.unique(distinct[place], axis=0)), 7)
    np.testing.assert_array_equal(values[row], distinct[place][rows])
    for dtype in (np.uint8, np.float32):
        different = np.eye(9, 5, dtype=dtype)[:6]
        different[5] = 2
        assert merge_equal_rows(different, rows)[0] is different
    empty = np.zeros((0, 4), np.float32)
    assert merge_equal_rows(empty, rows[:0])[0] is empty


def test_the_expected_number_of_distinct_rows_is_that_of_random_batches() -> None:
    rows = np.concatenate([np.repeat(np.arange(150), 2), np.repeat(np.arange(150, 170), 15), np.arange(170, 300)])
    slots = likely_distinct(rows.astype(np.int32), 200, 300)
    counts = [len(np.unique(RNG.choice(rows, 200, replace=False))) for _ in range(2000)]
    assert slots is not None
    mean, deviation = np.mean(counts), np.std(counts)
    assert slots % 8 == 0
    assert mean + 5 * deviation < slots < mean + 7 * deviation + 9
    assert likely_distinct(np.arange(1000, dtype=np.int32), 100, 1000) is None
    assert likely_distinct(np.arange(1000, dtype=np.int32) % 80, 1000, 80) is None
    assert likely_distinct(np.zeros(50, np.int32), 25, 64) == 8
    assert likely_distinct(np.arange(10_000, dtype=np.int32) % 5_000, 4_500, 5_000) < 3_700


def test_distinct_rows_come_back_in_a_fixed_number_of_slots() -> None:
    rows = jnp.asarray([9, 4, 4, 0, 9, 7])
    used, slot = jax.jit(distinct_rows, static_argnums=1)(rows, 5)
    assert used.shape == (5,)
    np.testing.assert_array_equal(used[slot], rows)
    assert int(count_distinct(rows)) == 4
    np.testing.assert_array_equal(count_distinct(jnp.asarray([[1, 1, 1], [3, 1, 2]])), [1, 3])


@pytest.mark.parametrize("replicates", [1, 2])
def test_training_on_distinct_rows_equals_the_plain_way(replicates: int) -> None:
    """Sixty samples a batch over 90 cell lines, of which a batch has about 35, and over 8 drugs."""
    from kgnn.train.loop import start_model

    samples = pairs(90, 8, 235)
    config = quick(batch_size=60, replicates=replicates, scaling="none", average=0.3, epsilon=0.1)
    model = start_model(response(), samples, config)
    engine = Engine(model, config, 235)
    shared, plain = engine.start(model, 0), engine.start(model, 0)
    data, per_sample = device_data(samples), plain_data(samples)
    slots = dict(engine.capacity(shared, data))
    assert slots["genotype"] < 57
    assert slots["fingerprint"] == 8
    assert engine.capacity(plain, per_sample) == ()
    inputs = batch_inputs(data, jnp.arange(59), slots)
    assert inputs["genotype"].table.shape == (slots["genotype"], len(GENES))
    for _ in range(2):
        shared, losses = engine.train_epoch(shared, data)
        plain, expected = engine.train_epoch(plain, per_sample)
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
    statistics = (nnx.filter_state(each.rest, nnx.BatchStat) for each in (shared, plain))
    assert_close(next(statistics), next(statistics), 1e-4)
    if replicates == 1:
        assert engine.run_epoch._cache_size() == 2


def test_gradients_and_batch_statistics_of_a_step_equal_the_plain_way() -> None:
    samples = pairs(90, 8, 120)
    config = quick(batch_size=60, b1=0.0, learning_rate=1e-30)
    engine = Engine(response(), config, 120)
    found = []
    for data in (device_data(samples), plain_data(samples)):
        state, losses = engine.train_epoch(engine.start(response(), 0), data)
        moment = next(part.mu for part in jax.tree.leaves(state.optimizer, is_leaf=_has_moment) if _has_moment(part))
        found.append((moment, nnx.filter_state(state.rest, nnx.BatchStat), losses))
    for mine, theirs in zip(*found, strict=True):
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(b).max())))


def _has_moment(part: Any) -> bool:
    return hasattr(part, "mu")


def test_an_unusual_batch_is_run_without_slots() -> None:
    """All samples of most cell lines but one of each: no batch of half of them fits the usual number of slots."""
    samples = pairs(90, 8, 235)
    engine = Engine(response(), quick(batch_size=60), 235)
    state, data = engine.start(response(), 0), device_data(samples)
    usual = engine.capacity(state, data)
    assert "genotype" in dict(usual)
    _, (index, _) = engine._order(state.key, 235)
    first = np.asarray(index)[0]
    rows = np.asarray(data.rows["genotype"]).copy()
    others = np.setdiff1d(np.arange(235), first)
    # The same uses of every row, dealt so that the first batch has as many different ones as can be.
    order = np.concatenate([np.unique(rows, return_index=True)[1], np.arange(235)])
    order = order[np.sort(np.unique(order, return_index=True)[1])]
    dealt = np.empty(235, np.int32)
    dealt[np.concatenate([first, others])] = rows[order]
    unusual = data._replace(rows={**data.rows, "genotype": jnp.asarray(dealt)})
    assert "genotype" not in dict(engine.capacity(state, unusual))


def test_equal_samples_of_one_table_are_computed_once() -> None:
    distinct = small_samples(30, meaning="alteration").gene_values()
    place = RNG.integers(0, 30, 200)
    targets = Targets(RNG.normal(size=(200, 1)), ("growth",), "regression")
    samples = Samples.from_values(distinct[place], GENES, meaning="alteration", targets=targets)
    data = device_data(samples)
    assert data.tables["genotype"].shape[0] == 64
    inputs = batch_inputs(data, jnp.arange(100))
    assert isinstance(inputs, Rows)
    np.testing.assert_array_equal(np.asarray(inputs.table)[np.asarray(inputs.index)], distinct[place][:100])
    config = quick(batch_size=100, epsilon=0.1)
    engine = Engine(small_model(), config, 200)
    shared, losses = engine.train_epoch(engine.start(small_model(), 0), data)
    plain, expected = engine.train_epoch(engine.start(small_model(), 0), plain_data(samples))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert_close(nnx.filter_state(shared.rest, nnx.BatchStat), nnx.filter_state(plain.rest, nnx.BatchStat), 1e-5)
    model = small_model(7)
    np.testing.assert_allclose(
        predict(model, samples), model(jnp.asarray(distinct[place], jnp.float32)).output, rtol=1e-5, atol=1e-6
    )
    gate = RNG.random((100, 4)).astype(np.float32)
    expected = model(jnp.asarray(distinct[place][:100], jnp.float32), gate=gate).output
    np.testing.assert_allclose(model(inputs, gate=gate).output, expected, rtol=1e-5, atol=1e-6)


def test_prediction_runs_on_the_distinct_rows_of_a_chunk() -> None:
    """Samples ordered by cell line: a chunk has few of the many."""
    samples = pairs(600, 9, 1500)
    cell = np.sort(RNG.integers(0, 600, 1500)).astype(np.int32)
    samples = replace(samples, row_of_sample={**samples.row_of_sample, "genotype": cell})
    data = device_data(samples)
    sizes = {inputs["genotype"].table.shape[0] for _, _, inputs in chunked_inputs(data, 256)}
    assert len(sizes) == 1
    assert sizes == {128}
    model = response()
    one_by_one = {name: jnp.asarray(values) for name, values in samples.inputs().items()}
    expected = model(one_by_one).output
    np.testing.assert_allclose(predict(model, samples, chunk=256), expected, rtol=1e-5, atol=1e-6)


def test_dropout_is_drawn_for_every_sample_and_not_for_every_row() -> None:
    samples = replace(
        pairs(6, 4, 40), row_of_sample={"genotype": np.zeros(40, np.int32), "fingerprint": np.zeros(40, np.int32)}
    )
    inputs = batch_inputs(device_data(samples), jnp.arange(40))
    for model in (
        response(dropout=0.5),
        DrugResponseNetwork(
            small_hierarchy(), 5, SubsystemSettings(2), drug_layers=(4, 3), drug_dropout=0.5, rngs=nnx.Rngs(0)
        ),
    ):
        assert len(np.unique(np.asarray(model(inputs, train=True).auxiliary[:, 1:6].sum(axis=(1, 2))))) > 1
        assert len(np.unique(np.asarray(model(inputs).output))) == 1
