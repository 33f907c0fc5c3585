"""How replicates are dealt out, and that the estimate of their memory is near what a compiled step takes."""

from __future__ import annotations

import pytest

from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.train.loop import start_model
from kgnn.train.memory import choose_chunking, replicate_bytes
from tests.train.small import quick, small_model, small_samples


@pytest.mark.parametrize(
    ("n", "each", "options", "expected"),
    [
        (30, 10, {"memory": 10**6}, (30, 1)),
        (30, 10, {"memory": 100}, (10, 1)),
        (30, 10, {"memory": 140, "resident": 20}, (10, 1)),
        (30, 10, {"memory": 3, "resident": 20}, (1, 1)),
        (7, 10, {"memory": 10**6, "cores": 2}, (4, 2)),
        (30, 10, {"memory": 10**6, "cores": 2, "cache": 25}, (2, 2)),
        (30, 10, {"memory": 10**6, "cores": 4, "cache": 3}, (1, 4)),
        (30, 10, {"memory": 50, "cores": 2, "cache": 10**6}, (2, 2)),
        (3, 10, {"memory": 10**6, "cores": 16}, (1, 3)),
        (30, 10, {"memory": 10**6, "cores": 2, "at_most": 6}, (3, 2)),
        (30, 10, {"memory": 10**6, "cores": 2, "at_most": 1}, (1, 1)),
        (1, 10, {"memory": 10**6, "cores": 2}, (1, 1)),
    ],
)
def test_chunks_fit_in_memory_and_keep_all_cores_busy(n, each, options, expected) -> None:
    found = choose_chunking(n, each, **options)
    assert found == expected
    room = max(each, options["memory"] - options.get("resident", 0))
    assert found.size * found.workers * each <= room
    assert -(-n // found.size) % found.workers == 0 or -(-n // found.size) * found.size - n < found.size


def test_the_estimate_is_near_what_the_compiled_step_takes() -> None:
    samples, taken, estimated = small_samples(3_000), [], []
    for n in (2, 6):
        config = quick(replicates=n, average=0.9, batch_size=600)
        model = start_model(small_model(), samples, config)
        engine = Engine(model, config, len(samples))
        state, data = engine.start(model, 0), device_data(samples)
        analysis = engine.run_epoch.lower(state, data).compile().memory_analysis()
        taken.append(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)
        estimated.append(n * engine.replicate_bytes(state, data))
    more, expected = taken[1] - taken[0], estimated[1] - estimated[0]
    assert 0.4 < more / expected < 2.0


def test_bytes_of_a_replicate() -> None:
    assert replicate_bytes(state=40, parameters=10, activations=200) == 2 * 40 + 10 + 300
