"""An ontology and the genes of the data become arrays; every loss is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import AlignmentError, KgnnError, StructureError
from kgnn.knowledge import read_ontology
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.structure import compile_hierarchy

DATA_GENES = ("g6", "g1", "g0", "g3", "g2", "g5", "g4")


def test_drawing_becomes_these_arrays(drawn):
    hierarchy, alignment = compile_hierarchy(drawn, DATA_GENES)
    # Within a level, terms with fewer children come first: B (one child) before A (two).
    assert hierarchy.terms == ("C", "D", "B", "A", "R")
    assert hierarchy.term_names == ("term C", "term D", "term B", "term A", "term R")
    assert hierarchy.genes == DATA_GENES
    assert hierarchy.level_of_term.tolist() == [0, 0, 1, 1, 2]
    # B ← D;  A ← C, D;  R ← D, B, A
    assert hierarchy.relation_parent.tolist() == [2, 3, 3, 4, 4, 4]
    assert hierarchy.relation_child.tolist() == [1, 0, 1, 1, 2, 3]
    # C ← g1 g0;  D ← g1 g3 g2;  B ← g5 g4;  R ← g6
    assert hierarchy.annotation_term.tolist() == [0, 0, 1, 1, 1, 2, 2, 4]
    assert hierarchy.annotation_gene.tolist() == [1, 2, 1, 3, 4, 5, 6, 0]
    for name in ("level_of_term", "relation_parent", "relation_child", "annotation_term", "annotation_gene"):
        assert getattr(hierarchy, name).dtype == np.int32
    assert (hierarchy.n_terms, hierarchy.n_genes, hierarchy.n_levels, hierarchy.root) == (5, 7, 3, "R")
    assert hierarchy.ontology_fingerprint == drawn.fingerprint
    assert hierarchy.provenance.transformations == ("compiled to 5 terms over 7 genes",)
    assert alignment.genes == DATA_GENES
    assert (alignment.unannotated, alignment.unmeasured, alignment.emptied, alignment.losses) == ((), (), (), ())


def test_groups_of_the_drawing(drawn):
    hierarchy, _ = compile_hierarchy(drawn, DATA_GENES)
    assert hierarchy.term_index == {"C": 0, "D": 1, "B": 2, "A": 3, "R": 4}
    assert [each.tolist() for each in hierarchy.children_of_term] == [[], [], [1], [0, 1], [1, 2, 3]]
    assert [each.tolist() for each in hierarchy.parents_of_term] == [[3], [2, 3, 4], [4], [4], []]
    assert [each.tolist() for each in hierarchy.genes_of_term] == [[1, 2], [1, 3, 4], [5, 6], [], [0]]
    expected_sets = [[1, 2], [1, 3, 4], [1, 3, 4, 5, 6], [1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6]]
    assert [each.tolist() for each in hierarchy.gene_sets] == expected_sets
    assert hierarchy.n_genes_of_term.tolist() == [2, 3, 5, 4, 7]
    expected_ancestors = [[0, 3, 4], [1, 2, 3, 4], [2, 4], [3, 4], [4]]
    assert [hierarchy.ancestors(term).tolist() for term in range(5)] == expected_ancestors


def test_all_genes_of_the_ontology_without_data(drawn):
    hierarchy, alignment = compile_hierarchy(drawn)
    assert hierarchy.genes == alignment.genes == ("g0", "g1", "g2", "g3", "g4", "g5", "g6")


def test_one_term_alone():
    alone = Ontology({"R": Term("R", "R")}, (), (Annotation("g1", "R"), Annotation("g0", "R")))
    hierarchy, _ = compile_hierarchy(alone)
    assert (hierarchy.terms, hierarchy.n_levels, hierarchy.relation_child.shape) == (("R",), 1, (0,))
    assert [genes.tolist() for genes in hierarchy.gene_sets] == [[0, 1]]
    assert hierarchy.ancestors(0).tolist() == [0]


def test_dropped_genes_and_emptied_terms_are_named(drawn):
    noted = drawn.changed("read", losses=[Loss("annotation", "NOT", ("g9 R",))])
    genes = ("x9", "g6", "g1", "g3", "x8", "g2")
    hierarchy, alignment = compile_hierarchy(noted, genes, unannotated="drop")
    # g0 is not measured, C keeps g1; g4 and g5 are not measured, B keeps what D has.
    assert hierarchy.terms == ("C", "D", "B", "A", "R")
    assert alignment.genes == hierarchy.genes == ("g6", "g1", "g3", "g2")
    assert hierarchy.annotation_term.tolist() == [0, 1, 1, 1, 4]
    assert hierarchy.annotation_gene.tolist() == [1, 1, 2, 3, 0]
    assert alignment.losses == (
        Loss("annotation", "NOT", ("g9 R",)),
        Loss("gene", "in the data but not annotated: left out", ("x9", "x8")),
        Loss("gene", "annotated but not in the data", ("g0", "g4", "g5")),
    )
    assert str(alignment) == (
        "4 genes aligned; 2 of the data are not annotated; 3 of the ontology are not measured, which empties 0 terms"
    )


def test_unannotated_genes_may_feed_the_root(drawn):
    genes = ("x9", *DATA_GENES, "x8")
    hierarchy, alignment = compile_hierarchy(drawn, genes, unannotated="root")
    assert hierarchy.genes == alignment.genes == genes
    assert alignment.unannotated == ("x9", "x8")
    assert alignment.losses == (Loss("gene", "in the data but not annotated: fed to the root directly", ("x9", "x8")),)
    assert hierarchy.annotation_term.tolist() == [0, 0, 1, 1, 1, 2, 2, 4, 4, 4]
    assert hierarchy.annotation_gene.tolist() == [2, 3, 2, 4, 5, 6, 7, 0, 1, 8]
    assert hierarchy.n_genes_of_term.tolist() == [2, 3, 5, 4, 9]
    assert compile_hierarchy(drawn, DATA_GENES, unannotated="root")[0] == compile_hierarchy(drawn, DATA_GENES)[0]


def test_emptied_terms_leave_with_their_relations(drawn):
    hierarchy, alignment = compile_hierarchy(drawn, ("g5", "g0"))
    # D has no measured gene. B becomes a term with only genes below.
    assert alignment.emptied == ("D",)
    assert alignment.losses[-1] == Loss("term", "none of its genes is in the data", ("D",))
    assert hierarchy.terms == ("B", "C", "A", "R")
    assert hierarchy.level_of_term.tolist() == [0, 0, 1, 2]
    assert list(zip(hierarchy.relation_child.tolist(), hierarchy.relation_parent.tolist(), strict=True)) == [
        (1, 2), (0, 3), (2, 3),
    ]  # fmt: skip
    assert [genes.tolist() for genes in hierarchy.gene_sets] == [[0], [1], [1], [0, 1]]


def test_evidence_and_relation_types_do_not_count_twice(drawn):
    doubled = replace(
        drawn,
        relations=(*drawn.relations, Relation("C", "A", "part_of")),
        annotations=(*drawn.annotations, Annotation("g0", "C", "IEA")),
    )
    assert compile_hierarchy(doubled)[0].fingerprint == compile_hierarchy(drawn)[0].fingerprint


def test_a_root_without_measured_genes_may_go(drawn):
    second = replace(
        drawn,
        terms={**drawn.terms, "S": Term("S", "second root")},
        annotations=(*drawn.annotations, Annotation("s0", "S")),
    )
    hierarchy, alignment = compile_hierarchy(second, DATA_GENES)
    assert (hierarchy.root, alignment.emptied) == ("R", ("S",))
    with pytest.raises(StructureError, match=r"has 2 roots: .*prune\(super_root='ROOT'\)"):
        compile_hierarchy(second, (*DATA_GENES, "s0"))


def test_unannotated_genes_are_an_error_unless_dropped(drawn):
    with pytest.raises(AlignmentError, match=r"2 of 9 genes in the data have no annotation under R: x9, x8\. Map"):
        compile_hierarchy(drawn, ("x9", *DATA_GENES, "x8"))


def test_no_gene_in_common(drawn):
    with pytest.raises(AlignmentError, match=r"none of the 3 genes .* 7 annotated ones.*x1, x2, x3"):
        compile_hierarchy(drawn, ("x1", "x2", "x3"), unannotated="drop")
    with pytest.raises(AlignmentError, match="none of the 0 genes"):
        compile_hierarchy(drawn, ())


def test_genes_that_come_twice(drawn):
    with pytest.raises(AlignmentError, match=r"2 of 7 genes in the data come more than once: g6, g1\. Keep one"):
        compile_hierarchy(drawn, (*DATA_GENES, "g6", "g1", "g1"))


def test_unknown_choice(drawn):
    with pytest.raises(KgnnError, match="unannotated is 'ignore', .* Choose one of: drop, error, root"):
        compile_hierarchy(drawn, unannotated="ignore")


def test_no_annotations(drawn):
    with pytest.raises(StructureError, match="has no annotations. Read it with annotations="):
        compile_hierarchy(replace(drawn, annotations=()))


@pytest.mark.parametrize("relation", [Relation("R", "D"), Relation("A", "A")])
def test_cycle(drawn, relation):
    with pytest.raises(StructureError, match="terms form a cycle: "):
        compile_hierarchy(replace(drawn, relations=(*drawn.relations, relation)))


def test_names_with_odd_characters():
    names = {"R": "a root: all (of) it", "A": "GO:0001/x.y+z_1", "B": "β-catenin, “quoted”\t\x1f"}
    genes = ("HLA-A*02:01", "gène_é", "MT-ND1.2(+)", "7", "'")
    odd = Ontology(
        {name: Term(name, name) for name in names.values()},
        (Relation(names["A"], names["R"]), Relation(names["B"], names["R"])),
        (*(Annotation(gene, names["A"]) for gene in genes[:3]), *(Annotation(gene, names["B"]) for gene in genes[2:])),
    )
    hierarchy, _ = compile_hierarchy(odd, genes)
    assert hierarchy.terms == (names["A"], names["B"], names["R"])
    assert hierarchy.genes == genes
    assert [each.tolist() for each in hierarchy.gene_sets] == [[0, 1, 2], [2, 3, 4], [0, 1, 2, 3, 4]]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 14), st.integers(1, 11), st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_input_order_never_matters(n_terms, n_genes, seed, random):
    ontology = random_ontology(n_terms, n_genes, seed)
    terms, relations, annotations = list(ontology.terms), list(ontology.relations), list(ontology.annotations)
    for each in (terms, relations, annotations):
        random.shuffle(each)
    other = Ontology({term: ontology.terms[term] for term in terms}, tuple(relations), tuple(annotations))
    hierarchy, shuffled = compile_hierarchy(ontology)[0], compile_hierarchy(other)[0]
    assert hierarchy.terms == shuffled.terms
    assert hierarchy.fingerprint == shuffled.fingerprint
    assert hierarchy == shuffled and hash(hierarchy) == hash(shuffled)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(1, 15), st.integers(0, 10_000), st.data())
def test_arrays_say_what_the_ontology_says(n_terms, n_genes, seed, data):
    ontology = random_ontology(n_terms, n_genes, seed)
    measured = data.draw(st.lists(st.sampled_from(ontology.genes), min_size=1, unique=True))
    hierarchy, alignment = compile_hierarchy(ontology, measured)
    assert hierarchy.genes == tuple(measured)
    assert {*hierarchy.terms, *alignment.emptied} == set(ontology.terms)
    kept = set(hierarchy.terms)
    assert all(ontology.gene_sets[term].isdisjoint(measured) for term in alignment.emptied)
    for position, term in enumerate(hierarchy.terms):
        children = [hierarchy.terms[child] for child in hierarchy.children_of_term[position]]
        assert len(children) == len(set(children))
        assert set(children) == set(ontology.children[term]) & kept
        assert all(child < position for child in hierarchy.children_of_term[position])
        levels = hierarchy.level_of_term[hierarchy.children_of_term[position]]
        assert hierarchy.level_of_term[position] == 1 + max(levels, default=-1)
        genes = {measured[gene] for gene in hierarchy.gene_sets[position]}
        assert genes == ontology.gene_sets[term] & set(measured)
        above = {hierarchy.terms[ancestor] for ancestor in hierarchy.ancestors(position)}
        assert above == {other for other in kept if term == other or _is_below(ontology, term, other)}
    assert (np.diff(hierarchy.level_of_term) >= 0).all()


def _is_below(ontology: Ontology, term: str, other: str) -> bool:
    return any(parent == other or _is_below(ontology, parent, other) for parent in ontology.parents[term])


def test_drugcell(shared_data):
    ontology = read_ontology(shared_data / "drugcell" / "drugcell_ont.txt.gz")
    hierarchy, alignment = compile_hierarchy(ontology)
    assert hierarchy.n_terms == 2_086
    assert len(hierarchy.relation_child) == len(hierarchy.relation_parent) == 3_167
    assert len(hierarchy.annotation_gene) == len(hierarchy.annotation_term) == 59_753
    assert (hierarchy.n_genes, hierarchy.root) == (3_008, "GO:0008150")
    assert (alignment.emptied, alignment.unmeasured, alignment.unannotated) == ((), (), ())
    assert hierarchy.n_genes_of_term[-1] == 3_008
    height = {}
    for term in ontology.order:
        height[term] = 1 + max((height[child] for child in ontology.children[term]), default=-1)
    assert hierarchy.level_of_term.tolist() == [height[term] for term in hierarchy.terms]
    assert hierarchy.level_of_term[0] == 0 and hierarchy.n_levels == 1 + max(height.values())
