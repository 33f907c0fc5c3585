"""`compile_adjacency`: a drawing, then its arrays; what is lost is named; padding and files change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, FormatError, KgnnError, StructureError
from kgnn.knowledge import Network, build_network, read_network
from kgnn.knowledge.edges import Coded
from kgnn.structure import Adjacency, Hierarchy, compile_adjacency, graph_matrix
from tests.knowledge.networks import networks


# B -2- A -> C (inhibits, 3)    C -> C (1)    D -0.5- A      A -> C is also stated by another source (1)
def drawing() -> Network:
    source, target = np.array([1, 0, 2, 3, 0]), np.array([0, 2, 2, 0, 2])
    return build_network(
        ["A", "B", "C", "D"], source, target, weight=np.array([2, 3, 1, 0.5, 1]), sign=np.array([1, -1, 1, 0, -1]),
        directed=np.array([False, True, True, False, True]), evidence=Coded(np.array([0, 0, 0, 0, 1]), ["x", "y"]),
    )  # fmt: skip


def entries(adjacency: Adjacency) -> list[tuple[str, str, float]]:
    real = slice(0, adjacency.n_edges)
    columns = (adjacency.senders[real], adjacency.receivers[real], adjacency.weight[real])
    return [(adjacency.nodes[s], adjacency.nodes[r], w) for s, r, w in zip(*(c.tolist() for c in columns), strict=True)]


def test_arrays_of_the_drawing():
    adjacency, alignment = compile_adjacency(drawing())
    assert adjacency.senders.dtype == adjacency.receivers.dtype == np.int32
    assert entries(adjacency) == [
        ("B", "A", 2), ("D", "A", 0.5), ("A", "B", 2), ("A", "C", 3), ("C", "C", 1), ("A", "D", 0.5),
    ]  # fmt: skip
    assert adjacency.sign.tolist() == [1, 0, 1, -1, 1, 0]
    assert adjacency.evidence.tolist() == [0, 0, 0, -1, 0, 0]
    assert (adjacency.n_nodes, adjacency.n_edges, adjacency.n_padded_edges) == (4, 6, 6)
    assert (alignment.genes, alignment.isolated, alignment.losses) == (("A", "B", "C", "D"), (), ())
    assert adjacency.network_fingerprint == drawing().fingerprint


def test_genes_of_the_data_decide_order_and_size():
    adjacency, alignment = compile_adjacency(drawing(), ["C", "E", "A", "F"], unconnected="keep")
    assert adjacency.nodes == ("C", "E", "A", "F")
    assert entries(adjacency) == [("C", "C", 1), ("A", "C", 3)]
    assert (alignment.unconnected, alignment.unmeasured, alignment.isolated) == (("E", "F"), ("B", "D"), ("E", "F"))
    assert [(loss.what, loss.reason, list(loss.names)) for loss in alignment.losses] == [
        ("gene", "in the data but not in the network: kept without an edge", ["E", "F"]),
        ("node", "in the network but not in the data", ["B", "D"]),
        ("edge", "a gene that is not in the data", ["A -- B", "A -- D"]),
    ]
    assert str(alignment) == (
        "4 genes aligned; 2 of the data are not in the network; 2 of the network are not measured; 2 have no edge"
    )
    dropped, _ = compile_adjacency(drawing(), ["C", "E", "A", "F"], unconnected="drop")
    assert dropped.nodes == ("C", "A")


@pytest.mark.parametrize(
    ("genes", "message"),
    [
        (
            ["A", "E", "C"],
            r"1 of 3 genes in the data are not in the network: E. Map them to its identifiers \(such as A",
        ),
        (["X", "Y"], "none of the 2 genes of the data is among the 4 nodes"),
        (["A", "A", "B"], "1 of 2 genes in the data come more than once: A"),
    ],
)
def test_genes_that_do_not_align(genes: list[str], message: str):
    with pytest.raises(AlignmentError, match=message):
        compile_adjacency(drawing(), genes)


def test_self_loops():
    dropped, _ = compile_adjacency(drawing(), self_loops="drop")
    assert all(sender != receiver for sender, receiver, _ in entries(dropped))
    added, _ = compile_adjacency(drawing(), self_loops="add")
    loops = [entry for entry in entries(added) if entry[0] == entry[1]]
    assert loops == [("A", "A", 1), ("B", "B", 1), ("C", "C", 1), ("D", "D", 1)]
    assert added.receivers.tolist() == sorted(added.receivers.tolist())


def test_signs():
    applied, alignment = compile_adjacency(drawing(), signs="apply")
    assert entries(applied) == [("B", "A", 2), ("A", "B", 2), ("A", "C", -3), ("C", "C", 1)]
    assert [(loss.reason, list(loss.names)) for loss in alignment.losses] == [("sign unknown", ["A -- D"])]
    assert alignment.isolated == ("D",)
    inhibiting, alignment = compile_adjacency(drawing(), signs="inhibiting")
    assert entries(inhibiting) == [("A", "C", 3)]
    assert [(loss.reason, len(loss.names)) for loss in alignment.losses] == [("sign unknown", 1), ("not inhibiting", 2)]
    assert entries(compile_adjacency(drawing(), signs="activating")[0])[0] == ("B", "A", 2)
    unsigned = build_network(["A", "B"], np.array([0]), np.array([1]))
    with pytest.raises(KgnnError, match="signs is 'apply', but the network has no signed edge"):
        compile_adjacency(unsigned, signs="apply")


def test_directions_and_parallel_edges():
    assert ("C", "A", 3) in entries(compile_adjacency(drawing(), direction="reverse")[0])
    both = entries(compile_adjacency(drawing(), direction="both")[0])
    assert {("C", "A", 3), ("A", "C", 3)} <= set(both)
    assert ("A", "C", 4) in entries(compile_adjacency(drawing(), parallel="sum")[0])
    kept, _ = compile_adjacency(drawing(), parallel="keep")
    assert [entry for entry in entries(kept) if entry[:2] == ("A", "C")] == [("A", "C", 3), ("A", "C", 1)]
    assert kept.feature_names == ("weight", "sign", "evidence x", "evidence y")
    assert kept.features[3:5].tolist() == [[3, -1, 1, 0], [1, -1, 0, 1]]
    assert {weight for *_, weight in entries(compile_adjacency(drawing(), weighted=False)[0])} == {1}


def test_opposite_signs_of_equal_weight_cancel():
    network = build_network(["A", "B"], np.array([0, 0]), np.array([1, 1]), sign=np.array([1, -1]), directed=True)
    adjacency, _ = compile_adjacency(network, signs="apply")
    assert (adjacency.weight.tolist(), adjacency.sign.tolist()) == ([0], [0])
    assert compile_adjacency(network)[0].weight.tolist() == [1]


def dense(network: Network) -> np.ndarray:
    """Weights from sender (column) to receiver (row), the largest of parallel edges, one entry after the other."""
    found = np.zeros((network.n_nodes, network.n_nodes))
    for edge in network.edges:
        s, r = network.node_index[edge.source], network.node_index[edge.target]
        for a, b in [(s, r)] if edge.directed else [(s, r), (r, s)]:
            found[b, a] = max(found[b, a], edge.weight)
    return found


@given(networks(), st.sampled_from(["none", "symmetric", "random_walk", "mean"]), st.booleans())
@settings(deadline=None)
def test_coefficients_are_those_of_dense_matrices(network: Network, normalization: str, add: bool):
    matrix = dense(network)
    if not (matrix * (1 - np.eye(len(matrix)))).any():
        with pytest.raises(StructureError, match="no edge joins two of the"):
            compile_adjacency(network)
        return
    if add:
        np.fill_diagonal(matrix, 1)
    received, sent = matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = {
            "none": matrix,
            "symmetric": matrix / np.sqrt(received)[:, None] / np.sqrt(sent)[None, :],
            "random_walk": matrix / sent[None, :],
            "mean": matrix / received[:, None],
        }[normalization]
    adjacency, _ = compile_adjacency(network, normalization=normalization, self_loops="add" if add else "keep")
    found = graph_matrix(adjacency).toarray()
    np.testing.assert_allclose(found, np.nan_to_num(expected), atol=1e-12)


def test_padding_and_its_masks():
    adjacency, _ = compile_adjacency(drawing(), normalization="mean", pad_nodes=7, pad_edges=9)
    assert adjacency.senders.tolist()[6:] == adjacency.receivers.tolist()[6:] == [4, 4, 4]
    assert adjacency.weight.tolist()[6:] == adjacency.coefficient.tolist()[6:] == [0, 0, 0]
    assert adjacency.node_mask.tolist() == [True] * 4 + [False] * 3
    assert adjacency.edge_mask.tolist() == [True] * 6 + [False] * 3
    assert not adjacency.features[6:].any()
    assert adjacency.unpadded() == compile_adjacency(drawing(), normalization="mean")[0]
    assert adjacency.pad(8, 9).pad(7, 9) == adjacency
    assert compile_adjacency(drawing(), pad_edges=7)[0].n_padded_nodes == 5
    for sizes in ((4, 7), (3, 6), (9, 5)):
        with pytest.raises(KgnnError, match="4 nodes and 6 edges do not fit into"):
            adjacency.pad(*sizes)


@pytest.mark.parametrize(
    ("option", "value"), [("normalization", "rw"), ("self_loops", True), ("signs", "both"), ("direction", "up"),
                          ("parallel", "mean"), ("unconnected", "zero")],
)  # fmt: skip
def test_unknown_choices(option: str, value: object):
    with pytest.raises(KgnnError, match=f"{option} is {value!r}, which is not known. Choose one of"):
        compile_adjacency(drawing(), **{option: value})


def test_files(tmp_path: Path):
    path = tmp_path / "graph.npz"
    adjacency, _ = compile_adjacency(drawing(), normalization="symmetric", pad_nodes=7, pad_edges=9)
    adjacency.save(path)
    again = Adjacency.load(path)
    assert (again, hash(again), repr(again)) == (adjacency, hash(adjacency), "Adjacency(4 nodes, 6 edges)")
    assert again.provenance == adjacency.provenance
    assert again.provenance.transformations[-1].startswith("compiled to 6 messages between 4 nodes (normalization symm")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="is not a compiled adjacency"):
        Adjacency.load(path)
    path.write_bytes(content)
    with np.load(path, allow_pickle=False) as stored:
        changed = {name: stored[name] for name in stored.files}
    changed["weight"] = changed["weight"] * 2
    np.savez(path, **changed)
    with pytest.raises(FormatError, match="is damaged: its content does not have its fingerprint"):
        Adjacency.load(path)
    with pytest.raises(FormatError, match="is not a compiled hierarchy"):
        Hierarchy.load(path)


def test_string_actions_compile_over_the_genes_of_a_screen(shared_data: Path):
    network = read_network(shared_data / "networks" / "string_v11_yeast_actions_score700.tsv.gz")
    topology = (shared_data / "dcell_yeast" / "GO_0006281_topology.txt").read_text().splitlines()
    genes = sorted({gene for line in topology if line.startswith("GENES:") for gene in line.split()[1:]})
    adjacency, alignment = compile_adjacency(network, genes, unconnected="drop")
    assert (len(genes), adjacency.n_nodes, len(alignment.unconnected)) == (162, 134, 28)
    pairs = {(e.source, e.target) for e in network.edges if {e.source, e.target} <= set(genes)}
    pairs |= {(e.target, e.source) for e in network.edges if not e.directed and {e.source, e.target} <= set(genes)}
    assert {entry[:2] for entry in entries(adjacency)} == pairs
    (lost,) = [loss for loss in alignment.losses if loss.what == "edge"]
    assert len(lost.names) == network.n_edges - sum({e.source, e.target} <= set(genes) for e in network.edges)
