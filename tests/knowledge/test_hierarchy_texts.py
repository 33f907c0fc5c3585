"""DrugCell's three columns and DCell's topology blocks."""

from __future__ import annotations

import pytest

from kgnn.errors import FormatError, StructureError
from kgnn.knowledge.dcell import read_dcell
from kgnn.knowledge.drugcell import read_drugcell
from kgnn.knowledge.ontology import Annotation, Loss, Relation, Term

DRUGCELL = "root\tDNA repair (a/b)\tdefault\r\nroot\tx_y.z:1\tdefault\r\nroot\tHLA-A+\tgene\r\nx_y.z:1\tα\tgene\r\n"


def test_drugcell(tmp_path):
    path = tmp_path / "ontology.txt"
    path.write_bytes(DRUGCELL.encode())
    ontology = read_drugcell(path)
    assert list(ontology.terms) == ["root", "DNA repair (a/b)", "x_y.z:1"]
    assert ontology.terms["root"] == Term("root", "root", "")
    assert ontology.relations == (
        Relation("DNA repair (a/b)", "root", "default"),
        Relation("x_y.z:1", "root", "default"),
    )
    assert ontology.annotations == (Annotation("HLA-A+", "root"), Annotation("α", "x_y.z:1"))
    assert ontology.losses == ()
    assert ontology.provenance.sources[0].name == "ontology.txt"


def test_drugcell_separated_by_blanks_and_repeated_rows(tmp_path):
    path = tmp_path / "ontology.txt"
    path.write_text("A B default\nA B default\nB g gene\nB g gene\n")
    assert read_drugcell(path).losses == (
        Loss("relation", "repeated in the file", ("B default A",)),
        Loss("annotation", "repeated in the file", ("g B",)),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A\tB", r"has 2 columns where DrugCell's text has 3"),
        ("A\tB\tis_a", r"kind is 'is_a'\. Use 'default'"),
        ("A\t\tgene", r"names no term or no child"),
    ],
)
def test_drugcell_lines_that_are_refused(tmp_path, line, message):
    path = tmp_path / "ontology.txt"
    path.write_text(f"A\tB\tdefault\n{line}\n")
    with pytest.raises(FormatError, match=r"ontology\.txt, line 2: " + message):
        read_drugcell(path)


#      A (4 genes)
#     / \
#    B   C        g3 belongs to both
DCELL = """ROOT: A 4
GENES: g1 YDR225W
TERMS: B C
ROOT: B 1
GENES: g3
TERMS:
ROOT: C 2
GENES: g3 g4
TERMS:
"""


def test_dcell(tmp_path):
    path = tmp_path / "topology.txt"
    path.write_bytes(DCELL.replace("\n", "\r\n").encode())
    ontology = read_dcell(path)
    assert list(ontology.terms) == ["A", "B", "C"]
    assert ontology.relations == (Relation("B", "A", "default"), Relation("C", "A", "default"))
    assert ontology.direct_genes == {"A": {"g1", "YDR225W"}, "B": {"g3"}, "C": {"g3", "g4"}}
    assert ontology.gene_sets["A"] == {"g1", "YDR225W", "g3", "g4"}


def test_dcell_without_counts(tmp_path):
    path = tmp_path / "topology.txt"
    path.write_text(DCELL.replace("A 4", "A"))
    assert read_dcell(path).roots == ("A",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ROOT: A 4", "ROOT: A 5", r"line 1: A states 5 genes but 4 are listed .*\(1 such terms: A\)"),
        ("ROOT: A 4", "ROOT: A many", r"line 1: should read 'ROOT: term number-of-genes'"),
        ("GENES: g3\nTERMS:\n", "TERMS:\n", r"line 5: begins with 'TERMS' where GENES: should come"),
        ("ROOT: C 2", "ROOT: B 2", r"line 7: B has a block already \(line 4\)"),
        ("TERMS: B C", "TERMS: B C D", r"line 1: D, below A, has no block of its own"),
        ("GENES: g3 g4\nTERMS:\n", "GENES: g3 g4\n", r"line 8: the block of C ends before TERMS:"),
    ],
)
def test_dcell_that_is_refused(tmp_path, old, new, message):
    path = tmp_path / "topology.txt"
    path.write_text(DCELL.replace(old, new))
    with pytest.raises(FormatError, match=r"topology\.txt, " + message):
        read_dcell(path)


def test_dcell_cycle(tmp_path):
    path = tmp_path / "topology.txt"
    path.write_text("ROOT: A 1\nGENES: g\nTERMS: B\nROOT: B 1\nGENES: g\nTERMS: A\n")
    with pytest.raises(StructureError, match="2 terms form a cycle"):
        read_dcell(path)
