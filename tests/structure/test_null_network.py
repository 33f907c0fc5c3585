"""Null graphs keep degrees, null motifs keep columns; neither keeps who stands where."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kgnn.data import random_ontology
from kgnn.knowledge import Motif, MotifSet, build_network
from kgnn.structure import (
    Adjacency,
    Hierarchy,
    Kernels,
    compile_adjacency,
    compile_hierarchy,
    compile_kernels,
    random_structure,
    rewire_annotations,
    rewire_edges,
    shuffle_motifs,
    shuffle_structure,
)


def random_graph(n: int = 40, edges: int = 110, *, directed: str = "some", seed: int = 0) -> Adjacency:
    random = np.random.default_rng(seed)
    pairs = np.array([(a, b) for a in range(n) for b in range(a + 1, n)])
    chosen = pairs[random.choice(len(pairs), edges, replace=False)]
    one_way = {"some": np.arange(edges) % 3 == 0, "none": np.zeros(edges, bool), "all": np.ones(edges, bool)}[directed]
    network = build_network(
        [f"n{k}" for k in range(n)], chosen[:, 0], chosen[:, 1], weight=random.random(edges), directed=one_way
    )
    return compile_adjacency(network, normalization="symmetric", self_loops="add")[0]


def keys(graph: Adjacency) -> list[tuple[int, int]]:
    real = slice(0, graph.n_edges)
    return list(zip(graph.senders[real].tolist(), graph.receivers[real].tolist(), strict=True))


@pytest.mark.parametrize("directed", ["some", "none", "all"])
def test_degrees_directions_and_weights_are_kept(directed: str):
    graph = random_graph(directed=directed)
    null = rewire_edges(graph, 3)
    before, after = keys(graph), keys(null)
    assert null.nodes == graph.nodes and len(set(after)) == len(after)
    for side in (0, 1):
        assert Counter(key[side] for key in before) == Counter(key[side] for key in after)
    assert [key for key in after if key[0] == key[1]] == [key for key in before if key[0] == key[1]]
    if directed != "all":
        mutual = [sum((b, a) in set(found) for a, b in found) for found in (before, after)]
        assert mutual[1] >= mutual[0]
    assert sorted(null.weight.tolist()) == sorted(graph.weight.tolist())
    assert len(set(before) & set(after)) < 0.5 * len(before)
    assert after == sorted(after, key=lambda key: key[::-1])
    size = np.abs(null.weight)
    received = np.bincount(null.receivers, size, null.n_nodes)
    sent = np.bincount(null.senders, size, null.n_nodes)
    expected = null.weight / np.sqrt(received[null.receivers] * sent[null.senders])
    np.testing.assert_allclose(null.coefficient, expected, rtol=1e-12)
    assert null.provenance.transformations[-1] == "edges rewired with seed 3: a null, not knowledge"


def test_an_undirected_edge_keeps_its_weight_both_ways():
    null = rewire_edges(random_graph(directed="none"), 5)
    weight = dict(zip(keys(null), null.weight.tolist(), strict=True))
    assert all(weight[b, a] == found for (a, b), found in weight.items())


def test_seeds_padding_and_what_cannot_be_rewired():
    graph = random_graph()
    assert rewire_edges(graph, 0) == rewire_edges(graph, 0) != rewire_edges(graph, 1)
    padded = graph.pad(50, 400)
    null = rewire_edges(padded, 0)
    assert (null.n_padded_nodes, null.n_padded_edges) == (50, 400)
    assert keys(null) == keys(rewire_edges(graph, 0))
    # Two edges of a path of three nodes have no other way to lie.
    path = compile_adjacency(build_network(["a", "b", "c"], np.array([0, 1]), np.array([1, 2])))[0]
    assert keys(rewire_edges(path, 0)) == keys(path)


def test_parallel_edges_stay_as_many():
    network = build_network(
        ["a", "b", "c", "d", "e"], np.array([0, 0, 1, 2, 3]), np.array([1, 1, 2, 3, 4]), weight=np.arange(1.0, 6.0)
    )
    graph = compile_adjacency(network, parallel="keep")[0]
    null = rewire_edges(graph, 0)
    for side in (0, 1):
        assert Counter(key[side] for key in keys(graph)) == Counter(key[side] for key in keys(null))


MOTIFS = MotifSet(
    (
        Motif.from_counts("m1", [[9, 0, 0, 0], [0, 8, 0, 1], [0, 0, 7, 2], [0, 3, 0, 6], [5, 0, 4, 0]]),
        Motif.from_counts("m2", [[1, 2, 3, 4], [4, 3, 2, 1], [0, 9, 0, 0]]),
    )
)


@pytest.mark.parametrize("kind", ["log_odds", "probabilities"])
def test_motif_columns_are_kept_in_another_order(kind: str):
    kernels = compile_kernels(MOTIFS, 7, kind=kind, both_strands=True)
    null = shuffle_motifs(kernels, 1)
    for number in range(kernels.n_filters):
        real, found = kernels.values[number], null.values[number]
        assert sorted(map(tuple, real.tolist())) == sorted(map(tuple, found.tolist()))
        np.testing.assert_array_equal(real[~kernels.mask[number]], found[~kernels.mask[number]])
    # The reverse strand is still the reverse complement.
    np.testing.assert_array_equal(null.values[2:], null.values[:2, ::-1, ::-1])
    assert null != kernels and shuffle_motifs(kernels, 1) == null


def test_every_structure_has_a_null(drawn):
    for structure in (compile_hierarchy(drawn)[0], random_graph(), compile_kernels(MOTIFS)):
        null = shuffle_structure(structure, 2)
        assert type(null) is type(structure) and null != structure
        assert isinstance(null, Hierarchy | Adjacency | Kernels)
        assert "null, not knowledge" in null.provenance.transformations[-1]


def test_rewired_annotations_keep_both_degrees():
    hierarchy, _ = compile_hierarchy(random_ontology(12, 60, seed=4, second_annotation=0.9))
    null = rewire_annotations(hierarchy, 2)
    for side in ("annotation_gene", "annotation_term"):
        np.testing.assert_array_equal(np.bincount(getattr(null, side)), np.bincount(getattr(hierarchy, side)))
    pairs = [
        set(zip(each.annotation_term.tolist(), each.annotation_gene.tolist(), strict=True))
        for each in (hierarchy, null)
    ]
    assert len(pairs[1]) == len(hierarchy.annotation_gene) and len(pairs[0] & pairs[1]) < 0.5 * len(pairs[0])
    for genes in null.genes_of_term:
        assert (np.diff(genes) > 0).all()
    assert rewire_annotations(hierarchy, 2) == null != rewire_annotations(hierarchy, 3)


def test_every_structure_has_a_random_one(drawn):
    graph = random_graph().pad(45, 300)
    null = random_structure(graph, 1)
    assert (null.n_padded_nodes, null.n_padded_edges) == (45, 300)
    for side in ("senders", "receivers"):
        before, after = (np.sort(np.bincount(getattr(each, side)[: graph.n_edges])) for each in (graph, null))
        np.testing.assert_array_equal(before, after)
    assert sorted(null.coefficient) == sorted(graph.coefficient) and null != graph
    kernels = compile_kernels(MOTIFS, 7, both_strands=True)
    pooled = random_structure(kernels, 3)
    np.testing.assert_array_equal(pooled.values[2:], pooled.values[:2, ::-1, ::-1])
    real, found = (sorted(map(tuple, each.values[:2][each.mask[:2]].tolist())) for each in (kernels, pooled))
    assert real == found
    np.testing.assert_array_equal(pooled.values[~pooled.mask], kernels.values[~kernels.mask])
    assert isinstance(random_structure(compile_hierarchy(drawn)[0], 0), Hierarchy)
