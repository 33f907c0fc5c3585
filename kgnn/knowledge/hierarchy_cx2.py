"""Hierarchies in Cytoscape's CX2, in the form in which Cytoscape shows models of a cell (HCX), in and out.

A term is a node with the members of its gene set; an edge runs from parent to child. NDEx and Cytoscape open what
`write_cx2_hierarchy` writes. Read with the standard library: CX2 is JSON, and the ndex client adds a network stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from kgnn.errors import FormatError
from kgnn.knowledge.cx2_aspects import node_number, read_aspects
from kgnn.knowledge.direction import refuse_reversed
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import source_of
from kgnn.knowledge.writing import whole_file

MEMBERS = "HCX::memberNames"
IS_ROOT = "HCX::isRoot"
COMMUNITY = "CD_MemberList"
_ANNOTATIONS = "kgnn::annotations"
_RELATION = "is_a"
_PROVENANCE = "kgnn::provenance"


def write_cx2_hierarchy(ontology: Ontology, path: str | PathLike[str]) -> None:
    """Write an ontology as CX2, at once or not at all.

    Every node has ``represents`` (the id of the term), ``name``, ``namespace``, the genes below it as
    ``HCX::memberNames`` and, so that nothing is lost, those annotated to itself with their evidence codes.

    Args:
        ontology: An acyclic ontology.
        path: File to write.

    Raises:
        StructureError: If the relations form a cycle.

    References:
        Pratt et al. 2015, NDEx, the Network Data Exchange, Cell Systems 1:302, doi:10.1016/j.cels.2015.10.001.
    """
    position = {term: index for index, term in enumerate(ontology.terms)}
    own: dict[str, list[str]] = {term: [] for term in ontology.terms}
    for annotation in ontology.annotations:
        own[annotation.term].append(f"{annotation.gene}\t{annotation.evidence}")
    nodes = []
    for term in ontology.terms.values():
        values = {"name": term.name, "represents": term.id, "namespace": term.namespace}
        values |= {IS_ROOT: not ontology.parents[term.id], MEMBERS: sorted(ontology.gene_sets[term.id])}
        nodes.append({"id": position[term.id], "v": values | {_ANNOTATIONS: own[term.id]}})
    edges = [
        {
            "id": index,
            "s": position[relation.parent],
            "t": position[relation.child],
            "v": {"interaction": relation.type},
        }
        for index, relation in enumerate(ontology.relations)
    ]
    network = {
        "name": "kgnn ontology",
        "ndexSchema": "hierarchy_v0.1",
        _PROVENANCE: json.dumps(ontology.provenance.to_json(), ensure_ascii=False),
    }
    text, texts, boolean = {"d": "string"}, {"d": "list_of_string"}, {"d": "boolean"}
    declared = {
        "networkAttributes": dict.fromkeys(network, text),
        "nodes": {"name": text, "represents": text, "namespace": text, IS_ROOT: boolean, MEMBERS: texts}
        | {_ANNOTATIONS: texts},
        "edges": {"interaction": text},
    }
    counts = {"attributeDeclarations": 1, "networkAttributes": 1, "nodes": len(nodes), "edges": len(edges)}
    content = [
        {"CXVersion": "2.0", "hasFragments": False},
        {"metaData": [{"name": name, "elementCount": count} for name, count in counts.items()]},
        {"attributeDeclarations": [declared]},
        {"networkAttributes": [network]},
        {"nodes": nodes},
        {"edges": edges},
        {"status": [{"success": True, "error": ""}]},
    ]
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def read_cx2_hierarchy(path: str | PathLike[str]) -> Ontology:
    """A hierarchy of terms from CX2.

    Reads what `write_cx2_hierarchy` writes, Cytoscape's hierarchies of a cell model (``HCX::memberNames``) and those of
    its community detection (``CD_MemberList``). Genes that a term has from below are not annotated to it again.

    Args:
        path: The file, plain or gzip.

    Returns:
        The ontology. Terms are named by ``represents`` where every node has it, else by ``name`` where that is unique,
        else by the number of the node.

    Raises:
        FormatError: If the file is no CX2, is cut short, is a network without members, or its edges run from child to
            parent.
    """
    aspects = read_aspects(path)
    nodes = [(node_number(node, "id", path), node["v"]) for node in aspects["nodes"]]
    names = _identifiers(nodes, path)
    terms = {
        names[number]: Term(names[number], str(values.get("name") or names[number]), str(values.get("namespace", "")))
        for number, values in nodes
    }
    relations: dict[Relation, None] = {}
    for edge in aspects["edges"]:
        parent, child = node_number(edge, "s", path), node_number(edge, "t", path)
        if parent not in names or child not in names:
            raise FormatError(f"an edge joins node {parent} and node {child}, which are not both defined.", path)
        relations[Relation(names[child], names[parent], str(edge["v"].get("interaction") or _RELATION))] = None
    bare = Ontology(terms, tuple(relations), (), _provenance(aspects, path))
    for number, values in nodes:
        if values.get(IS_ROOT) is True and bare.parents[names[number]]:
            raise FormatError(
                f"{names[number]} is marked as a root but is the target of an edge. Edges should run from parent to "
                "child.",
                path,
            )
    refuse_reversed(bare, path, "edges from parent to child")
    return replace(bare, annotations=_annotations(bare, {names[number]: values for number, values in nodes}, path))


def _identifiers(nodes: list[tuple[int, Mapping[str, Any]]], path: str | PathLike[str]) -> dict[int, str]:
    """Ids of the terms by number of their nodes."""
    if len({number for number, _ in nodes}) < len(nodes):
        raise FormatError("two nodes have the same number. The file is damaged: export it again.", path)
    for key in ("represents", "name"):
        found = {number: str(values.get(key) or "") for number, values in nodes}
        if all(found.values()) and len(set(found.values())) == len(nodes):
            return found
    return {number: str(number) for number, _ in nodes}


def _annotations(
    bare: Ontology, values_of: Mapping[str, Mapping[str, Any]], path: str | PathLike[str]
) -> tuple[Annotation, ...]:
    """Genes of every term itself; of plain member lists, those that no child has."""
    if any(_ANNOTATIONS in values for values in values_of.values()):
        return tuple(
            Annotation(gene, term, evidence)
            for term, values in values_of.items()
            for gene, evidence in (_pair(entry, path) for entry in _texts(values.get(_ANNOTATIONS, []), path))
        )
    members = {term: _members(values, path) for term, values in values_of.items()}
    if not any(members.values()):
        raise FormatError(
            f"is a network, not a hierarchy: no node has {MEMBERS} or {COMMUNITY}. Export the hierarchy with its "
            "members, or read a network with the readers of networks.",
            path,
        )
    return tuple(
        Annotation(gene, term)
        for term, genes in members.items()
        for gene in genes
        if not any(gene in members[child] for child in bare.children[term])
    )


def _members(values: Mapping[str, Any], path: str | PathLike[str]) -> dict[str, None]:
    if COMMUNITY in values:
        return dict.fromkeys(str(values[COMMUNITY]).split())
    return dict.fromkeys(_texts(values.get(MEMBERS, []), path))


def _texts(values: Any, path: str | PathLike[str]) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise FormatError("the members of a node are no list of names. The file is damaged: export it again.", path)
    return values


def _pair(entry: str, path: str | PathLike[str]) -> tuple[str, str]:
    """Gene and evidence code, as `write_cx2_hierarchy` puts them into one text."""
    gene, tab, evidence = entry.partition("\t")
    if not tab or not gene:
        raise FormatError(f"{entry[:40]!r} in {_ANNOTATIONS} is no gene and evidence code.", path)
    return gene, evidence


def _provenance(aspects: Mapping[str, list[dict[str, Any]]], path: str | PathLike[str]) -> Provenance:
    own = source_of(path, {})
    for attributes in aspects.get("networkAttributes", ()):
        try:
            written = Provenance.from_json(json.loads(attributes[_PROVENANCE]))
        except (KeyError, TypeError, ValueError):
            continue
        return written.after(f"read back from {own.name} (sha256 {own.sha256[:12]})")
    return Provenance((own,), ("read as CX2",))
