"""KEGG's BRITE text and KGML, written here in the form of KEGG's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import Annotation, Loss, Relation, Term, read_ontology

GENES = """+D\tGENES\tKO
#<h2><a href="/kegg/kegg2.html"><img src="/Fig/bget/kegg3.gif"></a>&nbsp; KEGG Orthology - Homo sapiens</h2>
!
A09100 Metabolism
B
B  09101 Carbohydrate metabolism
C    00010 Glycolysis / Gluconeogenesis [PATH:hsa00010]
D      3101 HK3; hexokinase 3\tK00844 HK; hexokinase [EC:2.7.1.1]
D      130589 GALM, IBD1; galactose mutarotase\tK01785 galM; aldose 1-epimerase
D      100 hypothetical\tK00001 x; y
C    00020 Citrate cycle (TCA cycle) [PATH:hsa00020]
D      1431 CS; citrate synthase\tK01647 CS; citrate synthase
A09140 Cellular Processes
B  Others
C    Others
B  09143 Cell growth and death
C    04210 Apoptosis [PATH:hsa04210]
D      637 BID; BH3 interacting domain death agonist\tK04726 BID; BH3
!
#
#[ KO | BRITE | KEGG2 | KEGG ]
#Last updated: November 4, 2021
"""
MAPS = (
    "+C\tMap number\n!\nA<b>Metabolism</b>\nB  Carbohydrate\nC    00010  Glycolysis\nB  Energy\nC    00190  OXPHOS\n!\n"
)


def written(folder: Path, text: str, name: str = "hsa00001.keg") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_classes_pathways_and_genes(tmp_path: Path):
    ontology = read_ontology(written(tmp_path, GENES))
    assert ontology.roots == ("KEGG",)
    assert ontology.terms["hsa00010"] == Term("hsa00010", "Glycolysis / Gluconeogenesis")
    assert Relation("hsa00010", "09101", "part_of") in ontology.relations
    assert Relation("09101", "09100", "part_of") in ontology.relations
    assert ontology.direct_genes["hsa00010"] == {"HK3", "GALM", "100"}
    assert ontology.gene_sets["09140"] == {"BID"}
    assert ontology.provenance.sources[0].release == "November 4, 2021"
    assert "Homo sapiens" in ontology.terms["KEGG"].name


def test_genes_by_id(tmp_path: Path):
    ontology = read_ontology(written(tmp_path, GENES), gene_id="id")
    assert ontology.direct_genes["hsa00010"] == {"3101", "130589", "100"}
    with pytest.raises(KgnnError, match="gene_id is 'synonym'"):
        read_ontology(written(tmp_path, GENES), gene_id="synonym")


def test_maps_take_their_genes_from_gene_sets(tmp_path: Path):
    sets = written(tmp_path, "hsa00010_Glycolysis\tNA\tHK1\tHK2\nhsa00190_OXPHOS\tNA\tNDUFA1\n", "kegg.gmt")
    ontology = read_ontology(written(tmp_path, MAPS, "br08901.keg"), sets, species="hsa")
    assert ontology.terms["Metabolism"].name == "Metabolism"
    assert ontology.gene_sets["Metabolism"] == {"HK1", "HK2", "NDUFA1"}
    assert ontology.gene_sets["Carbohydrate"] == {"HK1", "HK2"}


def test_orthologs_are_named_by_their_k_numbers(tmp_path: Path):
    text = "+D\tKO\n!\nA09100 Metabolism\nB  09101 Carbohydrate\nC    00010 Glycolysis [PATH:ko00010]\n"
    text += "D      K00844  HK; hexokinase [EC:2.7.1.1]\nC    K00845  glk; glucokinase\n!\n"
    ontology = read_ontology(written(tmp_path, text))
    assert ontology.annotations == (Annotation("K00844", "ko00010"), Annotation("K00845", "09101"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GENES[: GENES.index("A09140")], "closing line '!' is missing: .* cut short"),
        (GENES.replace("B  09101 Carbohydrate metabolism\n", ""), "line 6: stands at C with nothing at B above it"),
        (GENES.replace("+D\tGENES", "+C\tGENES"), "line 8: begins with 'D', no letter from A to C"),
        (GENES.replace("C    00020", "X    00020"), "line 11: begins with 'X'"),
        ("+A\tMap number\n!\n!\n", "holds no class below its header"),
        ("+D\tKO\nA09100 Metabolism\n!\n", "line 2: 'A09100 Metabolism' stands outside"),
    ],
)
def test_bad_hierarchies(tmp_path: Path, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_ontology(written(tmp_path, text), format="kegg")


KGML = """<?xml version="1.0"?>
<!DOCTYPE pathway SYSTEM "https://www.kegg.jp/kegg/xml/KGML_v0.7.2_.dtd">
<pathway name="path:hsa04010" org="hsa" number="04010" title="MAPK signaling pathway" image="x.png" link="y">
    <entry id="1" name="hsa:5594 hsa:5595" type="gene"><graphics name="MAPK1, ERK..." type="rectangle"/></entry>
    <entry id="2" name="hsa:4792" type="gene"><graphics name="NFKBIA" type="rectangle"/></entry>
    <entry id="3" name="hsa:4790" type="gene"><graphics name="NFKB1" type="rectangle"/></entry>
    <entry id="4" name="undefined" type="group"><graphics type="rectangle"/>
        <component id="2"/><component id="3"/></entry>
    <entry id="5" name="path:hsa04115" type="map"><graphics name="p53" type="roundrectangle"/></entry>
    <entry id="6" name="cpd:C00076" type="compound"><graphics name="C00076" type="circle"/></entry>
    <relation entry1="1" entry2="2" type="PPrel"><subtype name="activation" value="--&gt;"/></relation>
</pathway>
"""


def test_kgml(tmp_path: Path):
    ontology = read_ontology(written(tmp_path, KGML, "hsa04010.xml"))
    assert ontology.terms["hsa04010"].name == "MAPK signaling pathway"
    assert ontology.relations == (Relation("hsa04010:4", "hsa04010", "part_of"),)
    assert ontology.direct_genes == {
        "hsa04010": frozenset({"5594", "5595"}), "hsa04010:4": frozenset({"4790", "4792"})
    }  # fmt: skip
    assert ontology.losses == (Loss("term", "a linked pathway, no part of this one", ("path:hsa04115",)),)


def test_kgml_agrees_with_biopython(tmp_path: Path):
    parser = pytest.importorskip("Bio.KEGG.KGML.KGML_parser", reason="Biopython is not installed")
    path = written(tmp_path, KGML, "hsa04010.xml")
    with path.open() as stream:
        theirs = parser.read(stream)
    ours = read_ontology(path)
    assert {f"hsa:{gene}" for gene in ours.genes} == {name for gene in theirs.genes for name in gene.name.split()}
    assert ours.terms["hsa04010"].name == theirs.title


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (KGML[: KGML.index('<entry id="5"')], "no well-formed XML"),
        (KGML.replace('<component id="3"/>', '<component id="33"/>'), "complex 4 names entry '33'"),
        (KGML.replace('id="2" name="hsa:4792"', 'id="1" name="hsa:4792"'), "entry 1 is defined twice"),
        (KGML.replace('type="gene"', 'type="ortholog"'), "holds no entry of type gene"),
        (KGML.replace('name="path:hsa04010" ', ""), "its <pathway> has no name"),
        (KGML.replace('name="hsa:4792" type="gene"', 'type="gene"'), "entry 2 lacks id, name or type"),
        ("<sbml></sbml>\n", "holds no <pathway>"),
    ],
)
def test_bad_kgml(tmp_path: Path, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_ontology(written(tmp_path, text, "a.xml"), format="kgml")
