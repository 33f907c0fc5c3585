"""Networks as graphs of networkx, and graphs of networkx as networks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import networkx
import numpy as np

from kgnn.errors import FormatError, StructureError, name_some
from kgnn.knowledge.edges import Coded, build_network, signed_weights
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance

EVIDENCE_WORDS = ("evidence", "interaction", "type")


def to_networkx(network: Network) -> networkx.Graph:
    """A network as a graph of networkx.

    Nodes have the attribute ``type``, edges have ``weight``, ``sign``, ``directed`` and ``evidence``. The class follows
    from the edges: directed if any edge is (an undirected one among them keeps ``directed=False``), a multigraph if any
    two edges join the same nodes.

    Args:
        network: The network.

    Returns:
        A graph from which `from_networkx` makes the same network.

    Example:
        >>> graph = to_networkx(build_network(["A", "B"], np.array([0]), np.array([1]), directed=True))
        >>> type(graph).__name__, list(graph.edges)
        ('DiGraph', [('A', 'B')])
    """
    directed = bool(network.directed.any())
    ends = np.stack([network.source, network.target])
    several = np.unique(ends if directed else np.sort(ends, axis=0), axis=1).shape[1] < network.n_edges
    kinds = {
        (False, False): networkx.Graph,
        (False, True): networkx.MultiGraph,
        (True, False): networkx.DiGraph,
        (True, True): networkx.MultiDiGraph,
    }
    graph = kinds[directed, several]()
    graph.add_nodes_from(
        (node, {"type": kind}) for node, kind in zip(network.nodes, network.node_types, strict=True)
    )  # fmt: skip
    graph.add_edges_from((edge.source, edge.target, edge._asdict() | {}) for edge in network.edges)
    for *_, attributes in graph.edges(data=True):
        del attributes["source"], attributes["target"]
    return graph


def from_networkx(
    graph: networkx.Graph,
    *,
    weight: str = "weight",
    evidence: str | None = None,
    node_type: str = "type",
    provenance: Provenance | None = None,
) -> Network:
    """A graph of networkx as a network.

    Args:
        graph: Any class of networkx; names of nodes become text.
        weight: Attribute of an edge with its weight, 1 where it is absent. Where any weight is negative and no edge has
            the attribute ``sign``, the signs of weights are those of the edges.
        evidence: Attribute of an edge with its evidence; where None, ``evidence``, ``interaction`` or ``type``.
        node_type: Attribute of a node with its type.
        provenance: Where the graph came from.

    Returns:
        The network. An edge has a direction if the graph has, unless its attribute ``directed`` says otherwise.

    Raises:
        StructureError: If two nodes have the same name as text.
        FormatError: If a weight is no finite number or a sign is not 1, 0 or −1.
    """
    names = [str(node).strip() for node in graph]
    repeated = sorted(repr(name) for name, count in Counter(names).items() if count > 1 or not name)
    if repeated:
        raise StructureError(f"nodes of the graph have the same name or none: {name_some(repeated)}. Relabel them.")
    position = {node: index for index, node in enumerate(graph)}
    edges = list(graph.edges(data=True))
    found = [attributes for _, _, attributes in edges]
    key = evidence or next((word for word in EVIDENCE_WORDS if any(word in each for each in found)), "")
    labels = {str(each.get(key, "")): None for each in found}
    place = {label: index for index, label in enumerate(labels)}
    weights = signed_weights(np.array([_number(each, weight, 1.0) for each in found]))
    if any("sign" in each for each in found):
        weights["sign"] = np.array([_number(each, "sign", 0.0) for each in found])
        if not np.isin(weights["sign"], (-1, 0, 1)).all():
            raise FormatError("the attribute 'sign' of an edge is not 1, 0 or -1. Correct it, or rename the attribute.")
    directed = [_truth(each.get("directed", graph.is_directed())) for each in found]
    step = "read from a graph of networkx"
    return build_network(
        names,
        np.array([position[source] for source, _, _ in edges], dtype=np.int32),
        np.array([position[target] for _, target, _ in edges], dtype=np.int32),
        directed=np.array(directed, dtype=bool),
        evidence=Coded(np.array([place[str(each.get(key, ""))] for each in found], np.int32), list(place)),
        node_types=[str(kind) for _, kind in graph.nodes(data=node_type, default="")],
        provenance=provenance or Provenance((), (step,)),
        **weights,
    )


def _number(attributes: dict[Any, Any], key: str, default: float) -> float:
    value = attributes.get(key, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise FormatError(f"the attribute {key!r} of an edge is {value!r}, no number. Correct it, or name another one.")
    return number


def _truth(value: Any) -> bool:
    return value.strip().lower() in ("true", "1", "t") if isinstance(value, str) else bool(value)
