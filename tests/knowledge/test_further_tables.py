"""HPO's and SGD's tables, lists of measured genes, DrugCell text upside down."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import Loss, read_gene_list, read_hpo_genes, read_ontology, read_sgd_slim

HPO = {
    "genes_to_phenotype": "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id\n"
    "10\tNAT2\tHP:2\ta\t-\tOMIM:1\n10\tNAT2\tHP:2\ta\t1/2\tOMIM:2\n9\t-\tHP:2\ta\t-\tOMIM:1\n",
    "phenotype_to_genes": "#hpo_id\thpo_name\tncbi_gene_id\tgene_symbol\tdisease_id\nHP:2\ta\t10\tNAT2\tOMIM:1\n"
    "HP:2\ta\t9\t-\tOMIM:1\n",
}


@pytest.mark.parametrize("text", HPO.values(), ids=HPO)
def test_hpo_genes(tmp_path: Path, text: str):
    obo, path = tmp_path / "hp.obo", tmp_path / "genes.txt"
    obo.write_text("[Term]\nid: HP:1\n\n[Term]\nid: HP:2\nis_a: HP:1\n")
    path.write_text(text.lstrip("#"))
    ontology = read_ontology(obo, path)
    assert ontology.gene_sets["HP:1"] == {"NAT2"}
    assert ontology.losses == (Loss("annotation", "no gene named", ("- HP:2",)),)
    path.write_text(text)
    assert {each.gene for each in read_hpo_genes(path, gene_id="id").annotations} == {"10", "9"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ncbi_gene_id\tgene_symbol\n10\tNAT2\n", "line 1: its header has not both hpo_id and gene_symbol"),
        ("gene_symbol\thpo_id\nNAT2\n", "line 2: has 1 columns instead of 2"),
        ("gene_symbol\thpo_id\nHP:2\tNAT2\n", "line 2: names no gene, or 'NAT2', which is no HP: id"),
        ("gene_symbol\thpo_id\nNAT2\tHP:00", "line 2: the file ends inside"),
    ],
)
def test_bad_hpo_genes(tmp_path: Path, text: str, message: str):
    path = tmp_path / "genes.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_hpo_genes(path)
    with pytest.raises(KgnnError, match="gene_id is 'synonym'"):
        read_hpo_genes(path, gene_id="synonym")


@pytest.mark.parametrize(("gene_id", "gene"), [("symbol", "MLH2"), ("synonym", "YLR035C"), ("id", "S000004025")])
def test_the_slim_of_yeast(shared_data: Path, gene_id: str, gene: str):
    folder = shared_data / "gene_ontology"
    slim = folder / "sgd_go_slim_mapping_2015.tab.gz"
    ontology = read_ontology(folder / "goslim_yeast_2016.obo", slim, gene_id=gene_id)
    assert gene in ontology.direct_genes["GO:0006281"]
    assert len(ontology.genes) == 7_014
    reasons = {loss.reason: len(loss.names) for loss in ontology.losses if loss.what == "annotation"}
    assert reasons == {"slim term 'other' has no GO id": 513, "slim term 'not_yet_annotated' has no GO id": 2}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Y\tM\tS000000002\tX\tDNA repair\tGO:1\tORF\n", "line 2: has 'X' and 'GO:1' where C, F or P"),
        ("Y\tM\tS000000002\tP\tGO:1\n", "line 2: should have 7 columns"),
        ("\tM\tS000000002\tP\ta\tGO:1\tORF\n", "line 2: should have 7 columns"),
        ("S000000002\tM\tY\tP\ta\tGO:1\tORF\n", "line 2: should have 7 columns, the third an id"),
    ],
)
def test_a_bad_slim(tmp_path: Path, line: str, message: str):
    path = tmp_path / "slim.tab"
    path.write_text("YLR035C\tMLH2\tS000004025\tP\tDNA repair\tGO:0006281\tORF\n" + line)
    with pytest.raises(FormatError, match=message):
        read_sgd_slim(path)


def test_lists_of_genes(tmp_path: Path):
    path = tmp_path / "genes.txt"
    path.write_text("TP53\n\n BRCA1 \n")
    assert read_gene_list(path).genes == ("TP53", "BRCA1")
    path.write_text("1\tTP53\n2\tBRCA1\n")
    with pytest.raises(FormatError, match="line 1: has the index 1 where 0 should come"):
        read_gene_list(path)


UPSIDE_DOWN = {
    "relations": ("A\troot\tdefault\nB\troot\tdefault\nA\tg1\tgene\nB\tg2\tgene\n", "2 terms without a parent"),
    "both": ("A\troot\tdefault\ng1\tA\tgene\ng2\tA\tgene\n", "1 of its 1 genes are terms of the hierarchy as well"),
}


@pytest.mark.parametrize(("text", "message"), UPSIDE_DOWN.values(), ids=UPSIDE_DOWN)
def test_drugcell_text_with_swapped_columns(tmp_path: Path, text: str, message: str):
    path = tmp_path / "ontology.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_ontology(path)
