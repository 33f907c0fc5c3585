"""`PathwayGraphs` against NumPy, pathway by pathway; a pathway sees its own genes and nothing else."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.models import Model, PathwayGraphs
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call
from tests.models.weights import named_arrays

ONTOLOGY = random_ontology(5, 11, seed=2)
HIERARCHY, _ = compile_hierarchy(ONTOLOGY)
RANDOM = np.random.default_rng(0)
EDGES = RANDOM.integers(0, 11, (2, 14))
GENES = RANDOM.normal(size=(4, 11)).astype(np.float32)


def made(**options) -> PathwayGraphs:
    ends = {"senders": EDGES[0].tolist(), "receivers": EDGES[1].tolist()}
    how = {"n_features": 3, "n_attentions": 2, "outputs": 2} | options
    return PathwayGraphs(HIERARCHY, **ends, **how, rngs=nnx.Rngs(0))


def test_equals_numpy():
    model = made()
    assert isinstance(model, Model)
    w = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    joined = np.zeros((11, 11), bool)
    joined[EDGES[0], EDGES[1]] = joined[EDGES[1], EDGES[0]] = True
    np.fill_diagonal(joined, True)
    for sample, found in zip(GENES, call(model, GENES).output, strict=True):
        states, first = [], 0
        for pathway, term in enumerate(model.terms):
            genes = sorted(ONTOLOGY.direct_genes[term], key=HIERARCHY.genes.index)
            places = [HIERARCHY.genes.index(gene) for gene in genes]
            matrix = joined[np.ix_(places, places)].astype(float)
            degree = matrix.sum(axis=1)
            matrix /= np.sqrt(degree[:, None] * degree[None])
            values = sample[places, None] * w["gene_weight"][first : first + len(places)]
            first += len(places)
            for layer in range(2):
                mapped = matrix @ values @ w[f"kernels.{layer}"][pathway] + w[f"biases.{layer}"][pathway]
                values = values + np.maximum(mapped, 0)
            both = np.concatenate([values.mean(axis=0), values.max(axis=0)])
            states.append(np.tanh(both @ w["to_state"][pathway]))
        states = np.array(states)
        logits = np.exp(w["attend"] @ states.T + w["attend_bias"])
        read = (logits / logits.sum(axis=1, keepdims=True)) @ states
        expected = w["output_layer.kernel"] @ read.reshape(-1) + w["output_layer.bias"]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_pathway_sees_its_own_genes():
    model = made()
    graph, state = nnx.split(model)
    jacobian = jax.jit(jax.jacobian(lambda x: nnx.merge(graph, state)(x).states[0]))(jnp.asarray(GENES[:1]))[:, 0]
    reached = np.asarray(jacobian).reshape(len(model.terms), 3, -1).any(axis=1)
    own = [[gene in ONTOLOGY.direct_genes[term] for gene in HIERARCHY.genes] for term in model.terms]
    np.testing.assert_array_equal(reached, own)


def test_gates_shifts_and_equal_definitions():
    model = made(dropout=0.3)
    plain = call(model, GENES)
    gate, shift = np.ones((4, len(model.terms)), np.float32), np.zeros((4, len(model.term_of_state)), np.float32)
    np.testing.assert_allclose(call(model, GENES, gate=gate, shift=shift).output, plain.output, atol=1e-6)
    gate[1, 0] = 0
    found = call(model, GENES, gate=gate)
    assert not found.states[1, :3].any() and not np.allclose(found.output[1], plain.output[1])
    np.testing.assert_allclose(found.output[2:], plain.output[2:], atol=1e-6)
    assert nnx.graphdef(made()) == nnx.graphdef(made())
    with pytest.raises(KgnnError, match="1 senders and 2 receivers"):
        PathwayGraphs(HIERARCHY, senders=[0], receivers=[1, 2], rngs=nnx.Rngs(0))
