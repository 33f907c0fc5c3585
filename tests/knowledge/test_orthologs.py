"""Orthologs of two species, and annotations carried from one to the other."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import (
    Annotation,
    Ontology,
    OrthologPair,
    OrthologTable,
    Relation,
    Term,
    read_ontology,
    read_orthologs,
    transfer_annotations,
)

# human         mouse
# TP53 -------- Trp53          one to one
# A ----------- A1 (3), A2     one to many
# B1, B2 ------ B              many to one
PAIRS = (
    OrthologPair("TP53", "Trp53", 9),
    OrthologPair("A", "A2", 2),
    OrthologPair("A", "A1", 3),
    OrthologPair("B1", "B", 5),
    OrthologPair("B2", "B", 4),
)
TABLE = OrthologTable(("human", "mouse"), PAIRS)
TERMS = {name: Term(name, name) for name in ("root", "leaf")}


def ontology_of(*annotations: tuple[str, str]) -> Ontology:
    return Ontology(TERMS, (Relation("leaf", "root"),), tuple(Annotation(*each, "IDA") for each in annotations))


HUMAN = ontology_of(("TP53", "leaf"), ("A", "leaf"), ("B1", "root"), ("B2", "root"), ("NONE", "root"))


def test_kinds_from_either_side():
    assert TABLE.kind_of_pair == ("1:1", "1:many", "1:many", "many:1", "many:1")
    assert TABLE.reversed().kinds == {"1:1": 1, "1:many": 2, "many:1": 2, "many:many": 0}
    assert TABLE.towards("human").species == ("mouse", "human")
    assert TABLE.reversed().reversed().fingerprint == TABLE.fingerprint
    with pytest.raises(KgnnError, match="species is 'rat'"):
        TABLE.towards("rat")


@pytest.mark.parametrize(
    ("policy", "genes", "lost"),
    [
        ("all", {"Trp53", "A1", "A2", "B"}, {"NONE"}),
        ("first", {"Trp53", "A1", "B"}, {"NONE"}),
        ("drop", {"Trp53"}, {"A", "B1", "B2", "NONE"}),
    ],
)
def test_every_policy(policy: str, genes: set[str], lost: set[str]):
    mouse, report = transfer_annotations(HUMAN, TABLE, to="mouse", policy=policy)
    assert set(mouse.genes) == genes
    assert {annotation.evidence for annotation in mouse.annotations} == {"ISO"}
    assert {gene for names in report.lost.values() for gene in names} == lost
    assert report.not_one_to_one == ("A", "B1", "B2")
    assert (report.n_genes, report.n_carried, report.n_targets) == (5, 5 - len(lost), len(genes))
    assert report.n_annotations_lost == len(lost)
    assert {loss.names for loss in mouse.losses if loss.what == "gene"} == set(report.lost.values())
    assert mouse.relations == HUMAN.relations
    assert "annotations lost" in mouse.provenance.transformations[-1]
    assert report.to_json()["to"] == "mouse"


def test_not_one_to_one_is_an_error_by_default():
    with pytest.raises(AlignmentError, match=r"3 of 5 annotated genes .* not one to one: A, B1, B2. Choose a policy"):
        transfer_annotations(HUMAN, TABLE, to="mouse")
    with pytest.raises(KgnnError, match="policy is 'best'"):
        transfer_annotations(HUMAN, TABLE, to="mouse", policy="best")


def test_the_evidence_of_the_original():
    mouse, _ = transfer_annotations(ontology_of(("TP53", "leaf")), TABLE, to="mouse", evidence=None)
    assert mouse.annotations == (Annotation("Trp53", "leaf", "IDA"),)


def test_the_wrong_species():
    with pytest.raises(AlignmentError, match=r"none of the 1 annotated genes \(Trp53\) is among those of human"):
        transfer_annotations(ontology_of(("Trp53", "leaf")), TABLE, to="mouse")
    with pytest.raises(AlignmentError, match="look like gene symbols, the genes of the ontology like Ensembl gene ids"):
        transfer_annotations(ontology_of(("ENSG00000141510", "leaf")), TABLE, to="mouse")


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_with_its_own_headers(tmp_path: Path):
    text = 'Gene name,Mouse gene name,supporting_source\r\nTP53,Trp53,Ensembl\r\nTP53,Trp53,"OMA,NCBI"\r\n-,X,OMA\r\n'
    path = written(tmp_path / "hcop.csv", text)
    table = read_orthologs(path, species=("human", "mouse"), columns=("Gene name", "Mouse gene name"))
    assert table.pairs == (OrthologPair("TP53", "Trp53", 2),)
    assert table.losses[0].names == ("- X",)
    with pytest.raises(FormatError, match="holds no pair of genes that at least 3 sources support"):
        read_orthologs(path, species=("human", "mouse"), columns=("Gene name", "Mouse gene name"), min_support=3)
    with pytest.raises(FormatError, match="does not name two species"):
        read_orthologs(path)
    with pytest.raises(KgnnError, match="columns= is given without species="):
        read_orthologs(path, columns=("Gene name", "Mouse gene name"))
    with pytest.raises(FormatError, match="in the same column"):
        read_orthologs(path, species=("human", "mouse"), columns=("Gene name", "Gene name"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("human_symbol\tmouse_symbol\n", "holds no pair of genes below its header"),
        ("human_symbol\tmouse_symbol\nTP53\tTrp53\nA\n", "line 3: has 1 columns instead of 2"),
        ("human_symbol\tmouse_symbol\tn_sources\nTP53\tTrp53\tmany\n", "line 2: n_sources is 'many'"),
        ("human_symbol\tmouse_ensembl\nTP53\tX\n", "has no column 'mouse_symbol'"),
        ("human_symbol\tmouse_symbol\nTP53é\tTrp53\n".encode("latin-1"), "another encoding than UTF-8"),
        (gzip.compress(b"human_symbol\tmouse_symbol\nTP53\tTrp53\n" * 9, mtime=0)[:-20], "cut short"),
    ],
)
def test_a_malformed_table(tmp_path: Path, content: str | bytes, message: str):
    with pytest.raises(FormatError, match=message):
        read_orthologs(written(tmp_path / "t.tsv", content))


def test_human_and_mouse_of_hcop(shared_data: Path):
    """The counts of the catalogue, and those of a plain count."""
    path = shared_data / "orthologs" / "hcop_human_mouse_min3.tsv.gz"
    table = read_orthologs(path)
    assert table.species == ("human", "mouse")
    assert table.kinds["1:1"] == 16_328
    with gzip.open(path, "rt") as stream:
        rows = {tuple(line.split("\t")[:2]) for line in stream} - {("human_symbol", "mouse_symbol")}
    assert {(pair.first, pair.second) for pair in table.pairs} == rows
    firsts, seconds = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    assert (len(firsts), len(seconds)) == (18_308, 19_038)
    assert table.kinds["1:many"] == sum(firsts[a] > 1 and seconds[b] == 1 for a, b in rows)
    assert OrthologPair("TP53", "Trp53") in {pair._replace(support=1) for pair in table.pairs}
    by_ensembl = read_orthologs(path, namespace="ensembl_gene", min_support=10)
    assert by_ensembl.pairs[0] == OrthologPair("ENSG00000121410", "ENSMUSG00000022347", 12)
    assert min(pair.support for pair in by_ensembl.pairs) == 10


def test_human_annotations_in_mouse(shared_data: Path):
    folder = shared_data / "gene_ontology"
    human = read_ontology(folder / "goslim_yeast_2016.obo", folder / "goa_human_2019-01-14.gaf.gz")
    table = read_orthologs(shared_data / "orthologs" / "hcop_human_mouse_min3.tsv.gz")
    mouse, report = transfer_annotations(human, table, to="mouse", policy="drop")
    one_to_one = {pair.first: pair.second for pair, kind in zip(table.pairs, table.kind_of_pair, strict=True)
                  if kind == "1:1"}  # fmt: skip
    expected = {(one_to_one[each.gene], each.term) for each in human.annotations if each.gene in one_to_one}
    assert {(each.gene, each.term) for each in mouse.annotations} == expected
    assert report.n_annotations_lost == sum(each.gene not in one_to_one for each in human.annotations)
    assert "Trp53" in mouse.genes
