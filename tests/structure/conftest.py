"""The ontology that the structure tests draw."""

from __future__ import annotations

import pytest

from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term

#            R  g6             levels   R 2
#          / | \                        A 1   B 1
#         A  |  B  g4 g5                C 0   D 0
#        / \ | /
#       C   \|/                 D is a child of A, of B and, past them, of R
#     g0 g1  D  g1 g2 g3        A has no gene of its own
RELATIONS = ("CA", "DA", "DB", "AR", "BR", "DR")
GENES_OF_TERM = {"C": "g0 g1", "D": "g1 g2 g3", "B": "g4 g5", "R": "g6"}


@pytest.fixture
def drawn() -> Ontology:
    terms = {term: Term(term, f"term {term}") for term in "RABCD"}
    relations = tuple(Relation(child, parent) for child, parent in RELATIONS)
    annotations = tuple(Annotation(gene, term) for term, genes in GENES_OF_TERM.items() for gene in genes.split())
    return Ontology(terms, relations, annotations)
