"""Damaged networks, tables of gene names and of orthologs: an error, or nothing that the whole file does not say.

Without a header nothing tells two columns of names apart: there swapped columns are not tried.
"""

from __future__ import annotations

import gzip
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.knowledge import build_network, read_identifiers, read_network, read_orthologs, write_cx2_network
from kgnn.structure import Adjacency
from tests.commands import run_command
from tests.knowledge import test_identifiers as names
from tests.knowledge import test_network_formats as files
from tests.mutations import LESS, MUTATIONS, REFUSED, SAME, Subject, check


def edges(path: Path) -> frozenset[Hashable]:
    """Everything that an edge says."""
    return frozenset(read_network(path).edges)


def genes(path: Path) -> frozenset[Hashable]:
    """Every name of every gene with another name of it."""
    fields = (dict(zip(gene._fields, gene, strict=True)) for gene in read_identifiers(path).genes)
    pairs = ([(kind, name) for kind, found in each.items() for name in found] for each in fields)
    return frozenset((one, other) for each in pairs for one in each for other in each)


def pairs(path: Path) -> frozenset[Hashable]:
    table = read_orthologs(path)
    return frozenset(frozenset(zip(table.species, pair[:2], strict=True)) for pair in table.pairs)


def cx2() -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.cx2"
        write_cx2_network(build_network(["ATM", "MDM2", "TP53"], [0, 1], [2, 2]), path)
        return path.read_text() + "\n"


HEADER = "source\ttarget\tweight\tinteraction\n"
ARROWS = "Gene1\tGene2\tAnnotation\tDirection\tScore\nATM\tTP53\tactivate\t->\t0.9\nMDM2\tTP53\tinhibit\t-|\t0.8\n"
OMNIPATH = "source\ttarget\tsource_genesymbol\ttarget_genesymbol\tis_directed\tis_stimulation\tis_inhibition\n"
GML = 'graph [\n  node [ id 0 label "ATM" ]\n  node [ id 1 label "TP53" ]\n  edge [ source 0 target 1 weight 0.5 ]\n]\n'
HCOP = "human_symbol\tmouse_symbol\tn_sources\nTP53\tTrp53\t12\nMDM2\tMdm2\t11\nATM\tAtm\t9\n"
SUBJECTS = {
    "string": Subject(files.LINKS.encode(), edges),
    "biogrid": Subject(files.table(files.BIOGRID, *files.BIOGRID_ROWS).encode(), edges),
    "signor": Subject(files.table(files.SIGNOR, *files.SIGNOR_ROWS).encode(), edges),
    "omnipath": Subject(f"{OMNIPATH}P1\tP2\tATM\tTP53\t1\t1\t0\nP3\tP2\tMDM2\tTP53\t1\t0\t1\n".encode(), edges),
    "reactome-fi": Subject(ARROWS.encode(), edges),
    "kpnn": Subject(b"parent,child\nTCR,ZAP70\nZAP70,LAT\nLAT,LAT_gene\n", edges),
    "kgml": Subject(files.KGML.encode(), edges),
    "gml": Subject(GML.encode(), edges),
    "cx2": Subject(cx2().encode(), edges),
    "table": Subject(f"{HEADER}ATM\tTP53\t0.5\tactivation\nMDM2\tTP53\t0.25\tinhibition\n".encode(), edges),
    "sif": Subject(b"ATM\tpp\tTP53\nMDM2\tpp\tTP53\nTP53\tpd\tCDKN1A\n", edges),
    "hgnc": Subject(names.HGNC.encode(), genes),
    "biomart": Subject(b"Gene stable ID\tGene name\nENSG00000141510\tTP53\nENSG00000135679\tMDM2\n", genes),
    "orthologs": Subject(HCOP.encode(), pairs),
}  # fmt: skip
WITHOUT_HEADER = ("sif",)


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("kind", SUBJECTS)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_damaged_texts(kind: str, mutation: str, seed: int):
    if kind in WITHOUT_HEADER and mutation == "columns swapped":
        return
    with TemporaryDirectory() as folder:
        check(SUBJECTS[kind], mutation, Path(folder), seed)


REAL = {
    "string-actions": "networks/string_v11_yeast_actions_score700.tsv.gz",
    "omnipath": "networks/collectri_human.csv.gz",
    "gml": "networks/yeast_biogrid_ppc.gml.gz",
    "table": "networks/humannet90_symbol.txt.gz",
}
N_LINES = 500


@cache
def first_lines(file: Path) -> bytes:
    """The first lines of a table; of GML, one graph with the nodes and edges among the first lines of each."""
    text = gzip.decompress(file.read_bytes()).decode()
    if not file.name.endswith(".gml.gz"):
        return "".join(text.splitlines(keepends=True)[:N_LINES]).encode()
    graph = networkx.parse_gml(text, label="id")
    part = graph.subgraph([node for node in graph if node < N_LINES // 5])
    return ("\n".join(networkx.generate_gml(networkx.Graph(part))) + "\n").encode()


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("file", REAL.values(), ids=REAL)
def test_damaged_copies_of_real_files_on_the_command_line(shared_data: Path, tmp_path: Path, file: str, mutation: str):
    content = first_lines(shared_data / file)
    out = tmp_path / "graph.npz"

    def compiled(content: bytes) -> frozenset[Hashable] | None:
        path = tmp_path / "network.txt"
        path.write_bytes(content)
        ended = run_command("compile", "--network", path, "--signs", "ignore", "--out", out, "--json")
        if ended.code:
            assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
            assert ended.err.startswith(f"error: {path}")
            assert not out.exists()
            return None
        graph = Adjacency.load(out)
        out.unlink()
        ends = ([graph.nodes[node] for node in side] for side in (graph.senders, graph.receivers))
        return frozenset(zip(*ends, graph.weight.tolist(), strict=True))

    whole = compiled(content)
    assert whole
    found = compiled(MUTATIONS[mutation](content, Random(file + mutation)))
    if mutation in REFUSED:
        assert found is None
    if mutation in SAME:
        assert found == whole
    if mutation in LESS and found is not None:
        assert found <= whole
