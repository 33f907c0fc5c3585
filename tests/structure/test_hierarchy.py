"""A hierarchy is saved and loaded bit for bit, compares by content, and a damaged file never passes for one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import FormatError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance, Source
from kgnn.structure import Hierarchy, compile_hierarchy

ARRAYS = ("level_of_term", "relation_child", "relation_parent", "annotation_gene", "annotation_term")


def assert_same(one: Hierarchy, other: Hierarchy) -> None:
    assert (one.terms, one.term_names, one.genes) == (other.terms, other.term_names, other.genes)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.ontology_fingerprint == other.ontology_fingerprint
    assert one.provenance == other.provenance
    assert one == other and one.fingerprint == other.fingerprint


def test_save_and_load(drawn, tmp_path):
    source = Source("go.obo", "ab" * 32, "2019-01", "CC BY 4.0", "GO")
    hierarchy, _ = compile_hierarchy(replace(drawn, provenance=Provenance((source,), ("read",))))
    path = tmp_path / "new folder (1)" / "hierarchy: β.npz"
    hierarchy.save(path)
    assert_same(Hierarchy.load(path), hierarchy)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    hierarchy.save(path)
    assert_same(Hierarchy.load(str(path)), hierarchy)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 14), st.integers(1, 11), st.integers(0, 10_000))
def test_save_and_load_any(tmp_path_factory, n_terms, n_genes, seed):
    hierarchy, _ = compile_hierarchy(random_ontology(n_terms, n_genes, seed))
    path = tmp_path_factory.mktemp("any") / "hierarchy"
    hierarchy.save(path)
    assert_same(Hierarchy.load(path), hierarchy)


def test_odd_names_survive(tmp_path):
    odd = Ontology(
        {"a/b:c (d)+é": Term("a/b:c (d)+é", "näme\n\x1f"), "ß": Term("ß", "")},
        (Relation("ß", "a/b:c (d)+é"),),
        (Annotation("HLA-A*02:01", "ß"), Annotation("\u2028", "ß")),
    )
    hierarchy, _ = compile_hierarchy(odd)
    hierarchy.save(tmp_path / "odd")
    assert_same(Hierarchy.load(tmp_path / "odd"), hierarchy)


def test_equality_is_of_names_and_arrays(drawn):
    hierarchy, _ = compile_hierarchy(drawn)
    renamed = replace(hierarchy, genes=(*hierarchy.genes[:-1], "other"))
    relabelled = replace(hierarchy, terms=("X", *hierarchy.terms[1:]))
    rewired = replace(hierarchy, annotation_gene=np.array([0, 1, 1, 2, 4, 4, 5, 6], np.int32))
    moved = replace(hierarchy, provenance=hierarchy.provenance.after("copied"))
    for other in (renamed, relabelled, rewired):
        assert other != hierarchy and hash(other) != hash(hierarchy)
    assert moved == hierarchy and {moved: 1}[hierarchy] == 1
    assert hierarchy != "hierarchy"
    assert compile_hierarchy(drawn, tuple(reversed(hierarchy.genes)))[0] != hierarchy


def test_names_are_not_confused_with_their_separators():
    def hierarchy(*terms: str) -> Hierarchy:
        none = np.zeros(0, np.int32)
        return Hierarchy(terms, terms, ("g",), np.zeros(len(terms), np.int32), none, none, none, none)

    assert hierarchy("a", "b").fingerprint != hierarchy("a', 'b").fingerprint
    assert hierarchy("a\x1fb").fingerprint != hierarchy("a", "b").fingerprint


def test_a_changed_byte_never_passes_unseen(drawn, tmp_path):
    hierarchy, _ = compile_hierarchy(drawn)
    path = tmp_path / "hierarchy.npz"
    hierarchy.save(path)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        try:
            loaded = Hierarchy.load(path)
        except FormatError as error:
            assert str(path) in str(error)
            refused += 1
        else:  # a date or an attribute inside the zip
            assert loaded == hierarchy
    assert refused > len(whole) / 8
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError, match="is not a compiled hierarchy"):
            Hierarchy.load(path)


def test_content_that_does_not_fit_its_fingerprint(drawn, tmp_path):
    hierarchy, _ = compile_hierarchy(drawn)
    path = tmp_path / "hierarchy.npz"
    hierarchy.save(path)
    with np.load(path) as stored:
        parts = {name: stored[name] for name in stored.files}
    parts["annotation_gene"] = parts["annotation_gene"][::-1]
    np.savez(path, **parts)
    with pytest.raises(FormatError, match=r"hierarchy\.npz: is damaged: .* Compile it again"):
        Hierarchy.load(path)


@pytest.mark.parametrize("header", [[1], {}, {"terms": 3}, {"terms": ["a"], "term_names": ["a"], "genes": None}])
def test_a_header_of_something_else(drawn, tmp_path, header):
    hierarchy, _ = compile_hierarchy(drawn)
    path = tmp_path / "other.npz"
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, header=text, **{name: getattr(hierarchy, name) for name in ARRAYS})
    with pytest.raises(FormatError, match=r"other\.npz: is not a compiled hierarchy .* kgnn compile"):
        Hierarchy.load(path)


def test_files_of_other_kinds(tmp_path):
    np.save(tmp_path / "array.npy", np.arange(3))
    np.savez(tmp_path / "arrays.npz", values=np.arange(3))
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "binary.npz").write_bytes(bytes(range(256)))
    (tmp_path / "text.obo").write_text("format-version: 1.2\r\n")
    (tmp_path / "folder").mkdir()
    for name in ("array.npy", "arrays.npz", "pickle.npy", "empty.npz", "binary.npz", "text.obo", "folder", "absent"):
        with pytest.raises(FormatError, match="is not a compiled hierarchy"):
            Hierarchy.load(tmp_path / name)


def test_a_failed_save_leaves_the_old_file(drawn, tmp_path):
    hierarchy, _ = compile_hierarchy(drawn)
    path = tmp_path / "hierarchy.npz"
    hierarchy.save(path)
    with pytest.raises(TypeError):
        replace(hierarchy, term_names=(object(),)).save(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert_same(Hierarchy.load(path), hierarchy)
