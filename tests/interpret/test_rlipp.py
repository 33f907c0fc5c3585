"""RLIPP: states of a term against those of its children and its genes, and the null of its gain.

      R: g5             states: R 1, A 3, B 2
     /  \\
    A: g0 g1   B: g2 g3 g4
"""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import random_ontology
from kgnn.interpret import compare_with_null
from kgnn.interpret.ridge import FoldedTargets, out_of_fold_correlation
from kgnn.interpret.rlipp import rlipp
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import Hierarchy, compile_hierarchy
from tests.interpret.test_ridge import deal

N = 45
TERM_OF_STATE = np.array([0, 0, 0, 1, 1, 2])


def small() -> Hierarchy:
    annotations = {"A": (0, 1), "B": (2, 3, 4), "R": (5,)}
    ontology = Ontology(
        {term: Term(term, term) for term in "RAB"},
        (Relation("A", "R"), Relation("B", "R")),
        tuple(Annotation(f"g{gene}", term) for term, genes in annotations.items() for gene in genes),
    )
    return compile_hierarchy(ontology, [f"g{gene}" for gene in range(6)])[0]


def test_both_sides_are_regressions_on_the_right_columns() -> None:
    rng = np.random.default_rng(0)
    states, genes, targets = rng.normal(size=(N, 6)), rng.normal(size=(N, 6)), rng.normal(size=(N, 2))
    targets += states[:, [5, 1]] + genes[:, [2, 0]]
    steps = []
    found = rlipp(small(), TERM_OF_STATE, states, genes, targets, deal(N, 5), progress=lambda *step: steps.append(step))
    folded = FoldedTargets(targets, deal(N, 5))
    parents = [states[:, :3], states[:, 3:5], states[:, 5:]]
    children = [genes[:, :2], genes[:, 2:5], np.concatenate([states[:, :5], genes[:, 5:]], axis=1)]
    np.testing.assert_allclose(found.rho_parent, [out_of_fold_correlation(x, folded) for x in parents], atol=1e-12)
    np.testing.assert_allclose(found.rho_children, [out_of_fold_correlation(x, folded) for x in children], atol=1e-12)
    assert found.null.shape == (0, 3, 2)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_states_of_replicates_may_lie_side_by_side_in_any_order() -> None:
    rng = np.random.default_rng(1)
    states, genes, targets = rng.normal(size=(N, 6)), rng.normal(size=(N, 6)), rng.normal(size=(N, 1))
    order = np.array([5, 2, 0, 4, 1, 3])
    one = rlipp(small(), TERM_OF_STATE, states, genes, targets, deal(N, 5))
    other = rlipp(small(), TERM_OF_STATE[order], states[:, order], genes, targets, deal(N, 5))
    np.testing.assert_allclose(one.rho_parent, other.rho_parent, atol=1e-10)
    np.testing.assert_allclose(one.rho_children, other.rho_children, atol=1e-10)


def test_the_null_keeps_what_the_children_know_and_its_mean_is_no_loss() -> None:
    # A's state is g0 xor g1, which explains the target; the root forgets nearly all of it.
    rng = np.random.default_rng(2)
    n = 200
    genes = rng.integers(2, size=(n, 6)).astype(float)
    states = rng.normal(size=(n, 6))
    states[:, 0] = genes[:, 0] != genes[:, 1]
    targets = (states[:, :1] + genes[:, 2:3]) + 0.3 * rng.normal(size=(n, 1))
    found = rlipp(small(), TERM_OF_STATE, states, genes, targets, deal(n, 5), n_null=30, seed=4)
    gain = found.rho_parent - found.rho_children
    statistics = compare_with_null(gain, found.null)
    assert found.null.shape == (30, 3, 1)
    assert (found.null.mean(axis=0) > -1e-9).all()
    assert gain[0, 0] > 0.5 and statistics.p_value[0, 0] < 0.02
    assert gain[2, 0] < -0.5 and statistics.p_value[2, 0] > 0.5
    again = rlipp(small(), TERM_OF_STATE, states, genes, targets, deal(n, 5), n_null=30, seed=4)
    np.testing.assert_array_equal(again.null, found.null)


@pytest.mark.parametrize("n", [50, 160])
def test_p_values_are_uniform_where_the_target_is_noise(n: int) -> None:
    hierarchy, _ = compile_hierarchy(random_ontology(15, 30, 1))
    term_of_state = np.repeat(np.arange(15), 3)
    p_values = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        genes, states = rng.normal(size=(n, 30)), np.zeros((n, 45))
        for term in range(15):
            below = [states[:, 3 * child : 3 * child + 3] for child in hierarchy.children_of_term[term]]
            x = np.concatenate([*below, genes[:, hierarchy.genes_of_term[term]]], axis=1)
            states[:, 3 * term : 3 * term + 3] = np.tanh(x @ rng.normal(size=(x.shape[1], 3)))
        found = rlipp(hierarchy, term_of_state, states, genes, rng.normal(size=(n, 2)), deal(n, 5), n_null=20)
        p_values.append(compare_with_null(found.rho_parent - found.rho_children, found.null).p_value)
    for share in (0.01, 0.05, 0.1, 0.25, 0.5):
        found = np.mean(np.array(p_values) <= share)
        assert found <= share * 1.2 + 0.005, f"too many below {share}: {found}"
        assert found >= share * 0.6 - 0.005, f"too few below {share}: {found}"
