"""Networks in CX2, the exchange format of Cytoscape and NDEx: a JSON list of aspects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.edges import Coded, build_network, signed_weights
from kgnn.knowledge.interactions import interaction_of, meaning_of
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import read_lines, source_of
from kgnn.knowledge.writing import whole_file

PROVENANCE_KEY = "kgnn_provenance"

_DECLARED = {
    "networkAttributes": {"name": {"d": "string"}, PROVENANCE_KEY: {"d": "string"}},
    "nodes": {"name": {"d": "string"}, "type": {"d": "string"}},
    "edges": {
        "interaction": {"d": "string"},
        "weight": {"d": "double"},
        "sign": {"d": "integer"},
        "directed": {"d": "boolean"},
        "evidence": {"d": "string"},
    },
}


def read_cx2_network(path: str | PathLike[str], *, gene_id: str = "name", directed: bool | None = None) -> Network:
    """A network from CX2.

    Edges take the attributes ``weight``, ``sign``, ``directed`` and ``evidence``; where direction, sign or evidence are
    not given, ``interaction`` says what `kgnn.knowledge.interactions` makes of it.

    Args:
        path: The file, plain or gzip.
        gene_id: Attribute that names a node.
        directed: Whether edges have a direction of which the file says nothing; they have none where None.

    Returns:
        The network, with the type of each node.

    Raises:
        FormatError: If the file is not CX2, was cut short, or an edge joins a node that is not there.
        KgnnError: If nodes have no such attribute, or two the same value of it.
    """
    aspects = _aspects(path)
    defaults = aspects["attributeDeclarations"]
    nodes = {}
    for identifier, facts in _elements(aspects["nodes"], defaults, "nodes", path):
        if facts.get(gene_id) in (None, ""):
            known = name_some(sorted(facts), limit=20) or "none"
            raise KgnnError(f"{path}: node {identifier} has no {gene_id!r}. Choose with gene_id= from: {known}.")
        nodes[identifier] = (str(facts[gene_id]).strip(), str(facts.get("type", "")))
    names = [name for name, _ in nodes.values()]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise KgnnError(f"{path}: several nodes have the {gene_id} {name_some(repeated)}. Choose another gene_id=.")
    position = {identifier: index for index, identifier in enumerate(nodes)}
    rows = []
    for (identifier, facts), edge in zip(
        _elements(aspects["edges"], defaults, "edges", path), aspects["edges"], strict=True
    ):
        if edge.get("s") not in position or edge.get("t") not in position:
            raise FormatError(f"edge {identifier} joins a node that is not there. Was the file cut short?", path)
        rows.append((position[edge["s"]], position[edge["t"]], *_edge(facts, identifier, directed, path)))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    labels = {label: index for index, label in enumerate(dict.fromkeys(columns[5]))}
    weights = signed_weights(np.array(columns[2], dtype=np.float64))
    stated = np.array([np.nan if sign is None else sign for sign in columns[3]], dtype=np.float64)
    sign = np.where(np.isnan(stated), weights["sign"], stated)
    return build_network(
        names,
        np.array(columns[0], dtype=np.int32),
        np.array(columns[1], dtype=np.int32),
        weight=weights["weight"],
        sign=sign,
        directed=np.array(columns[4], dtype=bool),
        evidence=Coded(np.array([labels[label] for label in columns[5]], dtype=np.int32), list(labels)),
        node_types=[kind for _, kind in nodes.values()],
        provenance=_provenance(aspects["networkAttributes"], path),
    )


def write_cx2_network(network: Network, path: str | PathLike[str], *, name: str = "kgnn network") -> None:
    """Write a network as CX2, at once or not at all; `read_cx2_network` gives the same network back.

    Args:
        network: The network.
        path: File to write.
        name: Title of the network in Cytoscape.
    """
    nodes = [
        {"id": index, "v": {"name": node, "type": kind}}
        for index, (node, kind) in enumerate(zip(network.nodes, network.node_types, strict=True))
    ]
    ends = zip(network.source.tolist(), network.target.tolist(), strict=True)
    edges = [
        {"id": index, "s": source, "t": target, "v": {
            "interaction": interaction_of(edge.directed, edge.sign, edge.evidence), "weight": edge.weight,
            "sign": edge.sign, "directed": edge.directed, "evidence": edge.evidence,
        }}
        for index, (edge, (source, target)) in enumerate(zip(network.edges, ends, strict=True))
    ]  # fmt: skip
    attributes = [{"name": name, PROVENANCE_KEY: json.dumps(network.provenance.to_json())}]
    aspects = {"attributeDeclarations": [_DECLARED], "networkAttributes": attributes, "nodes": nodes, "edges": edges}
    content: list[dict[str, Any]] = [{"CXVersion": "2.0", "hasFragments": False}]
    content.append({"metaData": [{"name": key, "elementCount": len(value)} for key, value in aspects.items()]})
    content += [{key: value} for key, value in aspects.items()]
    content.append({"status": [{"success": True}]})
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, allow_nan=False)


def _aspects(path: str | PathLike[str]) -> dict[str, Any]:
    """The aspects that a network needs, fragments joined."""
    try:
        content = json.loads("".join(read_lines(path)))
    except (json.JSONDecodeError, RecursionError) as error:
        raise FormatError(f"is no whole JSON ({error}). Was the file cut short? Download it again.", path) from None
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, dict) or not str(first.get("CXVersion", "")).startswith("2"):
        raise FormatError("is JSON, but not CX2, which begins with its CXVersion. Export it as CX2.", path)
    found: dict[str, Any] = {"attributeDeclarations": {}, "networkAttributes": [], "nodes": [], "edges": []}
    for fragment in content[1:]:
        for aspect, elements in fragment.items() if isinstance(fragment, dict) else ():
            if aspect == "attributeDeclarations":
                for declaration in elements:
                    found[aspect] |= declaration
            elif aspect in found:
                found[aspect] += elements
    if not found["nodes"]:
        raise FormatError("holds no node. Check the path, or export it again.", path)
    return found


def _elements(
    elements: list[Any], declarations: Mapping[str, Any], aspect: str, path: str | PathLike[str]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Identifier and attributes of nodes or edges: short names spelled out, declared values where none is given."""
    declared = declarations.get(aspect, {})
    spelled = {facts["a"]: name for name, facts in declared.items() if isinstance(facts, dict) and "a" in facts}
    given = {name: facts["v"] for name, facts in declared.items() if isinstance(facts, dict) and "v" in facts}
    for element in elements:
        values = element.get("v", {}) if isinstance(element, dict) else None
        if not isinstance(values, dict):
            raise FormatError(f"an element of {aspect} is not as CX2 has them: {str(element)[:60]}.", path)
        yield element.get("id"), given | {spelled.get(name, name): value for name, value in values.items()}


def _edge(
    facts: Mapping[str, Any], identifier: Any, directed: bool | None, path: str | PathLike[str]
) -> tuple[float, int | None, bool, str]:
    interaction = str(facts.get("interaction", ""))
    meaning = meaning_of(interaction, directed)
    try:
        weight = float(facts.get("weight", 1.0))
        sign = None if "sign" not in facts else int(facts["sign"])
    except (TypeError, ValueError):
        weight, sign = np.nan, None
    if not np.isfinite(weight) or sign not in (None, -1, 0, 1):
        raise FormatError(f"edge {identifier} has a weight that is no number, or a sign that is not 1, 0 or -1.", path)
    sign = meaning.sign or None if sign is None else sign
    truth = facts.get("directed", meaning.directed)
    return weight, sign, truth in (True, "true", 1), str(facts.get("evidence", meaning.evidence))


def _provenance(attributes: list[Any], path: str | PathLike[str]) -> Provenance:
    found = Provenance((source_of(path, {}),), ("read as CX2",))
    for element in attributes:
        stored = element.get(PROVENANCE_KEY) if isinstance(element, dict) else None
        if stored is not None:
            try:
                return Provenance.from_json(json.loads(stored)).join(found)
            except (ValueError, KeyError, TypeError):
                raise FormatError("its record of provenance is damaged. Write the file again.", path) from None
    return found
