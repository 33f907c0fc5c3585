"""``kgnn compile --network`` and ``kgnn info`` on networks: sizes, losses, and one line for a mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgnn.structure import Adjacency
from tests.commands import fail, succeed
from tests.written import small_toy, write_drugcell_text

EDGES = "source,target,weight\nTP53,MDM2,0.9\nMDM2,MDM4,0.5\nATM,TP53,0.8\nX,Y,0.7\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "genes.txt").write_text("MDM2\nTP53\nBRCA1\n\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_network_is_compiled_and_described(folder: Path):
    words = ("compile", "--network", "edges.csv", "--threshold", "0.6", "--genes", "genes.txt")
    found = succeed(*words, "--self-loops", "add", "--normalization", "mean", "--out", "graph.npz", "--json").json()
    adjacency = Adjacency.load(folder / "graph.npz")
    assert (adjacency.nodes, found["nodes"], found["messages"]) == (("MDM2", "TP53"), 2, 3)
    assert found["read"] == {"nodes": 5, "edges": 3}
    assert {(each["what"], each["reason"], each["count"]) for each in found["dropped"]} == {
        ("node", "no edge left: weight below 0.6", 1), ("edge", "weight below 0.6", 1),
        ("gene", "in the data but not in the network: left out", 1), ("node", "in the network but not in the data", 3),
        ("edge", "a gene that is not in the data", 2),
    }  # fmt: skip
    text = succeed(*words, "--out", "graph.npz").out
    assert "1 of the data are not in the network" in text
    assert "2 edges: a gene that is not in the data" in text
    described = succeed("info", "graph.npz", "--json").json()
    assert (described["kind"], described["normalization"]) == ("adjacency", "none")
    assert described["provenance"]["sources"][0]["name"] == "edges.csv"


def test_options_of_reading(folder: Path):
    links = folder / "links.txt"
    links.write_text(
        "protein1 protein2 combined_score\n9606.P1 9606.P2 900\n9606.P2 9606.P3 300\n9606.P4 9606.P5 900\n"
    )
    info = folder / "info.txt"
    info.write_text("#string_protein_id\tpreferred_name\n" + "".join(f"9606.P{n}\tG{n}\n" for n in range(1, 6)))
    words = ("compile", "--network", links, "--names", info, "--threshold", "400", "--largest-component")
    assert succeed(*words, "--out", "graph.npz", "--json").json()["nodes"] == 2
    assert Adjacency.load(folder / "graph.npz").nodes == ("G1", "G2")
    assert "organism 10090" in fail("compile", "--network", links, "--taxon", "10090", "--out", "graph.npz")
    assert "has no channel 'fusion'" in fail("compile", "--network", links, "--channels", "fusion", "--out", "g.npz")


def test_info_on_a_network(folder: Path):
    found = succeed("info", "edges.csv", "--json").json()
    assert (found["kind"], found["nodes"], found["edges"], found["directed"]) == ("network", 6, 4, 4)
    assert (found["components"], found["in_largest"], found["weights"]) == (2, 4, "0.5 to 0.9")
    assert "then       read as a table of directed edges" in succeed("info", "edges.csv").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compile", "--out", "g.npz"), "Missing option '--ontology', or one of --network, --contacts: there is"),
        (("compile", "--network", "edges.csv", "--min-genes", "3", "--out", "g.npz"), "--min-genes does not apply to"),
        (
            ("compile", "--network", "edges.csv", "--ontology", "o.txt", "--out", "g.npz"),
            "--network, --ontology are given: one file is compiled at a time",
        ),
        (
            ("compile", "--ontology", "o.txt", "--signs", "apply", "--out", "g.npz"),
            "--signs does not apply to --ontology",
        ),
        (("compile", "--network", "nowhere.tsv", "--out", "g.npz"), "nowhere.tsv: there is no such file"),
        (("compile", "--network", "edges.csv", "--threshold", "7", "--out", "g.npz"), "edges.csv: no edge is left"),
        (("compile", "--network", "edges.csv", "--format", "xgmml", "--out", "g.npz"), "format is 'xgmml'"),
        (("compile", "--network", "edges.csv", "--signs", "apply", "--out", "g.npz"), "has no signed edge"),
        (("compile", "--network", "edges.csv", "--normalization", "l2", "--out", "g.npz"), "normalization is 'l2'"),
        (("compile", "--network", "o.txt", "--out", "g.npz"), "o.txt: holds a hierarchy in DrugCell's text"),
    ],
)
def test_mistakes(folder: Path, words: tuple[str, ...], message: str):
    write_drugcell_text(small_toy()[0], folder / "o.txt")
    before = {path.name for path in folder.iterdir()}
    assert message in fail(*words)
    assert {path.name for path in folder.iterdir()} == before


def test_a_real_network_damaged_anywhere_is_one_line(folder: Path, shared_data: Path):
    whole = (shared_data / "networks" / "collectri_human.csv.gz").read_bytes()
    for cut in np.random.default_rng(0).integers(1, len(whole), 5).tolist():
        (folder / "cut.csv.gz").write_bytes(whole[:cut])
        message = fail("compile", "--network", "cut.csv.gz", "--out", "g.npz")
        assert message.startswith("cut.csv.gz")
