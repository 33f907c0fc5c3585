"""A step that would not fit is refused before anything is compiled; the prediction is near what is allocated."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import TrainingError
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from kgnn.structure.cost import predict_cost
from kgnn.train.step_memory import require_memory


def network(n_terms: int = 300) -> VisibleNetwork:
    hierarchy, _ = compile_hierarchy(random_ontology(n_terms, 2 * n_terms, 5))
    return VisibleNetwork(hierarchy, SubsystemSettings(6), rngs=nnx.Rngs(0))


def test_a_batch_that_fits_is_named():
    model = network(30)
    require_memory(model, 1_000)
    with pytest.raises(TrainingError, match=r"step of 1,000 samples takes about .* GB a device") as found:
        require_memory(model, 1_000, available=2_000_000)
    most = int(re.search(r"batch_size=([\d,]+) or less", str(found.value)).group(1).replace(",", ""))
    require_memory(model, most, available=2_000_000)
    with pytest.raises(TrainingError):
        require_memory(model, most + 2, available=2_000_000)
    require_memory(model, 2 * most, n_devices=2, available=2_000_000)
    with pytest.raises(TrainingError, match="Prune the ontology"):
        require_memory(model, 1_000, available=10)


def test_the_prediction_is_near_what_is_allocated():
    model = network()
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    x = jnp.zeros((700, len(model.genes)))

    def loss(params):
        found = nnx.merge(graph, params, rest, copy=True)(x, train=True)
        return jnp.square(found.output).mean() + jnp.square(found.auxiliary).mean()

    allocated = jax.jit(jax.grad(loss)).lower(params).compile().memory_analysis().temp_size_in_bytes
    predicted = predict_cost(model.subsystems.wiring, len(model.genes), 700).step_bytes
    assert 0.6 < predicted / allocated < 1.7
