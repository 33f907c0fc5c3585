"""`Network`: one edge for what a file says twice, and cuts that count what they lose."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import FormatError, KgnnError, StructureError
from kgnn.knowledge import Network, build_network, from_networkx, to_networkx
from kgnn.knowledge.edges import OTHER_WEIGHT, REPEATED, Coded
from tests.knowledge.networks import edges_of, networks

# A -0.9- B -0.2- C    D -0.5-> E    F (alone)
#  \------0.4----/
NAMES = ["A", "B", "C", "D", "E", "F"]


def drawing() -> Network:
    source, target = np.array([0, 1, 2, 3]), np.array([1, 2, 0, 4])
    return build_network(
        NAMES, source, target, weight=np.array([0.9, 0.2, 0.4, 0.5]), directed=np.array([False, False, False, True]),
        evidence=Coded(np.array([0, 1, 1, 2]), ["physical: Two-hybrid", "physical: Far Western", "genetic"]),
        sign=np.array([0, 0, 0, -1]), node_types=["gene"] * 5 + ["complex"],
    )  # fmt: skip


def lost(network: Network) -> dict[tuple[str, str], list[str]]:
    return {(loss.what, loss.reason): list(loss.names) for loss in network.losses}


def test_arrays_of_the_drawing():
    network = drawing()
    assert network.nodes == tuple(NAMES)
    assert network.source.tolist() == [0, 0, 1, 3]
    assert network.target.tolist() == [1, 2, 2, 4]
    assert network.weight.tolist() == [0.9, 0.4, 0.2, 0.5]
    assert network.sign.tolist() == [0, 0, 0, -1]
    assert network.directed.tolist() == [False, False, False, True]
    assert network.evidence_names == ("genetic", "physical: Far Western", "physical: Two-hybrid")
    assert (network.weighted, network.signed, repr(network)) == (True, True, "Network(6 nodes, 4 edges)")
    assert network.component_of_node.tolist() == [0, 0, 0, 1, 1, 2]


def test_a_row_in_both_directions_is_one_edge_and_a_repeated_row_is_counted():
    source, target = np.array([0, 1, 0, 0, 1]), np.array([1, 0, 1, 2, 2])
    network = build_network(NAMES[:3], source, target, weight=np.array([1.0, 1.0, 1.0, 2.0, 3.0]))
    assert edges_of(network)[0] == ("A", "B", 1.0, 0, False, "")
    assert lost(network) == {("edge", REPEATED): ["A -- B"]}


def test_of_two_weights_the_larger_is_kept_and_the_dispute_is_counted():
    network = build_network(["B", "A"], np.array([0, 1]), np.array([1, 0]), weight=np.array([0.5, 0.7]))
    assert edges_of(network) == [("A", "B", 0.7, 0, False, "")]
    assert lost(network) == {("edge", OTHER_WEIGHT): ["A -- B"]}


def test_directions_signs_and_evidence_keep_edges_apart():
    source, target = np.array([0, 1, 0, 0]), np.array([1, 0, 1, 1])
    sign, evidence = np.array([1, 1, -1, 1]), Coded(np.array([0, 0, 0, 1]), ["x", "y"])
    network = build_network(["A", "B"], source, target, sign=sign, directed=True, evidence=evidence)
    assert [edge[:2] + edge[3:] for edge in edges_of(network)] == [
        ("A", "B", -1, True, "x"), ("A", "B", 1, True, "x"), ("A", "B", 1, True, "y"), ("B", "A", 1, True, "x"),
    ]  # fmt: skip
    assert network.losses == ()


def test_threshold():
    network = drawing().threshold(0.4)
    assert [edge[:2] for edge in edges_of(network)] == [("A", "B"), ("A", "C"), ("D", "E")]
    assert lost(network) == {("edge", "weight below 0.4"): ["B -- C"]}
    strict = drawing().threshold(0.5)
    assert strict.nodes == ("A", "B", "D", "E", "F")
    assert lost(strict) == {
        ("node", "no edge left: weight below 0.5"): ["C"],
        ("edge", "weight below 0.5"): ["A -- C", "B -- C"],
    }
    with pytest.raises(StructureError, match=r"all 4 have weight below 1 \(weights lie between 0.2 and 0.9\)"):
        drawing().threshold(1)


def test_largest_component():
    network = drawing().largest_component()
    assert network.nodes == ("A", "B", "C")
    assert lost(network)["node", "outside the largest component"] == ["D", "E", "F"]
    assert lost(network)["edge", "a node outside the largest component"] == ["D -> E"]
    assert network.provenance.transformations == ("kept the largest component",)


def test_restrict():
    network = drawing().restrict(["C", "A", "nobody"])
    assert edges_of(network) == [("A", "C", 0.4, 0, False, "physical: Far Western")]
    assert network.evidence_names == ("physical: Far Western",)
    assert lost(network)["gene", "not in the network"] == ["nobody"]
    assert len(lost(network)["edge", "a node not among the chosen genes"]) == 3
    with pytest.raises(StructureError, match="none of the 1 genes is among the 6 nodes"):
        drawing().restrict(["ENSG00000141510"])


def test_evidence():
    assert drawing().with_evidence("physical").n_edges == 3
    assert drawing().with_evidence("physical: Two-hybrid", "genetic").n_edges == 2
    with pytest.raises(KgnnError, match=r"evidence 'phys' is not in the network. Choose from: 'genetic'"):
        drawing().with_evidence("phys")


def test_renamed_nodes_that_become_one_join_their_edges():
    network = drawing().renamed({"A": "X", "B": "X", "C": "Y", "D": "Z"})
    assert network.nodes == ("X", "Y", "Z")
    assert [edge[:3] for edge in edges_of(network)] == [("X", "X", 0.9), ("X", "Y", 0.4)]
    assert lost(network)["node", "no name in the table of names"] == ["E", "F"]
    assert lost(network)["edge", OTHER_WEIGHT] == ["X -- Y"]
    with pytest.raises(StructureError, match="none of the 6 nodes has a new name"):
        drawing().renamed({"TP53": "p53"})


def test_names_of_lost_edges_are_a_sequence():
    names = drawing().threshold(0.5).losses[-1].names
    assert (len(names), names[1], list(names[:1]), names[-1]) == (2, "B -- C", ["A -- C"], "B -- C")


def test_a_table_of_edges():
    frame = drawing().to_frame()
    assert list(frame.columns) == ["source", "target", "weight", "sign", "directed", "evidence"]
    assert frame.loc[3].tolist() == ["D", "E", 0.5, -1, True, "genetic"]


@given(networks(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_rows_changes_nothing(network: Network, random):
    order = list(range(network.n_edges))
    random.shuffle(order)
    rows = np.array(order, dtype=np.int64)
    turned = np.array([random.random() < 0.5 for _ in order], dtype=bool) & ~network.directed[rows]
    ends = (network.source[rows], network.target[rows])
    again = build_network(
        network.nodes, np.where(turned, ends[1], ends[0]), np.where(turned, ends[0], ends[1]),
        weight=network.weight[rows], sign=network.sign[rows], directed=network.directed[rows],
        evidence=Coded(network.evidence[rows], list(network.evidence_names)), node_types=network.node_types,
    )  # fmt: skip
    assert (again.fingerprint, again.losses) == (network.fingerprint, ())
    assert again == network
    assert hash(again) == hash(network)


@given(networks())
@settings(deadline=None)
def test_fingerprints_tell_networks_apart(network: Network):
    if network.n_edges:
        heavier = build_network(
            network.nodes, network.source, network.target, weight=network.weight + 1, sign=network.sign,
            directed=network.directed, evidence=Coded(network.evidence, list(network.evidence_names)),
            node_types=network.node_types,
        )  # fmt: skip
        assert heavier != network


@given(networks())
@settings(deadline=None)
def test_networkx_and_back(network: Network):
    graph = to_networkx(network)
    assert graph.number_of_edges() == network.n_edges
    assert Network.from_networkx(graph) == network


def test_graphs_of_others():
    graph = networkx.Graph([(1, 2, {"weight": -2.0}), (2, "three", {"weight": 1.5, "interaction": "binds"})])
    assert edges_of(from_networkx(graph)) == [("1", "2", 2.0, -1, False, ""), ("2", "three", 1.5, 1, False, "binds")]
    assert isinstance(to_networkx(drawing()), networkx.DiGraph)
    with pytest.raises(StructureError, match="have the same name or none: '1'"):
        from_networkx(networkx.Graph([(1, "1")]))
    with pytest.raises(FormatError, match="'weight' of an edge is 'heavy', no number"):
        from_networkx(networkx.Graph([("A", "B", {"weight": "heavy"})]))
    with pytest.raises(FormatError, match="'sign' of an edge is not 1, 0 or -1"):
        from_networkx(networkx.Graph([("A", "B", {"sign": 2})]))
