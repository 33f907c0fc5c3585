"""Layers of fixed depth: drawn, and on random hierarchies against a naive reference."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data.synthetic import random_ontology
from kgnn.errors import KgnnError, StructureError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import Hierarchy, compile_hierarchy, hierarchy_summary, shuffle_genes

# The drawing of conftest.py with copies (small letters with the level):
#
#           R                level 2
#        /  | \  \
#       A  d1  B  r1         level 1: D reaches R past A and B; R's own gene comes from below
#      / \  |  | \  \
#     C    D   D  b0  r0     level 0: every gene


def edges(hierarchy: Hierarchy) -> set[tuple[str, str]]:
    pairs = zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    return {(hierarchy.terms[child], hierarchy.terms[parent]) for child, parent in pairs}


def test_drawn(drawn: Ontology):
    hierarchy, _ = compile_hierarchy(drawn, skips="copy")
    assert hierarchy.terms == ("B_copy0", "C", "D", "R_copy0", "D_copy1", "R_copy1", "A", "B", "R")
    assert edges(hierarchy) == {
        ("C", "A"), ("D", "A"), ("D", "B"), ("B_copy0", "B"), ("D", "D_copy1"), ("R_copy0", "R_copy1"),
        ("A", "R"), ("B", "R"), ("D_copy1", "R"), ("R_copy1", "R"),
    }  # fmt: skip
    assert hierarchy.level_of_term.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert hierarchy.copy_of is not None
    assert hierarchy.copy_of.tolist() == [7, 1, 2, 8, 2, 8, 6, 7, 8]
    assert hierarchy.term_names[0] == "term B (copy at level 0)"
    assert [hierarchy.terms[term] for term in hierarchy.annotation_term] == [
        "B_copy0", "B_copy0", "C", "C", "D", "D", "D", "R_copy0",
    ]  # fmt: skip
    assert hierarchy_summary(hierarchy)["copies"] == 4


def test_a_hierarchy_without_skips_gets_no_copy():
    terms = {name: Term(name, name) for name in "RAB"}
    flat = Ontology(terms, (Relation("A", "R"), Relation("B", "R")), (Annotation("g", "A"), Annotation("h", "B")))
    hierarchy, _ = compile_hierarchy(flat, skips="copy")
    assert hierarchy == compile_hierarchy(flat)[0]
    assert hierarchy.copy_of is None


def test_genes_of_the_root_only():
    alone = Ontology({"R": Term("R", "R")}, (), (Annotation("g", "R"),))
    assert compile_hierarchy(alone, skips="copy")[0].terms == ("R",)


def naive(ontology: Ontology) -> networkx.DiGraph:
    """Every skip laid out step by step, as (term, level) pairs; genes as (gene, -1)."""
    graph = ontology.to_networkx()
    height = {term: 0 for term in graph}
    for term in networkx.topological_sort(graph):
        for parent in graph.successors(term):
            height[parent] = max(height[parent], height[term] + 1)
    laid = networkx.DiGraph()
    for child, parent in graph.edges:
        way = [(child, level) for level in range(height[child], height[parent])]
        networkx.add_path(laid, [*way, (parent, height[parent])])
    for gene, term, _ in ontology.annotations:
        networkx.add_path(laid, [(gene, -1), *((term, level) for level in range(height[term] + 1))])
    return laid


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 999))
def test_random_hierarchies_agree_with_the_naive_way(n_terms: int, n_genes: int, seed: int):
    ontology = random_ontology(n_terms, n_genes, seed)
    direct, _ = compile_hierarchy(ontology)
    hierarchy, _ = compile_hierarchy(ontology, skips="copy")
    level = hierarchy.level_of_term
    assert (level[hierarchy.relation_parent] == level[hierarchy.relation_child] + 1).all()
    assert (level[hierarchy.annotation_term] == 0).all()
    assert hierarchy.n_levels == direct.n_levels
    copy_of = np.arange(hierarchy.n_terms) if hierarchy.copy_of is None else hierarchy.copy_of
    place = [(hierarchy.terms[original], int(height)) for original, height in zip(copy_of, level, strict=True)]
    found = networkx.DiGraph()
    found.add_nodes_from(place)
    found.add_edges_from(
        (place[child], place[parent])
        for child, parent in zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    )
    found.add_edges_from(
        ((hierarchy.genes[gene], -1), place[term])
        for gene, term in zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)
    )
    expected = naive(ontology)
    assert (set(found.nodes), set(found.edges)) == (set(expected.nodes), set(expected.edges))
    # A term holds the same genes, and every way from a gene to the root is of one length.
    for position, term in enumerate(direct.terms):
        same = hierarchy.gene_sets[hierarchy.term_index[term]]
        assert same.tolist() == direct.gene_sets[position].tolist()


def test_copies_survive_the_file_and_the_null(drawn: Ontology, tmp_path):
    hierarchy, _ = compile_hierarchy(drawn, skips="copy")
    hierarchy.save(tmp_path / "h.npz")
    loaded = Hierarchy.load(tmp_path / "h.npz")
    assert loaded == hierarchy
    assert loaded.copy_of is not None
    assert loaded.copy_of.tolist() == np.asarray(hierarchy.copy_of).tolist()
    assert shuffle_genes(hierarchy, 0).copy_of is hierarchy.copy_of
    assert hierarchy != compile_hierarchy(drawn)[0]


def test_a_name_that_is_taken(drawn: Ontology):
    terms = {**drawn.terms, "D_copy1": Term("D_copy1", "taken")}
    taken = Ontology(
        terms, (*drawn.relations, Relation("D_copy1", "A")), (*drawn.annotations, Annotation("g9", "D_copy1"))
    )
    with pytest.raises(StructureError, match="1 terms are called what copies of others would be: D_copy1"):
        compile_hierarchy(taken, skips="copy")
    with pytest.raises(KgnnError, match="skips is 'longest'.*copy, direct"):
        compile_hierarchy(drawn, skips="longest")
