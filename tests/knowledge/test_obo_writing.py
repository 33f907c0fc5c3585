"""An ontology through OBO and a table, and back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings

from kgnn.errors import StructureError
from kgnn.knowledge import Annotation, Ontology, Relation, Term, read_ontology, write_obo
from tests.knowledge.ontologies import ontologies


def there_and_back(ontology: Ontology, folder: Path) -> Ontology:
    write_obo(ontology, folder / "a.obo", annotations=folder / "genes.tsv")
    return read_ontology(folder / "a.obo", folder / "genes.tsv")


@settings(max_examples=60, deadline=None)
@given(ontologies())
def test_the_fingerprint_is_kept(ontology: Ontology):
    # A table tells genes from terms by the ids of the ontology.
    assume(not set(ontology.genes) & set(ontology.terms))
    with TemporaryDirectory() as folder:
        back = there_and_back(ontology, Path(folder))
    assert back.fingerprint == ontology.fingerprint
    assert back.losses == ()


def test_types_of_relations_come_back_without_being_asked_for(tmp_path: Path):
    terms = {name: Term(name, name) for name in ("whole thing", "part")}
    ontology = Ontology(terms, (Relation("part", "whole thing", "default"),), (Annotation("IDA", "part"),))
    back = there_and_back(ontology, tmp_path)
    assert (back.relations, back.annotations) == (ontology.relations, ontology.annotations)
    assert back.provenance.sources[0].name == "a.obo"


@pytest.mark.parametrize("file", ["nest_vnn/ontology.txt", "dcell_yeast/GO_0006281_topology.txt"])
def test_real_hierarchies(shared_data: Path, tmp_path: Path, file: str):
    ontology = read_ontology(shared_data / file)
    assert there_and_back(ontology, tmp_path).fingerprint == ontology.fingerprint


def test_a_real_obo(shared_data: Path, tmp_path: Path):
    folder = shared_data / "singlecell"
    ontology = read_ontology(folder / "pw.obo.gz", folder / "pw_gene_term_mapping.txt")
    back = there_and_back(ontology, tmp_path)
    assert back.fingerprint == ontology.fingerprint
    assert back.provenance.sources[0].release == "7.52"


def test_what_obo_cannot_hold(tmp_path: Path):
    ontology = Ontology({"A": Term("A", "obsolete thing")}, (), ())
    with pytest.raises(StructureError, match="1 terms have a name that OBO cannot hold .*: A"):
        write_obo(ontology, tmp_path / "a.obo")
    annotated = Ontology({"A": Term("A", "A")}, (), (Annotation("g", "A"),))
    with pytest.raises(StructureError, match="has 1 annotations, which OBO cannot hold"):
        write_obo(annotated, tmp_path / "a.obo")
    assert list(tmp_path.iterdir()) == []
