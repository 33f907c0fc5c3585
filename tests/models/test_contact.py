"""`ContactNetwork` against NumPy, whatever else is in the batch; gates, shifts and neighbors as a control."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, toy_contacts
from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge import ContactMap, linear_neighbors
from kgnn.models import ContactNetwork, Model
from kgnn.structure import Adjacency, compile_contacts, graph_matrix
from tests.models.compiled import call
from tests.models.weights import named_arrays

TOY = toy_contacts()
N_FEATURES = 16


def graph_of(contacts: ContactMap) -> Adjacency:
    return compile_contacts(contacts, normalization="mean", self_loops="add", weighted=False)[0]


def made(contacts: ContactMap = TOY.contacts, toy: Any = TOY, **options: Any) -> ContactNetwork:
    windows = toy.samples.modalities["window"]
    how = {"genes": windows.features, "n_features": N_FEATURES} | options
    model = ContactNetwork(graph_of(contacts), **how, outputs=("active",), rngs=nnx.Rngs(0))
    model.set_context(windows.values)
    return model


def inputs_of(samples: Samples, index: np.ndarray) -> dict[str, Any]:
    return {name: jnp.asarray(table[index]) for name, table in samples.inputs().items()}


def test_equals_numpy():
    toy = toy_contacts(2, 12, seed=4)
    model = made(toy.contacts, toy, n_features=5)
    assert isinstance(model, Model)
    w = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    matrix = graph_matrix(model.structure).toarray()

    def encoded(windows: np.ndarray) -> np.ndarray:
        return np.maximum(windows @ w["encoder.layers.0.kernel"].T + w["encoder.layers.0.bias"], 0)

    index = np.array([3, 20, 7])
    inputs = inputs_of(toy.samples, index)
    inputs["window"] = inputs["window"] + 0.5  # other windows than those of the context
    found = call(model, inputs)
    for row, place in enumerate(index):
        around = encoded(w["context"])
        own = encoded(np.asarray(inputs["window"][row], np.float64)[None])[0]
        for layer in range(2):
            kernel, bias = w[f"layers.{layer}.convolution.linear.kernel"], w[f"layers.{layer}.convolution.bias"]
            u, c = w[f"layers.{layer}.to_gate.kernel"], w[f"layers.{layer}.to_gate.bias"]
            mine = matrix[place].copy()
            mine[place] = 0
            sums = np.vstack([matrix @ around, mine @ around + matrix[place, place] * own])
            message = np.tanh(sums @ kernel + bias)
            gate = 1 / (1 + np.exp(-(message @ u + c)))
            mixed = (1 - gate) * np.vstack([around, own]) + gate * message
            around, own = mixed[:-1], mixed[-1]
        expected = w["output_layer.kernel"] @ (np.maximum(own, 0) / np.sqrt(1 + 1e-5)) + w["output_layer.bias"]
        np.testing.assert_allclose(found.output[row], expected, atol=1e-5)
    alone = call(model, {name: table[1:2] for name, table in inputs.items()})
    np.testing.assert_allclose(alone.output, found.output[1:2], atol=1e-6)  # whatever is in the batch


def test_gate_and_shift():
    model = made()
    inputs = inputs_of(TOY.samples, np.array([5, 170, 171]))
    plain = call(model, inputs)
    n, n_states = len(model.terms), len(model.term_of_state)
    for rows in ((), (3,)):
        gate, shift = np.ones((*rows, n), np.float32), np.zeros((*rows, n_states), np.float32)
        np.testing.assert_allclose(call(model, inputs, gate=gate, shift=shift).output, plain.output, atol=1e-6)
        gate[..., 40] = 0  # on the chromosome of the first alone
        moved = call(model, inputs, gate=gate)
        assert not moved.states.reshape(3, n, -1)[:, 40].any()
        np.testing.assert_allclose(moved.output[1:], plain.output[1:], atol=1e-6)
        shift[..., 170 * N_FEATURES : 171 * N_FEATURES] = 1.0
        pushed = call(model, inputs, shift=shift).output
        assert abs(pushed[1] - plain.output[1]) > 1e-3 and abs(pushed[0] - plain.output[0]) < 1e-6


def test_refuses_what_does_not_fit():
    model = made()
    with pytest.raises(AlignmentError, match="the windows are 3 × 6, but the graph has 960"):
        model.set_context(np.zeros((3, 6)))
    with pytest.raises(KgnnError, match=r"takes the tables \['window', 'place'\], but the samples have one table"):
        model(jnp.zeros((2, 6)))
    with pytest.raises(KgnnError, match="n_layers is -1"):
        made(n_layers=-1)
    with pytest.raises(KgnnError, match="n is 0"):
        linear_neighbors(TOY.contacts, 0)


def test_neighbors_of_a_chromosome():
    small = toy_contacts(2, 4, seed=1)
    found = linear_neighbors(small.contacts, 2)
    pairs = list(zip(found.bin_1.tolist(), found.bin_2.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (5, 6), (5, 7), (6, 7)]
    both = linear_neighbors(small.contacts, 1, keep_contacts=True)
    assert len(both) > 6 and set(zip(both.bin_1.tolist(), both.bin_2.tolist(), strict=True)) >= set(
        zip(small.contacts.bin_1.tolist(), small.contacts.bin_2.tolist(), strict=True)
    )
