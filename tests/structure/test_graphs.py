"""Hierarchies as networkx graphs and back."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from kgnn.data import random_ontology, toy
from kgnn.errors import AlignmentError, StructureError
from kgnn.structure import compile_hierarchy, hierarchy_from_networkx, hierarchy_to_networkx


def test_there_and_back_keeps_the_fingerprint():
    for seed in range(5):
        ontology = random_ontology(n_terms=9, n_genes=14, seed=seed)
        genes = list(np.random.default_rng(seed).permutation(ontology.genes))
        hierarchy, _ = compile_hierarchy(ontology, genes)
        assert hierarchy_from_networkx(hierarchy_to_networkx(hierarchy)).fingerprint == hierarchy.fingerprint


def test_the_graph_says_what_the_arrays_say():
    hierarchy, _ = compile_hierarchy(toy().ontology)
    graph = hierarchy_to_networkx(hierarchy)
    assert graph.number_of_nodes() == hierarchy.n_terms + hierarchy.n_genes
    assert graph.number_of_edges() == len(hierarchy.relation_child) + len(hierarchy.annotation_gene)
    for term, genes in zip(hierarchy.terms, hierarchy.gene_sets, strict=True):
        below = {node for node in networkx.ancestors(graph, term) if graph.nodes[node]["kind"] == "gene"}
        assert below == {hierarchy.genes[gene] for gene in genes}
        assert graph.nodes[term]["n_genes"] == len(genes)


def test_a_graph_of_ones_own():
    #   root
    #   /  \
    #  a    b
    #  |    | \
    #  g1   g2 g1
    graph = networkx.DiGraph([("a", "root"), ("b", "root"), ("g1", "a"), ("g2", "b"), ("g1", "b")])
    networkx.set_node_attributes(graph, {"g1": "gene", "g2": "gene"}, "kind")
    hierarchy = hierarchy_from_networkx(graph)
    assert (hierarchy.genes, hierarchy.terms) == (("g1", "g2"), ("a", "b", "root"))
    assert hierarchy.level_of_term.tolist() == [0, 0, 1]
    graph.add_node("g3", kind="gene")
    with pytest.raises(AlignmentError, match="1 of 3 genes in the data have no annotation under root: g3"):
        hierarchy_from_networkx(graph)
    graph.remove_node("root")
    with pytest.raises((StructureError, AlignmentError)):
        hierarchy_from_networkx(graph)
