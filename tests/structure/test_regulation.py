"""A regulatory network is cut to what lies between genes and outputs, and every loss has a name."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import AlignmentError, KgnnError, StructureError
from kgnn.knowledge import Network, build_network
from kgnn.structure import Hierarchy, compile_feedback, compile_regulation, shuffle_genes


def network(edges: list[str], *, directed: bool = True) -> Network:
    """Edges such as ``"A>B"``, ``"A+B"`` (activates) and ``"A-B"``."""
    mark = [next(each for each in ">+-" if each in edge) for edge in edges]
    pairs = [edge.split(each) for edge, each in zip(edges, mark, strict=True)]
    names = sorted({name for pair in pairs for name in pair})
    ends = np.array([[names.index(name) for name in pair] for pair in pairs])
    sign = np.array([{">": 0, "+": 1, "-": -1}[each] for each in mark])
    return build_network(names, ends[:, 0], ends[:, 1], sign=sign, directed=directed)


#  a ─▶ P ─▶ Q ─▶ out 1        U has no measured gene below it, W leads nowhere,
#  b ─▶ P    └──▶ out/2        z reaches W alone
#  u ─▶ U ─▶ Q ;  b ─▶ W ; z ─▶ W
EDGES = ["a_gene+P", "b_gene-P", "P>Q", "Q+out 1", "Q-out/2", "u_gene>U", "U>Q", "b_gene>W", "z>W"]


def test_what_is_left_and_what_is_lost():
    graph, alignment = compile_regulation(
        network(EDGES), ["b", "z", "a", "new"], outputs=["out/2", "out 1"], unconnected="drop"
    )
    assert graph.terms == ("P", "Q", "out/2", "out 1") and graph.genes == ("b", "a")
    assert graph.level_of_term.tolist() == [0, 1, 2, 2]
    pairs = zip(graph.relation_child.tolist(), graph.relation_parent.tolist(), strict=True)
    assert [(graph.terms[a], graph.terms[b]) for a, b in pairs] == [("P", "Q"), ("Q", "out/2"), ("Q", "out 1")]
    assert graph.annotation_gene.tolist() == [0, 1] and graph.annotation_term.tolist() == [0, 0]
    assert graph.sign_of_relation is not None and graph.sign_of_relation.tolist() == [0, -1, 1]
    assert graph.sign_of_annotation is not None and graph.sign_of_annotation.tolist() == [-1, 1]
    assert alignment.unannotated == ("new", "z") and set(alignment.emptied) == {"U", "W"}
    assert {"u_gene"} <= set(alignment.unmeasured)
    lost = {(loss.what, name) for loss in alignment.losses for name in loss.names}
    assert {("node", "U"), ("node", "W"), ("gene", "new"), ("gene", "z")} <= lost


def test_all_inputs_without_data_and_shortcuts():
    graph, _ = compile_regulation(network(["a>P", "P>Q", "Q>R", "R>out", "P>out", "b>out"]))
    assert graph.terms == ("P", "Q", "R", "out") and graph.genes == ("a", "b")
    assert graph.level_of_term.tolist() == [0, 1, 2, 3] and graph.sign_of_relation is None
    assert [graph.terms[child] for child in graph.children_of_term[3]] == ["P", "R"]


def test_edges_that_disagree_about_a_sign_and_edges_that_leave_an_output():
    graph, alignment = compile_regulation(network(["a+P", "P+out", "P-out", "out>Q", "Q>end"]), outputs=["out"])
    assert graph.terms == ("P", "out") and graph.sign_of_relation is not None
    assert graph.sign_of_relation.tolist() == [0]
    assert {"Q", "end"} <= set(alignment.emptied)


def test_it_is_stored_with_its_signs_and_shuffled_with_them(tmp_path):
    graph, _ = compile_regulation(network(EDGES), ["a", "b"], outputs=["out 1", "out/2"])
    graph.save(tmp_path / "graph.npz")
    again = Hierarchy.load(tmp_path / "graph.npz")
    assert again == graph and again.sign_of_relation is not None
    np.testing.assert_array_equal(again.sign_of_relation, graph.sign_of_relation)
    other, _ = compile_regulation(network([edge.replace("+", "-") for edge in EDGES]), ["a", "b"])
    assert other.fingerprint != graph.fingerprint
    null = next(each for each in map(lambda seed: shuffle_genes(graph, seed), range(9)) if each != graph)
    assert null.sign_of_annotation is not None and sorted(null.sign_of_annotation.tolist()) == [-1, 1]


def test_feedback():
    graph, alignment = compile_feedback(network([*EDGES, "Q-P"]), ["b", "a"], outputs=["out 1"])
    assert graph.nodes == ("b_gene", "a_gene", "P", "Q", "out 1")
    assert graph.node_types == ("gene", "gene", "node", "node", "output")
    found = {
        (graph.nodes[a], graph.nodes[b]): s for a, b, s in zip(graph.senders, graph.receivers, graph.sign, strict=True)
    }
    assert found == {("a_gene", "P"): 1, ("b_gene", "P"): -1, ("P", "Q"): 0, ("Q", "P"): -1, ("Q", "out 1"): 1}
    assert alignment.genes == ("b", "a")


def test_errors():
    with pytest.raises(StructureError, match="3 nodes lie on or above a cycle: P, Q, out. .*compile_feedback"):
        compile_regulation(network(["a>P", "P>Q", "Q>P", "Q>out"]))
    with pytest.raises(StructureError, match="1 of 1 edges have no direction"):
        compile_regulation(network(["a>b"], directed=False))
    with pytest.raises(StructureError, match="1 of 2 outputs are no node of the network: nowhere"):
        compile_regulation(network(EDGES), outputs=["nowhere", "out 1"])
    with pytest.raises(StructureError, match="no measured gene reaches 1 of 2 outputs: end"):
        compile_regulation(network(["a>out", "b>end"]), ["a"])
    with pytest.raises(StructureError, match="an edge leaves every node"):
        compile_regulation(network(["a>P", "P>Q", "Q>P"]))
    with pytest.raises(AlignmentError, match="1 of 2 genes in the data reach no output: new"):
        compile_regulation(network(["a>P", "P>out"]), ["new", "a"])
    with pytest.raises(AlignmentError, match="none of the 1 genes of the data is among the 1 inputs"):
        compile_regulation(network(["a>P", "P>out"]), ["x"])
    with pytest.raises(KgnnError, match="unconnected is 'keep'"):
        compile_regulation(network(["a>P", "P>out"]), unconnected="keep")
