"""What makes the network visible: a gene reaches a term if and only if knowledge says so, and names decide nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call, jit
from tests.models.weights import Places, named_arrays, randomize, write_arrays


@partial(jit, static_argnums=0)
def jacobian(graph, state, x):
    """``[state, gene]`` of one sample."""
    return jax.jacrev(lambda genes: nnx.merge(graph, state)(genes[None, :]).states[0])(x)


@settings(max_examples=9, deadline=None)
@given(
    st.integers(1, 13),
    st.integers(1, 11),
    st.integers(0, 1_000),
    st.builds(
        SubsystemSettings,
        n_states=st.sampled_from((2, StateRule(1, 0.4))),
        activation=st.sampled_from(("identity", "tanh", "sigmoid")),
        norm=st.sampled_from(("after", "before", "none")),
        dropout=st.just(0.0),
        dropout_from_level=st.just(0),
        heads=st.just("linear"),
        heads_read=st.just("state"),
        gene_layer=st.booleans(),
        initial_scale=st.just(1.0),
        precision=st.just("float32"),
        gene_dropout=st.just(0.0),
        dropout_rule=st.just("plain"),
        signed=st.just(False),
        last_activation=st.just(""),
        annotation_price=st.just(0.0),
        relation_price=st.just(0.0),
        price_rule=st.just("l0"),
        root_states=st.sampled_from((0, 3)),
    ),
)
def test_a_gene_moves_a_state_if_and_only_if_it_is_annotated_there_or_below(n_terms, n_genes, seed, chosen):
    ontology = random_ontology(n_terms, n_genes, seed)
    hierarchy, _ = compile_hierarchy(ontology)
    model = VisibleNetwork(hierarchy, chosen, rngs=nnx.Rngs(seed))
    # With positive weights no two paths cancel, and no weight is so small that a product of them vanishes.
    write_arrays(model, {name: np.abs(array) + 0.05 for name, array in named_arrays(model).items()})
    graph, state = nnx.split(model)
    x = (np.random.default_rng(seed).random(n_genes) < 0.5).astype(np.float32)
    moved = np.asarray(jacobian(graph, state, x)) != 0
    for term, name in enumerate(hierarchy.terms):
        known = [gene in ontology.gene_sets[name] for gene in hierarchy.genes]
        for row in moved[np.array(model.term_of_state) == term]:
            assert row.tolist() == known, name


def relabelled(ontology: Ontology, random) -> tuple[Ontology, dict[str, str]]:
    """The same knowledge in another order, under names that sort otherwise."""
    numbers = list(range(len(ontology.terms)))
    random.shuffle(numbers)
    new = {term: f"{number:02d}_./:(+é" for term, number in zip(ontology.terms, numbers, strict=True)}
    relations = [Relation(new[child], new[parent]) for child, parent, _ in ontology.relations]
    annotations = [Annotation(gene, new[term]) for gene, term, _ in ontology.annotations]
    random.shuffle(relations)
    random.shuffle(annotations)
    return Ontology(
        {name: Term(name, name) for name in sorted(new.values())}, tuple(relations), tuple(annotations)
    ), new


@settings(max_examples=4, deadline=None)
@given(st.integers(2, 12), st.integers(2, 10), st.integers(0, 1_000), st.booleans(), st.randoms(use_true_random=False))
def test_order_and_names_of_terms_and_genes_change_nothing(n_terms, n_genes, seed, gene_layer, random):
    ontology = random_ontology(n_terms, n_genes, seed)
    other, new = relabelled(ontology, random)
    genes = list(ontology.genes)
    random.shuffle(genes)
    chosen = SubsystemSettings(StateRule(1, 0.4), heads="tanh_linear", gene_layer=gene_layer)
    models = [
        VisibleNetwork(hierarchy, chosen, outputs=2, rngs=nnx.Rngs(number))
        for number, (hierarchy, _) in enumerate((compile_hierarchy(ontology), compile_hierarchy(other, genes)))
    ]
    for number, model in enumerate(models):
        randomize(model, number)
        model.gene_scaling.set(np.zeros(n_genes), np.ones(n_genes))
    copy_by_name(models[0], ontology, models[1], other, new)
    x = np.random.default_rng(seed).normal(size=(3, n_genes)).astype(np.float32)
    one = call(models[0], x)
    two = call(models[1], x[:, [ontology.genes.index(gene) for gene in models[1].genes]])
    np.testing.assert_allclose(one.output, two.output, rtol=1e-5, atol=1e-5)
    owners = [np.array(model.term_of_state) for model in models]
    for term in ontology.terms:
        here, there = (model.hierarchy.term_index[name] for model, name in zip(models, (term, new[term]), strict=True))
        np.testing.assert_allclose(
            one.states[:, owners[0] == here], two.states[:, owners[1] == there], rtol=1e-5, atol=1e-5
        )
        if term in models[0].heads:
            mine, theirs = models[0].heads.index(term), models[1].heads.index(new[term])
            np.testing.assert_allclose(one.auxiliary[:, mine], two.auxiliary[:, theirs], rtol=1e-5, atol=1e-5)


def copy_by_name(one, ontology, two, other, new) -> None:
    arrays = [named_arrays(model.subsystems) for model in (one, two)]
    places = Places(one.subsystems, one.hierarchy, ontology), Places(two.subsystems, two.hierarchy, other)
    for term in ontology.terms:
        mine, theirs = places[0].views(term, arrays[0]), places[1].views(new[term], arrays[1])
        assert len(mine) == len(theirs)
        for part, view in mine.items():
            theirs[("child", new[part[1]]) if part[0] == "child" else part][...] = view
    write_arrays(two.subsystems, arrays[1])
    rest = {n: a for n, a in named_arrays(one).items() if n.startswith("output")}
    write_arrays(two, rest)


@pytest.mark.parametrize(
    "chosen",
    [
        SubsystemSettings(3, heads="tanh_linear", gene_layer=True),
        SubsystemSettings(StateRule(2, 0.5), heads="linear", norm="none"),
    ],
)
def test_two_seeds_differ_in_every_weight(chosen):
    hierarchy, _ = compile_hierarchy(random_ontology(9, 14, seed=1))
    one, two, again = (
        named_arrays(VisibleNetwork(hierarchy, chosen, outputs=2, rngs=nnx.Rngs(seed))) for seed in (0, 1, 0)
    )
    drawn = [name for name in one if ".norm." not in name and "scaling" not in name and "reference" not in name]
    assert len(drawn) >= 6
    for name in drawn:
        assert (one[name] != two[name]).all() and (one[name] != 0).all(), name
        np.testing.assert_array_equal(one[name], again[name])
    for name in set(one) - set(drawn):  # batch statistics and scalings start at 0 and 1
        np.testing.assert_array_equal(one[name], two[name])


def test_a_single_term_has_no_auxiliary_heads():
    hierarchy, _ = compile_hierarchy(random_ontology(1, 4))
    found = call(VisibleNetwork(hierarchy, outputs=3, rngs=nnx.Rngs(0)), np.ones((2, 4), np.float32))
    assert [each.shape for each in found[:3]] == [(2, 3), (2, 0, 3), (2, 6)]


def test_every_weight_gets_a_gradient():
    hierarchy, _ = compile_hierarchy(random_ontology(8, 30, seed=3))
    chosen = SubsystemSettings(StateRule(2, 0.6), heads="tanh_linear", gene_layer=True)
    model = VisibleNetwork(hierarchy, chosen, outputs=2, rngs=nnx.Rngs(0))
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    x = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32)

    def loss(params):
        found = nnx.merge(graph, params, rest, copy=True)(x, train=True)
        return (found.output**3).sum() + (found.auxiliary**3).sum()

    gradient = jit(jax.grad(loss))(params)
    for path, leaf in nnx.to_flat_state(gradient):
        assert np.abs(leaf[...]).max() > 0, path


def test_names():
    hierarchy, _ = compile_hierarchy(random_ontology(4, 6, seed=0))
    model = VisibleNetwork(hierarchy, outputs=["growth (1/h)", "día/2"], rngs=nnx.Rngs(0))
    assert model.output_names == ("growth (1/h)", "día/2")
    assert (model.terms, model.heads, model.genes) == (hierarchy.terms, hierarchy.terms[:-1], hierarchy.genes)
    assert VisibleNetwork(hierarchy, outputs=3, rngs=nnx.Rngs(0)).output_names == ("output_0", "output_1", "output_2")
    assert VisibleNetwork(hierarchy, rngs=nnx.Rngs(0)).output_names == ("output",)
    assert VisibleNetwork(hierarchy, outputs="growth", rngs=nnx.Rngs(0)).output_names == ("growth",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "ranking"}, "task is 'ranking', which is not known. Choose one of: classes, labels, regression"),
        ({"outputs": 0}, "outputs is 0. Give at least 1"),
        ({"settings": SubsystemSettings(activation="swish")}, "activation is 'swish', .* gelu, identity, relu"),
        ({"settings": SubsystemSettings(norm="batch")}, "norm is 'batch', .* after, before, none"),
        ({"settings": SubsystemSettings(heads="relu")}, "heads is 'relu', .* linear, none, tanh, tanh_linear"),
        ({"settings": SubsystemSettings(heads_read="gene")}, "heads_read is 'gene', .* activation, state"),
        ({"settings": SubsystemSettings(0)}, "n_states is 0, but every term needs a state"),
        ({"settings": SubsystemSettings(StateRule(0, 0.1))}, "n_states is .*minimum=0.*every term needs a state"),
        ({"settings": SubsystemSettings(StateRule(1, 0.1, "near"))}, "rounding is 'near', .* down, up"),
        ({"settings": SubsystemSettings(dropout=1.0)}, "dropout is 1. Choose a share"),
    ],
)
def test_unknown_settings_are_refused(arguments, message):
    hierarchy, _ = compile_hierarchy(random_ontology(3, 4, seed=0))
    with pytest.raises(KgnnError, match=message):
        VisibleNetwork(hierarchy, **arguments, rngs=nnx.Rngs(0))


def test_a_model_does_not_change_when_its_ontology_is_replaced_by_an_equal_one():
    ontology = random_ontology(6, 8, seed=4)
    hierarchy, _ = compile_hierarchy(ontology)
    same, _ = compile_hierarchy(replace(ontology, relations=tuple(reversed(ontology.relations))))
    x = np.eye(8, dtype=np.float32)[:5]
    one, two = (call(VisibleNetwork(each, rngs=nnx.Rngs(3)), x) for each in (hierarchy, same))
    for mine, theirs in zip(one[:3], two[:3], strict=True):
        np.testing.assert_array_equal(mine, theirs)
