"""Where each weight of a new network comes from, against names written out one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.structure import Hierarchy, compile_hierarchy, match_terms, plan_carry
from kgnn.structure.carry import CarryPlan
from tests.structure.test_match import NEW, OLD

Named = dict[str, list[tuple]]


def names_of(hierarchy: Hierarchy, n_states: np.ndarray) -> Named:
    """Every number of a network by name, in the order of the arrays: by term, then source, then state."""
    found: Named = {"state": [], "annotation": [], "gene_weight": [], "child_weight": []}
    for term, name in enumerate(hierarchy.terms):
        states = range(int(n_states[term]))
        found["state"] += [(name, state) for state in states]
        for gene in hierarchy.genes_of_term[term]:
            found["annotation"].append((hierarchy.genes[gene], name))
            found["gene_weight"] += [(hierarchy.genes[gene], name, state) for state in states]
        for child in hierarchy.children_of_term[term]:
            for below in range(int(n_states[child])):
                found["child_weight"] += [(hierarchy.terms[child], below, name, state) for state in states]
    return found


def expected(old: Named, new: Named, terms: dict[str, str]) -> dict[str, list[int]]:
    """Position in the old list of every new name, its terms called as they were."""
    found = {}
    for what, names in new.items():
        position = {name: place for place, name in enumerate(old[what])}
        found[what] = [position.get(tuple(terms.get(part, part) for part in name), -1) for name in names]
    return found


def assert_as_named(old: Hierarchy, new: Hierarchy, old_states: np.ndarray, new_states: np.ndarray) -> CarryPlan:
    match = match_terms(old, new, threshold=0.5)
    called = {
        new.terms[term]: old.terms[position] if position >= 0 else f"new {new.terms[term]}"
        for term, position in enumerate(match.old_of_new.tolist())
    }
    plan = plan_carry(old, new, match, old_states, new_states)
    wanted = expected(names_of(old, old_states), names_of(new, new_states), called)
    for what, places in wanted.items():
        assert getattr(plan, what).tolist() == places, what
    position = {gene: index for index, gene in enumerate(old.genes)}
    assert plan.gene.tolist() == [position.get(gene, -1) for gene in new.genes]
    assert plan.term.tolist() == match.old_of_new.tolist()
    return plan


def test_a_drawn_pair():
    """B became X with all it had; A lost a2 and D, E gained d."""
    plan = assert_as_named(OLD, NEW, np.array([2, 1, 3, 2, 2]), np.array([2, 2, 2, 3, 2]))
    unchanged = dict(zip(NEW.terms, plan.unchanged.tolist(), strict=True))
    assert OLD.terms == ("B", "D", "E", "A", "R")
    assert NEW.terms == ("E", "N", "X", "A", "R")
    assert unchanged == {"E": False, "N": False, "X": True, "A": False, "R": False}


def test_a_term_with_another_number_of_states_is_changed_and_so_is_what_lies_above():
    states = np.array([2, 2, 2, 2, 2])
    more = states.copy()
    more[OLD.term_index["D"]] = 3
    same = plan_carry(OLD, OLD, match_terms(OLD, OLD), states, states)
    plan = plan_carry(OLD, OLD, match_terms(OLD, OLD), states, more)
    assert same.unchanged.all()
    assert dict(zip(OLD.terms, plan.unchanged.tolist(), strict=True)) == {
        "B": True, "D": False, "E": True, "A": False, "R": False,
    }  # fmt: skip
    assert plan.state.tolist() == [0, 1, 2, 3, -1, 4, 5, 6, 7, 8, 9]


def test_a_hierarchy_of_a_single_term_has_no_weights_from_children():
    alone = compile_hierarchy(random_ontology(1, 3, seed=0))[0]
    plan = plan_carry(alone, alone, match_terms(alone, alone), np.array([2]), np.array([2]))
    assert len(plan.child_weight) == 0
    plan = plan_carry(alone, OLD, match_terms(alone, OLD), np.array([2]), np.full(5, 2))
    assert (plan.child_weight == -1).all()
    assert len(plan.child_weight) == 4 * 2 * 2


@settings(max_examples=30, deadline=None)
@given(
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    sizes=st.tuples(st.integers(2, 8), st.integers(2, 8)),
    states=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_random_pairs(seeds: tuple, sizes: tuple, states: tuple):
    old, new = (compile_hierarchy(random_ontology(n, 7, seed=seed))[0] for n, seed in zip(sizes, seeds, strict=True))
    rng = np.random.default_rng(seeds)
    assert_as_named(old, new, rng.integers(1, states[0] + 1, old.n_terms), rng.integers(1, states[1] + 1, new.n_terms))


@pytest.mark.parametrize("seed", range(5))
def test_unchanged_is_what_an_independent_walk_finds(seed: int):
    """Whether a term computes the same follows from the names of all edges below it."""
    old, new = (compile_hierarchy(random_ontology(7, 9, seed=each))[0] for each in (seed, seed + 1))
    for other in (old, new):
        match = match_terms(old, other, threshold=1.0)
        ones = [np.ones(each.n_terms, int) for each in (old, other)]
        plan = plan_carry(old, other, match, *ones)
        renamed = {other.terms[t]: old.terms[p] for t, p in enumerate(match.old_of_new.tolist()) if p >= 0}
        for term, name in enumerate(other.terms):
            same = name in renamed and edges_below(other, name, renamed) == edges_below(old, renamed[name], None)
            assert bool(plan.unchanged[term]) == same


def edges_below(hierarchy: Hierarchy, term: str, renamed: dict[str, str] | None) -> set[tuple[str, str]]:
    """Every edge, from a gene or a child, at a term and below it."""
    position = hierarchy.term_index[term]
    call = (lambda name: name) if renamed is None else (lambda name: renamed.get(name, f"new {name}"))
    found = {("gene " + hierarchy.genes[gene], call(term)) for gene in hierarchy.genes_of_term[position]}
    for child in hierarchy.children_of_term[position]:
        name = hierarchy.terms[child]
        found |= {(call(name), call(term))} | edges_below(hierarchy, name, renamed)
    return found
