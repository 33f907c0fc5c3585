"""Which edges go first, that as many go as asked for, and that copies count as what they copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kgnn.data import random_ontology
from kgnn.errors import StructureError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.structure.cut import cut_edges
from kgnn.structure.spare import further_edges, spare_edges
from tests.train.small import GENES, small_hierarchy, small_ontology


def repeating(skips: str = "direct") -> Hierarchy:
    """The small hierarchy, where a1 is in C, A and R, b1 in B and R, and C below A and R."""
    small = small_ontology()
    more = tuple(Annotation(gene, term) for gene, term in (("a1", "C"), ("a1", "R"), ("b1", "R")))
    ontology = Ontology(small.terms, (*small.relations, Relation("C", "R")), (*small.annotations, *more))
    return compile_hierarchy(ontology, GENES, skips=skips)[0]


def edge_names(hierarchy: Hierarchy) -> list[tuple[str, str]]:
    """Ends of annotations, then of relations."""
    genes, terms = hierarchy.genes, hierarchy.terms
    pairs = zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)
    relations = zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    return [(genes[g], terms[t]) for g, t in pairs] + [(terms[c], terms[p]) for c, p in relations]


def after(hierarchy: Hierarchy, n: int, rounds: int, costs_of: Any) -> Hierarchy:
    kept, n_annotations = spare_edges(hierarchy, n, rounds, costs_of).kept, len(hierarchy.annotation_gene)
    return cut_edges(hierarchy, kept[:n_annotations], kept[n_annotations:])[0]


def test_further_edges_are_all_but_the_most_specific_ones():
    names = edge_names(repeating())
    found = [names[edge] for edge in further_edges(repeating())]
    assert set(found[:3]) == {("a1", "R"), ("b1", "R"), ("C", "R")}
    assert found[3:] == [("a1", "A")]
    assert len(further_edges(small_hierarchy())) == 0


def test_further_edges_go_before_genes_and_genes_by_their_cost():
    hierarchy = repeating()
    asked = []

    def costs_of(now: Hierarchy, number: int) -> np.ndarray:
        asked.append(number)
        return np.array([GENES.index(gene) for gene in now.genes], float)

    few = after(hierarchy, 3, 2, costs_of)
    assert not asked and len(edge_names(hierarchy)) - len(edge_names(few)) == 3
    assert set(few.genes) == set(GENES)
    # Six edges: four further ones and, in a round each, the two genes that cost least.
    more = after(hierarchy, 6, 2, costs_of)
    assert asked == [1, 2] and set(GENES) - set(more.genes) == {"r", "a1"}


@pytest.mark.parametrize("seed", range(3))
def test_copies_count_as_what_they_copy(seed: int):
    def found(skips: str) -> set[tuple[str, str]]:
        hierarchy = compile_hierarchy(random_ontology(30, 60, seed=seed), skips=skips)[0]
        names, origin = edge_names(hierarchy), hierarchy.copy_of
        places = range(hierarchy.n_terms) if origin is None else origin.tolist()
        original = {name: hierarchy.terms[place] for name, place in zip(hierarchy.terms, places, strict=True)}
        ends = [names[edge] for edge in further_edges(hierarchy)]
        return {(original.get(below) or below, original[above]) for below, above in ends}

    assert found("direct") == found("copy") != set()


@pytest.mark.parametrize("skips", ["direct", "copy"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_as_many_edges_go_as_asked_for(share: float, skips: str):
    hierarchy = compile_hierarchy(random_ontology(60, 40, seed=0), skips=skips)[0]
    n, random = math.ceil(share * len(edge_names(hierarchy))), np.random.default_rng(0)
    for rounds in (1, 3):
        smaller = after(hierarchy, n, rounds, lambda now, number: random.random(now.n_genes))
        assert len(edge_names(hierarchy)) - len(edge_names(smaller)) >= n
        assert smaller.n_genes >= 1


def test_a_share_that_leaves_no_gene_is_refused():
    with pytest.raises(StructureError, match=r"10 of 10 edges are to go, but without 7 of them one gene is left"):
        spare_edges(small_hierarchy(), 10, 1, lambda now, number: np.arange(now.n_genes))
