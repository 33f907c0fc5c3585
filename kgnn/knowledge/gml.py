"""Graphs in GML, through networkx; BioGRID's yeast network is handed around in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike

import networkx

from kgnn.errors import FormatError, KgnnError, StructureError, unknown_choice
from kgnn.knowledge.network import Network
from kgnn.knowledge.network_graph import from_networkx
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import read_lines, source_of

GENE_IDS = ("label", "systematic", "symbol")

_TWO_NAMES = re.compile(r"(\S+)  (\S+)")
_SMALL_ORF = re.compile(r"y[a-p][lr]\d{3}[wc](-[a-z])?|q\d{4}|r\d{4}[wc]")


def read_gml(path: str | PathLike[str], *, gene_id: str | None = None) -> Network:
    r"""A network from a graph in GML.

    Nodes are named by their label, or by ``name`` where they have none. Labels of two names parted by two blanks
    (``"ymr056c  aac1"``, as in the yeast network of BioGRID) are read as systematic name and symbol, and written in
    capitals where all of them are yeast genes in small letters.

    Args:
        path: The file, plain or gzip.
        gene_id: What names a node: ``"label"`` as it is, or for labels of two names ``"systematic"`` (the default for
            those) or ``"symbol"``.

    Returns:
        The network; edges may have the attributes ``weight``, ``sign``, ``interaction``.

    Raises:
        FormatError: If the file is no graph in GML, with the line where networkx names one.
        StructureError: If two nodes have the same name.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> text = 'graph [ node [ id 0 label "A" ] node [ id 1 label "B" ] edge [ source 0 target 1 ] ]'
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "graph.gml"
        ...     size = path.write_text(text)
        ...     read_gml(path).n_edges
        1
    """
    if gene_id is not None and gene_id not in GENE_IDS:
        raise unknown_choice("gene_id", gene_id, GENE_IDS)
    try:
        graph = networkx.parse_gml(read_lines(path), label="id")
    except networkx.NetworkXError as error:
        raise FormatError(
            f"is no whole graph in GML ({error}). Was the file cut short? Download it again.", path
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"is no graph in GML ({error}). Download it again.", path) from None
    if not graph:
        raise FormatError("holds no node. Check the path, or download the file again.", path)
    names, note = _names({node: facts for node, facts in graph.nodes(data=True)}, gene_id, path)
    graph = networkx.relabel_nodes(graph, _distinct(names, path))
    try:
        return from_networkx(graph, provenance=Provenance((source_of(path, {}),), ("read as GML", *note)))
    except (FormatError, StructureError) as error:
        raise type(error)(f"{path}: {error}") from None


def _names(
    nodes: Mapping[int, Mapping[str, object]], gene_id: str | None, path: str | PathLike[str]
) -> tuple[dict[int, str], list[str]]:
    labels = {node: str(facts.get("label", facts.get("name", node))) for node, facts in nodes.items()}
    pairs = {node: found.groups() for node, label in labels.items() if (found := _TWO_NAMES.fullmatch(label))}
    if len(pairs) < len(labels):
        if gene_id in ("systematic", "symbol"):
            other = next(label for node, label in labels.items() if node not in pairs)
            raise KgnnError(f"{path}: the label {other!r} is not two names parted by two blanks. Leave out gene_id=.")
        return labels, []
    if gene_id == "label":
        return labels, []
    part = 1 if gene_id == "symbol" else 0
    names = {node: pair[part] for node, pair in pairs.items()}
    note = [f"named by {'symbol' if part else 'systematic name'}"]
    small = sum(bool(_SMALL_ORF.fullmatch(pair[0])) for pair in pairs.values())
    if small > len(pairs) / 2 and all(name == name.lower() for name in names.values()):
        return {node: name.upper() for node, name in names.items()}, [*note, "names written in capitals"]
    return names, note


def _distinct(names: dict[int, str], path: str | PathLike[str]) -> dict[int, str]:
    node_of: dict[str, int] = {}
    for node, name in names.items():
        if node_of.setdefault(name, node) != node:
            raise StructureError(
                f"{path}: the nodes {node_of[name]} and {node} have the same name, {name!r}. Rename one, or choose "
                "another one with gene_id=."
            )
    return names
