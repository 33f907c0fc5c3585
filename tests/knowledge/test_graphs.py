"""Ontologies as networkx graphs and back."""

from __future__ import annotations

import json

import networkx
import pytest

from kgnn.data import random_ontology, toy
from kgnn.errors import StructureError
from kgnn.knowledge import Annotation, Ontology, Relation, Term, ontology_from_networkx, ontology_to_networkx


def test_there_and_back_keeps_the_fingerprint():
    terms = {name: Term(name, f"the {name}", "BP") for name in ("root", "a b", "é/β")}
    relations = (Relation("a b", "root", "part_of"), Relation("a b", "root", "is_a"), Relation("é/β", "a b"))
    ontology = Ontology(terms, relations, (Annotation("g", "é/β", "IDA"), Annotation("g", "é/β", "IEA")))
    graph = ontology_to_networkx(ontology)
    assert graph.number_of_edges("a b", "root") == 2
    assert networkx.descendants(graph, "g") == {"é/β", "a b", "root"}
    assert ontology_from_networkx(graph).fingerprint == ontology.fingerprint


def test_through_a_file_of_networkx():
    ontology = toy().ontology
    text = json.dumps(networkx.node_link_data(ontology_to_networkx(ontology), edges="edges"))
    back = ontology_from_networkx(networkx.node_link_graph(json.loads(text), edges="edges"))
    assert back.fingerprint == ontology.fingerprint
    assert back.provenance.transformations[-1] == "read from a networkx graph"


def test_random_ontologies():
    for seed in range(5):
        ontology = random_ontology(n_terms=9, n_genes=14, seed=seed)
        assert ontology_from_networkx(ontology_to_networkx(ontology)).fingerprint == ontology.fingerprint


def test_what_is_no_ontology():
    graph = networkx.DiGraph([("root", "TP53")])
    graph.nodes["TP53"]["kind"] = "gene"
    with pytest.raises(StructureError, match=r"1 edges lead into a gene: root TP53.*graph.reverse\(\)"):
        ontology_from_networkx(graph)
    with pytest.raises(StructureError, match="has no directions"):
        ontology_from_networkx(networkx.Graph([("a", "b")]))
    with pytest.raises(StructureError, match="form a cycle"):
        ontology_from_networkx(networkx.DiGraph([("a", "b"), ("b", "a")]))
    with pytest.raises(StructureError, match="has no terms"):
        ontology_from_networkx(networkx.DiGraph())
    graph.nodes["TP53"]["kind"] = "protein"
    with pytest.raises(StructureError, match="nodes are of kind protein. Known are: term, gene"):
        ontology_from_networkx(graph)
    with pytest.raises(StructureError, match="1 genes have the id of a term: t"):
        ontology_to_networkx(Ontology({"t": Term("t", "t")}, (), (Annotation("t", "t"),)))
