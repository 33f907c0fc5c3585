"""Rows of a file turned into a `Network`: nodes and edges in one order, each edge once, repetitions counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, overload

import numpy as np

from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance

REPEATED = "repeated in the file"
OTHER_WEIGHT = "repeated with another weight: the largest is kept"


class Coded(NamedTuple):
    """A column of text: a position for each row, and the texts by position."""

    codes: np.ndarray
    labels: list[str]


class EdgeNames(Sequence[str]):
    """Names of edges such as ``"A -> B"`` or ``"A -- B"``, spelled when asked for.

    Args:
        nodes: Names of nodes.
        source: Position of the node where each edge starts.
        target: Position of the node where it ends.
        directed: Whether it has a direction.
    """

    def __init__(self, nodes: Sequence[str], source: np.ndarray, target: np.ndarray, directed: np.ndarray):
        self._nodes, self._source, self._target, self._directed = nodes, source, target, directed

    @classmethod
    def of(cls, network: Network, edges: np.ndarray) -> EdgeNames:
        """The names of some edges of a network, by position."""
        return cls(network.nodes, network.source[edges], network.target[edges], network.directed[edges])

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return EdgeNames(self._nodes, self._source[index], self._target[index], self._directed[index])
        arrow = "->" if self._directed[index] else "--"
        return f"{self._nodes[self._source[index]]} {arrow} {self._nodes[self._target[index]]}"

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


class _Rows(NamedTuple):
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    directed: np.ndarray
    evidence: np.ndarray

    def take(self, rows: np.ndarray) -> _Rows:
        return _Rows(*(column[rows] for column in self))


def build_network(
    names: Sequence[str],
    source: np.ndarray | None = None,
    target: np.ndarray | None = None,
    *,
    weight: np.ndarray | None = None,
    sign: np.ndarray | None = None,
    directed: np.ndarray | bool = False,
    mirrored: np.ndarray | bool = False,
    evidence: Coded | None = None,
    node_types: Sequence[str] | None = None,
    keep_unconnected: bool = True,
    provenance: Provenance | None = None,
    losses: Sequence[Loss] = (),
    like: Network | None = None,
) -> Network:
    """A network from rows in any order.

    Names that come twice are one node. Rows that say the same are one edge, the number of repetitions is in the
    losses; of rows that differ in their weight alone the largest weight is kept, and that is in the losses too. An
    undirected edge that a file lists in both directions is no repetition.

    Args:
        names: A name for each position that the rows use.
        source: Position of the node where each row starts.
        target: Position of the node where it ends.
        weight: One number a row, 1 where None.
        sign: 1, 0 or −1 a row, 0 where None.
        directed: Whether the rows have a direction.
        mirrored: Rows that state an edge from its other end, as files do that list every edge twice.
        evidence: Kind of evidence of each row.
        node_types: Type of each name; the first one that is not ``""`` counts.
        keep_unconnected: Whether names that no row uses are nodes.
        provenance: Sources and transformations.
        losses: What was left out before.
        like: A network whose edges, types, provenance and losses are taken, under other `names`.

    Returns:
        The network.

    Example:
        >>> network = build_network(["B", "A"], np.array([0, 1]), np.array([1, 0]), directed=False)
        >>> network.nodes, network.n_edges, network.losses
        (('A', 'B'), 1, ())
    """
    if like is not None:
        source, target, weight, sign, directed = like.source, like.target, like.weight, like.sign, like.directed
        evidence, node_types = Coded(like.evidence, list(like.evidence_names)), like.node_types
        provenance, losses = like.provenance, like.losses
    source = np.zeros(0, np.int32) if source is None else source
    target = np.zeros(0, np.int32) if target is None else target
    n_rows = len(source)
    used = np.full(len(names), keep_unconnected)
    used[source] = used[target] = True
    nodes, node_of_name = _sorted_names(names, used)
    kinds, kind_of_label = ([""], np.zeros(1, np.int32)) if evidence is None else _used_labels(evidence)
    rows = _Rows(
        node_of_name[source],
        node_of_name[target],
        np.ones(n_rows) if weight is None else np.asarray(weight, dtype=np.float64),
        np.zeros(n_rows, np.int8) if sign is None else np.asarray(sign, dtype=np.int8),
        np.broadcast_to(np.asarray(directed, dtype=bool), n_rows),
        np.zeros(n_rows, np.int32) if evidence is None else kind_of_label[evidence.codes],
    )
    edges, repetitions = _each_once(rows, np.broadcast_to(np.asarray(mirrored, dtype=bool), n_rows), nodes)
    return Network(
        tuple(nodes),
        _types_of_nodes(len(nodes), node_of_name, node_types),
        *edges,
        evidence_names=tuple(kinds) if n_rows else (),
        provenance=provenance or Provenance(),
        losses=(*losses, *repetitions),
    )


def _sorted_names(names: Sequence[str], used: np.ndarray) -> tuple[list[str], np.ndarray]:
    nodes = sorted({name for name, wanted in zip(names, used.tolist(), strict=True) if wanted})
    position = {node: index for index, node in enumerate(nodes)}
    return nodes, np.array([position.get(name, -1) for name in names], dtype=np.int32)


def _used_labels(evidence: Coded) -> tuple[list[str], np.ndarray]:
    used = np.zeros(len(evidence.labels), dtype=bool)
    used[evidence.codes] = True
    return _sorted_names(evidence.labels, used)


def _types_of_nodes(n_nodes: int, node_of_name: np.ndarray, types: Sequence[str] | None) -> tuple[str, ...]:
    found = [""] * n_nodes
    for node, kind in zip(node_of_name.tolist(), types or (), strict=False):
        if node >= 0 and not found[node]:
            found[node] = kind
    return tuple(found)


def _each_once(rows: _Rows, mirrored: np.ndarray, nodes: Sequence[str]) -> tuple[_Rows, list[Loss]]:
    """Rows in order, one an edge, and what was said more than once."""
    if not len(rows.source):
        return rows, []
    turned = ~rows.directed & (rows.source > rows.target)
    rows = rows._replace(
        source=np.where(turned, rows.target, rows.source), target=np.where(turned, rows.source, rows.target)
    )
    pair = rows.source.astype(np.int64) * len(nodes) + rows.target
    rest = (rows.evidence.astype(np.int64) * 2 + rows.directed) * 3 + rows.sign
    order = np.lexsort((rest, pair)) if (rest != rest[0]).any() else np.argsort(pair, kind="stable")
    pair, rest, turned, rows = pair[order], rest[order], (turned | mirrored)[order], rows.take(order)
    starts = np.flatnonzero(np.r_[True, (pair[1:] != pair[:-1]) | (rest[1:] != rest[:-1])])
    count = np.diff(np.r_[starts, len(pair)])
    heaviest = np.maximum.reduceat(rows.weight, starts)
    disputed = heaviest != np.minimum.reduceat(rows.weight, starts)
    n_turned = np.add.reduceat(turned.astype(np.int64), starts)
    extra = count - (n_turned > 0) - (n_turned < count)
    edges = rows.take(starts)._replace(weight=heaviest)
    losses = []
    for reason, which in ((REPEATED, np.repeat(np.arange(len(starts)), np.where(disputed, 0, extra))),
                          (OTHER_WEIGHT, np.flatnonzero(disputed))):  # fmt: skip
        if len(which):
            names = EdgeNames(nodes, edges.source[which], edges.target[which], edges.directed[which])
            losses.append(Loss("edge", reason, names))
    return edges, losses


def signed_weights(values: np.ndarray) -> dict[str, Any]:
    """Weight and sign of numbers that may be negative.

    Args:
        values: One a row. Where any is negative, the sign of each is that of its edge; else signs are unknown.

    Returns:
        Arguments ``weight`` and ``sign`` of `build_network`.

    Example:
        >>> signed_weights(np.array([0.5, -2.0]))["sign"].tolist()
        [1, -1]
    """
    sign = np.sign(values).astype(np.int8) if (values < 0).any() else np.zeros(len(values), np.int8)
    return {"weight": np.abs(values), "sign": sign}


def with_note(network: Network, *notes: str) -> Network:
    """The network with remarks at the end of its provenance.

    Args:
        network: The network.
        *notes: Each one transformation; empty ones are left out.

    Returns:
        The same nodes and edges.
    """
    provenance = network.provenance
    for note in filter(None, notes):
        provenance = provenance.after(note)
    return replace(network, provenance=provenance)
