"""The predicted cost of a step: equal to a count by hand, and near to what a compiler allocates."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import random_ontology
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.structure import compile_hierarchy, hierarchy_cost
from kgnn.structure.cost import predict_cost
from kgnn.structure.wiring import wire

# R above A and B; A has the genes g0 and g1, B has g1, g2 and g3, R has none of its own.
ONTOLOGY = Ontology(
    {term: Term(term, term) for term in "RAB"},
    (Relation("A", "R"), Relation("B", "R")),
    tuple(
        Annotation(gene, term) for term, genes in {"A": ("g0", "g1"), "B": ("g1", "g2", "g3")}.items() for gene in genes
    ),
)


def test_counts_by_hand():
    hierarchy, _ = compile_hierarchy(ONTOLOGY)
    cost = hierarchy_cost(hierarchy, n_states=2, batch_size=7)
    # 5 annotations and 2 relations of 2 states; 6 states with bias, scale and offset; 3 heads of 2 weights and a bias.
    assert cost.parameters == 5 * 2 + 2 * 2 * 2 + 6 * 3 + 3 * 2 + 3
    # Forward and the weights' gradient of: genes of two levels, children, heads of two levels; back: parents, heads.
    assert cost.products == 2 * (2 + 1 + 2) + 1 + 2
    assert 0 < cost.padding < 1
    assert set(cost.to_json()) == {
        "parameters", "products", "padding", "flops", "step_bytes", "compile_seconds", "step_seconds",
    }  # fmt: skip


def test_memory_and_arithmetic_are_linear_in_the_batch():
    hierarchy, _ = compile_hierarchy(random_ontology(40, 70, 3))
    wiring = wire(hierarchy, np.full(40, 3), n_heads=40)
    none, some, many = (predict_cost(wiring, 70, batch) for batch in (0, 100, 300))
    assert many.flops == 3 * some.flops
    assert many.step_bytes - none.step_bytes == 3 * (some.step_bytes - none.step_bytes) > 0


@pytest.mark.parametrize("n_states", [2, 6])
def test_more_terms_cost_more(n_states):
    small, large = (
        hierarchy_cost(compile_hierarchy(random_ontology(n, 2 * n, 1))[0], n_states=n_states) for n in (20, 200)
    )
    for name in ("parameters", "flops", "step_bytes", "compile_seconds", "step_seconds"):
        assert getattr(large, name) > getattr(small, name), name
