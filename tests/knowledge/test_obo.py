"""OBO files: what is kept, what is left out and said to be, and what is refused."""

from __future__ import annotations

import gzip

import pytest

from kgnn.errors import FormatError, KgnnError, StructureError
from kgnn.knowledge.obo import read_obo
from kgnn.knowledge.ontology import Loss, Relation, Term

#          R:1
#       is_a|  \is_a
#         R:2   M:1          R:4 (obsolete, replaced by R:3), R:5 (obsolete by name only)
#   part_of|     |part_of -> R:2
#         R:3   M:2
OBO = """format-version: 1.2
data-version: releases/2020-02-30
default-namespace: process
ontology: go

[Term]
id: R:1
name: root

[Term]
id: R:2
name: naïve (T/B) + x_y.z\\: odd \\! ! not part of it
alt_id: R:20
is_a: R:1 ! root

[Term]
id: R:3
name: leaf
relationship: part_of R:20 {source="x"} ! by its other name
relationship: regulates R:1
is_a: R:404

[Term]
id: R:4
name: gone
alt_id: R:40
is_obsolete: true
replaced_by: R:3

[Term]
id: R:5
name: Obsolete thing
is_a: R:1

[Term]
id: M:1
name: function
namespace: activity
is_a: R:1

[Term]
id: M:2
namespace: activity
relationship: part_of R:2
[Typedef]
id: part_of
name: part of

[Instance]
id: I:1
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.obo"
    path.write_text(OBO, encoding="utf-8")
    return path


def test_terms_relations_aliases_and_losses(path):
    ontology, aliases = read_obo(path)
    assert ontology.terms == {
        "R:1": Term("R:1", "root", "process"),
        "R:2": Term("R:2", "naïve (T/B) + x_y.z: odd !", "process"),
        "R:3": Term("R:3", "leaf", "process"),
        "M:1": Term("M:1", "function", "activity"),
        "M:2": Term("M:2", "M:2", "activity"),
    }
    assert set(ontology.relations) == {
        Relation("R:2", "R:1", "is_a"),
        Relation("R:3", "R:2", "part_of"),
        Relation("M:1", "R:1", "is_a"),
        Relation("M:2", "R:2", "part_of"),
    }
    assert aliases == {"R:20": "R:2", "R:4": "R:3", "R:40": "R:3"}
    assert set(ontology.losses) == {
        Loss("term", "obsolete", ("R:4", "R:5")),
        Loss("relation", "type regulates not chosen", ("R:3 regulates R:1",)),
        Loss("relation", "to a term that the file does not define or calls obsolete", ("R:3 is_a R:404",)),
        Loss("relation", "from an obsolete term", ("R:5 is_a R:1",)),
    }
    assert ontology.annotations == ()


def test_provenance_of_the_gene_ontology(path):
    source = read_obo(path)[0].provenance.sources[0]
    assert (source.name, source.release, source.licence) == ("tiny.obo", "releases/2020-02-30", "CC BY 4.0")
    assert "10.1038/75556" in source.citation


def test_comment_lines_state_the_licence(tmp_path):
    path = tmp_path / "own.obo"
    path.write_text("! licence: CC0 1.0\n! citation: nobody 2020\n[Term]\nid: A\n")
    source = read_obo(path)[0].provenance.sources[0]
    assert (source.licence, source.citation, source.release) == ("CC0 1.0", "nobody 2020", "")


def test_gzip_and_crlf_give_the_same(path, tmp_path):
    other = tmp_path / "crlf.obo.gz"
    other.write_bytes(gzip.compress(OBO.replace("\n", "\r\n").encode(), mtime=0))
    assert read_obo(other)[0].fingerprint == read_obo(path)[0].fingerprint


def test_relations_by_choice(path):
    ontology, _ = read_obo(path, "regulates")
    assert ontology.relations == (Relation("R:3", "R:1", "regulates"),)
    with pytest.raises(KgnnError, match="relation is 'isa'.*Choose one of: is_a, part_of, regulates"):
        read_obo(path, ["isa"])


def test_namespace(path):
    ontology, _ = read_obo(path, namespace="activity")
    assert list(ontology.terms) == ["M:1", "M:2"]
    assert ontology.relations == ()
    assert Loss("term", "not in the namespace activity", ("R:1", "R:2", "R:3")) in ontology.losses
    with pytest.raises(StructureError, match="no term has the namespace 'molecular_function'.*activity, process"):
        read_obo(path, namespace="MF")


def test_root_keeps_what_is_below_of_any_namespace(path):
    ontology, _ = read_obo(path, root="R:2")
    assert list(ontology.terms) == ["R:2", "R:3", "M:2"]
    assert ontology.roots == ("R:2",)
    assert Loss("term", "not below R:2", ("R:1", "M:1")) in ontology.losses


def test_unknown_root_names_close_ones(path):
    with pytest.raises(StructureError, match=r"root 'R:22' is not among the 5 terms.*R:2"):
        read_obo(path, root="R:22")
    with pytest.raises(StructureError, match=r"Did you mean R:3\?"):
        read_obo(path, root="Leaf")


def test_replacements_follow_chains_and_never_circles(tmp_path):
    path = tmp_path / "chain.obo"
    stanza = "[Term]\nid: {}\nname: n\nis_obsolete: true\n{}\n"
    path.write_text(
        "[Term]\nid: A\nname: n\n\n"
        + stanza.format("B", "replaced_by: A\n")
        + stanza.format("C", "replaced_by: B\n")
        + stanza.format("D", "replaced_by: E\n")
        + stanza.format("E", "replaced_by: D\n")
        + stanza.format("F", "replaced_by: A\nreplaced_by: B\n")
    )
    assert read_obo(path)[1] == {"B": "A", "C": "A"}


def cut(tmp_path, end):
    path = tmp_path / "cut.obo"
    path.write_bytes(OBO.encode()[: OBO.encode().index(end.encode()) + len(end)])
    return path


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("\n[Ter", 6),
        ("\n[Term]", 6),
        ("\n[Term]\n", 6),
        ("\n[Term]\ni", 7),
        ("\n[Term]\nid:", 7),
        ("\nid: R:2", 11),
        ("\nname: lea", 18),
        ("\nrelationship: part_of", 19),
        ("\nrelationship: part_of R", 19),
        ("\nis_a: R:40", 21),
        ("\nis_obsolete: tr", 27),
    ],
)
def test_cut_short(tmp_path, end, line):
    with pytest.raises(FormatError, match=rf"cut\.obo, line {line}: .*cut short") as caught:
        read_obo(cut(tmp_path, end))
    assert caught.value.line == line


def test_a_complete_last_line_needs_no_line_end(tmp_path):
    path = tmp_path / "whole.obo"
    path.write_text("[Term]\nid: A\n\n[Term]\nid: B\nis_a: A ! the oth")
    assert read_obo(path)[0].relations == (Relation("B", "A", "is_a"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just some words: here\n", r"bad\.obo: holds no \[Term\] stanza"),
        ("[Term]\nid: A\n\n[Term]\nid: A\n", r"line 5: A is defined again \(first in line 2\)"),
        ("[Term]\nname: n\n\n[Term]\nid: A\n", r"line 3: the \[Term\] stanza of line 1 has no id"),
        ("[Term]\nid: A\nno tag\n", r"line 3: 'no tag' is no 'tag: value'"),
        ("[Term]\nid: A\nis_a: B C\n", r"line 3: 'is_a: B C' should hold 1 word"),
    ],
)
def test_damaged(tmp_path, text, message):
    path = tmp_path / "bad.obo"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_obo(path)
