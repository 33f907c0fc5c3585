"""GMT: flat sets, ids of Reactome and KEGG, and what is no gene."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgnn.errors import FormatError
from kgnn.knowledge import Loss, Relation, read_ontology
from kgnn.knowledge.gene_sets import read_gene_sets


def gmt(folder: Path, text: str, name: str = "sets.gmt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_flat_sets_below_a_made_root(tmp_path: Path):
    ontology = read_ontology(gmt(tmp_path, "HYPOXIA\thttp://a\tPGK1\tPDK1\tPGK1\t\r\nMYC (up)\tNA\tODC1\r\n"))
    assert ontology.relations == (Relation("HYPOXIA", "ROOT", "part_of"), Relation("MYC (up)", "ROOT", "part_of"))
    assert ontology.gene_sets["ROOT"] == {"PGK1", "PDK1", "ODC1"}
    assert ontology.losses == (Loss("annotation", "repeated in the file", ("PGK1 HYPOXIA",)),)


def test_told_by_content_without_its_ending(tmp_path: Path):
    ontology = read_ontology(gmt(tmp_path, "A\tNA\tg1\tg2\tg3\nB\tNA\tg1\nC\tNA\tg1\tg2\n", "sets.txt"))
    assert sorted(ontology.children["ROOT"]) == ["A", "B", "C"]


@pytest.mark.parametrize("mark", ["Reactome Pathway\t", ""])
def test_reactome_names_its_sets_by_stable_ids(tmp_path: Path, mark: str):
    sets = read_gene_sets(gmt(tmp_path, f"Apoptosis\tR-HSA-109581\t{mark}BID\tBAX\n"))
    assert sets.names == {"R-HSA-109581": "Apoptosis"}
    assert sets.genes == {"R-HSA-109581": ("BID", "BAX")}


def test_as_members_of_terms_that_it_names(tmp_path: Path):
    obo = tmp_path / "tiny.obo"
    obo.write_text("[Term]\nid: A\nname: hypoxia\n\n[Term]\nid: B\nis_a: A\n")
    ontology = read_ontology(obo, gmt(tmp_path, "B\tNA\tg1\tg2\nC\tNA\tg1\tg2\tg3\n"))
    assert ontology.direct_genes["B"] == {"g1", "g2"}
    assert ontology.losses == (Loss("annotation", "term unknown to the ontology", ("g1 C", "g2 C", "g3 C")),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A\tNA\tTP53\tBRC", "line 1: the file ends inside .*BRC.* cut short"),
        ("A\tNA\tg\nA\tNA\th\n", "line 2: A is defined again, with other genes"),
        ("A\tNA\tg\nlonely\n", "line 2: should hold a name, a description and genes"),
        ("\tNA\tg\n", "line 1: should hold a name"),
        ("ROOT\tNA\tg\n", "has a set called ROOT"),
        ("s1\t0.5\t1.25\t-3.5\ns2\t0.1\t1e-3\t2.5\n", "holds numbers .* where GMT has genes"),
        ("A\tNA\nB\tNA\n", "no set in it has a gene"),
        ("# nothing\n", "holds comments only"),
    ],
)
def test_bad_sets(tmp_path: Path, text: str, message: str):
    with pytest.raises(FormatError, match=message):
        read_ontology(gmt(tmp_path, text), format="gmt")


def test_a_set_that_comes_twice(tmp_path: Path):
    ontology = read_ontology(gmt(tmp_path, "A\tNA\tg\th\nA\tNA\th\tg\n"))
    assert ontology.losses == (Loss("term", "repeated in the file", ("A",)),)


@pytest.mark.parametrize(
    ("file", "n_sets", "n_genes", "known"),
    [
        ("networks/msigdb_hallmark_v2022.1.gmt", 50, 4_384, ("HALLMARK_HYPOXIA", "PGK1")),
        ("deepkegg/20230205_kegg_hsa.gmt", 297, 8_074, ("hsa00010", "HK1")),
        ("reactome/ReactomePathways.gmt", 2_029, 10_690, ("R-HSA-109606", "BID")),
    ],
)
def test_real_sets(shared_data: Path, file: str, n_sets: int, n_genes: int, known: tuple[str, str]):
    ontology = read_ontology(shared_data / file)
    assert (len(ontology.children["ROOT"]), len(ontology.genes)) == (n_sets, n_genes)
    assert known[1] in ontology.gene_sets[known[0]]
