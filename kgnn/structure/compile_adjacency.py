"""`compile_adjacency`: a `Network` and the genes of the data become an `Adjacency` and a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kgnn.errors import AlignmentError, KgnnError, StructureError, name_some, unknown_choice
from kgnn.knowledge.edges import EdgeNames
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.structure.adjacency import Adjacency

UNCONNECTED = ("error", "drop", "keep")
NORMALIZATIONS = ("none", "symmetric", "random_walk", "mean")
SELF_LOOPS = ("keep", "drop", "add")
SIGNS = ("ignore", "apply", "activating", "inhibiting")
DIRECTIONS = ("as_stated", "reverse", "both")
PARALLEL = ("max", "sum", "keep")

_FATE = {"error": "refused", "drop": "left out", "keep": "kept without an edge"}


@dataclass(frozen=True)
class NetworkAlignment:
    """How the genes of the data met the nodes of a network.

    Attributes:
        genes: The nodes of the graph, in the order of the data.
        unconnected: Genes of the data that the network does not know.
        unmeasured: Nodes of the network that the data do not have.
        isolated: Nodes of the graph that no edge touches, self-loops aside.
        losses: The same losses with those of edges, and those of reading and cutting before them, as records.
    """

    genes: tuple[str, ...]
    unconnected: tuple[str, ...]
    unmeasured: tuple[str, ...]
    isolated: tuple[str, ...]
    losses: tuple[Loss, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.genes):,} genes aligned; {len(self.unconnected):,} of the data are not in the network; "
            f"{len(self.unmeasured):,} of the network are not measured; {len(self.isolated):,} have no edge"
        )


class _Entries(NamedTuple):
    """Messages in the making, one a row."""

    senders: np.ndarray
    receivers: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    evidence: np.ndarray

    def take(self, rows: np.ndarray) -> _Entries:
        return _Entries(*(column[rows] for column in self))


def compile_adjacency(
    network: Network,
    genes: Sequence[str] | None = None,
    *,
    unconnected: str = "error",
    normalization: str = "none",
    self_loops: str = "keep",
    signs: str = "ignore",
    direction: str = "as_stated",
    parallel: str = "max",
    weighted: bool = True,
    pad_nodes: int | None = None,
    pad_edges: int | None = None,
) -> tuple[Adjacency, NetworkAlignment]:
    r"""Turn a network into senders and receivers, over the genes that were measured.

    An undirected edge becomes two messages, one each way. With :math:`A_{rs}` the weight of the message from *s* to *r*
    and :math:`d` the sums of absolute weights, the coefficients are

    .. math:: \frac{A_{rs}}{\sqrt{d_r d_s}} \text{ (symmetric)}, \quad \frac{A_{rs}}{d_s} \text{ (random walk)}, \quad
        \frac{A_{rs}}{d_r} \text{ (mean)},

    where :math:`d_r` counts what the node receives and :math:`d_s` what it sends.

    Args:
        network: The network; cut it before (`Network.threshold`, `Network.largest_component`).
        genes: Genes of the data, in their order; all nodes of the network where None.
        unconnected: What to do with genes of the data that are no node: ``"error"``, ``"drop"``, or ``"keep"`` them as
            nodes without an edge.
        normalization: ``"none"``, ``"symmetric"``, ``"random_walk"`` (what leaves a node sums to 1) or ``"mean"`` (what
            reaches a node sums to 1).
        self_loops: ``"keep"`` those of the network, ``"drop"`` them, or ``"add"`` one of weight 1 to every node in
            their place, before normalization.
        signs: ``"ignore"`` them, ``"apply"`` them to the weights, or take only ``"activating"`` or ``"inhibiting"``
            edges. All but the first leave out edges whose sign is unknown.
        direction: ``"as_stated"``, ``"reverse"``, or ``"both"`` to make every edge undirected.
        parallel: Edges between the same nodes in the same direction: the ``"max"`` of their weights, their ``"sum"``,
            or ``"keep"`` them apart. Of joined edges whose known signs differ, the sign is unknown.
        weighted: Whether weights count; else every edge has weight 1.
        pad_nodes: Nodes with padding; see `Adjacency.pad`.
        pad_edges: Edges with padding.

    Returns:
        The graph, and how data and knowledge met, with every gene and edge that was lost.

    Raises:
        AlignmentError: If a gene of the data is no node and ``unconnected="error"``, no gene is shared, or a gene comes
            twice.
        StructureError: If no edge is left.
        KgnnError: If a choice is unknown or the padding too small.

    References:
        Kipf & Welling 2017, arXiv:1609.02907.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> network = build_network(["A", "B", "C"], np.array([0, 1]), np.array([1, 2]))
        >>> adjacency, alignment = compile_adjacency(network, ["B", "A", "D"], unconnected="keep")
        >>> adjacency.senders.tolist(), adjacency.receivers.tolist(), alignment.unconnected
        ([1, 0], [0, 1], ('D',))
    """
    chosen = (
        ("unconnected", unconnected, UNCONNECTED), ("normalization", normalization, NORMALIZATIONS),
        ("self_loops", self_loops, SELF_LOOPS), ("signs", signs, SIGNS), ("direction", direction, DIRECTIONS),
        ("parallel", parallel, PARALLEL),
    )  # fmt: skip
    for name, value, known in chosen:
        if value not in known:
            raise unknown_choice(name, value, known)
    nodes, missing, unmeasured, losses = _align(network, genes, unconnected)
    kept, lost = _kept_edges(network, nodes, signs)
    entries = _entries(network, kept, nodes, signs=signs, weighted=weighted)
    entries = _joined(_one_way(entries, direction, network.directed[kept]), len(nodes), parallel)
    if not (entries.senders != entries.receivers).any():
        raise StructureError(
            f"no edge joins two of the {len(nodes):,} genes. Choose more genes, or cut the network less."
        )
    connected = np.zeros(len(nodes), dtype=bool)
    between = entries.senders != entries.receivers
    connected[entries.senders[between]] = connected[entries.receivers[between]] = True
    entries = _with_self_loops(entries, len(nodes), self_loops)
    losses += [Loss("edge", reason, EdgeNames.of(network, edges)) for reason, edges in lost.items() if len(edges)]
    kinds = dict(zip(network.nodes, network.node_types, strict=True))
    adjacency = Adjacency(
        nodes=nodes,
        node_types=tuple(kinds.get(node, "") for node in nodes),
        senders=entries.senders,
        receivers=entries.receivers,
        weight=entries.weight,
        coefficient=normalized(entries.senders, entries.receivers, entries.weight, len(nodes), normalization),
        sign=entries.sign,
        evidence=entries.evidence,
        evidence_names=network.evidence_names,
        n_edges=len(entries.senders),
        n_padded_nodes=len(nodes),
        normalization=normalization,
        network_fingerprint=network.fingerprint,
        provenance=network.provenance.after(
            f"compiled to {len(entries.senders):,} messages between {len(nodes):,} nodes (normalization "
            f"{normalization}, self-loops {self_loops}, signs {signs}, direction {direction}, parallel {parallel}"
            f"{'' if weighted else ', weights not used'})"
        ),
    )
    if pad_nodes is not None or pad_edges is not None:
        n_edges = pad_edges or adjacency.n_edges
        adjacency = adjacency.pad(pad_nodes or len(nodes) + (n_edges > adjacency.n_edges), n_edges)
    isolated = tuple(node for node, joined in zip(nodes, connected.tolist(), strict=True) if not joined)
    return adjacency, NetworkAlignment(nodes, missing, unmeasured, isolated, tuple(losses))


def _align(
    network: Network, genes: Sequence[str] | None, unconnected: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], list[Loss]]:
    """Nodes of the graph, genes that are no node, nodes that are not measured, and losses so far."""
    if genes is None:
        return network.nodes, (), (), list(network.losses)
    known, measured = network.node_index, frozenset(genes)
    if len(measured) < len(genes):
        repeated = [gene for gene, count in Counter(genes).items() if count > 1]
        raise AlignmentError(
            f"{len(repeated):,} of {len(measured):,} genes in the data come more than once: {name_some(repeated)}. "
            "Keep one column of each, or combine them."
        )
    missing = tuple(gene for gene in genes if gene not in known)
    if len(missing) == len(genes):
        raise AlignmentError(
            f"none of the {len(measured):,} genes of the data is among the {network.n_nodes:,} nodes. The data have "
            f"{name_some(genes)}; the network has {name_some(network.nodes)}. Use the same kind of identifier."
        )
    if missing and unconnected == "error":
        raise AlignmentError(
            f"{len(missing):,} of {len(measured):,} genes in the data are not in the network: {name_some(missing)}. "
            f"Map them to its identifiers (such as {name_some(network.nodes, 3)}), or pass unconnected='drop' to leave "
            "them out, or 'keep' to have them without an edge."
        )
    unmeasured = tuple(node for node in network.nodes if node not in measured)
    nodes = tuple(genes) if unconnected == "keep" else tuple(gene for gene in genes if gene in known)
    losses = (
        Loss("gene", f"in the data but not in the network: {_FATE[unconnected]}", missing),
        Loss("node", "in the network but not in the data", unmeasured),
    )
    return nodes, missing, unmeasured, [*network.losses, *(loss for loss in losses if loss.names)]


def _places(network: Network, nodes: tuple[str, ...]) -> np.ndarray:
    """Position in the graph of every node of the network, −1 for those outside."""
    place = np.full(network.n_nodes, -1, dtype=np.int32)
    for position, node in enumerate(nodes):
        index = network.node_index.get(node)
        if index is not None:
            place[index] = position
    return place


def _kept_edges(network: Network, nodes: tuple[str, ...], signs: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Positions of the edges to use, and of those lost by reason."""
    place = _places(network, nodes)
    within = (place[network.source] >= 0) & (place[network.target] >= 0)
    lost = {"a gene that is not in the data": np.flatnonzero(~within)}
    if signs != "ignore":
        if not network.signed:
            raise KgnnError(f"signs is {signs!r}, but the network has no signed edge. Use signs='ignore'.")
        wanted = {"apply": network.sign != 0, "activating": network.sign > 0, "inhibiting": network.sign < 0}[signs]
        lost["sign unknown"] = np.flatnonzero(within & (network.sign == 0))
        lost[f"not {signs}"] = np.flatnonzero(within & (network.sign != 0) & ~wanted)
        within &= wanted
    return np.flatnonzero(within), lost


def _entries(network: Network, kept: np.ndarray, nodes: tuple[str, ...], *, signs: str, weighted: bool) -> _Entries:
    place = _places(network, nodes)
    sign = network.sign[kept]
    weight = network.weight[kept] if weighted else np.ones(len(kept))
    return _Entries(
        place[network.source[kept]],
        place[network.target[kept]],
        weight * sign if signs == "apply" else weight,
        sign,
        network.evidence[kept],
    )


def _one_way(entries: _Entries, direction: str, directed: np.ndarray) -> _Entries:
    """Every edge as messages that go one way."""
    if direction == "reverse":
        entries = entries._replace(senders=entries.receivers, receivers=entries.senders)
    both = np.ones(len(directed), dtype=bool) if direction == "both" else ~directed
    back = entries.take(np.flatnonzero(both & (entries.senders != entries.receivers)))
    back = back._replace(senders=back.receivers, receivers=back.senders)
    return _Entries(*(np.concatenate(pair) for pair in zip(entries, back, strict=True)))


def _joined(entries: _Entries, n_nodes: int, parallel: str) -> _Entries:
    """Messages sorted by receiver, then sender; parallel ones joined."""
    pair = entries.receivers.astype(np.int64) * n_nodes + entries.senders
    order = np.argsort(pair, kind="stable")
    pair, entries = pair[order], entries.take(order)
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]]) if len(pair) else np.zeros(0, np.int64)
    if parallel == "keep" or len(starts) == len(pair):
        return entries
    joined = entries.take(starts)
    lowest, highest = np.minimum.reduceat(entries.sign, starts), np.maximum.reduceat(entries.sign, starts)
    sign = np.where(lowest * highest < 0, 0, lowest + highest)
    same = np.minimum.reduceat(entries.evidence, starts) == np.maximum.reduceat(entries.evidence, starts)
    if parallel == "sum":
        weight = np.add.reduceat(entries.weight, starts)
    else:
        most, least = np.maximum.reduceat(entries.weight, starts), np.minimum.reduceat(entries.weight, starts)
        weight = np.where(most >= -least, most, least)
        # Activation and inhibition of equal weight cancel each other.
        weight = np.where((most == -least) & (most != 0), 0.0, weight)
    return joined._replace(
        weight=weight, sign=np.sign(sign).astype(np.int8), evidence=np.where(same, joined.evidence, -1).astype(np.int32)
    )


def _with_self_loops(entries: _Entries, n_nodes: int, self_loops: str) -> _Entries:
    if self_loops == "keep":
        return entries
    entries = entries.take(np.flatnonzero(entries.senders != entries.receivers))
    if self_loops == "drop":
        return entries
    every = np.arange(n_nodes, dtype=np.int32)
    loops = _Entries(
        every, every, np.ones(n_nodes), np.zeros(n_nodes, np.int8), np.full(n_nodes, -1, np.int32)
    )  # fmt: skip
    together = _Entries(*(np.concatenate(pair) for pair in zip(entries, loops, strict=True)))
    return together.take(np.lexsort((together.senders, together.receivers)))


def normalized(
    senders: np.ndarray, receivers: np.ndarray, weight: np.ndarray, n_nodes: int, normalization: str
) -> np.ndarray:
    """Coefficients of messages, see `compile_adjacency`.

    Args:
        senders: int ``[edge]``.
        receivers: int ``[edge]``.
        weight: ``[edge]``.
        n_nodes: Number of nodes.
        normalization: One of `NORMALIZATIONS`.

    Returns:
        float64 ``[edge]``.
    """
    if normalization == "none":
        return weight
    size = np.abs(weight)
    received = np.bincount(receivers, weights=size, minlength=n_nodes)[receivers]
    sent = np.bincount(senders, weights=size, minlength=n_nodes)[senders]
    divisor = {"symmetric": np.sqrt(received * sent), "random_walk": sent, "mean": received}[normalization]
    return np.divide(weight, divisor, out=np.zeros(len(size)), where=divisor > 0)
