"""`GraphNetwork`: the whole forward against NumPy, padding, permutation, gates, and a graph that helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers.graph_convolutions import CONVOLUTIONS
from kgnn.layers.graph_readouts import READOUTS
from kgnn.models import GraphNetwork, Model
from kgnn.models.contract import Rows
from tests.layers.dense_graphs import DENSE, FURTHER, GRAPH_OF, N_NODES, padded, random_graph
from tests.models.compiled import call
from tests.models.weights import named_arrays, write_arrays

GENES = np.random.default_rng(1).normal(size=(5, N_NODES)).astype(np.float32)
PER_NODE = ("gene_weight", "gene_bias", "gene_scaling.center", "gene_scaling.scale")


def made(kind: str = "gcn", graph: Any = None, **options: Any) -> GraphNetwork:
    graph = random_graph(**GRAPH_OF[kind]) if graph is None else graph
    further = {"widths": (6, 6), "outputs": 2} | FURTHER.get(kind, {}) | options
    model = GraphNetwork(graph, conv=kind, **further, rngs=nnx.Rngs(0))
    random = np.random.default_rng(2)
    n = len(model.genes)
    model.gene_scaling.set(random.normal(size=n), random.uniform(0.5, 2, n))
    model.output_scaling.set(np.array([1.0, -2.0]), np.array([2.0, 0.5]))
    model.reference[...] = jnp.asarray(random.normal(size=model.reference.shape).astype(np.float32))
    return model


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_equals_numpy(kind: str):
    model = made(kind)
    assert isinstance(model, Model)
    w = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    for sample, found in zip(GENES, call(model, GENES).output, strict=True):
        scaled = (sample - w["gene_scaling.center"]) / w["gene_scaling.scale"]
        x = scaled[:, None] * w["gene_weight"] + w["gene_bias"]
        for number in range(2):
            first = f"convolutions.{number}."
            of_layer = {name.removeprefix(first): array for name, array in w.items() if name.startswith(first)}
            x = np.maximum(DENSE[kind](model.structure, of_layer, x), 0) + x
        expected = w["output_layer.kernel"] @ x.reshape(-1) + w["output_layer.bias"]
        np.testing.assert_allclose(found, expected * [2.0, 0.5] + [1.0, -2.0], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("kind", ["gcn", "gat", "chebyshev"])
def test_padding_changes_nothing(kind: str, readout: str):
    options = {"readout": readout, "hidden": 5} | ({"coarsen_levels": 1} if kind == "chebyshev" else {})
    plain = made(kind, **options)
    again = made(kind, padded(random_graph(**GRAPH_OF[kind])), **options)
    one, two = call(plain, GENES), call(again, GENES)
    np.testing.assert_allclose(two.output, one.output, atol=1e-5)
    np.testing.assert_allclose(two.states, one.states, atol=1e-5)


@pytest.mark.parametrize("readout", sorted(READOUTS.keys() - {"nodes"}))
@pytest.mark.parametrize("kind", ["gcn", "chebyshev"])
def test_permuted_genes_give_the_same_output_and_permuted_states(kind: str, readout: str):
    order = np.random.default_rng(3).permutation(N_NODES)
    options = {"readout": readout} | ({"coarsen_levels": 2, "widths": (4, 4, 4)} if kind == "chebyshev" else {})
    plain = made(kind, **options)
    permuted = made(kind, random_graph(order=order, **GRAPH_OF[kind]), **options)
    arrays = named_arrays(plain)
    write_arrays(permuted, {name: array[order] if name in PER_NODE else array for name, array in arrays.items()})
    one, two = call(plain, GENES), call(permuted, GENES[:, order])
    np.testing.assert_allclose(one.output, two.output, atol=1e-5)
    by_node = one.states.reshape(5, N_NODES, -1)
    np.testing.assert_allclose(two.states.reshape(by_node.shape), by_node[:, order], atol=1e-5)


def test_gate_and_shift():
    model = made(widths=(6, 6))
    plain = call(model, GENES)
    ones, zeros = np.ones(N_NODES, np.float32), np.zeros(len(model.term_of_state), np.float32)
    for gate, shift in ((ones, zeros), (np.tile(ones, (5, 1)), np.tile(zeros, (5, 1)))):
        np.testing.assert_allclose(call(model, GENES, gate=gate, shift=shift).output, plain.output, atol=1e-6)
    shut = ones.copy()
    shut[4] = 0
    reference = np.asarray(model.reference[...]).reshape(N_NODES, -1)
    found = call(model, GENES, gate=shut)
    np.testing.assert_allclose(found.states.reshape(5, N_NODES, -1)[:, 4], np.tile(reference[4], (5, 1)), atol=1e-6)
    assert not np.allclose(found.output, plain.output)
    each = call(model, GENES, gate=np.stack([ones, shut, ones, shut, ones])).output
    np.testing.assert_allclose(each[1::2], found.output[1::2], atol=1e-6)
    np.testing.assert_allclose(each[::2], plain.output[::2], atol=1e-6)
    # A shift of the last layer's states of a node that is read moves the output by its weights.
    last = zeros.copy()
    last[4 * 12 + 6] = 0.5
    moved = call(model, GENES, shift=last).output - plain.output
    kernel = np.asarray(model.output_layer.kernel[...])[:, 4 * 6] * np.asarray(model.output_scaling.scale[...])
    np.testing.assert_allclose(moved, np.tile(0.5 * kernel, (5, 1)), atol=1e-5)


def test_shared_rows_and_edges_that_matter():
    model = made()
    index = np.array([0, 0, 3])
    shared = call(model, Rows(jnp.asarray(GENES), jnp.asarray(index)))
    np.testing.assert_allclose(shared.output, call(model, GENES[index]).output, atol=1e-6)
    coefficient = jnp.asarray(model.structure.coefficient, jnp.float32)
    graph, state = nnx.split(model)
    saliency = jax.jit(jax.grad(lambda c: nnx.merge(graph, state)(jnp.asarray(GENES), coefficient=c).output.sum()))
    assert np.count_nonzero(saliency(coefficient)) > 0.5 * len(coefficient)


def test_refuses_what_does_not_fit():
    for match, options in (
        ("conv is 'cnn'", {"conv": "cnn"}),
        ("readout is 'sum'", {"readout": "sum"}),
        ("coarsen_levels is 1, but conv is 'gcn'", {"coarsen_levels": 1}),
        ("coarsen_levels is 3, with 2", {"coarsen_levels": 3, "conv": "chebyshev"}),
        ("Give at least one of each", {"widths": ()}),
    ):
        with pytest.raises(KgnnError, match=match):
            GraphNetwork(random_graph(), **options, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="have 2 modalities"):
        made()({"gene": jnp.zeros((2, N_NODES)), "drug": jnp.zeros((2, 3))})


def test_a_network_of_its_own_graph_equals_itself():
    one, two = made(), made(graph=replace(random_graph(**GRAPH_OF["gcn"])))
    assert nnx.graphdef(one) == nnx.graphdef(two)
