"""`PerturbationNetwork` against NumPy, its loss, and its edges."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers import Prediction
from kgnn.models import Model, PerturbationNetwork
from tests.layers.dense_graphs import GRAPH_OF, N_NODES, matrix_of, random_graph
from tests.models.compiled import call
from tests.models.weights import named_arrays

OUTPUTS = tuple(f"r{k}" for k in range(6))
EDGES = (0, 1, 2), (3, 2, 5)
PERTURBED = np.zeros((3, N_NODES), np.float32)
PERTURBED[0, 2] = PERTURBED[1, 5] = PERTURBED[1, 7] = 1


def made(**options) -> PerturbationNetwork:
    ends = {"coexpressed_senders": EDGES[0], "coexpressed_receivers": EDGES[1]}
    how = {"n_features": 4, "n_hops": 2} | ends | options
    model = PerturbationNetwork(random_graph(**GRAPH_OF["gcn"]), outputs=OUTPUTS, **how, rngs=nnx.Rngs(0))
    model.output_scaling.set(np.arange(6.0), np.array([1, 2, 1, 0.5, 1, 1.0]))
    return model


def test_equals_numpy():
    model = made()
    assert isinstance(model, Model)
    w = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    graph = matrix_of(model.structure)
    joined = np.eye(6)
    for one, other in zip(*EDGES, strict=True):
        joined[one, other] = joined[other, one] = 1
    degree = joined.sum(axis=1)
    responses = joined / np.sqrt(degree[:, None] * degree[None])
    acting = np.tanh(PERTURBED @ (graph @ graph @ w["embedding"]) @ w["mix"])
    genes = responses @ responses @ w["response"]
    for sample, found in zip(acting, call(model, PERTURBED).output, strict=True):
        inside = np.maximum((sample + genes) @ w["first"] + w["first_bias"], 0)
        first = (inside * w["decoder"]).sum(axis=1)
        seen = np.maximum(np.tanh(first @ w["summary"]) @ w["across"], 0)
        changed = first + w["decoder_across"] @ seen + w["decoder_bias"]
        np.testing.assert_allclose(found, changed * w["output_scaling.scale"] + np.arange(6), atol=1e-5)


def test_gates_and_shifts():
    model = made()
    plain = call(model, PERTURBED)
    ones = np.ones(N_NODES, np.float32)
    zeros = np.zeros((3, len(model.term_of_state)), np.float32)
    np.testing.assert_allclose(call(model, PERTURBED, gate=ones, shift=zeros).output, plain.output, atol=1e-5)
    ones[5] = 0
    shut = call(model, PERTURBED, gate=ones)
    without = PERTURBED.copy()
    without[:, 5] = 0
    np.testing.assert_allclose(shut.output, call(model, without).output, atol=1e-5)


def test_the_loss_of_autofocus_and_direction():
    model = made(focus=1.0, direction=0.5)
    targets = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
    prediction = call(model, PERTURBED)
    scale = np.asarray(model.output_scaling.scale[...])
    error = np.abs(prediction.output - targets) / scale
    turned = (np.sign(targets) - np.tanh(prediction.output / scale)) ** 2
    each = (error**2 + np.minimum(error, 4) ** 3 + 0.5 * turned).mean(axis=1)
    share = np.array([0.5, 0.5, 0], np.float32)
    as_arrays = Prediction(*(jnp.asarray(part) for part in prediction[:3]))
    found = model.loss(jnp.asarray(PERTURBED), as_arrays, jnp.asarray(targets), jnp.asarray(share))
    np.testing.assert_allclose(found, each @ share, rtol=1e-5)


def test_refuses_what_does_not_fit():
    with pytest.raises(KgnnError, match="task is 'classes'"):
        made(task="classes")
    with pytest.raises(KgnnError, match="1 senders and 3 receivers among 6"):
        made(coexpressed_senders=(1,))
