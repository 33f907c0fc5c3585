"""Hierarchies as CX2: there and back, and as Cytoscape and NDEx write them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings

from kgnn.errors import FormatError
from kgnn.knowledge import Annotation, Ontology, Relation, read_cx2_hierarchy, read_ontology, write_cx2_hierarchy
from tests.knowledge.ontologies import ontologies


@settings(max_examples=60, deadline=None)
@given(ontologies())
def test_the_fingerprint_is_kept(ontology: Ontology):
    roots, leaves = len(ontology.roots), sum(not below for below in ontology.children.values())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.cx2"
        write_cx2_hierarchy(ontology, path)
        back = read_cx2_hierarchy(path) if roots <= leaves else None
    assert back is None or back.fingerprint == ontology.fingerprint


@pytest.mark.parametrize("file", ["nest_vnn/ontology.txt", "xmr_tnbc/pathway_Disease.txt"])
def test_real_hierarchies(shared_data: Path, tmp_path: Path, file: str):
    ontology = read_ontology(shared_data / file)
    write_cx2_hierarchy(ontology, tmp_path / "a.cx2")
    back = read_ontology(tmp_path / "a.cx2")
    assert back.fingerprint == ontology.fingerprint
    assert back.provenance.sources == ontology.provenance.sources
    assert back.provenance.transformations[-1].startswith("read back from a.cx2")


def network(**changes: Any) -> list[dict[str, Any]]:
    """Root over two communities, with an alias and a default, as NDEx compacts them."""
    aspects = {
        "attributeDeclarations": [
            {
                "nodes": {"name": {"d": "string", "a": "n"}, "CD_MemberList": {"d": "string", "a": "m"}},
                "edges": {"interaction": {"d": "string", "v": "default"}},
            }
        ],
        "nodes": [
            {"id": 7, "v": {"n": "root", "m": "g1 g2 g3 g4"}},
            {"id": 8, "x": 1.0, "v": {"n": "left", "m": "g1 g2"}},
            {"id": 9, "v": {"n": "right", "m": "g2 g3"}},
        ],
        "edges": [{"id": 0, "s": 7, "t": 8}, {"id": 1, "s": 7, "t": 9, "v": {}}],
        "status": [{"success": True, "error": ""}],
    } | changes
    return [{"CXVersion": "2.0", "hasFragments": False}, *({name: value} for name, value in aspects.items())]


def written(folder: Path, content: Any) -> Path:
    path = folder / "a.cx2"
    path.write_text(json.dumps(content))
    return path


def test_communities_of_cytoscape(tmp_path: Path):
    ontology = read_ontology(written(tmp_path, network()))
    assert ontology.relations == (Relation("left", "root", "default"), Relation("right", "root", "default"))
    assert set(ontology.annotations) == {
        Annotation("g4", "root"), Annotation("g1", "left"), Annotation("g2", "left"),
        Annotation("g2", "right"), Annotation("g3", "right"),
    }  # fmt: skip


HIDDEN_ROOT = [
    {"id": 7, "v": {"n": "a", "m": "g1", "HCX::isRoot": True}},
    {"id": 8, "v": {"n": "b", "m": "g1"}},
    {"id": 9, "v": {"n": "c", "m": "g1"}},
]
TURNED = [{"id": 0, "s": 8, "t": 7}, {"id": 1, "s": 9, "t": 7}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (network(status=[{"success": False}]), "does not end in a status of success"),
        (network()[:-1], "does not end in a status of success"),
        (network(nodes=[{"id": 7}, {"id": 7}]), "two nodes have the same number"),
        (network(nodes=[{"id": "7"}]), "has '7' where its number should be"),
        (network(edges=[{"s": 7, "t": 99}]), "joins node 7 and node 99, which are not both defined"),
        (network(attributeDeclarations=[]), "is a network, not a hierarchy"),
        (network(edges=TURNED), "2 terms without a parent .* above 1 without a child"),
        (network(edges=TURNED, nodes=HIDDEN_ROOT), "a is marked as a root but is the target of an edge"),
        (network(nodes=[7]), "the aspect 'nodes' is no list of objects"),
        (network(nodes=[{"id": 7, "v": [1]}]), "the values of one of the nodes are no object"),
        (network(metaData=[{"name": "edges", "elementCount": 3}]), "states 3 edges but holds 2"),
        (network()[1:], "states no CXVersion"),
        ({"CXVersion": "2.0"}, "is no CX2, which is a list of aspects"),
    ],
)
def test_bad_networks(tmp_path: Path, content: Any, message: str):
    with pytest.raises(FormatError, match=message):
        read_ontology(written(tmp_path, content), format="cx2")


def test_a_cut_file(tmp_path: Path):
    path = written(tmp_path, network())
    path.write_text(path.read_text()[:-30])
    with pytest.raises(FormatError, match="a.cx2, line 1: is not JSON"):
        read_ontology(path)
    path.write_text("[" * 100_000)
    with pytest.raises(FormatError, match="is not JSON"):
        read_cx2_hierarchy(path)
