r"""What goes with an edge that is cut, on a drawing.

              R: r
             /    \
       A: a1 a2    B
        |   \     /
    C: c1    D: d1
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import AlignmentError, StructureError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import Hierarchy, compile_hierarchy, cut_edges

GENES = {"R": ["r"], "A": ["a1", "a2"], "C": ["c1"], "D": ["d1"]}
RELATIONS = (("A", "R"), ("B", "R"), ("C", "A"), ("D", "A"), ("D", "B"))


def drawn() -> Hierarchy:
    ontology = Ontology(
        {term: Term(term, term) for term in "RABCD"},
        tuple(Relation(*pair) for pair in RELATIONS),
        tuple(Annotation(gene, term) for term, genes in GENES.items() for gene in genes),
    )
    return compile_hierarchy(ontology)[0]


def masks(hierarchy: Hierarchy, *cut: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    genes, terms = hierarchy.genes, hierarchy.terms
    annotations = [
        (genes[g], terms[t]) not in cut
        for g, t in zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)
    ]
    relations = [
        (terms[c], terms[p]) not in cut
        for c, p in zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    ]
    return np.array(annotations), np.array(relations)


def edges(hierarchy: Hierarchy) -> set[tuple[str, str]]:
    genes, terms = hierarchy.genes, hierarchy.terms
    found = {(genes[g], terms[t]) for g, t in zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)}
    return found | {
        (terms[c], terms[p]) for c, p in zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    }


def test_a_term_without_a_way_up_takes_its_genes_along():
    smaller, removed = cut_edges(drawn(), *masks(drawn(), ("A", "R")))
    assert edges(smaller) == {("r", "R"), ("B", "R"), ("D", "B"), ("d1", "D")}
    assert (smaller.terms, smaller.level_of_term.tolist()) == (("D", "B", "R"), [0, 1, 2])
    assert smaller.genes == ("d1", "r")
    assert ("relation", "A", "R", "cut") in removed
    assert ("relation", "C", "A", "no way to the root") in removed
    assert ("annotation", "c1", "C", "no way to the root") in removed
    assert {each[1:] for each in removed if each.what == "term"} == {
        ("A", "", "no way to the root"), ("C", "", "no way to the root")
    }  # fmt: skip
    assert {each.below for each in removed if each.what == "gene"} == {"a1", "a2", "c1"}


def test_a_term_without_a_gene_goes():
    smaller, removed = cut_edges(drawn(), *masks(drawn(), ("d1", "D")))
    assert edges(smaller) == {("r", "R"), ("a1", "A"), ("a2", "A"), ("c1", "C"), ("C", "A"), ("A", "R")}
    assert {each[:3] for each in removed if each.reason == "no gene below"} == {
        ("relation", "D", "A"), ("relation", "D", "B"), ("relation", "B", "R"), ("term", "D", ""), ("term", "B", "")
    }  # fmt: skip


def test_levels_are_counted_anew():
    smaller, _ = cut_edges(drawn(), *masks(drawn(), ("C", "A"), ("D", "A"), ("B", "R")))
    assert (smaller.terms, smaller.level_of_term.tolist()) == (("A", "R"), [0, 1])


def test_nothing_cut_is_the_same_hierarchy():
    smaller, removed = cut_edges(drawn(), *masks(drawn()))
    assert smaller == drawn() and removed == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 14), st.integers(2, 12), st.integers(0, 500), st.sampled_from(["direct", "copy"]))
def test_what_is_left_is_a_hierarchy_and_every_loss_is_listed(n_terms, n_genes, seed, skips):
    hierarchy, _ = compile_hierarchy(random_ontology(n_terms, n_genes, seed), skips=skips)
    rng = np.random.default_rng(seed)
    kept = rng.random(len(hierarchy.annotation_gene)) < 0.8, rng.random(len(hierarchy.relation_child)) < 0.8
    try:
        smaller, removed = cut_edges(hierarchy, *kept)
    except StructureError:
        return
    assert smaller.root == hierarchy.root and (np.diff(smaller.level_of_term) >= 0).all()
    assert (smaller.level_of_term[smaller.relation_child] < smaller.level_of_term[smaller.relation_parent]).all()
    assert all(len(genes) for genes in smaller.gene_sets)
    assert all(len(parents) for parents in smaller.parents_of_term[:-1])
    gone = {(each.below, each.above) for each in removed if each.what in ("annotation", "relation")}
    assert edges(smaller) == edges(hierarchy) - gone and not edges(smaller) & gone
    cut = {(each.below, each.above) for each in removed if each.reason == "cut" and each.above}
    assert len(cut) == int((~kept[0]).sum() + (~kept[1]).sum())
    if smaller.copy_of is not None:
        names = [hierarchy.terms[hierarchy.copy_of[hierarchy.term_index[term]]] for term in smaller.terms]
        assert [smaller.terms[place] for place in smaller.copy_of] == names


def test_too_much_and_the_wrong_number_are_refused():
    hierarchy = drawn()
    with pytest.raises(StructureError, match="no gene reaches the root R"):
        cut_edges(hierarchy, np.zeros(5, bool), np.ones(5, bool))
    with pytest.raises(AlignmentError, match="2 annotations and 5 relations"):
        cut_edges(hierarchy, np.ones(2, bool), np.ones(5, bool))


def test_signs_go_with_their_edges():
    hierarchy, _ = compile_hierarchy(random_ontology(12, 20, seed=1))
    random = np.random.default_rng(0)
    signs = [
        random.integers(-1, 2, len(each)).astype(np.int8)
        for each in (hierarchy.relation_child, hierarchy.annotation_gene)
    ]
    hierarchy = replace(hierarchy, sign_of_relation=signs[0], sign_of_annotation=signs[1])
    kept = random.random(len(hierarchy.annotation_gene)) < 0.6, random.random(len(hierarchy.relation_child)) < 0.8

    def named(of: Hierarchy) -> dict[tuple[str, str], int]:
        annotations = zip(of.annotation_gene, of.annotation_term, of.sign_of_annotation, strict=True)
        relations = zip(of.relation_child, of.relation_parent, of.sign_of_relation, strict=True)
        found = {(of.genes[gene], of.terms[term]): int(sign) for gene, term, sign in annotations}
        return found | {(of.terms[child], of.terms[parent]): int(sign) for child, parent, sign in relations}

    smaller, before = cut_edges(hierarchy, *kept)[0], named(hierarchy)
    assert 0 < len(named(smaller)) < len(before)
    assert all(before[edge] == sign for edge, sign in named(smaller).items())
