"""An accelerator gives the numbers of the CPU; skipped where JAX finds none."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import pytest

from kgnn.data import Samples
from kgnn.models import Model
from kgnn.train import TrainConfig, fit, predict
from tests.train.eight_devices import SHARED_ROWS, response_model, response_samples
from tests.train.small import quick, small_model, small_samples

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def accelerator() -> None:
    if jax.default_backend() == "cpu":
        pytest.skip("JAX finds no accelerator")


@pytest.mark.parametrize(
    ("make_model", "make_samples", "config"),
    [
        (small_model, small_samples, quick(epochs=5, average=0.9)),
        (response_model, response_samples, SHARED_ROWS),
        (small_model, small_samples, quick(replicates=3)),
    ],
    ids=["visible", "shared rows", "replicates"],
)
def test_a_fit_on_an_accelerator_is_that_on_the_cpu(
    make_model: Callable[[], Model], make_samples: Callable[[], Samples], config: TrainConfig
) -> None:
    with jax.default_device(jax.devices("cpu")[0]):
        samples = make_samples()
        expected = fit(make_model(), samples, config, baselines=())
        predicted = predict(expected.model, samples)
    found = fit(make_model(), make_samples(), config, baselines=())
    for column in ("loss", "auxiliary", "valid_score"):
        np.testing.assert_allclose(found.history[column], expected.history[column], rtol=1e-3, atol=1e-3)
    on_accelerator = predict(found.model, samples)
    np.testing.assert_allclose(on_accelerator, predicted, rtol=1e-3, atol=1e-3)


def test_all_accelerators_train_as_one() -> None:
    samples, config = small_samples(), quick(epochs=5)
    runs = [fit(small_model(), samples, config, baselines=(), devices=devices) for devices in (1, "all")]
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-3, atol=1e-3)
