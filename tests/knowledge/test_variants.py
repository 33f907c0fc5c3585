"""Variants below genes below pathways: rs1 and rs2 in G1, rs2 and rs3 in G2, a stray one nowhere."""

from __future__ import annotations

import pytest

from kgnn.errors import StructureError
from kgnn.knowledge import annotate_variants
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import compile_hierarchy

PAIRS = [("rs1", "G1"), ("rs2", "G1"), ("rs2", "G2"), ("rs3", "G2"), ("rs9", "G9"), ("rs1", "G1")]


def ontology() -> Ontology:
    return Ontology(
        {term: Term(term, term) for term in ("root", "P", "Q")},
        (Relation("P", "root"), Relation("Q", "root")),
        (Annotation("G1", "P"), Annotation("G2", "P"), Annotation("G2", "Q"), Annotation("G3", "Q")),
    )


def test_genes_become_terms_and_every_loss_is_named():
    below = annotate_variants(ontology(), PAIRS)
    hierarchy, _ = compile_hierarchy(below)
    assert hierarchy.genes == ("rs1", "rs2", "rs3")
    assert hierarchy.terms[:2] == ("G1", "G2") and hierarchy.level_of_term.tolist() == [0, 0, 1, 1, 2]
    assert [sorted(below.gene_sets[term]) for term in ("P", "Q")] == [["rs1", "rs2", "rs3"], ["rs2", "rs3"]]
    assert {(loss.what, loss.names) for loss in below.losses} == {("gene", ("G3",)), ("annotation", ("rs9 of G9",))}


def test_a_gene_called_like_a_term_and_strangers_are_refused():
    clash = Ontology(ontology().terms, ontology().relations, (Annotation("P", "Q"),))
    with pytest.raises(StructureError, match="1 genes are called like terms: P"):
        annotate_variants(clash, PAIRS)
    with pytest.raises(StructureError, match="none of the 1 variants belongs to one of the 3 genes"):
        annotate_variants(ontology(), [("rs1", "TP53")])
