"""Pruning: every rule on a drawn hierarchy, then what all of them must keep on random ones."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, KgnnError, StructureError
from kgnn.knowledge import rules
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.prune import PRUNING_PRESETS, losses_by_reason, prune
from kgnn.knowledge.reattach import merge_terms, remove_terms
from kgnn.knowledge.restrict import keep_below, keep_genes


def build(relations, annotations, terms=()):
    parsed = tuple(Relation(*relation.split()) for relation in relations)
    names = dict.fromkeys([*terms, *(name for relation in parsed for name in relation[:2])])
    rows = tuple(Annotation(*annotation.split()) for annotation in annotations)
    return Ontology({name: Term(name, name) for name in names}, parsed, rows)


#            R            R: g0
#          /   \
#         A     B         A: -        B: g5
#        / \   / \
#       C   D_/   E       C: g1 g2    D: g3 (evidence IDA)    E: -
#           |
#           F             F: g4
TREE = build(
    ["A R", "B R", "C A", "D A", "D B part_of", "E B", "F D"],
    ["g0 R", "g5 B", "g1 C", "g2 C", "g3 D IDA", "g4 F"],
)


def test_the_drawing():
    assert {term: len(genes) for term, genes in TREE.gene_sets.items()} == {
        "R": 6, "A": 4, "B": 3, "C": 2, "D": 2, "E": 0, "F": 1
    }  # fmt: skip


def test_removed_terms_hand_everything_to_the_nearest_ancestors():
    small = remove_terms(TREE, {"D"}, "for a test")
    assert set(small.relations) == {
        Relation("A", "R"),
        Relation("B", "R"),
        Relation("C", "A"),
        Relation("E", "B"),
        Relation("F", "A", "is_a"),
        Relation("F", "B", "part_of"),
    }
    assert set(small.annotations) - set(TREE.annotations) == {
        Annotation("g3", "A", "IDA"),
        Annotation("g3", "B", "IDA"),
    }
    assert small.losses == (Loss("term", "for a test", ("D",)),)
    assert small.provenance.transformations == (
        "removed 1 terms (for a test), re-attached their 1 annotations to the nearest kept ancestors",
    )
    assert len(TREE.terms) == 7


def test_nearest_leaves_out_ancestors_of_nearest():
    #  R - A - X and R - X: when A stays, what hung on X below (removed) goes to A alone
    ontology = build(["A R", "Y A", "Y R", "X Y"], ["g X", "h A"])
    small = remove_terms(ontology, {"Y"}, "t")
    assert set(small.relations) == {Relation("A", "R"), Relation("X", "A")}
    assert remove_terms(ontology, {"Y", "X"}, "t").direct_genes == {"A": {"g", "h"}, "R": frozenset()}


def test_types_of_ways_through_removed_terms():
    ontology = build(["M R part_of", "X M is_a", "Y M part_of", "Z M regulates"], ["g X"])
    assert set(remove_terms(ontology, {"M"}, "t").relations) == {
        Relation("X", "R", "part_of"),
        Relation("Y", "R", "part_of"),
        Relation("Z", "R", "indirect"),
    }


def test_remove_empty():
    small = rules.remove_empty(TREE)
    assert set(TREE.terms) - set(small.terms) == {"E"}
    assert small.losses == (Loss("term", "no gene", ("E",)),)


def test_an_empty_root_goes_with_all_below_it():
    ontology = build(["A R", "B S"], ["g A"])
    assert list(rules.remove_empty(ontology).terms) == ["A", "R"]


def test_no_annotation_at_all():
    with pytest.raises(StructureError, match="none of the 2 terms holds a gene"):
        prune(build(["A R"], []))


def test_min_genes():
    small = rules.remove_small(TREE, 2)
    assert list(small.terms) == ["A", "R", "B", "C", "D"]
    assert small.direct_genes["D"] == {"g3", "g4"}
    assert small.losses == (Loss("term", "fewer than 2 genes", ("E", "F")),)
    assert rules.remove_small(TREE, 100).direct_genes == {"R": {"g0", "g1", "g2", "g3", "g4", "g5"}}


def test_max_genes():
    small = rules.remove_large(TREE, 2)
    assert set(small.terms) == {"R", "C", "D", "E", "F"}
    assert small.children["R"] == ("C", "D", "E")
    assert small.direct_genes["R"] == {"g0", "g5"}


def test_min_extra_genes_compares_with_kept_children():
    # a chain of 9, 6, 4 and 2 genes: 4 is only 2 more than 2, 6 is 4 more than 2, 9 is 3 more than 6
    names = "ABCDEFGHI"
    annotations = [
        f"g{i} T{n}" for n, genes in ((9, names[6:]), (6, names[4:6]), (4, names[2:4]), (2, names[:2])) for i in genes
    ]
    ontology = build(["T9 R", "T6 T9", "T4 T6", "T2 T4"], [*annotations, "gZ R"])
    assert [len(ontology.gene_sets[term]) for term in ("T9", "T6", "T4", "T2")] == [9, 6, 4, 2]
    small = rules.remove_similar(ontology, 3)
    assert set(small.terms) == {"R", "T9", "T6", "T2"}
    assert small.losses == (Loss("term", "fewer than 3 genes more than the largest child", ("T4",)),)
    assert set(rules.remove_similar(ontology, 4).terms) == {"R", "T6", "T2"}


def test_depth_by_the_longest_way():
    ontology = build(["A R", "B A", "C B", "C R", "D C"], ["g D"])
    assert rules.depths(ontology) == {"R": 0, "A": 1, "B": 2, "C": 3, "D": 4}
    small = rules.limit_depth(ontology, 2)
    assert set(small.terms) == {"R", "A", "B"}
    assert small.direct_genes["B"] == {"g"}
    assert small.direct_genes["R"] == frozenset()


def test_height_takes_the_general_terms():
    small = rules.limit_height(TREE, 1)
    assert set(small.terms) == {"R", "C", "D", "E", "F"}
    assert set(small.children["R"]) == {"C", "D", "E"}
    assert max(rules.depths(small).values()) == 2


#        R
#       / \
#      A   B     all of A, B, C hold g1 g2; C is the most specific; D holds g2
#       \ / \
#        C   D
SAME = build(["A R", "B R", "C A", "C B", "D B"], ["g1 C", "g2 C", "g2 D", "g3 R"])


def test_merge_same_genes_keeps_the_most_specific():
    small = rules.merge_same_genes(SAME)
    assert set(small.terms) == {"R", "C", "D"}
    assert set(small.relations) == {Relation("C", "R"), Relation("D", "C")}
    (loss,) = small.losses
    assert loss[:2] == ("term", "same genes as another term")
    assert sorted(loss.names) == ["A merged into C", "B merged into C"]


def test_merge_same_genes_keeps_the_root():
    ontology = build(["A R", "B A"], ["g B"])
    small = rules.merge_same_genes(ontology)
    assert list(small.terms) == ["R"]
    assert small.annotations == (Annotation("g", "R"),)


def test_collapse_chains_until_none_is_left():
    #  R - A - B - C and A - D (empty of its own): A has one child once B, D ... are looked at in turn
    ontology = build(["A R", "B A", "C B", "D C", "E R"], ["g1 D", "g2 C", "g3 E", "g4 R"])
    small = rules.collapse_single_children(ontology)
    assert set(small.terms) == {"R", "C", "D", "E"}
    assert set(small.relations) == {Relation("C", "R"), Relation("D", "C"), Relation("E", "R")}
    assert losses_by_reason(small) == {("term", "passes on a single child"): 2}


def test_most_specific_only():
    ontology = build(["A R", "B A"], ["g B", "g A IDA", "h A", "g R"])
    small = rules.keep_most_specific(ontology)
    assert small.annotations == (Annotation("g", "B"), Annotation("h", "A"))
    assert small.losses == (Loss("annotation", "gene also at a more specific term", ("g A IDA", "g R")),)
    assert small.gene_sets == ontology.gene_sets


def test_super_root():
    ontology = build(["A R", "B S"], ["g A", "h B"])
    joined = prune(ontology, super_root="all: (x/y)+")
    assert joined.roots == ("all: (x/y)+",)
    assert joined.gene_sets["all: (x/y)+"] == {"g", "h"}
    assert rules.join_roots(joined, "another") is joined
    with pytest.raises(StructureError, match="super_root 'S' is a term already"):
        prune(ontology, super_root="S")


def test_former_roots_are_pruned_under_a_super_root():
    ontology = build(["A R", "B S"], ["g A", "h A", "i B"])
    assert set(prune(ontology, super_root="top", min_genes=2).terms) == {"top", "R", "A"}
    assert set(prune(ontology, min_genes=2).terms) == {"R", "A", "S"}


def test_root_and_measured_genes():
    small = prune(TREE, root="B", genes=["g4", "g5", "not annotated"])
    assert set(small.terms) == {"B", "D", "F"}
    assert small.losses == (
        Loss("term", "not below B", ("A", "R", "C")),
        Loss("relation", "other end not below B", ("B is_a R", "D is_a A")),
        Loss("annotation", "term not below B", ("g0 R", "g1 C", "g2 C")),
        Loss("gene", "not measured", ("g3",)),
        Loss("term", "no gene", ("E",)),
    )


def test_settings_that_are_refused():
    with pytest.raises(StructureError, match="root 'Z' is not among the 7 terms. Its roots are R"):
        keep_below(TREE, "Z")
    with pytest.raises(
        AlignmentError, match=r"none of the 2 measured genes \(x, y\) is annotated; .*g0, g1, g2, g3, g4"
    ):
        keep_genes(TREE, ["x", "y"])
    with pytest.raises(KgnnError, match="min_genes is -1"):
        prune(TREE, min_genes=-1)


def test_cycle():
    with pytest.raises(StructureError, match="form a cycle"):
        prune(build(["A B", "B A"], ["g A"]))


def test_preset_and_method():
    assert dict(PRUNING_PRESETS["drugcell"]) == {
        "min_genes": 10,
        "min_extra_genes": 30,
        "max_height": 4,
        "most_specific_only": True,
    }
    assert TREE.prune(min_genes=2) == prune(TREE, min_genes=2)


def test_provenance_states_the_rules_chosen():
    transformations = prune(TREE, min_genes=2, merge_identical=True, genes=TREE.genes).provenance.transformations
    assert transformations[0] == "pruned with genes=6 measured, min_genes=2, merge_identical=True"
    assert prune(build(["A R"], ["g A"])).provenance.transformations == ()


@st.composite
def ontologies(draw):
    """Random acyclic ontologies with one to three roots, shortcuts, and genes at any level."""
    n_terms = draw(st.integers(3, 11))
    n_roots = draw(st.integers(1, 3))
    relations, annotations = [], []
    for child in range(n_roots, n_terms):
        for parent in draw(st.sets(st.integers(0, child - 1), min_size=1, max_size=3)):
            relations.append(Relation(f"t{child}", f"t{parent}", draw(st.sampled_from(["is_a", "part_of"]))))
    for gene in range(draw(st.integers(1, 13))):
        for term in draw(st.sets(st.integers(0, n_terms - 1), min_size=1, max_size=3)):
            annotations.append(Annotation(f"g{gene}", f"t{term}"))
    order = draw(st.permutations(range(n_terms)))
    return Ontology({f"t{n}": Term(f"t{n}", f"t{n}") for n in order}, tuple(relations), tuple(annotations))


def check_true_path(before, after):
    assert {term: before.gene_sets[term] for term in after.terms} == after.gene_sets
    assert all(after.direct_genes[term] <= before.gene_sets[term] for term in after.terms)
    assert len(set(after.relations)) == len(after.relations)
    assert len(set(after.annotations)) == len(after.annotations)


@given(ontologies(), st.data())
def test_removing_terms_keeps_genes_and_order_of_the_rest(ontology, data):
    candidates = [term for term in ontology.terms if term not in ontology.roots]
    removed = data.draw(st.sets(st.sampled_from(candidates))) if candidates else set()
    after = remove_terms(ontology, removed, "t")
    check_true_path(ontology, after)
    assert set(after.terms) == set(ontology.terms) - removed
    assert set(after.roots) == set(ontology.roots)
    before_order = networkx.transitive_closure_dag(ontology.to_networkx()).subgraph(after.terms).edges
    after_order = networkx.transitive_closure_dag(after.to_networkx()).edges
    assert set(before_order) == set(after_order)
    assert {name for loss in after.losses for name in loss.names} == removed


@given(ontologies())
def test_merging_keeps_genes_and_makes_no_cycle(ontology):
    before = rules.remove_empty(ontology)
    after = rules.merge_same_genes(before)
    check_true_path(before, after)
    assert len(set(after.gene_sets.values())) == len(after.terms)
    merged = {name.split()[0] for loss in after.losses for name in loss.names if "merged" in name}
    assert merged == set(before.terms) - set(after.terms)


@given(
    ontologies(),
    st.fixed_dictionaries(
        {},
        optional={
            "min_genes": st.integers(0, 5),
            "max_genes": st.integers(1, 9),
            "min_extra_genes": st.integers(0, 4),
            "max_depth": st.integers(0, 4),
            "max_height": st.integers(0, 4),
            "merge_identical": st.booleans(),
            "collapse_chains": st.booleans(),
            "most_specific_only": st.booleans(),
            "super_root": st.just("top"),
        },
    ),
)
@settings(max_examples=200)
def test_all_rules_together(ontology, chosen):
    after = prune(ontology, **chosen)
    old = {term: genes for term, genes in after.gene_sets.items() if term != "top"}
    assert old == {term: ontology.gene_sets[term] for term in old}
    assert all(after.gene_sets.values())
    assert after.gene_sets and set().union(*after.gene_sets.values()) == set(ontology.genes)
    depth = rules.depths(after)
    assert max(depth.values()) <= chosen.get("max_depth", 99)
    assert max(depth.values()) <= chosen.get("max_height", 98) + 1
    inner = [term for term in after.terms if term not in after.roots]
    assert all(len(after.gene_sets[term]) >= chosen.get("min_genes", 0) for term in inner)
    assert all(len(after.gene_sets[term]) <= chosen.get("max_genes", 99) for term in inner)
    lost = {name.split()[0] for loss in after.losses if loss.what == "term" for name in loss.names}
    assert lost - {"top"} == set(ontology.terms) - set(after.terms)


def test_merge_terms_moves_annotations_once():
    merged = merge_terms(SAME, {"A": "C", "B": "C"}, "t")
    assert merged.direct_genes == {"C": {"g1", "g2"}, "D": {"g2"}, "R": {"g3"}}
