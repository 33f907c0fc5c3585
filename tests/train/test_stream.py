"""Streaming gives the losses and predictions of samples that stay on the device, and its thread always ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kgnn.data import Samples, Targets, read_packed, write_packed
from kgnn.errors import TrainingError
from kgnn.train import EpochReport, TrainConfig, fit, predict, train_model
from kgnn.train import stream as stream_module
from kgnn.train.device_data import PackedTable, batch_inputs, device_data
from kgnn.train.device_memory import data_bytes, device_bytes, is_streamed, table_bytes
from kgnn.train.engine import Engine
from kgnn.train.loop import start_model
from kgnn.train.predict import chunked_inputs
from kgnn.train.prefetch import prefetched
from kgnn.train.stream import StreamedData, place_samples, train_streamed_epoch
from tests.train.small import GENES, assert_same, quick, small_model, small_samples
from tests.train.test_shared_rows import pairs, response

RNG = np.random.default_rng(11)
SAME = 1e-6


def altered(n: int) -> Samples:
    return small_samples(n, meaning="alteration")


def bits(n: int, width: int = 7) -> Samples:
    values = (RNG.random((n, width)) < 0.5).astype(np.uint8)
    targets = Targets((values[:, :1] - values[:, 3:4]).astype(np.float32), ("growth",), "regression")
    return Samples.from_values(values, GENES[:width], meaning="alteration", targets=targets)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 19])
def test_bits_are_unpacked_where_they_are_used(width: int) -> None:
    values = (RNG.random((6, width)) < 0.5).astype(np.uint8)
    packed = PackedTable(jnp.asarray(np.packbits(values, axis=1, bitorder="little")), width)
    assert packed.shape == (6, width)
    rows = jnp.asarray([4, 0, 4])
    np.testing.assert_array_equal(jax.jit(lambda table, rows: table[rows])(packed, rows), values[np.asarray(rows)])
    np.testing.assert_array_equal(packed[:], values)
    columns = RNG.integers(0, width, 5)
    some = PackedTable(packed.bits, width, jnp.asarray(columns))
    assert some.shape == (6, 5)
    np.testing.assert_array_equal(some[rows], values[np.asarray(rows)][:, columns])


def test_tables_of_zero_and_one_are_packed_on_the_device() -> None:
    samples = bits(90)
    data = device_data(samples)
    assert isinstance(data.tables["genotype"], PackedTable)
    assert data.tables["genotype"].bits.dtype == jnp.uint8
    np.testing.assert_array_equal(device_data(small_samples(9)).tables["expression"], small_samples(9).gene_values())
    np.testing.assert_array_equal(batch_inputs(data, jnp.asarray([3, 88]), {}), samples.gene_values([3, 88]))


class Case:
    def __init__(self, samples: Samples, make: Any, limit: int, n_streamed: int):
        self.samples, self.make, self.limit, self.n_streamed = samples, make, limit, n_streamed


CASES = {
    "numbers": lambda: Case(small_samples(203), small_model, 4 * 28 * 50, 1),
    "bits": lambda: Case(bits(203), small_model, 4 * 50, 1),
    "pairs": lambda: Case(pairs(90, 8, 235), response, 4 * 28 * 50, 1),
}


@pytest.mark.parametrize(("case", "replicates"), [("numbers", 1), ("bits", 2), ("pairs", 1)])
def test_an_epoch_in_chunks_equals_one_on_the_device(case: str, replicates: int) -> None:
    chosen = CASES[case]()
    samples = chosen.samples
    config = quick(batch_size=20, replicates=replicates, scaling="none", epsilon=0.1, average=0.3, learning_rate=0.002)
    model = start_model(chosen.make(), samples, config)
    engine = Engine(model, config, len(samples))
    weights = RNG.random(len(samples)) + 0.5
    data, streamed = device_data(samples, weights), StreamedData(samples, weights, chosen.limit)
    assert len(streamed.streamed) == chosen.n_streamed
    one, other = engine.start(model, 0), engine.start(model, 0)
    told: list[tuple[float, float]] = []
    for epoch in range(2):
        one, losses = engine.train_epoch(one, data)
        watch = None if epoch else lambda share, losses: told.append((share, float(np.mean(losses[0]))))
        other, found = train_streamed_epoch(engine, other, streamed, watch)
        np.testing.assert_allclose(found, losses, rtol=SAME)
    for mine, theirs in zip(jax.tree.leaves(other.params), jax.tree.leaves(one.params), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=2e-5)
    assert engine.run_chunk._cache_size() == 1
    shares = [share for share, _ in told]
    assert len(told) > 1
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert not [thread for thread in threading.enumerate() if thread.name == "kgnn prefetch"]


def test_a_fit_from_disk_equals_one_on_the_device(tmp_path: Path) -> None:
    """The table is some hundred times larger than the memory that it may take."""
    samples = bits(303)
    # Other columns in another order: the model chooses its own.
    shuffled = samples.with_gene_values(samples.gene_values()).with_genes(GENES[::-1])
    packed = read_packed(write_packed(shuffled, tmp_path / "packed"))
    settings: dict[str, Any] = {"epsilon": 0.1, "valid_fraction": 0.2}
    config = quick(**settings, stream="never")
    streaming = quick(**settings, data_memory=1e-8)
    assert not is_streamed(samples, config)
    assert is_streamed(packed, streaming)
    reports: list[EpochReport] = []
    one = fit(small_model(), samples, config, baselines=())
    other = fit(small_model(), packed, streaming, baselines=(), progress=reports.append)
    for column in ("loss", "auxiliary", "valid_score"):
        np.testing.assert_allclose(other.history[column], one.history[column], rtol=1e-5, err_msg=column)
    np.testing.assert_allclose(other.metrics["model"]["train"]["mse"], one.metrics["model"]["train"]["mse"], rtol=1e-5)
    assert {report.epoch for report in reports} == {0, 1, 2, 3}
    assert any(report.share > 0 for report in reports)
    assert [report.epoch for report in reports if not report.share] == [1, 2, 3]


def test_predictions_in_chunks_equal_those_on_the_device() -> None:
    model, samples = small_model(), bits(603)
    streamed = StreamedData(samples, limit=1)
    found = [np.asarray(inputs) for _, _, inputs in chunked_inputs(streamed, 256)]
    assert [each.shape for each in found] == [(256, 7)] * 3
    np.testing.assert_array_equal(np.concatenate(found)[:603], samples.gene_values())
    from flax import nnx

    from kgnn.train.predict import outputs_of

    outputs = outputs_of(*nnx.split(model), streamed, chunk=256)
    np.testing.assert_allclose(outputs, predict(model, samples), rtol=1e-5, atol=1e-6)


def test_an_interrupted_stream_goes_on_to_the_same_result(tmp_path: Path) -> None:
    samples, config = bits(203), quick(epochs=4, checkpoint_every=2, stream="always", data_memory=2e-7)
    whole = fit(small_model(), samples, config, out=tmp_path / "whole", baselines=())

    def interrupt(report: EpochReport) -> None:
        if report.epoch == 2 and report.share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(small_model(), samples, config, out=tmp_path / "run", baselines=(), progress=interrupt)
    assert not [thread for thread in threading.enumerate() if thread.name == "kgnn prefetch"]
    resumed = fit(small_model(), samples, config, out=tmp_path / "run", baselines=())
    assert_same(whole.model, resumed.model)
    assert whole.history.equals(resumed.history)


def test_samples_are_streamed_where_they_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = bits(800)
    assert table_bytes(samples.modalities["genotype"]) == 800
    assert table_bytes(small_samples(50).modalities["expression"]) == 50 * 7 * 4
    assert data_bytes() == device_bytes() // 4
    assert device_bytes() > 2**28
    assert data_bytes(TrainConfig(data_memory=0.5)) == 500_000_000
    assert isinstance(place_samples(samples), type(device_data(samples)))
    assert isinstance(place_samples(samples, TrainConfig(data_memory=700e-9)), StreamedData)
    assert not is_streamed(samples, TrainConfig(data_memory=900e-9))
    assert not is_streamed(samples, TrainConfig(data_memory=700e-9, stream="never"))
    assert is_streamed(samples, TrainConfig(stream="always"))
    with pytest.raises(TrainingError, match="data_memory is -1"):
        TrainConfig(data_memory=-1)


def test_small_tables_stay_and_large_ones_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = pairs(90, 8, 235)
    streamed = StreamedData(samples, limit=4 * 28 * 50)
    assert list(streamed.resident) == ["fingerprint"]
    part = streamed.part(np.arange(200))
    assert part.tables["genotype"].shape == (90, 7)
    assert part.tables["fingerprint"] is streamed.resident["fingerprint"]
    for name, rows in samples.inputs(np.arange(200)).items():  # type: ignore[union-attr]
        np.testing.assert_array_equal(np.asarray(part.tables[name][:])[np.asarray(part.rows[name])], rows)
    monkeypatch.setattr(stream_module, "CHUNK_BYTES", 100)
    assert StreamedData(samples).chunk_bytes == 100


def test_a_prefetching_thread_ends_with_its_loop_and_passes_errors_on() -> None:
    def numbers(last: int) -> Iterator[int]:
        yield from range(last)
        raise OSError("the disk is gone")

    seen = []
    with pytest.raises(OSError, match="the disk is gone"):
        for number in prefetched(numbers(3)):
            seen.append(number)
    assert seen == [0, 1, 2]
    left = prefetched(numbers(10**9), ahead=2)
    assert [next(left) for _ in range(4)] == [0, 1, 2, 3]
    assert any(thread.name == "kgnn prefetch" for thread in threading.enumerate())
    left.close()
    assert not any(thread.name == "kgnn prefetch" for thread in threading.enumerate())
    assert list(prefetched([])) == []


def test_a_stream_of_ordinary_numbers_with_validation_and_early_stopping() -> None:
    config = quick(stream="always", data_memory=1e-6, epochs=4, epsilon=0.1, patience=2)
    model, history, best = train_model(small_model(), small_samples(150), small_samples(40, seed=3), config)
    plain = config.updated({"stream": "never"})
    expected, expected_history, expected_best = train_model(
        small_model(), small_samples(150), small_samples(40, seed=3), plain
    )
    assert best == expected_best
    np.testing.assert_allclose(history["loss"], expected_history["loss"], rtol=1e-5)
    values = jnp.asarray(small_samples(9).gene_values())
    np.testing.assert_allclose(model(values).output, expected(values).output, rtol=1e-4, atol=1e-5)
