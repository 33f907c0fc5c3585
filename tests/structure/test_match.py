"""Terms of two hierarchies matched one to one.

        old: R: r            new: R: r
           /   \\                /  |  \\
     A: a1 a2   B: b1 b2   A: a1  X: b1 b2  N: n     (B became X; D and E both became E, which was there)
      |    \\                |
     D: d   E: e e2         E: d e e2
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import Hierarchy, TermMatch, compile_hierarchy, match_terms


def ontology(annotations: dict[str, str], relations: str, names: dict[str, str] | None = None) -> Ontology:
    """Genes by term, separated by blanks; relations such as ``"AR BR"``, child first."""
    named = names or {}
    return Ontology(
        {term: Term(term, named.get(term, term)) for term in annotations},
        tuple(Relation(pair[0], pair[1]) for pair in relations.split()),
        tuple(Annotation(gene, term) for term, genes in annotations.items() for gene in genes.split()),
    )


def compiled(*arguments: object) -> Hierarchy:
    return compile_hierarchy(ontology(*arguments))[0]


OLD = compiled({"R": "r", "A": "a1 a2", "B": "b1 b2", "D": "d", "E": "e e2"}, "AR BR DA EA")
NEW = compiled({"R": "r", "A": "a1", "X": "b1 b2", "N": "n", "E": "d e e2"}, "AR XR NR EA")


def pairs(match: TermMatch, old: Hierarchy = OLD, new: Hierarchy = NEW) -> dict[str, tuple[str, str]]:
    return {
        new.terms[target]: ("" if position < 0 else old.terms[position], match.how[target])
        for target, position in enumerate(match.old_of_new.tolist())
    }


def test_ids_then_aliases_then_genes():
    found = match_terms(OLD, NEW, aliases={"B": "X", "D": "E"})
    expected = {"R": ("R", "id"), "A": ("A", "id"), "E": ("E", "id"), "X": ("B", "alt_id"), "N": ("", "new")}
    assert pairs(found) == expected
    assert {OLD.terms[p]: NEW.terms[t] for p, t in found.merged_into.items()} == {"D": "E"}
    assert pairs(match_terms(OLD, NEW, aliases={"B": "X"}, obsolete={"B"}))["X"] == ("B", "replaced_by")
    assert pairs(match_terms(OLD, NEW))["X"] == ("B", "jaccard")
    jaccard = dict(zip(NEW.terms, found.jaccard.tolist(), strict=True))
    # A holds a1 a2 d e e2, then a1 d e e2.
    assert jaccard == pytest.approx({"R": 7 / 9, "A": 4 / 5, "E": 2 / 3, "X": 1.0, "N": 0.0})


def test_the_way_back_from_old_to_new():
    match = match_terms(OLD, NEW)
    back = match.new_of_old(OLD.n_terms)
    assert {OLD.terms[p]: NEW.terms[t] for p, t in enumerate(back.tolist()) if t >= 0} == {
        "R": "R", "A": "A", "E": "E", "B": "X",
    }  # fmt: skip


def test_the_threshold_decides_and_the_best_pair_goes_first():
    old = compiled({"R": "", "P": "g1 g2 g3 g4", "Q": "g1 g2 g3"}, "PR QR")
    new = compiled({"R": "", "S": "g1 g2 g3", "T": "g1 g2 g3 g4 g5"}, "SR TR")
    best = {"R": ("R", "id"), "S": ("Q", "jaccard"), "T": ("P", "jaccard")}
    assert pairs(match_terms(old, new), old, new) == best
    assert pairs(match_terms(old, new, threshold=0.81), old, new)["T"] == ("", "new")
    assert pairs(match_terms(old, new, threshold=0.8), old, new)["T"] == ("P", "jaccard")


def test_of_equal_pairs_the_one_of_the_same_name():
    old = compiled({"R": "", "P": "g h", "Q": "g h i"}, "PR QR", {"P": "repair", "Q": "other"})
    new = compiled({"R": "i", "S": "g h", "T": "g h"}, "SR TR", {"S": "export", "T": "repair"})
    found = pairs(match_terms(old, new, threshold=0.9), old, new)
    assert (found["S"], found["T"]) == (("", "new"), ("P", "jaccard"))


def test_two_that_became_one_the_more_similar_goes_on():
    old = compiled({"R": "r", "P": "g1", "Q": "g1 g2 g3"}, "PR QR")
    new = compiled({"R": "r", "Z": "g1 g2 g3 g4"}, "ZR")
    match = match_terms(old, new, aliases={"P": "Z", "Q": "Z"})
    assert pairs(match, old, new)["Z"] == ("Q", "alt_id")
    assert [old.terms[position] for position in match.merged_into] == ["P"]


def test_roots_of_different_ids_are_matched():
    old = compiled({"R": "r", "A": "a"}, "AR")
    new = compile_hierarchy(
        Ontology({"R2": Term("R2", "R2"), "A": Term("A", "A")}, (Relation("A", "R2"),),
                 (Annotation("x", "R2"), Annotation("a", "A")))
    )[0]  # fmt: skip
    assert pairs(match_terms(old, new), old, new) == {"A": ("A", "id"), "R2": ("R", "root")}


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_a_threshold_that_is_no_share(threshold: float):
    with pytest.raises(KgnnError, match=r"threshold is .* Give a share above 0 and at most 1"):
        match_terms(OLD, NEW, threshold=threshold)


@settings(max_examples=25, deadline=None)
@given(seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)), sizes=st.tuples(st.integers(2, 9), st.integers(2, 9)))
def test_every_term_is_matched_at_most_once_and_a_hierarchy_with_itself(seeds: tuple, sizes: tuple):
    old, new = (compile_hierarchy(random_ontology(n, 7, seed=seed))[0] for n, seed in zip(sizes, seeds, strict=True))
    match = match_terms(old, new, threshold=0.3)
    used = match.old_of_new[match.old_of_new >= 0]
    assert len(set(used.tolist())) == len(used)
    assert ((match.old_of_new < 0) == (np.array(match.how) == "new")).all()
    itself = match_terms(old, old)
    assert itself.old_of_new.tolist() == list(range(old.n_terms))
    assert set(itself.how) == {"id"}
    assert (itself.jaccard == 1).all()
