"""Graclus matching: what is merged, and that names decide, not the order of nodes."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import KgnnError
from kgnn.knowledge import build_network
from kgnn.structure import coarsen, compile_adjacency
from tests.layers.dense_graphs import random_graph


def test_pairs_of_a_path():
    #   A --3-- B --1-- C --2-- D      E (alone)
    network = build_network(list("ABCDE"), np.array([0, 1, 2]), np.array([1, 2, 3]), weight=np.array([3.0, 1.0, 2.0]))
    (found,) = coarsen(compile_adjacency(network)[0], 1)
    assert found.members.tolist() == [[0, 1], [2, 3], [4, 4]]
    assert found.adjacency.nodes == ("A", "C", "E")
    assert found.adjacency.senders.tolist() == [1, 0]
    np.testing.assert_allclose(found.adjacency.weight, [2.0, 2.0])  # both directions of B-C together
    np.testing.assert_allclose(found.adjacency.coefficient, [1.0, 1.0])


def test_names_decide_and_not_the_order():
    order = np.random.default_rng(4).permutation(13)
    plain, permuted = (coarsen(random_graph(order=each), 2) for each in (None, order))
    for one, two in zip(plain, permuted, strict=True):
        assert set(one.adjacency.nodes) == set(two.adjacency.nodes)
    first = {frozenset(pair) for pair in plain[0].members.tolist()}
    assert {frozenset(order[pair].tolist()) for pair in permuted[0].members} == first
    assert len(plain[1].members) < len(plain[0].members) < 13


def test_equal_and_hashable():
    assert coarsen(random_graph(), 1) == coarsen(random_graph(), 1)
    assert hash(coarsen(random_graph(), 1)[0]) == hash(coarsen(random_graph(), 1)[0])
    assert coarsen(random_graph(), 1)[0] != coarsen(random_graph(9), 1)[0]


def test_no_level():
    with pytest.raises(KgnnError, match="n_levels is 0"):
        coarsen(random_graph(), 0)
