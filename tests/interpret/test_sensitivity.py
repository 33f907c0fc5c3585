"""Node sensitivity against finite differences, knockdown effect against gates by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kgnn.interpret import node_sensitivity
from kgnn.interpret.sensitivity import knockdown_effect
from kgnn.models import Model
from kgnn.perturb.forward import inputs_of
from tests.models.compiled import call
from tests.perturb.runs import response_network, run_of, samples, screen, some_run


def models() -> list[tuple[str, Model, object]]:
    found = [(kind, some_run(kind).model, samples()) for kind in ("one", "replicates")]
    found.append(("classes", some_run("one", "classes").model, samples(task="classes")))
    return [*found, ("drugs", run_of(response_network(), screen()).model, screen())]


def natural(model: Model, output: np.ndarray) -> np.ndarray:
    return np.asarray(jax.nn.softmax(output)) if model.task == "classes" else output


@pytest.mark.parametrize("which", range(4))
def test_sensitivity_is_that_of_small_steps(which: int) -> None:
    _, model, data = models()[which]
    inputs = inputs_of(data)
    states = call(model, inputs).states
    deviation = states.std(axis=0)
    slopes = []
    for state in range(states.shape[1]):
        step = np.zeros(states.shape[1], np.float32)
        step[state] = 0.005
        up, down = (natural(model, call(model, inputs, shift=jnp.asarray(sign * step)).output) for sign in (1, -1))
        slopes.append((up - down) / 0.01 * deviation[state])
    squared = np.square(np.array(slopes))
    term_of_state = np.asarray(model.term_of_state)
    expected = [np.sqrt(squared[term_of_state == term].sum(axis=0)).mean(axis=0) for term in range(5)]
    found = node_sensitivity(model, inputs)
    assert found.shape == (5, len(model.output_names))
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.002 * np.max(expected))
    assert found.min() > 0


@pytest.mark.parametrize("which", range(4))
def test_knockdown_effect_is_that_of_a_closed_gate(which: int) -> None:
    _, model, data = models()[which]
    inputs = inputs_of(data)
    before = natural(model, call(model, inputs).output)
    expected = []
    for term in range(5):
        gate = jnp.ones(5).at[term].set(0.0)
        expected.append(np.abs(natural(model, call(model, inputs, gate=gate).output) - before).mean(axis=0))
    found = knockdown_effect(model, inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert found.min() > 0
