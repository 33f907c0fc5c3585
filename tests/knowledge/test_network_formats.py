"""Readers of networks on small files whose edges can be counted by hand, and what they refuse."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import FormatError, KgnnError, StructureError
from kgnn.knowledge import Network, read_network, read_string_names, recognize_network
from kgnn.knowledge.string_links import CHANNELS, combine_channels
from tests.knowledge.networks import edges_of


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "network.txt") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def pairs(network: Network) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in network.edges]


# --- STRING

LINKS = "protein1 protein2 combined_score\n9606.P1 9606.P2 900\n9606.P2 9606.P1 900\n9606.P2 9606.P3 400\n"
INFO = "#string_protein_id\tpreferred_name\tprotein_size\tannotation\n9606.P1\tTP53\t393\tx\n9606.P2\tMDM2\t491\ty\n"
ALIASES = (
    "#string_protein_id\talias\tsource\n9606.P1\tTP53\tEnsembl_HGNC BioMart_HUGO\n9606.P1\tp53\tUniProt\n"
    "9606.P2\tMDM2\tBioMart_HUGO\n9606.P3\tX\tBioMart_HUGO\n9606.P3\tY\tBioMart_HUGO\n"
)


def test_string_links(write):
    network = read_network(write(LINKS))
    assert edges_of(network) == [("P1", "P2", 0.9, 0, False, ""), ("P2", "P3", 0.4, 0, False, "")]
    assert network.losses == ()
    assert network.node_types == ("protein",) * 3
    assert pairs(read_network(write(LINKS), threshold=700)) == [("P1", "P2")]
    with pytest.raises(KgnnError, match=r"threshold is 0.7, and STRING's scores go up to 1,000.*Give 700"):
        read_network(write(LINKS), threshold=0.7)
    with pytest.raises(StructureError, match=r"network.txt: no edge is left: all 2 have weight below 0.95"):
        read_network(write(LINKS), threshold=950)


def test_string_names_by_info_and_aliases(write):
    links, info, aliases = write(LINKS), write(INFO, "info.txt"), write(ALIASES, "aliases.txt")
    network = read_network(links, names=info)
    assert pairs(network) == [("MDM2", "TP53")]
    assert [(loss.what, loss.reason, list(loss.names)) for loss in network.losses] == [
        ("node", "no name in the table of names", ["9606.P3"]),
        ("edge", "a node no name in the table of names", ["9606.P2 -- 9606.P3"]),
    ]
    assert [source.name for source in network.provenance.sources] == ["network.txt", "info.txt"]
    by_alias = read_network(links, names=aliases, alias_source="BioMart_HUGO")
    assert pairs(by_alias) == [("MDM2", "TP53")]
    assert list(by_alias.losses[0].names) == ["9606.P3"]
    assert by_alias.losses[0].reason == "more than one name in aliases.txt"
    assert read_string_names(aliases)[0] == {"9606.P1": "TP53"}  # Ensembl_HGNC comes first
    with pytest.raises(KgnnError, match=r"has no source 'HGNC'. Choose one with alias_source=: BioMart_HUGO, Ensembl_"):
        read_network(links, names=aliases, alias_source="HGNC")
    with pytest.raises(KgnnError, match="alias_source= has nothing to choose"):
        read_network(links, names=info, alias_source="HGNC")
    with pytest.raises(KgnnError, match="alias_source= chooses from a file of names"):
        read_network(links, alias_source="HGNC")
    with pytest.raises(FormatError, match="is no file of STRING's names"):
        read_network(links, names=links)


def test_string_joins_p53_and_mdm2(write):
    links = "protein1 protein2 combined_score\n9606.ENSP00000269305 9606.ENSP00000258149 999\n"
    info = "#string_protein_id\tpreferred_name\n9606.ENSP00000269305\tTP53\n9606.ENSP00000258149\tMDM2\n"
    network = read_network(write(links), names=write(info, "info.txt"), threshold=900)
    assert edges_of(network) == [("MDM2", "TP53", 0.999, 0, False, "")]


def test_string_of_several_organisms(write):
    path = write(LINKS + "4932.Q 4932.R 800\n")
    with pytest.raises(KgnnError, match="holds proteins of 2 organisms: 4932, 9606. Choose one with taxon="):
        read_network(path)
    assert pairs(read_network(path, taxon=4932)) == [("Q", "R")]
    with pytest.raises(KgnnError, match="no protein of the organism 7227, only of 4932, 9606"):
        read_network(path, taxon=7227)


FULL = (
    "protein1 protein2 neighborhood neighborhood_transferred fusion cooccurence homology coexpression "
    "coexpression_transferred experiments experiments_transferred database database_transferred textmining "
    "textmining_transferred combined_score"
)


def string_score(row: dict[str, float], channels: tuple[str, ...], damped: bool) -> int:
    """STRING's combination, pair by pair, as its help describes it."""
    product = 1.0
    for channel in channels:
        parts = [row[channel], row.get(f"{channel}_transferred", 0.0)]
        without = 1.0
        for part in parts:
            without *= 1 - (max(part / 1000, 0.041) - 0.041) / (1 - 0.041)
        score = 1 - without
        if damped and channel in ("textmining", "cooccurence"):
            score *= 1 - row["homology"] / 1000
        product *= 1 - score
    return int(((1 - product) * (1 - 0.041) + 0.041) * 1000 + 1e-9)


@pytest.mark.parametrize("damped", [False, True])
def test_channels_of_string_are_combined_as_string_does_it(write, damped: bool):
    random, columns = np.random.default_rng(3), FULL.split()[2:-1]
    rows = [dict(zip(columns, random.integers(0, 1000, len(columns)).tolist(), strict=True)) for _ in range(40)]
    lines = [FULL]
    for number, row in enumerate(rows):
        scores = [*row.values(), string_score(row, CHANNELS, damped)]
        lines.append(f"9606.A 9606.B{number:02} {' '.join(map(str, scores))}")
    path = write("".join(f"{line}\n" for line in lines))
    chosen = ("experiments", "textmining", "database")
    network = read_network(path, channels=chosen)
    expected = [string_score(row, chosen, damped) / 1000 for row in rows]
    assert network.weight.tolist() == pytest.approx(expected, abs=1e-9)
    assert ("damped by homology" in network.provenance.transformations[0]) == damped
    assert read_network(path, channels=CHANNELS).weight.tolist() == read_network(path).weight.tolist()


def test_an_edge_without_evidence_in_the_chosen_channels_is_lost_by_name(write):
    header = "protein1 protein2 neighborhood fusion cooccurence coexpression experimental database textmining"
    path = write(f"{header} combined_score\n9606.A 9606.B 0 0 0 0 800 0 0 800\n9606.A 9606.C 0 0 0 0 0 0 500 500\n")
    network = read_network(path, channels="experiments")
    assert edges_of(network) == [("A", "B", 0.8, 0, False, "")]
    assert list(network.losses[-1].names) == ["9606.A -- 9606.C"]
    with pytest.raises(KgnnError, match="channels is 'experimental', which is not known. Choose one of: coexpression"):
        read_network(path, channels="experimental")
    with pytest.raises(KgnnError, match="has no channel 'database', only combined_score"):
        read_network(write(LINKS), channels="database")
    assert combine_channels({"fusion": np.array([0.0])}, ["fusion"]) == pytest.approx([0.041])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINKS.replace("900\n", "\n", 1), r"line 2: column 'combined_score' holds '', no number"),
        (LINKS.replace(" 900\n", "\n", 1), r"line 2: has 2 columns instead of 3"),
        (LINKS.replace("P3 400", "P3 400 9606.P3"), r"line 4: has 4 columns"),
        (LINKS.replace("9606.P2 9606.P3 400", "9606.P2 400 9606.P3"), r"line 4: column .* holds '9606.P3', no number"),
        (LINKS.replace("400", "4000"), r"line 4: column 'combined_score' holds 4000, and STRING's scores lie"),
        (LINKS[:-1], r"line 4: the last line has no line end"),
        (LINKS[:-10], r"line 4: (the last line has no line end|has 2 columns)"),
        (LINKS.replace("9606.P3", ""), r"line 4: names nothing in the column 'protein2'"),
        ("protein1 protein2 combined_score\n", "has no rows below its header"),
    ],
)
def test_a_damaged_file_of_links_is_refused_with_its_line(write, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_network(write(text))


def test_blank_lines_carriage_returns_and_a_byte_order_mark_change_nothing(write, tmp_path: Path):
    plain = read_network(write(LINKS))
    for text in (LINKS.replace("\n", "\r\n"), LINKS.replace("\n", "\n\n", 2), "﻿" + LINKS, LINKS + "\r\n\n"):
        (tmp_path / "other.txt").write_bytes(text.encode())
        assert read_network(tmp_path / "other.txt") == plain
    (tmp_path / "blank.txt").write_bytes((LINKS.replace("\n", "\n\n", 2) + "9606.P9 9606.P1 x\n").encode())
    with pytest.raises(FormatError, match="line 7: column 'combined_score' holds 'x'"):
        read_network(tmp_path / "blank.txt")


def test_other_encodings_binaries_and_cut_archives(tmp_path: Path):
    path = tmp_path / "links.txt"
    many = LINKS + "".join(f"9606.P{n} 9606.P{n + 1} 500\n" for n in range(30_000))
    path.write_bytes(many.encode() + "9606.Pé 9606.P1 500\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"line 30005: is text in another encoding than UTF-8"):
        read_network(path)
    path.write_bytes(many.encode("utf-16"))
    with pytest.raises(FormatError, match="is binary, not text"):
        read_network(path)
    path.write_bytes(many.encode() + b"9606.P\0 9606.P1 500\n")
    with pytest.raises(FormatError, match="line 30005: is binary"):
        read_network(path)
    whole = gzip.compress(many.encode(), mtime=0)
    path.write_bytes(whole)
    assert read_network(path).n_edges == 30_000
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="the compressed file is damaged or cut short"):
        read_network(path)


# --- other published tables

BIOGRID = (
    "#BioGRID Interaction ID\tEntrez Gene Interactor A\tEntrez Gene Interactor B\tSystematic Name Interactor A\t"
    "Systematic Name Interactor B\tOfficial Symbol Interactor A\tOfficial Symbol Interactor B\tExperimental System\t"
    "Experimental System Type\tOrganism ID Interactor A\tOrganism ID Interactor B\tScore"
)
BIOGRID_ROWS = (
    "1\t850\t851\tYAL001C\tYBR002W\tTFC3\tRER2\tTwo-hybrid\tphysical\t559292\t559292\t-",
    "2\t851\t850\tYBR002W\tYAL001C\tRER2\tTFC3\tTwo-hybrid\tphysical\t559292\t559292\t-",
    "3\t850\t851\tYAL001C\tYBR002W\tTFC3\tRER2\tTwo-hybrid\tphysical\t559292\t559292\t-",
    "4\t850\t852\tYAL001C\t-\tTFC3\tXYZ1\tSynthetic Lethality\tgenetic\t559292\t559292\t0.5",
)


def table(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_biogrid(write):
    path = write(table(BIOGRID, *BIOGRID_ROWS))
    network = read_network(path)
    assert edges_of(network) == [
        ("RER2", "TFC3", 1.0, 0, False, "physical: Two-hybrid"),
        ("TFC3", "XYZ1", 1.0, 0, False, "genetic: Synthetic Lethality"),
    ]
    assert [(loss.reason, list(loss.names)) for loss in network.losses] == [("repeated in the file", ["RER2 -- TFC3"])]
    assert pairs(read_network(path, evidence="physical")) == [("RER2", "TFC3")]
    systematic = read_network(path, gene_id="systematic")
    assert pairs(systematic) == [("YAL001C", "YBR002W")]
    assert systematic.losses[0].reason == "a gene without a systematic name"
    assert pairs(read_network(path, gene_id="entrez"))[0] == ("850", "851")
    with pytest.raises(KgnnError, match="gene_id is 'ensembl', which is not known. Choose one of: entrez, symbol"):
        read_network(path, gene_id="ensembl")


def test_biogrid_tells_binding_from_synthetic_lethality(write):
    end = "559292\t559292\t-"
    rows = (
        f"1\t-\t-\tYER095W\tYML032C\tRAD51\tRAD52\tTwo-hybrid\tphysical\t{end}",
        f"2\t-\t-\tYKL113C\tYML032C\tRAD27\tRAD52\tSynthetic Lethality\tgenetic\t{end}",
    )
    path = write(table(BIOGRID, *rows))
    assert pairs(read_network(path, evidence="physical")) == [("RAD51", "RAD52")]
    assert pairs(read_network(path, evidence="genetic", gene_id="systematic")) == [("YKL113C", "YML032C")]


def test_biogrid_of_several_organisms(write):
    human = BIOGRID_ROWS[0].replace("559292", "9606", 1)
    path = write(table(BIOGRID, *BIOGRID_ROWS, human))
    with pytest.raises(KgnnError, match="holds genes of 2 organisms: 559292, 9606.*taxon="):
        read_network(path)
    network = read_network(path, taxon=559292)
    assert network.losses[0][1:] == ("a gene of another organism than 559292", ("row 5",))
    with pytest.raises(KgnnError, match="holds no gene of the organism 10090"):
        read_network(path, taxon=10090)
    with pytest.raises(FormatError, match="has no column official symbol interactor b in its header"):
        read_network(write(table(BIOGRID.replace("Official Symbol Interactor B\t", ""))), format="biogrid")


def test_reactome_functional_interactions_have_the_direction_of_their_arrows(write):
    arrows = ("->", "-|", "<-", "|-", "-", "<->", "|->", "<-|")
    rows = [f"A\tB{number}\tx\t{arrow}\t0.9" for number, arrow in enumerate(arrows)]
    network = read_network(write(table("Gene1\tGene2\tAnnotation\tDirection\tScore", *rows)))
    assert [(edge.source, edge.target, edge.sign) for edge in network.edges if edge.directed] == [
        ("A", "B0", 1), ("A", "B1", -1), ("A", "B5", 1), ("A", "B6", 1), ("A", "B7", -1),
        ("B2", "A", 1), ("B3", "A", -1), ("B5", "A", 1), ("B6", "A", -1), ("B7", "A", 1),
    ]  # fmt: skip
    assert [(edge.source, edge.target, edge.sign) for edge in network.edges if not edge.directed] == [("A", "B4", 0)]
    with pytest.raises(FormatError, match="'direction' holds 'x', no arrow"):
        read_network(write(table("Gene1\tGene2\tAnnotation\tDirection\tScore", "A\tB\t->\tx\t0.9")))


SIGNOR = "ENTITYA\tTYPEA\tIDA\tDATABASEA\tENTITYB\tTYPEB\tIDB\tDATABASEB\tEFFECT\tMECHANISM\tTAX_ID\tSCORE"
SIGNOR_ROWS = (
    "MDM2\tprotein\tQ00987\tUNIPROT\tTP53\tprotein\tP04637\tUNIPROT\tdown-regulates quantity\tubiquitination\t9606"
    "\t0.9",
    "ATM\tprotein\tQ13315\tUNIPROT\tTP53\tprotein\tP04637\tUNIPROT\tup-regulates activity\tphosphorylation\t9606\t0.7",
    "TP53\tprotein\tP04637\tUNIPROT\tApoptosis\tphenotype\tSIGNOR-PH2\tSIGNOR\tup-regulates\t\t-1\t",
)


def test_signor(write):
    path = write(table(SIGNOR, *SIGNOR_ROWS))
    network = read_network(path)
    assert edges_of(network) == [
        ("ATM", "TP53", 0.7, 1, True, "up-regulates activity: phosphorylation"),
        ("MDM2", "TP53", 0.9, -1, True, "down-regulates quantity: ubiquitination"),
        ("TP53", "Apoptosis", 0.7, 1, True, "up-regulates"),
    ]
    assert dict(zip(network.nodes, network.node_types, strict=True))["Apoptosis"] == "phenotype"
    assert "1 relations have no score: taken as 0.7" in network.provenance.transformations
    assert pairs(read_network(path, gene_id="id", taxon=9606)) == [("Q00987", "P04637"), ("Q13315", "P04637")]
    with pytest.raises(FormatError, match="'EFFECT' holds 'phosphorylation', which is none of SIGNOR's effects"):
        swapped = SIGNOR_ROWS[1].replace("up-regulates activity\tphosphorylation", "phosphorylation\tup-regulates")
        read_network(write(table(SIGNOR, swapped)))


def test_omnipath(write):
    header = "source,target,source_genesymbol,target_genesymbol,is_directed,is_stimulation,is_inhibition"
    consensus = ",consensus_direction,consensus_stimulation,consensus_inhibition,type"
    rows = (
        "P1,P2,A,B,True,True,False,True,True,False,post_translational",
        "P2,P1,B,A,True,True,True,True,False,True,post_translational",
        "P1,COMPLEX:P2_P3,A,COMPLEX:B_C,0,0,0,0,0,0,transcriptional",
    )
    path = write(table(header + consensus, *rows))
    network = read_network(path)
    assert edges_of(network) == [
        ("A", "B", 1.0, 1, True, "post_translational"),
        ("A", "COMPLEX:B_C", 1.0, 0, False, "transcriptional"),
        ("B", "A", 1.0, -1, True, "post_translational"),
    ]
    assert network.node_types == ("protein", "protein", "complex")
    assert pairs(read_network(path, gene_id="uniprot"))[1] == ("P1", "P2")
    with pytest.raises(FormatError, match="'is_directed' holds 'yep', neither true nor false"):
        read_network(write(table(header, "P1,P2,A,B,yep,1,0")))
    with pytest.raises(KgnnError, match="gene_id is 'symbol'.*Choose one of: uniprot"):
        bare = "source\ttarget\tis_directed\tis_stimulation\tis_inhibition"
        read_network(write(table(bare, "P1\tP2\t1\t1\t0")), gene_id="symbol")


def test_omnipath_egf_stimulates_its_receptor_and_mdm2_inhibits_p53(write):
    header = "source\ttarget\tsource_genesymbol\ttarget_genesymbol\tis_directed\tis_stimulation\tis_inhibition"
    rows = ("P01133\tP00533\tEGF\tEGFR\t1\t1\t0", "Q00987\tP04637\tMDM2\tTP53\t1\t0\t1")
    path = write(table(header, *rows))
    assert edges_of(read_network(path)) == [("EGF", "EGFR", 1.0, 1, True, ""), ("MDM2", "TP53", 1.0, -1, True, "")]
    assert pairs(read_network(path, gene_id="uniprot"))[0] == ("P01133", "P00533")


def test_kpnn_edges_go_from_child_to_parent(write):
    network = read_network(write("parent,child\nTCR,ZAP70\nZAP70,LAT\nLAT,LAT_gene\n"))
    assert pairs(network) == [("LAT", "ZAP70"), ("LAT_gene", "LAT"), ("ZAP70", "TCR")]
    assert network.directed.all()
    assert network.node_types == ("node", "gene", "output", "node")


KGML = """<?xml version="1.0"?>
<!DOCTYPE pathway SYSTEM "https://www.kegg.jp/kegg/xml/KGML_v0.7.2_.dtd">
<pathway name="path:hsa04115" org="hsa" number="04115" title="p53 signaling pathway">
  <entry id="1" name="hsa:7157" type="gene"><graphics name="TP53, BCC7" type="rectangle"/></entry>
  <entry id="2" name="hsa:4193 hsa:4194" type="gene"><graphics name="MDM2, HDMX..." type="rectangle"/></entry>
  <entry id="3" name="path:hsa04210" type="map"><graphics name="Apoptosis" type="roundrectangle"/></entry>
  <entry id="4" name="hsa:596" type="gene"><graphics name="BCL2" type="rectangle"/></entry>
  <entry id="5" name="undefined" type="group"><component id="1"/><component id="4"/></entry>
  <relation entry1="2" entry2="1" type="PPrel"><subtype name="inhibition" value="--|"/></relation>
  <relation entry1="1" entry2="3" type="maplink"><subtype name="compound" value="9"/></relation>
  <relation entry1="4" entry2="1" type="PPrel"><subtype name="binding/association" value="---"/></relation>
  <relation entry1="2" entry2="5" type="GErel"><subtype name="expression" value="--&gt;"/></relation>
</pathway>
"""


def test_kgml(write):
    pytest.importorskip("Bio", reason="Biopython is not installed")
    path = write(KGML)
    network = read_network(path)
    assert [edge[:2] + edge[3:] for edge in edges_of(network)] == [
        ("4193", "596", 1, True, "GErel: expression"),
        ("4193", "7157", 1, True, "GErel: expression"),
        ("4193", "7157", -1, True, "PPrel: inhibition"),
        ("4194", "596", 1, True, "GErel: expression"),
        ("4194", "7157", 1, True, "GErel: expression"),
        ("4194", "7157", -1, True, "PPrel: inhibition"),
        ("596", "7157", 0, False, "PPrel: binding/association"),
    ]
    assert network.losses[0][1:] == ("a relation with the map of another pathway", ("hsa:7157 maplink path:hsa04210",))
    assert set(read_network(path, gene_id="label").nodes) == {"MDM2", "TP53", "BCL2"}
    with pytest.raises(FormatError, match="is no whole XML"):
        read_network(write(KGML[:700]))
    with pytest.raises(FormatError, match="is XML, but no KGML"):
        read_network(write(KGML.replace('entry2="5"', 'entry2="77"')))
    with pytest.raises(FormatError, match="is XML, but no KGML|holds no relation"):
        read_network(write("<html><body>not found</body></html>\n"))


# --- plain tables


def test_a_table_without_a_header_loses_no_line(write):
    network = read_network(write("TP53\tMDM2\t0.9\nMDM2\tMDM4\t0.5\n"))
    assert edges_of(network) == [("MDM2", "MDM4", 0.5, 0, False, ""), ("MDM2", "TP53", 0.9, 0, False, "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gene1,gene2\nA,B\n", [("A", "B", 1.0, 0, False, "")]),
        ("from\tto\tscore\nB\tA\t2\n", [("B", "A", 2.0, 0, True, "")]),
        ("TF,gene,mor\nB,A,-0.5\n", [("B", "A", 0.5, -1, True, "")]),
        ("source;target;sign\nB;A;inhibition\n", [("B", "A", 1.0, -1, True, "")]),
        ("node_a node_b   evidence\nA B   y2h\n", [("A", "B", 1.0, 0, False, "y2h")]),
        ('"source","target","weight"\n"x, y","B",3\n', [("x, y", "B", 3.0, 0, True, "")]),
        ("# a comment\n# licence: CC0\nA B\n", [("A", "B", 1.0, 0, False, "")]),
        ("Entrez Gene\tGene symbol\tcount\nA\tB\t7\n", [("A", "B", 7.0, 0, False, "")]),
        ("target,weight,source\nA,2,B\n", [("B", "A", 2.0, 0, True, "")]),
    ],
)
def test_headers_of_tables(write, text: str, expected: list):
    assert edges_of(read_network(write(text), format="table")) == expected


def test_direction_and_sign_can_be_said(write):
    path = write("A\tB\t1\nB\tC\t2\n")
    assert read_network(path, directed=True).directed.all()
    assert read_network(path, signed=True).sign.tolist() == [1, 1]
    assert read_network(write("a\tb\tweight\nA\tB\t-1\n"), signed=False).sign.tolist() == [0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,target,weight\nA,B,1\nA,0.5,C\n", "line 3: column 'weight' holds 'C', no number"),
        ("source,target,weight\nA,B,nan\n", "line 2: column 'weight' holds 'nan', no number"),
        ("source,target,sign\nA,B,maybe\n", "column 'sign' holds 'maybe', no sign"),
        ("source,target,target\nA,B,C\n", "the header names 'target' twice"),
        ("A\tB\t1\t2\nB\tC\t1\t2\n", "has 4 columns and no header that names two of them as nodes"),
        ("A\nB\n", "is in none of the formats string, string-actions"),
        ("# only\n", "holds comments only, no edge"),
        ('A,"B,1\nC,D,1\n', "line 1: a quotation mark has no match in its line"),
        ("ROOT\tA\tdefault\nA\tTP53\tgene\n", "holds a hierarchy in DrugCell's text"),
        ("[Term]\nid: GO:1\n", "holds an ontology or annotations|is no whole JSON"),
        ("S1\tna\tA\tB\tC\nS2\tna\tB\tC\tD\n", "holds gene sets"),
    ],
)
def test_what_is_no_table_of_edges(write, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_network(write(text))


def test_formats_are_recognized_and_choices_named(write):
    assert recognize_network(write("A\tpp\tB\nB\tpp\tC\tD\n")) == "sif"
    assert recognize_network(write("A\tB\tC\n")) == "sif"  # one word between two names
    assert recognize_network(write("A\tB\tx\nB\tC\tx\n")) == "table"
    assert recognize_network(write('[{"CXVersion": "2.0"}]\n')) == "cx2"
    with pytest.raises(KgnnError, match="format is 'graphml', which is not known. Choose one of: biogrid, cx2"):
        read_network(write("A\tB\n"), format="graphml")
    with pytest.raises(KgnnError, match="taxon= does not apply to the format table"):
        read_network(write("A\tB\n"), taxon=9606)
    with pytest.raises(FormatError, match="has not the header of STRING's links"):
        read_network(write("A\tB\n"), format="string")
    with pytest.raises(FormatError, match="has not the header of STRING's actions"):
        read_network(write("A\tB\n"), format="string-actions")


def test_gml(write):
    text = 'graph [\n  node [ id 0 label "yal001c  tfc3" ]\n  node [ id 1 label "ybr002w  rer2" ]\n'
    path = write(text + "  edge [ source 0 target 1 weight 0.5 ]\n]\n")
    assert edges_of(read_network(path)) == [("YAL001C", "YBR002W", 0.5, 0, False, "")]
    assert pairs(read_network(path, gene_id="symbol")) == [("RER2", "TFC3")]
    assert pairs(read_network(path, gene_id="label")) == [("yal001c  tfc3", "ybr002w  rer2")]
    with pytest.raises(FormatError, match="is no whole graph in GML"):
        read_network(write(text))
    with pytest.raises(StructureError, match="the nodes 0 and 1 have the same name, 'X'"):
        read_network(write('graph [ node [ id 0 label "X" ] node [ id 1 label "X" ] ]\n'), format="gml")
    with pytest.raises(KgnnError, match="'X' is not two names"):
        read_network(write('graph [ node [ id 0 label "X" ] ]\n'), format="gml", gene_id="symbol")
