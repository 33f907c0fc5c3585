"""Toys with a planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology, toy
from kgnn.errors import KgnnError


def causal_parts(example) -> tuple[np.ndarray, np.ndarray]:
    """Altered genes of child A and of child B, `[sample, gene]`."""
    sets, genes, altered = example.ontology.gene_sets, example.samples.genes, example.samples.gene_values()
    return tuple(altered[:, [gene in sets[child] for gene in genes]] for child in ("TOY:0002", "TOY:0003"))


def test_ontology_of_the_drawing():
    ontology = toy().ontology
    assert ontology.roots == ("TOY:0000",)
    assert len(ontology.terms) == 14 and len(ontology.genes) == 37
    assert ontology.children["TOY:0001"] == ("TOY:0002", "TOY:0003")
    assert ontology.parents["TOY:0009"] == ("TOY:0005", "TOY:0006")
    assert ontology.parents["TOY:0010"] == ("TOY:0006", "TOY:0007")
    assert ontology.parents["TOY:0013"] == ("TOY:0007", "TOY:0000")
    assert sum(bool(genes) and bool(ontology.children[term]) for term, genes in ontology.direct_genes.items()) == 4
    assert all(ontology.gene_sets.values())


@pytest.mark.parametrize("n_genes", [20, 37, 150])
def test_causal_genes_are_in_no_other_branch(n_genes):
    example = toy(n_genes=n_genes)
    sets = example.ontology.gene_sets
    a, b = sets["TOY:0002"], sets["TOY:0003"]
    assert not a & b
    assert a | b == sets[example.causal_term] == set(example.causal_genes)
    for term in ("TOY:0005", "TOY:0006", "TOY:0007", "TOY:0013"):
        assert not sets[term] & sets[example.causal_term]
    assert len(example.ontology.genes) == n_genes


@pytest.mark.parametrize(
    ("kind", "equation"),
    [
        ("additive", lambda a, b: a.sum(axis=1) + b.sum(axis=1)),
        ("and", lambda a, b: a.any(axis=1) & b.any(axis=1)),
        ("xor", lambda a, b: a.any(axis=1) ^ b.any(axis=1)),
    ],
)
def test_equations(kind, equation):
    quiet = toy(kind, noise=0, n_samples=90)
    expected = equation(*causal_parts(quiet)).astype(np.float32)
    np.testing.assert_array_equal(quiet.samples.require_targets().values[:, 0], expected)
    classes = toy(kind, noise=0, n_samples=90, task="classes").samples.require_targets()
    assert classes.names == ("low", "high")
    threshold = 0.5 if kind != "additive" else expected.mean()
    np.testing.assert_array_equal(classes.values, expected > threshold)
    noisy = toy(kind, noise=0.5, n_samples=5000)
    signal = equation(*causal_parts(noisy)).astype(np.float64)
    residual = noisy.samples.require_targets().values[:, 0] - signal
    assert abs(residual.std() / signal.std() - 0.5) < 0.03


def test_no_single_gene_shows_the_xor():
    example = toy("xor", n_samples=20_000, noise=0.1)
    table = np.column_stack([example.samples.gene_values(), example.samples.require_targets().values])
    correlation = np.corrcoef(table.T)[-1, :-1]
    assert np.abs(correlation).max() < 0.03


def test_same_seed_same_toy():
    assert toy(seed=4).samples.fingerprint == toy(seed=4).samples.fingerprint
    assert toy(seed=4).samples.fingerprint != toy(seed=5).samples.fingerprint
    assert toy(seed=4).ontology.fingerprint == toy("xor", seed=5).ontology.fingerprint
    assert toy().samples.gene_values().shape == (400, 37)
    assert toy().samples.meaning == "alteration"


def test_toy_refuses():
    with pytest.raises(KgnnError, match=r"kind is 'or'.*additive, and, xor"):
        toy("or")
    with pytest.raises(KgnnError, match="task is 'ranking'"):
        toy(task="ranking")
    with pytest.raises(KgnnError, match=r"a toy of 400 samples, 19 genes and noise 0.1"):
        toy(n_genes=19)


@settings(max_examples=40, deadline=None)
@given(n_terms=st.integers(1, 40), n_genes=st.integers(1, 25), seed=st.integers(0, 10_000))
def test_random_ontology_is_rooted_acyclic_and_full(n_terms, n_genes, seed):
    ontology = random_ontology(n_terms, n_genes, seed)
    assert ontology.roots == ("T0",)
    assert len(ontology.order) == n_terms
    assert all(ontology.gene_sets.values())
    assert len(ontology.genes) == n_genes == len(ontology.gene_sets["T0"])
    assert len(set(ontology.annotations)) == len(ontology.annotations)


def test_random_ontology_has_shortcuts_inner_genes_and_second_parents():
    ontology = random_ontology(200, 90, seed=2)
    assert any(len(parents) == 2 for parents in ontology.parents.values())
    assert any(genes and ontology.children[term] for term, genes in ontology.direct_genes.items())
    assert ontology.fingerprint == random_ontology(200, 90, seed=2).fingerprint
    assert ontology.fingerprint != random_ontology(200, 90, seed=3).fingerprint
    with pytest.raises(KgnnError, match="an ontology cannot have 0 terms and 3 genes"):
        random_ontology(0, 3)
