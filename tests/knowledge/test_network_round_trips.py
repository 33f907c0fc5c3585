"""Network → SIF, CX2 → Network keeps the fingerprint, or the writer says what would be lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import Network, build_network, read_network, read_sif, write_cx2_network, write_sif
from kgnn.knowledge.edges import Coded
from kgnn.knowledge.interactions import interaction_of, meaning_of
from tests.knowledge.networks import edges_of, networks


def weighted() -> Network:
    return build_network(
        ["A", "B", "C"], np.array([0]), np.array([1]), weight=np.array([0.5]), node_types=["gene", "", ""]
    )  # fmt: skip


@given(networks())
@settings(deadline=None)
def test_cx2_and_back(network: Network):
    if not network.nodes:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.cx2"
        write_cx2_network(network, path)
        again = read_network(path)
        assert again == network
        assert again.provenance.transformations[-1] == "read as CX2"


@given(networks())
@settings(deadline=None)
def test_sif_and_back_with_a_second_file(network: Network):
    if not network.n_edges:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.sif"
        assert write_sif(network, path, attributes="file") == ()
        assert read_sif(path) == network


@given(networks(weighted=False))
@settings(deadline=None)
def test_sif_alone_holds_what_its_word_says_and_refuses_the_rest(network: Network):
    if not network.n_edges:
        return
    fits = all(
        (edge.directed, edge.sign, edge.evidence) == meaning_of(interaction_of(edge.directed, edge.sign, edge.evidence))
        for edge in network.edges
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.sif"
        if fits:
            write_sif(network, path)
            assert [file.name for file in Path(folder).iterdir()] == ["network.sif"]
            assert read_sif(path) == network
        else:
            with pytest.raises(KgnnError, match="SIF cannot hold the direction, sign and evidence together of"):
                write_sif(network, path)
            assert list(Path(folder).iterdir()) == []


def test_a_weighted_network_is_not_lost_silently_in_sif(tmp_path: Path):
    path = tmp_path / "network.sif"
    with pytest.raises(KgnnError, match="SIF cannot hold the weights of 1 edges: A -- B; types of 1 nodes: A. Keep"):
        write_sif(weighted(), path)
    dropped = write_sif(weighted(), path, attributes="drop")
    assert [(loss.what, loss.reason, list(loss.names)) for loss in dropped] == [
        ("edge", "weights", ["A -- B"]), ("node", "types", ["A"]),
    ]  # fmt: skip
    assert path.read_text() == "A\tpp\tB\nC\n"
    assert edges_of(read_network(path)) == [("A", "B", 1.0, 0, False, "")]
    with pytest.raises(KgnnError, match="attributes is 'keep', which is not known. Choose one of: drop, error, file"):
        write_sif(weighted(), path, attributes="keep")


def test_the_second_file_of_another_sif_is_refused(tmp_path: Path):
    path = tmp_path / "network.sif"
    write_sif(weighted(), path, attributes="file")
    beside = tmp_path / "network.sif.attributes.json"
    path.write_text("A\tpp\tC\nB\n")
    with pytest.raises(FormatError, match="attributes.json: belongs to another SIF than network.sif"):
        read_sif(path)
    beside.write_text("{}\n")
    with pytest.raises(FormatError, match="attributes.json: holds no attributes of a SIF"):
        read_sif(path)
    write_sif(weighted(), path, attributes="drop")
    assert not beside.exists()


@pytest.mark.parametrize("name", ["a\tb", "a\nb", " "])
def test_names_that_sif_cannot_hold(tmp_path: Path, name: str):
    network = build_network([name, "B"], np.array([0]), np.array([1]))
    with pytest.raises(KgnnError, match="SIF cannot hold the names"):
        write_sif(network, tmp_path / "network.sif")
    with pytest.raises(KgnnError, match="SIF cannot hold the names 'a b'"):
        write_sif(build_network(["a b"]), tmp_path / "network.sif")
    write_sif(build_network(["a_b", "c"]), tmp_path / "network.sif")
    assert read_sif(tmp_path / "network.sif").nodes == ("a_b", "c")


def test_sif_of_others(tmp_path: Path):
    path = tmp_path / "network.sif"
    path.write_text("TP53 controls-expression-of MDM2 CDKN1A\nA in-complex-with B\nlonely\nC inhibits D\n")
    network = read_network(path)
    assert edges_of(network) == [
        ("A", "B", 1.0, 0, False, "in-complex-with"),
        ("C", "D", 1.0, -1, True, ""),
        ("TP53", "CDKN1A", 1.0, 0, True, "controls-expression-of"),
        ("TP53", "MDM2", 1.0, 0, True, "controls-expression-of"),
    ]
    assert "lonely" in network.nodes
    assert read_sif(path, directed=True).directed.all()
    entrez = tmp_path / "entrez.sif"
    entrez.write_text("7157\tpp\t672\n7157\tpp\t4193\n")
    assert edges_of(read_network(entrez)) == [("4193", "7157", 1.0, 0, False, ""), ("672", "7157", 1.0, 0, False, "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A\tpp\tB\nC\tpp\n", "line 2: has two columns where SIF has one name"),
        ("A\tpp\tB\nC\t\tD\n", "line 2: has an empty column"),
        ("A\tpp\tB\nC\tpp\tD", "line 2: the last line has no line end"),
    ],
)
def test_damaged_sif(tmp_path: Path, text: str, message: str):
    path = tmp_path / "network.sif"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_network(path, format="sif")


def cx2(**aspects: object) -> list[dict[str, object]]:
    nodes = [{"id": 0, "v": {"n": "TP53", "r": "uniprot:P04637"}}, {"id": 7, "v": {"n": "MDM2"}}]
    found = {
        "attributeDeclarations": [{"nodes": {"name": {"d": "string", "a": "n"}, "represents": {"a": "r"}},
                                   "edges": {"interaction": {"d": "string", "a": "i", "v": "inhibits"}}}],
        "nodes": nodes, "edges": [{"id": 0, "s": 7, "t": 0}],
    }  # fmt: skip
    return [{"CXVersion": "2.0"}, *({key: value} for key, value in (found | aspects).items())]


def write_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_cx2_of_others_with_short_names_and_declared_values(tmp_path: Path):
    path = write_json(tmp_path / "network.cx2", cx2())
    assert edges_of(read_network(path)) == [("MDM2", "TP53", 1.0, -1, True, "")]
    packed = tmp_path / "network.cx2.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert read_network(packed) == read_network(path)
    with pytest.raises(KgnnError, match="node 7 has no 'represents'. Choose with gene_id= from: name"):
        read_network(path, gene_id="represents")
    weights = cx2(edges=[{"id": 1, "s": 7, "t": 0, "v": {"weight": -0.5, "i": "binds"}}])
    edges = edges_of(read_network(write_json(tmp_path / "weights.cx2", weights)))
    assert edges == [("MDM2", "TP53", 0.5, -1, False, "binds")]
    halves = cx2()
    halves.append({"edges": [{"id": 2, "s": 0, "t": 7}]})
    assert read_network(write_json(tmp_path / "fragments.cx2", halves)).n_edges == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"metaData": []}, {"nodes": []}], "is JSON, but not CX2"),
        ({"nodes": []}, "is JSON, but not CX2"),
        (cx2(nodes=[]), "holds no node"),
        (cx2(edges=[{"id": 3, "s": 0, "t": 1}]), "edge 3 joins a node that is not there"),
        (cx2(edges=[{"id": 3, "s": 0, "t": 7, "v": {"weight": "much"}}]), "edge 3 has a weight that is no number"),
        (cx2(edges=[{"id": 3, "s": 0, "t": 7, "v": {"sign": 5}}]), "or a sign that is not 1, 0 or -1"),
        (cx2(nodes=[{"id": 0, "v": {"n": "A"}}, {"id": 1, "v": {"n": "A"}}]), "several nodes have the name A"),
        (cx2(nodes=["TP53"]), "an element of nodes is not as CX2 has them"),
        (cx2(networkAttributes=[{"kgnn_provenance": "?"}]), "its record of provenance is damaged"),
    ],
)
def test_damaged_cx2(tmp_path: Path, value: object, message: str):
    with pytest.raises(KgnnError, match=message):
        read_network(write_json(tmp_path / "network.cx2", value))


def test_truncated_cx2(tmp_path: Path):
    path = tmp_path / "network.cx2"
    write_cx2_network(weighted(), path)
    path.write_text(path.read_text()[:-30])
    with pytest.raises(FormatError, match="is no whole JSON"):
        read_network(path)


def test_sources_survive_cx2(tmp_path: Path):
    table = tmp_path / "edges.csv"
    table.write_text("# licence: CC0\nsource,target,evidence\nA,B,x\n")
    write_cx2_network(read_network(table), tmp_path / "network.cx2")
    again = read_network(tmp_path / "network.cx2")
    assert [source.name for source in again.provenance.sources] == ["edges.csv", "network.cx2"]
    assert again.provenance.sources[0].licence == "CC0"
    assert Coded(again.evidence, list(again.evidence_names)).labels == ["x"]
