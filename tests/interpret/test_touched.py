"""Which subsystems of a run a new release touches, and the importance that they carry.

A: R over A (over C) and B (over D), see tests/perturb/runs.py. The new release drops b/1 from B, renames A, and knows
C as obsolete.
"""

from __future__ import annotations

from dataclasses import replace

import pandas
import pytest

from kgnn.errors import KgnnError
from kgnn.interpret import importance, touched_subsystems
from kgnn.interpret.touched import touched_summary
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from tests.perturb.runs import ANNOTATIONS, RELATIONS, some_run


def releases() -> tuple[Ontology, Ontology]:
    old = Ontology(
        {term: Term(term, f"process {term}") for term in ANNOTATIONS},
        tuple(Relation(*pair) for pair in RELATIONS),
        tuple(Annotation(gene, term) for term, genes in ANNOTATIONS.items() for gene in genes),
    )
    terms = {term: entry for term, entry in old.terms.items() if term != "C"} | {"A": Term("A", "another name")}
    # A gene that the run does not measure, and a child that holds no other, are no change for the run.
    terms["Z"] = Term("Z", "new")
    relations = (*(each for each in old.relations if each.child != "C"), Relation("Z", "D"))
    annotations = [each for each in old.annotations if each.term != "C" and each.gene != "b/1"]
    annotations += [Annotation("c (+)", "A"), Annotation("not measured", "Z")]
    return old, Ontology(terms, relations, tuple(annotations), losses=(Loss("term", "obsolete", ("C",)),))


def ranking() -> pandas.DataFrame:
    shares = {"R": 4.0, "A": 3.0, "B": 2.0, "C": 1.0, "D": -5.0}
    return pandas.DataFrame(
        [{"term": t, "output": o, "importance": s * n} for t, s in shares.items() for o, n in (("x", 1), ("y", 7))]
    )


def test_what_is_touched_and_what_it_carries():
    found = touched_subsystems(some_run(), *releases(), ranking=ranking())
    assert list(found["term"]) == ["R", "A", "B", "C", "D"]
    rows = found.set_index("term")
    assert rows["change"].to_dict() == {"R": "genes", "A": "children,renamed", "B": "genes", "C": "obsolete", "D": ""}
    assert rows["touched"].to_dict() == {"R": True, "A": True, "B": True, "C": True, "D": False}
    assert rows["above_touched"].to_dict() == {"R": True, "A": True, "B": False, "C": False, "D": False}
    # What is not above zero is no importance; both outputs agree once each is a share.
    assert rows["importance_share"].to_dict() == pytest.approx({"R": 0.4, "A": 0.3, "B": 0.2, "C": 0.1, "D": 0.0})
    assert tuple(rows.loc["B", ["genes_gained", "genes_lost"]]) == (0, 1)
    assert tuple(rows.loc["A", ["children_gained", "children_lost", "genes_lost"]]) == (0, 1, 0)
    assert touched_summary(found) == {
        "subsystems": 5, "touched": 4, "only_above_touched": 0, "untouched": 1,
        "importance_of_touched": pytest.approx(1.0), "importance_of_only_above_touched": 0.0,
    }  # fmt: skip


def test_a_change_low_down_leaves_what_lies_above_as_it_is_but_says_so():
    old, _ = releases()
    moved = [each._replace(gene="d_é") if each == Annotation("c (+)", "C") else each for each in old.annotations]
    found = touched_subsystems(some_run(), old, replace(old, annotations=tuple(moved)), ranking=ranking())
    rows = found.set_index("term")
    # The root holds d_é already, through D: it loses only c (+).
    assert rows["change"].to_dict() == {"R": "genes", "A": "genes", "B": "", "C": "genes", "D": ""}
    assert tuple(rows.loc["R", ["genes_gained", "genes_lost"]]) == (0, 1)
    assert tuple(rows.loc["A", ["genes_gained", "genes_lost"]]) == (1, 1)


def test_a_term_that_goes_on_under_another_id_is_not_touched_by_that_alone():
    old, _ = releases()
    terms = {"D2" if term == "D" else term: entry for term, entry in old.terms.items()}
    again = Ontology(
        terms,
        tuple(Relation("D2" if each.child == "D" else each.child, each.parent) for each in old.relations),
        tuple(each._replace(term="D2") if each.term == "D" else each for each in old.annotations),
        aliases={"D": "D2"},
    )
    rows = touched_subsystems(some_run(), old, again, ranking=ranking()).set_index("term")
    assert rows["touched"].sum() == 0
    assert (rows.loc["D", "change"], rows.loc["D", "now"]) == ("merged", "D2")


def test_the_same_release_touches_nothing_and_importance_is_that_of_the_run():
    old, _ = releases()
    run = some_run()
    found = touched_subsystems(run, old, old, measure="knockdown")
    assert found["touched"].sum() == 0
    assert set(found["change"]) == {""}
    measured = importance(run, "knockdown", n_null=0)
    total = measured.groupby("output")["importance"].transform("sum")
    expected = (measured["importance"] / total).groupby(measured["term"]).mean()
    assert found.set_index("term")["importance_share"].to_dict() == pytest.approx(expected.to_dict())
    assert found["importance_share"].sum() == pytest.approx(1.0)


def test_what_does_not_belong_to_the_run_is_refused():
    old, new = releases()
    other = Ontology({"X": Term("X", "x")}, (), ())
    with pytest.raises(KgnnError, match=r"none of the 5 subsystems of the run .* is a term of the older release \(X\)"):
        touched_subsystems(some_run(), other, new)
    with pytest.raises(KgnnError, match="the ranking names no subsystem of the run"):
        touched_subsystems(some_run(), old, new, ranking=ranking().assign(term="X"))
    with pytest.raises(KgnnError, match="names no subsystem of the run, or one several times"):
        touched_subsystems(some_run(), old, new, ranking=pandas.concat([ranking(), ranking()]))
    with pytest.raises(KgnnError, match="the ranking lacks importance, output"):
        touched_subsystems(some_run(), old, new, ranking=ranking()[["term"]])
    with pytest.raises(KgnnError, match="measure is 'shap', which is not known"):
        touched_subsystems(some_run(), old, new, measure="shap")
