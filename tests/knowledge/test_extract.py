"""The extract writer, and the extract that kgnn carries."""

from __future__ import annotations

from kgnn.knowledge.bundled import bundled_file
from kgnn.knowledge.extract import extract, main
from kgnn.knowledge.prune import prune
from kgnn.knowledge.read import read_ontology

OBO = """format-version: 1.2
data-version: releases/2020-01-01
ontology: go

[Term]
id: T:1
name: root
namespace: process

[Term]
id: T:2
name: odd \\! \\{name\\} (a/b): c_d
namespace: process
def: "not copied" []
is_a: T:1

[Term]
id: T:3
name: leaf
namespace: process
relationship: part_of T:2

[Term]
id: T:4
name: without a gene
namespace: process
is_a: T:2
"""


def test_what_is_written_reads_back(tmp_path):
    (tmp_path / "go.obo").write_text(OBO)
    (tmp_path / "genes.tsv").write_text("g1\tT:3\tIDA\ng1\tT:3\tIGI\ng2\tT:2\tTAS\nh\tT:4\tTAS\n")
    whole = read_ontology(tmp_path / "go.obo", tmp_path / "genes.tsv")
    obo, table = extract(whole, ["g1", "g2", "unknown"], tmp_path / "out", "small")
    assert obo.name == "small.obo" and table.name == "small.tsv"
    assert sorted(path.name for path in obo.parent.iterdir()) == ["small.obo", "small.tsv"]
    small = read_ontology(obo, table)
    part = prune(whole, genes=["g1", "g2"])
    assert small.terms == part.terms
    assert set(small.relations) == set(part.relations)
    assert set(small.annotations) == set(part.annotations)
    assert small.losses == ()
    assert small.terms["T:2"].name == "odd ! {name} (a/b): c_d"
    source = small.provenance.sources[0]
    assert (source.release, source.licence) == ("releases/2020-01-01", "CC BY 4.0")
    assert "10.1038/75556" in source.citation
    assert "def:" not in obo.read_text()
    assert whole.provenance.sources[0].sha256 in obo.read_text()


def test_the_command_writes_the_same(tmp_path):
    (tmp_path / "go.obo").write_text(OBO)
    (tmp_path / "genes.tsv").write_text("g1\tT:3\tIDA\n")
    (tmp_path / "genes.txt").write_text("g1\n")
    files = ["--obo", tmp_path / "go.obo", "--annotations", tmp_path / "genes.tsv", "--genes", tmp_path / "genes.txt"]
    main([*map(str, files), "--namespace", "process", "--stem", "small", "--out", str(tmp_path)])
    whole = read_ontology(tmp_path / "go.obo", tmp_path / "genes.tsv", namespace="process")
    again = extract(whole, ["g1"], tmp_path / "again", "small")
    assert [(tmp_path / path.name).read_bytes() for path in again] == [path.read_bytes() for path in again]


def test_the_bundled_extract():
    ontology = read_ontology(bundled_file("go_bp_pbmc68k.obo"), bundled_file("go_bp_pbmc68k.tsv"))
    assert len(ontology.terms) == 6_057
    assert len(ontology.relations) == 11_842
    assert len(ontology.annotations) == 7_483
    assert len(ontology.genes) == 665
    assert ontology.roots == ("GO:0008150",)
    assert ontology.losses == ()
    assert all(ontology.gene_sets.values())
    assert {"CD79A", "MS4A1", "CD3D", "GNLY", "LYZ"} <= set(ontology.genes)
    assert "NKG7" not in ontology.genes  # in 2019 it was annotated to a cellular component only
    assert "CD79A" in ontology.direct_genes["GO:0050853"]
    assert [source.release for source in ontology.provenance.sources] == ["releases/2019-01-27", "2019-01-14 09:47"]
    assert {source.licence for source in ontology.provenance.sources} == {"CC BY 4.0"}
    total = sum(bundled_file(f"go_bp_pbmc68k.{ending}").stat().st_size for ending in ("obo", "tsv"))
    assert total < 2_000_000
