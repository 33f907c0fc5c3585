"""MeSH descriptors in both forms, written here with facts of MeSH."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kgnn.errors import FormatError
from kgnn.knowledge import read_ontology
from kgnn.knowledge.mesh import read_mesh

# Breast neoplasms stand below neoplasms by site and below breast diseases.
RECORDS = (
    ("D009369", "Neoplasms", ("C04",)),
    ("D009371", "Neoplasms by Site", ("C04.588",)),
    ("D001943", "Breast Neoplasms", ("C04.588.180", "C17.800.090.500")),
    ("D017437", "Skin and Connective Tissue Diseases", ("C17",)),
    ("D012871", "Skin Diseases", ("C17.800",)),
    ("D001941", "Breast Diseases", ("C17.800.090",)),
    ("D005260", "Female", ()),
)


def ascii_text(records=RECORDS) -> str:
    text = ""
    for identifier, name, numbers in records:
        lines = ["*NEWRECORD", "RECTYPE = D", f"MH = {name}", "DE = ", *(f"MN = {each}" for each in numbers)]
        text += "\n".join([*lines, f"UI = {identifier}", "", ""])
    return text


def xml_text(records=RECORDS) -> str:
    parts = ['<?xml version="1.0"?>', "<!DOCTYPE DescriptorRecordSet>", '<DescriptorRecordSet LanguageCode = "eng">']
    for identifier, name, numbers in records:
        parts += ['<DescriptorRecord DescriptorClass = "1">', f"  <DescriptorUI>{identifier}</DescriptorUI>"]
        parts += [f"  <DescriptorName><String>{name}</String></DescriptorName>"]
        tree = "".join(f"<TreeNumber>{each}</TreeNumber>" for each in numbers)
        parts += [f"  <TreeNumberList>{tree}</TreeNumberList>"] if numbers else []
        # The name of an allowable qualifier stands deeper and is not the descriptor's.
        parts += ["  <ConceptList><Concept><String>other</String></Concept></ConceptList>", "</DescriptorRecord>"]
    return "\n".join([*parts, "</DescriptorRecordSet>", ""])


def written(folder: Path, text: str) -> Path:
    path = folder / "mesh"
    path.write_text(text)
    return path


def test_both_forms_give_the_same_hierarchy(tmp_path: Path):
    from_ascii, aliases = read_mesh(written(tmp_path, ascii_text()))
    packed = tmp_path / "desc.gz"
    packed.write_bytes(gzip.compress(xml_text().encode(), mtime=0))
    from_xml, _ = read_mesh(packed)
    assert from_ascii.fingerprint == from_xml.fingerprint
    assert set(from_ascii.parents["D001943"]) == {"D009371", "D001941"}
    assert from_ascii.roots == ("C",)
    assert from_ascii.terms["C"].name == "Diseases"
    assert aliases["C17.800.090.500"] == aliases["MESH:D001943"] == "D001943"
    assert [(loss.reason, loss.names) for loss in from_ascii.losses] == [("has no tree number", ("D005260",))]


def test_genes_come_by_any_of_the_ids(tmp_path: Path):
    table = tmp_path / "genes.tsv"
    table.write_text("BRCA1\tMESH:D001943\nTP53\tC04\nESR1\tD001941\n")
    ontology = read_ontology(written(tmp_path, ascii_text()), table)
    assert ontology.direct_genes["D001943"] == {"BRCA1"}
    assert ontology.gene_sets["C"] == {"BRCA1", "TP53", "ESR1"}
    assert ontology.gene_sets["D009369"] == {"BRCA1", "TP53"}


def test_circles_are_cut_at_the_longest_tree_number(tmp_path: Path):
    records = (
        ("D009014", "Morals", ("F01.829", "K01.752.566")),
        ("D004989", "Ethics", ("F01.829.500", "K01.752")),
        ("D000001", "Humanities", ("K01",)),
    )
    ontology, _ = read_mesh(written(tmp_path, ascii_text(records)))
    assert {loss.reason: loss.names for loss in ontology.losses} == {
        "no descriptor has the tree number above": ("F01.829",),
        "would close a circle": ("D009014 broader D004989 at K01.752.566",),
    }
    assert ontology.order[-1] == "K"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ascii_text()[:60], "line 6: the file ends inside 'UI = D0'.* cut short"),
        (ascii_text().replace("UI = D009371\n", ""), "line 8: its record has not one UI"),
        (ascii_text().replace("RECTYPE = D", "RECTYPE = Q"), "is no record of a descriptor"),
        (ascii_text().replace("MN = C04.588\n", "MN = C4588\n"), "'C4588' of D009371 is no tree number"),
        (ascii_text().replace("MN = C04.588\n", "MN = C04\n"), "C04 is the tree number of D009369 and of D009371"),
        (ascii_text() + ascii_text(), "D009369 .Neoplasms. is defined twice"),
        (ascii_text().replace("MH = Neoplasms\n", "Neoplasms = MH\nx y z\n"), "line 4: 'x y z' is no 'TAG = value'"),
        ("DE = x\n" + ascii_text(), "line 1: stands before the first"),
        (xml_text()[:300], "no well-formed XML .* cut short"),
        (xml_text().replace("D001941", "Q001941"), "the descriptor 'Q001941' lacks its id"),
        ("<DescriptorRecordSet></DescriptorRecordSet>", "holds no descriptor"),
    ],
)
def test_bad_descriptors(tmp_path: Path, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_ontology(written(tmp_path, text), format="mesh")
