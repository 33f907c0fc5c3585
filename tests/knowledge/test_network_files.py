"""Networks as published: a fact of each source, counts taken another way, and damaged copies."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

import networkx
import numpy as np
import pytest

from kgnn.errors import KgnnError
from kgnn.knowledge import Network, read_network, recognize_network, write_cx2_network, write_sif


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "networks"


@pytest.fixture(scope="module")
def collectri(folder: Path) -> Network:
    return read_network(folder / "collectri_human.csv.gz")


@pytest.fixture(scope="module")
def actions(folder: Path) -> Network:
    return read_network(folder / "string_v11_yeast_actions_score700.tsv.gz")


@pytest.fixture(scope="module")
def biogrid(folder: Path) -> Network:
    return read_network(folder / "yeast_biogrid_ppc.gml.gz")


@pytest.fixture(scope="module")
def humannet(folder: Path) -> Network:
    return read_network(folder / "humannet90_symbol.txt.gz")


def edge(network: Network, source: str, target: str) -> tuple[float, int, bool]:
    ends = network.node_index[source], network.node_index[target]
    (row,) = np.flatnonzero((network.source == ends[0]) & (network.target == ends[1])).tolist()
    return float(network.weight[row]), int(network.sign[row]), bool(network.directed[row])


def test_collectri_p53_activates_p21_and_represses_igf1r(folder: Path, collectri: Network):
    assert edge(collectri, "TP53", "CDKN1A") == (1.0, 1, True)
    assert edge(collectri, "TP53", "IGF1R") == (1.0, -1, True)
    with gzip.open(folder / "collectri_human.csv.gz", "rt") as stream:
        rows = list(csv.DictReader(stream))
    signs = Counter(int(row["weight"]) for row in rows)
    assert (signs[1], signs[-1]) == (35_519, 7_659)
    assert ((collectri.sign > 0).sum(), (collectri.sign < 0).sum()) == (signs[1], signs[-1])
    assert len(np.unique(collectri.source)) == len({row["source"] for row in rows}) == 1_186
    assert len(np.unique(collectri.target)) == len({row["target"] for row in rows}) == 6_692
    graph = networkx.DiGraph((row["source"], row["target"]) for row in rows)
    assert collectri.n_edges == graph.number_of_edges() == 43_178
    assert collectri.losses == ()
    components = sorted(map(len, networkx.weakly_connected_components(graph)), reverse=True)
    assert np.bincount(collectri.component_of_node).tolist() == components
    assert collectri.largest_component().n_nodes == components[0]


def test_string_actions_the_proteasome_binds_and_cln3_inhibition_is_directed(folder: Path, actions: Network):
    with gzip.open(folder / "string_v11_yeast_actions_score700.tsv.gz", "rt") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    expected = set()
    for row in rows:
        a, b = row["item_id_a"][5:], row["item_id_b"][5:]
        directed = row["is_directional"] == "t"
        pair = ((a, b) if row["a_is_acting"] == "t" else (b, a)) if directed else tuple(sorted((a, b)))
        kind = ": ".join(dict.fromkeys(filter(None, (row["mode"], row["action"]))))
        sign = {"activation": 1, "inhibition": -1}.get(kind.split(": ")[-1], 0)
        expected.add((*pair, int(row["score"]) / 1000, sign, directed, kind))
    assert {tuple(each) for each in actions.edges} == expected
    assert (len(expected), len(rows)) == (116_809, 2 * 116_809)  # each action from either protein
    assert actions.losses == ()
    assert (actions.n_nodes, len({frozenset(each[:2]) for each in expected})) == (3_200, 43_064)
    # Mitochondrial cytochrome oxidase: its subunits 1 and 2 bind.
    assert ("Q0045", "Q0250", 0.945, 0, False, "binding") in expected
    assert actions.with_evidence("inhibition", "expression: inhibition").sign.tolist() == [-1] * (246 + 58 + 4)
    assert actions.threshold(0.9).n_edges == sum(each[2] >= 0.9 for each in expected)


def test_biogrid_names_and_contacts(folder: Path, biogrid: Network):
    assert recognize_network(folder / "yeast_biogrid_ppc.gml.gz") == "gml"
    text = gzip.decompress((folder / "yeast_biogrid_ppc.gml.gz").read_bytes()).decode()
    labels = dict(re.findall(r'id (\d+)\s+label "(\S+)  \S+"', text))
    ends = re.findall(r"source (\d+)\s+target (\d+)", text)
    expected = {tuple(sorted((labels[a].upper(), labels[b].upper()))) for a, b in ends}
    assert {(each.source, each.target) for each in biogrid.edges} == expected
    assert (biogrid.n_nodes, biogrid.n_edges, len(ends)) == (5_083, 59_377, 59_377)
    assert "YAL001C" in biogrid.nodes  # TFC3
    repair = (folder.parent / "dcell_yeast" / "GO_0006281_topology.txt").read_text().splitlines()
    genes = {gene for line in repair if line.startswith("GENES:") for gene in line.split()[1:]}
    assert len(genes & set(biogrid.nodes)) == 157


def test_humannet_joins_the_units_of_tfiid(folder: Path, humannet: Network):
    with gzip.open(folder / "humannet90_symbol.txt.gz", "rt") as stream:
        rows = [line.split() for line in stream]
    assert (humannet.n_edges, len(rows), humannet.n_nodes) == (47_595, 47_595, 7_939)
    assert edge(humannet, "GTF2E1", "TAF9") == (2.46285044943, 0, False)
    assert sorted(humannet.weight.tolist()) == sorted(float(row[2]) for row in rows)
    assert not humannet.signed


def test_a_table_without_weights(folder: Path):
    network = read_network(folder / "pynbs_cancer_subnetwork.txt.gz")
    assert (network.n_nodes, network.n_edges, network.weighted, network.losses) == (2_291, 204_453, False, ())
    assert edge(network, "MDM2", "TP53") == (1.0, 0, False)


def test_gene_sets_are_no_network(folder: Path):
    with pytest.raises(KgnnError, match="holds gene sets"):
        read_network(folder / "msigdb_hallmark_v2022.1.gmt")


@pytest.mark.parametrize("name", ["collectri", "humannet", "actions"])
def test_real_networks_through_sif_cx2_and_networkx(name: str, tmp_path: Path, request: pytest.FixtureRequest):
    network = request.getfixturevalue(name)
    if name == "actions":  # a part, to save time
        network = network.threshold(0.98)
    write_sif(network, tmp_path / "network.sif", attributes="file")
    assert (tmp_path / "network.sif.attributes.json").exists() == (name != "collectri")
    write_cx2_network(network, tmp_path / "network.cx2")
    assert read_network(tmp_path / "network.sif") == network
    assert read_network(tmp_path / "network.cx2") == network
    assert Network.from_networkx(network.to_networkx()) == network


# --- damaged copies


FILES = ("collectri_human.csv.gz", "humannet90_symbol.txt.gz", "string_v11_yeast_actions_score700.tsv.gz")


@pytest.fixture(scope="module", params=FILES)
def head(folder: Path, request: pytest.FixtureRequest) -> list[str]:
    """The first 400 lines of a real file."""
    with gzip.open(folder / request.param, "rt") as stream:
        return [next(stream) for _ in range(400)]


def test_a_copy_cut_anywhere_is_refused_unless_it_ends_with_a_line(head: list[str], tmp_path: Path):
    path, whole = tmp_path / "copy", "".join(head).encode()
    complete = set(map(tuple, read(path, whole).edges))
    random = np.random.default_rng(1)
    refused = 0
    for cut in random.integers(len(head[0]) + len(head[1]), len(whole), 60).tolist():
        part = whole[:cut]
        if part.endswith(b"\n"):
            assert set(map(tuple, read(path, part).edges)) <= complete
        else:
            with pytest.raises(KgnnError, match=r"copy, line \d+: "):
                read(path, part)
            refused += 1
    assert refused > 40


def test_a_packed_copy_cut_anywhere_is_refused(head: list[str], tmp_path: Path):
    packed = gzip.compress("".join(head).encode(), mtime=0)
    for cut in np.random.default_rng(2).integers(20, len(packed), 20).tolist():
        with pytest.raises(KgnnError, match="damaged or cut short"):
            read(tmp_path / "copy.gz", packed[:cut])


def test_a_copy_with_other_line_ends_or_repeated_lines_is_the_same_network(head: list[str], tmp_path: Path):
    path, text = tmp_path / "copy", "".join(head)
    network = read(path, text.encode())
    assert read(path, text.replace("\n", "\r\n").encode()) == network
    twice = read(path, (text + "".join(head[-50:])).encode())
    assert twice == network
    assert sum(len(loss.names) for loss in twice.losses) == 50
    assert {loss.reason for loss in twice.losses} == {"repeated in the file"}


def test_a_copy_with_swapped_columns_is_refused(head: list[str], tmp_path: Path):
    delimiter = "," if "," in head[0] else "\t"
    for line in (5, 399):
        cells = head[line].rstrip("\n").split(delimiter)
        swapped = delimiter.join([cells[0], cells[-1], *cells[2:-1], cells[1]]) + "\n"
        text = "".join([*head[:line], swapped, *head[line + 1 :]])
        with pytest.raises(KgnnError, match=rf"line {line + 1}: column .* holds .*, no number"):
            read(tmp_path / "copy", text.encode())


def test_a_copy_in_another_encoding_is_refused(head: list[str], tmp_path: Path):
    text = "".join([*head[:-1], head[-1].replace(head[-1][:2], "Zü", 1)])
    with pytest.raises(KgnnError, match="another encoding than UTF-8"):
        read(tmp_path / "copy", text.encode("latin-1"))
    with pytest.raises(KgnnError, match="is binary, not text|encoding"):
        read(tmp_path / "copy", text.encode("utf-16"))


def read(path: Path, content: bytes) -> Network:
    path.write_bytes(content)
    return read_network(path)
