"""Two releases of a network: nodes and edges that came, went, or changed."""

from __future__ import annotations

from kgnn.knowledge.diff import Content, ReleaseDiff, compare, sizes
from kgnn.knowledge.network import Network

DIRECTIONS = {True: "->", False: "--"}


def network_diff(a: Network, b: Network) -> ReleaseDiff:
    """The changes between two releases of a network; see `kgnn.knowledge.diff.diff`.

    An edge is the same where its two nodes, its direction and its kind of evidence are; another weight or sign is a
    change of it. A node is the same under one name.

    Args:
        a: The older release.
        b: The newer one.

    Returns:
        The changes: nodes ``"added"``, ``"removed"`` or ``"retyped"``; edges ``"added"``, ``"removed"`` or
        ``"reweighted"``.
    """
    before, after = _content(a), _content(b)
    return ReleaseDiff("network", a.provenance, b.provenance, sizes(before, after), compare(before, after))


def _content(network: Network) -> Content:
    edges: dict[tuple[str, ...], list[str]] = {}
    for edge in network.edges:
        evidence = (edge.evidence,) if edge.evidence else ()
        key = (edge.source, DIRECTIONS[edge.directed], edge.target, *evidence)
        edges.setdefault(key, []).append(f"{edge.weight!r}, sign {edge.sign}" if edge.sign else repr(edge.weight))
    nodes = {(name,): kind for name, kind in zip(network.nodes, network.node_types, strict=True)}
    values = {key: "; ".join(sorted(found)) for key, found in edges.items()}
    return Content("network", {"node": nodes, "edge": values}, {"node": "retyped", "edge": "reweighted"})
