"""Many devices give the numbers of one. Eight must be asked for before JAX starts, so they get their own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from kgnn.errors import TrainingError
from kgnn.train import fit, predict
from kgnn.train.devices import Placement, place
from kgnn.train.predict import padded_chunks
from kgnn.train.processes import is_first_process, require_same, share, wait_for_all
from tests.conftest import REPOSITORY
from tests.train.eight_devices import FITS, VISIBLE, visible_model
from tests.train.small import quick, small_model, small_samples

# Without its optimizations XLA compiles these small programs in half the time.
FLAGS = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("eight devices")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    """What `tests.train.eight_devices` prints."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.train.eight_devices", str(folder)],
        cwd=REPOSITORY, env={**os.environ, "XLA_FLAGS": FLAGS, "JAX_PLATFORMS": "cpu"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def assert_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert list(one["history"]) == ["epoch", "loss", "auxiliary", "valid_score"]
    for column, values in one["history"].items():
        np.testing.assert_allclose(values, other["history"][column], rtol=1e-4, atol=1e-4, err_msg=column)
    np.testing.assert_allclose(one["predicted"], other["predicted"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", list(FITS))
def test_eight_devices_train_as_one(result: dict[str, Any], name: str) -> None:
    assert result["devices"] == 8
    assert len(result[f"{name} 1"]["history"]["loss"]) == FITS[name][2].epochs
    assert_alike(result[f"{name} 1"], result[f"{name} all"])


def test_eight_devices_share_the_work(result: dict[str, Any]) -> None:
    (alone, alone_adds), (one_of_eight, adds) = result["work"]
    assert (alone_adds, adds) == (False, True)
    assert one_of_eight < alone / 4


def test_a_checkpoint_of_eight_devices_goes_on_on_two_and_on_one(result: dict[str, Any], folder: Path) -> None:
    assert_alike(result["resumed on 2"], result["visible 1"])
    record = json.loads((folder / "on 1" / "checkpoint" / "checkpoint.json").read_text())
    assert record["epoch"] == 2
    samples = small_samples()
    run = fit(visible_model(), samples, VISIBLE, baselines=(), out=folder / "on 1")
    resumed = {"history": run.history.to_dict("list"), "predicted": predict(run.model, samples).tolist()}
    assert resumed["history"]["loss"][:2] == result["visible all"]["history"]["loss"][:2]
    assert_alike(resumed, result["visible 1"])


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (1_000, r"devices is 1000, but JAX finds \d+ \w+ devices? here\. Give 1"),
        (0, "devices is 0"),
        ("-1", "devices is -1"),
        ("many", "devices is 'many'. Give their number, or all."),
    ],
)
def test_devices_that_are_not_there_are_refused(devices: int | str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(small_model(), small_samples(), quick(), baselines=(), devices=devices)


def test_one_device_leaves_arrays_alone() -> None:
    array = jax.numpy.arange(3)
    for placement in (place(), place(1), place("1")):
        assert placement == Placement()
        assert placement.copy([array])[0] is placement.deal(array) is placement.local(array) is array
        assert (placement.n_devices, placement.everywhere, placement.by_sample) == (1, None, None)


def test_a_mesh_of_one_device_places_arrays_and_random_keys() -> None:
    mesh = jax.make_mesh((1,), ("sample",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:1])
    placement = Placement(mesh)
    tree = {"key": jax.random.key(3), "table": np.arange(6.0, dtype=np.float32).reshape(3, 2), "none": None}
    placed = placement.copy(tree)
    assert placed["table"].sharding == placement.everywhere
    np.testing.assert_array_equal(jax.random.key_data(placed["key"]), jax.random.key_data(tree["key"]))
    local = placement.local(placed)
    np.testing.assert_array_equal(local["table"], tree["table"])
    np.testing.assert_array_equal(placement.whole(placement.dealt(tree["table"])), tree["table"])
    with placement.context():
        assert jax.sharding.get_abstract_mesh().axis_names == ("sample",)
    assert jax.sharding.get_abstract_mesh().empty


def test_chunks_divide_by_the_devices() -> None:
    for n, multiple in ((5, 6), (700, 3), (1024, 8)):
        chunks = padded_chunks(n, 512, multiple=multiple)
        assert {len(index) % multiple for index, _ in chunks} == {0}
        np.testing.assert_array_equal(np.concatenate([index[here > 0] for index, here in chunks]), np.arange(n))


def test_a_single_process_agrees_with_itself() -> None:
    assert is_first_process()
    assert share(b"content") == b"content"
    require_same("anything", lambda: pytest.fail("nobody to compare with"))
    wait_for_all("the end")
