"""Settings are checked at the door, and optimizers do what their settings say."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from kgnn.errors import KgnnError, TrainingError
from kgnn.train import TrainConfig
from kgnn.train.engine import make_optimizer


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "sgd"}, "Choose one of: adam, adamw"),
        ({"epochs": 0}, "epochs is 0, but must be at least 1"),
        ({"valid_fraction": 1.0}, "valid_fraction is 1.0"),
        ({"average": 1.0}, "average is 1.0"),
        ({"unpriced": 1.0}, "unpriced is 1.0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
    ],
)
def test_refused(settings: dict, message: str):
    with pytest.raises(KgnnError, match=message):
        TrainConfig(**settings)


def test_text_is_turned_into_the_type_of_the_setting():
    config = TrainConfig().updated({"epochs": "7", "learning_rate": "0.5", "standardize_targets": "no"})
    assert (config.epochs, config.learning_rate, config.standardize_targets) == (7, 0.5, False)
    with pytest.raises(TrainingError, match="unknown setting layers"):
        TrainConfig().updated({"layers": 3})
    with pytest.raises(TrainingError, match="epochs is 'many'"):
        TrainConfig().updated({"epochs": "many"})


def _after_one_step(gradient: float, **settings: float | str) -> float:
    """Where a weight of 1 goes in one step."""
    optimizer = make_optimizer(TrainConfig(learning_rate=0.1, **settings), n_steps=10)  # type: ignore[arg-type]
    weight = jnp.ones(1)
    update, _ = optimizer.update(jnp.full(1, gradient), optimizer.init(weight), weight)
    return (weight + jnp.asarray(update)).item()


def test_decay_of_adamw_is_decoupled_and_l2_passes_through_adam():
    assert _after_one_step(0.0) == 1.0
    assert _after_one_step(0.0, optimizer="adamw", weight_decay=0.5) == pytest.approx(1 - 0.1 * 0.5)
    # Adam's first step has the length of the learning rate, whatever the size of the gradient.
    assert _after_one_step(0.0, l2=0.5) == pytest.approx(0.9, abs=1e-5)


@pytest.mark.parametrize(("schedule", "last"), [("constant", 0.1), ("cosine", 0.0), ("exponential", 0.001)])
def test_schedules_end_where_they_say(schedule: str, last: float):
    optimizer = make_optimizer(TrainConfig(learning_rate=0.1, schedule=schedule), n_steps=10)
    weight, state = jnp.zeros(1), optimizer.init(jnp.zeros(1))
    for _ in range(11):
        update, state = optimizer.update(jnp.ones(1), state, weight)
    np.testing.assert_allclose(abs(np.asarray(update).item()), last, atol=1e-6)
