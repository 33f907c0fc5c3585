"""`read_ontology`: formats recognized by content, annotations joined to terms, cycles and bad files refused."""

from __future__ import annotations

import gzip

import pytest

from kgnn.errors import FormatError, KgnnError, StructureError
from kgnn.knowledge.ontology import Annotation, Loss
from kgnn.knowledge.read import read_ontology

OBO = """format-version: 1.2
data-version: 2020

[Term]
id: T:1
name: root

[Term]
id: T:2
name: middle
alt_id: T:20
is_a: T:1

[Term]
id: T:3
name: gone
is_obsolete: true
replaced_by: T:2

[Term]
id: T:4
name: gone for good
is_obsolete: true

[Term]
id: T:5
name: another root
namespace: other
"""


def gaf_line(symbol, term, code="IDA", qualifier=""):
    return "\t".join(["DB", "X1", symbol, qualifier, term, "R", code, "", "P", "", "", "protein", "taxon:1"]) + (
        "\t20200101\tDB\t\t\n"
    )


@pytest.fixture
def obo(tmp_path):
    path = tmp_path / "tiny.txt"
    path.write_text(OBO)
    return path


@pytest.fixture
def gaf(tmp_path):
    path = tmp_path / "genes.txt"
    rows = [("g1", "T:2"), ("g2", "T:20"), ("g3", "T:3"), ("g4", "T:4"), ("g5", "T:9"), ("g1", "T:20"), ("g6", "T:5")]
    path.write_bytes(gzip.compress(("!gaf-version: 2.1\n" + "".join(gaf_line(*row) for row in rows)).encode(), mtime=0))
    return path


def test_annotations_of_other_ids_are_resolved_or_lost(obo, gaf):
    ontology = read_ontology(obo, gaf)
    assert ontology.annotations == (
        Annotation("g1", "T:2", "IDA"),
        Annotation("g2", "T:2", "IDA"),
        Annotation("g3", "T:2", "IDA"),
        Annotation("g6", "T:5", "IDA"),
    )
    assert ontology.losses == (
        Loss("term", "obsolete", ("T:3", "T:4")),
        Loss("annotation", "term obsolete", ("g4 T:4 IDA",)),
        Loss("annotation", "term unknown to the ontology", ("g5 T:9 IDA",)),
    )
    assert ontology.roots == ("T:1", "T:5")


def test_provenance_names_both_files_and_every_step(obo, gaf):
    provenance = read_ontology(obo, gaf, root="T:1").provenance
    assert [source.name for source in provenance.sources] == ["tiny.txt", "genes.txt"]
    assert provenance.transformations == (
        "read is_a and part_of of tiny.txt",
        "annotated from genes.txt",
        "genes.txt: genes named by symbol",
        "genes.txt: took 3 annotations of 2 alternative or replaced ids",
        "left out terms not below T:1",
    )


def test_root_and_namespace(obo, gaf):
    below = read_ontology(obo, gaf, root="T:1")
    assert list(below.terms) == ["T:1", "T:2"]
    assert Loss("annotation", "term not below T:1", ("g6 T:5 IDA",)) in below.losses
    assert list(read_ontology(obo, gaf, namespace="other").terms) == ["T:5"]


def test_every_annotation_format_is_recognized(obo, tmp_path):
    def genes(text, **settings):
        path = tmp_path / "annotations"
        path.write_text(text)
        return [tuple(annotation) for annotation in read_ontology(obo, path, **settings).annotations]

    assert genes(gaf_line("g1", "T:2")) == [("g1", "T:2", "IDA")]
    gpad = "\t".join(["DB", "g1", "part_of", "T:2", "R", "ECO:0000314", *[""] * 6]) + "\n"
    assert genes("!gpa-version: 1.1\n" + gpad) == genes(gpad) == [("g1", "T:2", "IDA")]
    gene2go = "9606\t1\tT:2\tIDA\t-\ta\t1\tProcess\n"
    assert genes(gene2go) == genes("#tax_id\tGeneID\n" + gene2go, taxon=9606) == [("1", "T:2", "IDA")]
    assert genes("g1\tT:2\n") == genes("T:2,g1\n") == genes("g1,T:20\n") == [("g1", "T:2", "")]
    assert genes("g1\tT:2\tIDA\n", evidence="experimental") == [("g1", "T:2", "IDA")]


def test_hierarchies_that_hold_their_genes(tmp_path):
    path = tmp_path / "hierarchy"
    path.write_text("A\tB\tdefault\nB\tg\tgene\n")
    assert read_ontology(path).gene_sets == {"A": {"g"}, "B": {"g"}}
    assert read_ontology(path, root="B").relations == ()
    assert read_ontology(path, format="drugcell").roots == ("A",)
    path.write_text("ROOT: A 1\nGENES: g\nTERMS:\n")
    assert read_ontology(path).genes == ("g",)


def test_choices_that_do_not_apply(obo, gaf, tmp_path):
    path = tmp_path / "hierarchy"
    path.write_text("A\tB\tdefault\nB\tg\tgene\n")
    with pytest.raises(
        KgnnError, match=r"hierarchy: drugcell text holds its genes already and nothing for annotations="
    ):
        read_ontology(path, gaf)
    with pytest.raises(KgnnError, match="nothing for evidence="):
        read_ontology(path, evidence="experimental")
    with pytest.raises(KgnnError, match="format is 'owl'.*cx2, dcell, drugcell, gmt, kegg, kgml, mesh, obo, reactome"):
        read_ontology(obo, format="owl")
    with pytest.raises(
        KgnnError, match="annotation_format is 'gff'.*gaf, gene2go, gmt, gpad, hpo, reactome, sgd_slim, table"
    ):
        read_ontology(obo, gaf, annotation_format="gff")
    table = tmp_path / "table"
    table.write_text("g\tT:2\n")
    with pytest.raises(KgnnError, match="taxon= applies to gaf, gene2go"):
        read_ontology(obo, table, taxon=9606)


@pytest.mark.parametrize(
    ("stanzas", "names"),
    [
        ("[Term]\nid: A\nis_a: B\n\n[Term]\nid: B\nis_a: C\n\n[Term]\nid: C\nis_a: A\n", "3 terms form a cycle"),
        ("[Term]\nid: A\n\n[Term]\nid: B\nis_a: A\nis_a: B\n", "1 terms form a cycle: B"),
        ("[Term]\nid: A\nis_a: B\n\n[Term]\nid: B\nrelationship: part_of A\n", "2 terms form a cycle"),
    ],
)
def test_cycles(tmp_path, stanzas, names):
    path = tmp_path / "ring.obo"
    path.write_text(stanzas)
    with pytest.raises(StructureError, match=rf"ring\.obo: {names}"):
        read_ontology(path)


def test_a_cycle_outside_the_root_does_not_matter(tmp_path):
    path = tmp_path / "ring.obo"
    path.write_text("[Term]\nid: A\nis_a: B\n\n[Term]\nid: B\nis_a: A\n\n[Term]\nid: C\n")
    assert list(read_ontology(path, root="C").terms) == ["C"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"bad: is empty"),
        (b"\x89PNG\0\0", r"bad: is binary, not text"),
        (
            b"once upon a time\n",
            r"bad: is in none of the formats obo, reactome, .*, drugcell, dcell, cx2 \(it begins with 'once upon",
        ),
        (b"!gaf-version: 2.1\nA\n", r"bad: holds annotations, not an ontology"),
        (b"[Term]\nid: A\n\n[Term]\nna", r"bad, line 5: .*cut short"),
    ],
)
def test_bad_ontologies(tmp_path, content, message):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_ontology(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"bad: is empty"),
        (b"\x00\x01", r"bad: is binary, not text"),
        (b"!gaf-version: 2.1\nDB\tX1\tg1\t\tT:2\n", r"bad, line 2: has 5 columns where GAF 2 has 17"),
        (
            b"a\tb\tc\td\n",
            r"bad: is in none of the formats gaf, gpad, gene2go, reactome, gmt, hpo, sgd_slim, table \(4 columns",
        ),
    ],
)
def test_bad_annotations(obo, tmp_path, content, message):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_ontology(obo, path)


def test_annotations_of_another_ontology(obo, tmp_path):
    path = tmp_path / "other.gaf"
    path.write_text(gaf_line("g1", "HP:1"))
    with pytest.raises(FormatError, match=r"other\.gaf: none of its 1 annotations is to a term of the ontology"):
        read_ontology(obo, path)


def test_missing_file(tmp_path):
    with pytest.raises(FormatError, match=r"absent\.obo: there is no such file"):
        read_ontology(tmp_path / "absent.obo")
