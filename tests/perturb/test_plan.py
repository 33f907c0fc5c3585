"""What may be asked of `knockdown`: names, pairs, `all`, duplicates, and every mistake in them."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import random_ontology
from kgnn.errors import AlignmentError, KgnnError
from kgnn.perturb.forward import Perturbation
from kgnn.perturb.plan import Reach, make_plan
from kgnn.structure import compile_hierarchy
from tests.perturb.runs import ABOVE, GENES, hierarchy


def test_names_become_positions_in_the_order_given_and_each_once() -> None:
    plan = make_plan(hierarchy(), ["a2", "r", "a2"], [("r", "d:2"), ("d:2", "r"), ("r", "d:2")], ["B", "B"])
    assert plan.names == ("a2", "r", "d:2", "r+d:2", "B")
    assert plan.kinds == ("gene", "gene", "gene", "pair", "subsystem")
    term = hierarchy().term_index["B"]
    assert plan.perturbations == (
        Perturbation(genes=(2,)), Perturbation(genes=(0,)), Perturbation(genes=(6,)), Perturbation(genes=(0, 6)),
        Perturbation(terms=(term,)),
    )  # fmt: skip
    assert plan.singles_of_pairs() == {3: (1, 2)}
    assert plan.has_genes


def test_all_is_every_gene_pair_and_term() -> None:
    plan = make_plan(hierarchy(), "all", "all", "all")
    assert plan.names[:8] == GENES
    assert [plan.kinds.count(kind) for kind in ("gene", "pair", "subsystem")] == [8, 28, 5]
    assert make_plan(hierarchy(), None, "all", None).kinds.count("pair") == 28
    assert make_plan(hierarchy(), ["r", "a1", "a2"], "all", None).names[3:] == ("r+a1", "r+a2", "a1+a2")
    assert not make_plan(hierarchy(), None, None, "all").has_genes


def test_one_name_may_stand_without_a_list() -> None:
    assert make_plan(hierarchy(), "c (+)", None, "A").names == ("c (+)", "A")


@pytest.mark.parametrize(
    ("genes", "pairs", "subsystems", "message"),
    [
        (["a1", "A2"], None, None, r"does not know 1 gene: A2\. Did you mean a2\?"),
        (["d.2", "zzz"], None, None, r"does not know 2 genes: d\.2, zzz\. Did you mean d:2 or d\.1\?"),
        ("XYZ", None, None, r"does not know 1 gene: XYZ\. It has r, a1, a2 and 5 more\."),
        (None, [("a1", "q")], None, "does not know 1 gene: q"),
        (None, None, ["GO:1"], r"does not know 1 term: GO:1\. It has"),
        ([f"q{n}" for n in range(7)], None, None, "does not know 7 genes: q0, q1, q2, q3, q4 and 2 more"),
        ([3], None, None, "does not know 1 gene: 3"),
    ],
)
def test_unknown_names_are_named_beside_what_is_close(genes, pairs, subsystems, message: str) -> None:
    with pytest.raises(AlignmentError, match=message):
        make_plan(hierarchy(), genes, pairs, subsystems)


@pytest.mark.parametrize(
    ("genes", "pairs", "message"),
    [
        (None, None, "there is nothing to knock down"),
        ([], None, "there is nothing to knock down"),
        ([], [], "there is nothing to knock down"),
        (["a1"], "all", "pairs='all' of 1 genes gives no pair"),
        ([], "all", "pairs='all' of 0 genes gives no pair"),
        (None, "a1:a2", "pairs is 'a1:a2'"),
        (None, [("a1", "a1")], "1 of 1 pairs are not two different genes"),
        (None, [("a1", "a2"), ("a1", "a2", "r")], "1 of 2 pairs are not two different genes"),
        (None, ["a1"], "1 of 1 pairs are not two different genes: a1"),
    ],
)
def test_nothing_and_what_is_no_pair_are_refused(genes, pairs, message: str) -> None:
    with pytest.raises(KgnnError, match=message):
        make_plan(hierarchy(), genes, pairs, None)


def test_reach_is_what_lies_above() -> None:
    compiled = hierarchy()
    reach = Reach(compiled)
    for gene, above in ABOVE.items():
        found = reach(Perturbation(genes=(GENES.index(gene),)))
        assert {compiled.terms[term] for term in found} == set(above)
    both = Perturbation(genes=(1, 4), terms=(compiled.term_index["D"],))
    assert [compiled.terms[term] for term in reach(both)] == ["C", "D", "A", "B", "R"]
    assert reach.at_most([both, Perturbation(genes=(0,))]) == 2 + 3 + 5 + 1


@pytest.mark.parametrize("seed", range(4))
def test_reach_on_random_hierarchies(seed: int) -> None:
    compiled, _ = compile_hierarchy(random_ontology(23, 31, seed))
    reach = Reach(compiled)
    for gene in range(31):
        expected = [term for term in range(23) if gene in compiled.gene_sets[term]]
        np.testing.assert_array_equal(reach(Perturbation(genes=(gene,))), expected)
