"""Reactome's tables: relations, names and members, as published and as people break them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import Annotation, Loss, Relation, Term, losses_by_reason, read_ontology
from kgnn.knowledge.reactome import read_reactome, read_reactome_members

APOPTOSIS, INTRINSIC = "R-HSA-109581", "R-HSA-109606"
RELATIONS = f"{APOPTOSIS}\t{INTRINSIC}\nR-MMU-1\tR-MMU-2\n{APOPTOSIS}\t{INTRINSIC}\n{INTRINSIC}\tR-HSA-7\n"
NAMES = f"{APOPTOSIS}\tApoptosis\tHomo sapiens\n{INTRINSIC}\tIntrinsic Pathway for Apoptosis\tHomo sapiens\n"


@pytest.fixture
def relations(tmp_path: Path) -> Path:
    path = tmp_path / "ReactomePathwaysRelation.txt"
    path.write_text(RELATIONS)
    return path


def test_the_first_column_is_the_parent_and_the_first_line_is_no_header(relations: Path, tmp_path: Path):
    names = tmp_path / "ReactomePathways.txt"
    names.write_text(NAMES + "R-HSA-9\tAlone\tHomo sapiens\n")
    ontology = read_reactome(relations, names=names, species="Homo sapiens")
    assert ontology.relations == (
        Relation(INTRINSIC, APOPTOSIS, "part_of"),
        Relation("R-HSA-7", INTRINSIC, "part_of"),
    )
    assert ontology.terms[APOPTOSIS] == Term(APOPTOSIS, "Apoptosis", "Reactome")
    assert ontology.terms["R-HSA-7"].name == "R-HSA-7"
    assert ontology.losses == (
        Loss("relation", "repeated in the file", (f"{INTRINSIC} part_of {APOPTOSIS}",)),
        Loss("term", "not of the species HSA", ("R-MMU-1", "R-MMU-2")),
        Loss("term", "named, but in no relation", ("R-HSA-9",)),
    )


def test_all_species_without_a_choice(relations: Path):
    assert read_ontology(relations).roots == (APOPTOSIS, "R-MMU-1")
    with pytest.raises(KgnnError, match=r"no pathway is of the species 'XYZ'. It has: HSA, MMU"):
        read_ontology(relations, species="XYZ")


MEMBERS = {
    4: f"P1\t{INTRINSIC}\tname\tTAS\nP1\t{INTRINSIC}\tname\tIEA\nP2\tR-MMU-2\tname\tIEA\n",
    6: f"P1\t{INTRINSIC}\thttps://x\tname\tTAS\tHomo sapiens\nP1\t{INTRINSIC}\thttps://x\tname\tIEA\tHomo sapiens\n"
    "P2\tR-MMU-2\thttps://x\tname\tIEA\tMus musculus\n",
}


@pytest.mark.parametrize("width", [4, 6])
def test_members(relations: Path, tmp_path: Path, width: int):
    path = tmp_path / "UniProt2Reactome.txt"
    path.write_text(MEMBERS[width])
    ontology = read_ontology(relations, path, species="hsa")
    assert ontology.annotations == (Annotation("P1", INTRINSIC, "TAS"), Annotation("P1", INTRINSIC, "IEA"))
    assert losses_by_reason(ontology)["annotation", "species is not hsa"] == 1
    curated = read_reactome_members(path, evidence=["TAS"])
    assert [each.gene for each in curated.annotations] == ["P1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"parent\tchild\n{APOPTOSIS}\t{INTRINSIC}\n", "line 1: 'parent' is no stable id .* have no header"),
        (f"{APOPTOSIS}\t{INTRINSIC}\textra\n", "line 1: has 3 columns instead of 2"),
        (f"{APOPTOSIS}\t{INTRINSIC}\nR-HSA-1\tR-HSA-10", "line 2: the file ends inside .* cut short"),
        (f"{INTRINSIC}\t{APOPTOSIS}\nR-HSA-7\t{APOPTOSIS}\n", "2 terms without a parent .* above 1 without a child"),
    ],
)
def test_bad_relations(tmp_path: Path, text: str, message: str):
    path = tmp_path / "relation.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_ontology(path, format="reactome")


def test_a_file_in_the_place_of_another(relations: Path, tmp_path: Path):
    other = tmp_path / "other.txt"
    other.write_text(NAMES)
    with pytest.raises(FormatError, match="holds names of pathways, not their relations"):
        read_ontology(other)
    with pytest.raises(FormatError, match="'Apoptosis' is no stable id|instead of 3"):
        read_ontology(relations, names=relations)
    other.write_text(MEMBERS[4])
    with pytest.raises(FormatError, match="holds annotations, not an ontology"):
        read_ontology(other)


def test_a_pathway_with_two_names(relations: Path, tmp_path: Path):
    names = tmp_path / "names.txt"
    names.write_text(NAMES + f"{APOPTOSIS}\tDeath\tHomo sapiens\n")
    with pytest.raises(FormatError, match="line 3: R-HSA-109581 has a second name, 'Death', after 'Apoptosis'"):
        read_reactome(relations, names=names)


def test_the_real_tables(shared_data: Path):
    folder = shared_data / "reactome"
    ontology = read_ontology(
        folder / "reactome_human_relation_2025-01-14.txt",
        folder / "uniprot_2_reactome_human_2025-01-14.tsv.gz",
        names=folder / "reactome_human_names_2025-01-21.txt",
        species="HSA",
    )
    sizes = (len(ontology.terms), len(ontology.relations), len(ontology.annotations), len(ontology.genes))
    assert sizes == (2_751, 2_769, 51_056, 11_876)
    assert len(ontology.roots) == 29
    assert ontology.losses == ()
    assert INTRINSIC in ontology.children[APOPTOSIS]
    assert ontology.terms[APOPTOSIS].name == "Apoptosis"
    assert ontology.terms[INTRINSIC].name == "Intrinsic Pathway for Apoptosis"
    # BID, which is cut by caspase 8 and starts the intrinsic pathway.
    assert "P55957" in ontology.gene_sets[INTRINSIC] & ontology.gene_sets[APOPTOSIS]


def test_the_older_gene_sets_on_the_newer_relations(shared_data: Path):
    folder = shared_data / "reactome"
    relation, gmt = folder / "reactome_human_relation_2025-01-14.txt", folder / "ReactomePathways.gmt"
    ontology = read_ontology(relation, gmt)
    known = {cell for line in relation.read_text().splitlines() for cell in line.split("\t")}
    rows = [line.split("\t") for line in gmt.read_text().splitlines()]
    expected = {(gene, row[1]) for row in rows for gene in row[3:] if row[1] in known}
    assert {(each.gene, each.term) for each in ontology.annotations} == expected
    lost = next(loss for loss in ontology.losses if loss.reason == "term unknown to the ontology")
    assert len({name.split()[-1] for name in lost.names}) == 35
    assert "Reactome Pathway" not in ontology.genes
