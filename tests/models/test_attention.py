"""Transformers over genes and over terms: visibility, gates, permutation, and that bias off is no bias."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.models import GeneTransformer, Model, PathwayTransformer
from kgnn.structure import compile_hierarchy
from tests.layers.dense_graphs import N_NODES, random_graph
from tests.models.compiled import call
from tests.models.weights import named_arrays, write_arrays

ONTOLOGY = random_ontology(9, 14, seed=5)
HIERARCHY, _ = compile_hierarchy(ONTOLOGY)
GENES = np.random.default_rng(1).normal(size=(3, N_NODES)).astype(np.float32)


def over_genes(graph: Any = None, **options: Any) -> GeneTransformer:
    model = GeneTransformer(random_graph() if graph is None else graph, outputs=2, **options, rngs=nnx.Rngs(0))
    for block in model.blocks:
        if block.attention.of_pair is not None:
            drawn = np.random.default_rng(2).normal(size=block.attention.of_pair.shape)
            block.attention.of_pair[...] = jnp.asarray(drawn.astype(np.float32))
    return model


def test_a_state_depends_on_a_gene_if_and_only_if_the_gene_lies_at_or_below_the_term():
    model = PathwayTransformer(HIERARCHY, n_features=4, rngs=nnx.Rngs(0))
    assert isinstance(model, Model) and model.terms == HIERARCHY.terms
    graph, state = nnx.split(model)
    values = jnp.asarray(np.random.default_rng(0).normal(size=(1, HIERARCHY.n_genes)).astype(np.float32))
    jacobian = jax.jit(jax.jacobian(lambda x: nnx.merge(graph, state)(x).states[0]))(values)[:, 0]
    reached = np.asarray(jacobian).reshape(HIERARCHY.n_terms, 4, -1).any(axis=1)
    expected = [[gene in ONTOLOGY.gene_sets[term] for gene in HIERARCHY.genes] for term in HIERARCHY.terms]
    np.testing.assert_array_equal(reached, expected)
    assert 0.1 < reached.mean() < 0.9


def test_a_shut_term_hides_what_lies_below_it():
    model = PathwayTransformer(HIERARCHY, outputs=2, rngs=nnx.Rngs(0))
    random = np.random.default_rng(3)
    model.reference[...] = jnp.asarray(random.normal(size=model.reference.shape).astype(np.float32))
    one, two = random.normal(size=(2, 1, HIERARCHY.n_genes)).astype(np.float32)
    shut = np.zeros(HIERARCHY.n_terms, np.float32)
    np.testing.assert_array_equal(call(model, one, gate=shut).output, call(model, two, gate=shut).output)
    shut[-1] = 1  # the root alone still sees its own genes
    own = [
        position for position, gene in enumerate(HIERARCHY.genes) if gene in ONTOLOGY.direct_genes[HIERARCHY.terms[-1]]
    ]
    mixed = one.copy()
    mixed[:, own] = two[:, own]
    np.testing.assert_allclose(call(model, two, gate=shut).output, call(model, mixed, gate=shut).output, atol=1e-6)
    plain = call(model, one)
    ones, zeros = np.ones((1, HIERARCHY.n_terms), np.float32), np.zeros((1, len(model.term_of_state)), np.float32)
    np.testing.assert_allclose(call(model, one, gate=ones, shift=zeros).output, plain.output, atol=1e-6)


@pytest.mark.parametrize("n_blocks", [1, 2])
@pytest.mark.parametrize("kind", ["genes", "terms"])
def test_a_shift_adds_to_states_and_acts_in_every_direction(kind: str, n_blocks: int):
    if kind == "genes":
        model: Any = over_genes(n_blocks=n_blocks)
        one = GENES[:1]
    else:
        model = PathwayTransformer(HIERARCHY, n_blocks=n_blocks, outputs=2, rngs=nnx.Rngs(0))
        one = np.random.default_rng(3).normal(size=(1, HIERARCHY.n_genes)).astype(np.float32)
    plain = call(model, one)
    drawn = np.random.default_rng(4).normal(size=plain.states.shape[1]).astype(np.float32)
    for shift in (np.full_like(drawn, 0.5), drawn):  # a constant too: normalization must not take it away
        moved = call(model, one, shift=shift)
        np.testing.assert_allclose(moved.states, plain.states + shift[None], atol=1e-5)
        assert np.abs(moved.output - plain.output).max() > 1e-2
    graph, state = nnx.split(model)
    by_shift = jax.jit(jax.jacobian(lambda shift: nnx.merge(graph, state)(jnp.asarray(one), shift=shift).output[0]))
    slopes = np.asarray(by_shift(jnp.zeros_like(drawn))).reshape(2, len(model.terms), -1)
    together = np.abs(slopes.sum(axis=2)).max(axis=0)  # of a constant on all states of one term
    assert (together > 1e-3 * np.abs(slopes).sum(axis=2).max(axis=0)).all()


@pytest.mark.parametrize("read", ["attention", "mean"])
def test_permuted_genes_give_the_same_output(read: str):
    order = np.random.default_rng(3).permutation(N_NODES)
    plain, permuted = over_genes(read=read), over_genes(random_graph(order=order), read=read)
    by_gene = ("gene_weight", "gene_bias", "gene_scaling.center", "gene_scaling.scale")
    arrays = named_arrays(plain)
    write_arrays(permuted, {name: array[order] if name in by_gene else array for name, array in arrays.items()})
    np.testing.assert_allclose(call(permuted, GENES[:, order]).output, call(plain, GENES).output, atol=1e-5)


def test_the_network_matters_with_bias_only():
    other = random_graph(11)
    assert not np.allclose(call(over_genes(), GENES).output, call(over_genes(other), GENES).output, atol=1e-3)
    plain, again = (call(over_genes(graph, bias="none"), GENES).output for graph in (None, other))
    np.testing.assert_allclose(plain, again, atol=1e-6)


def test_a_gate_of_a_gene_replaces_its_token():
    model = over_genes(dropout=0.1)
    assert isinstance(model, Model)
    shut = np.ones((3, N_NODES), np.float32)
    shut[1, 4] = 0
    found, plain = call(model, GENES, gate=shut), call(model, GENES)
    assert not found.states.reshape(3, N_NODES, -1)[1, 4].any()
    assert not np.allclose(found.output[1], plain.output[1])
    np.testing.assert_allclose(found.output[::2], plain.output[::2], atol=1e-6)


def test_refuses_unknown_choices():
    with pytest.raises(KgnnError, match="read is 'max'"):
        over_genes(read="max")
    with pytest.raises(KgnnError, match="n_blocks is 0"):
        over_genes(n_blocks=0)
    with pytest.raises(KgnnError, match="task is 'survival'"):
        over_genes(task="survival")
