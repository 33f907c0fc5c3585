"""`Network`: typed nodes and the edges between them, as a reader found them.

Readers make it through `kgnn.knowledge.edges.build_network`, `kgnn.structure.compile_adjacency` turns it into the
arrays of a network on a graph. Edges are columns, not objects: a human interactome has millions of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgnn.errors import KgnnError, StructureError, name_some
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint

if TYPE_CHECKING:
    import networkx
    import pandas

COLUMNS = ("source", "target", "weight", "sign", "directed", "evidence")


class Edge(NamedTuple):
    """One edge, by the names of its nodes.

    Attributes:
        source: Where it starts; for an undirected edge, the node that comes first in order.
        target: Where it ends.
        weight: At least 0, in the unit of the source; 1 where the source gives none.
        sign: 1 for activation, −1 for inhibition, 0 where unknown.
        directed: Whether the source says which of the two acts on the other.
        evidence: Kind of evidence or of interaction in the words of the source, ``""`` where it gives none.
    """

    source: str
    target: str
    weight: float
    sign: int
    directed: bool
    evidence: str


@dataclass(frozen=True, eq=False)
class Network:
    """A frozen network of genes, proteins and whatever else a source connects.

    Two nodes may be joined by several edges, if direction, sign or evidence differ. Arrays are not to be written to.

    Attributes:
        nodes: Names, sorted.
        node_types: What each node is (``"gene"``, ``"complex"``, …), ``""`` where the source does not say.
        source: int32 ``[edge]``, position of the node where the edge starts; sorted, then by target.
        target: int32 ``[edge]``, never before `source` in an undirected edge.
        weight: float64 ``[edge]``, see `Edge`.
        sign: int8 ``[edge]``.
        directed: bool ``[edge]``.
        evidence: int32 ``[edge]``, position in `evidence_names`.
        evidence_names: Kinds of evidence, sorted.
        provenance: Sources and transformations.
        losses: What reading and cutting left out, in order.
    """

    nodes: tuple[str, ...]
    node_types: tuple[str, ...]
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    directed: np.ndarray
    evidence: np.ndarray
    evidence_names: tuple[str, ...]
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Network({self.n_nodes:,} nodes, {self.n_edges:,} edges)"

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def n_edges(self) -> int:
        """Number of edges; an undirected one counts once."""
        return len(self.source)

    @cached_property
    def node_index(self) -> Mapping[str, int]:
        """Position of every node by its name."""
        return {node: position for position, node in enumerate(self.nodes)}

    @cached_property
    def weighted(self) -> bool:
        """Whether any weight differs from 1."""
        return bool((self.weight != 1).any())

    @cached_property
    def signed(self) -> bool:
        """Whether the sign of any edge is known."""
        return bool(self.sign.any())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of nodes and edges, independent of their order in the file, of provenance and of losses."""
        digest = hashlib.sha256()
        for column, kind in zip(COLUMNS, ("<i4", "<i4", "<f8", "<i1", "<i1", "<i4"), strict=True):
            digest.update(np.ascontiguousarray(getattr(self, column), dtype=kind).tobytes())
        return content_fingerprint(
            ["network", *self.nodes, "|", *self.node_types, "|", *self.evidence_names, "|", digest.hexdigest()]
        )

    @property
    def edges(self) -> Iterator[Edge]:
        """Every edge by name, one after the other; for millions of edges use the arrays."""
        columns = (getattr(self, column).tolist() for column in COLUMNS)
        for source, target, weight, sign, directed, evidence in zip(*columns, strict=True):
            yield Edge(
                self.nodes[source], self.nodes[target], weight, sign, directed, self.evidence_names[evidence]
            )  # fmt: skip

    @cached_property
    def component_of_node(self) -> np.ndarray:
        """int32 ``[node]``: the connected component of each node, directions ignored; 0 is the largest."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        ones = np.ones(self.n_edges, dtype=np.int8)
        graph = coo_array((ones, (self.source, self.target)), shape=(self.n_nodes, self.n_nodes))
        n_components, found = connected_components(graph, directed=False)
        largest_first = np.argsort(-np.bincount(found, minlength=n_components), kind="stable")
        rank = np.empty(n_components, dtype=np.int32)
        rank[largest_first] = np.arange(n_components, dtype=np.int32)
        return rank[found]

    def largest_component(self) -> Network:
        """The largest connected component, directions ignored; of two equally large ones, the first by name.

        Returns:
            The network; nodes and edges outside are in its losses.
        """
        return self.keep_nodes(
            self.component_of_node == 0, "outside the largest component", "kept the largest component"
        )

    def restrict(self, genes: Collection[str]) -> Network:
        """The nodes of a list and the edges among them.

        Args:
            genes: Names of the nodes to keep.

        Returns:
            The network; its losses also name the genes that are no node.

        Raises:
            StructureError: If no gene is a node.
        """
        wanted = frozenset(genes)
        keep = np.fromiter((node in wanted for node in self.nodes), dtype=bool, count=self.n_nodes)
        if not keep.any():
            raise StructureError(
                f"none of the {len(wanted):,} genes is among the {self.n_nodes:,} nodes. The genes are "
                f"{name_some(sorted(wanted))}; the nodes are {name_some(self.nodes)}. Use the same kind of identifier."
            )
        missing = tuple(gene for gene in dict.fromkeys(genes) if gene not in self.node_index)
        kept = self.keep_nodes(keep, "not among the chosen genes", f"restricted to {len(wanted):,} genes")
        return replace(kept, losses=(*kept.losses, Loss("gene", "not in the network", missing))) if missing else kept

    def threshold(self, weight: float) -> Network:
        """The edges of at least a weight; a node that loses all its edges is left out with them.

        Args:
            weight: Least weight, in the unit of `weight`.

        Returns:
            The network; edges and nodes left out are in its losses.

        Raises:
            StructureError: If no edge is left.
        """
        reason = f"weight below {weight:g}"
        return self.keep_edges(self.weight >= weight, reason, f"kept edges of weight {weight:g} or more")

    def with_evidence(self, *kinds: str) -> Network:
        """The edges with some kinds of evidence.

        Args:
            *kinds: Each as in `evidence_names`, or the part before a colon: ``"physical"`` keeps
                ``"physical: Two-hybrid"``.

        Returns:
            The network; edges and nodes left out are in its losses.

        Raises:
            KgnnError: If the network knows no such evidence.
        """
        keep = np.zeros(len(self.evidence_names), dtype=bool)
        for kind in kinds:
            found = [name == kind or name.startswith(f"{kind}: ") for name in self.evidence_names]
            if not any(found):
                known = name_some([repr(name) for name in self.evidence_names], limit=20)
                raise KgnnError(f"evidence {kind!r} is not in the network. Choose from: {known}.")
            keep |= np.array(found)
        listed = ", ".join(kinds)
        return self.keep_edges(keep[self.evidence], f"evidence other than {listed}", f"kept evidence {listed}")

    def renamed(self, names: Mapping[str, str]) -> Network:
        """The network under other names; nodes that take the same name become one.

        Args:
            names: New name by old name.

        Returns:
            The network; nodes without a new name, and their edges, are in its losses.

        Raises:
            StructureError: If no node has a new name.
        """
        from kgnn.knowledge.edges import build_network

        named = np.fromiter((node in names for node in self.nodes), dtype=bool, count=self.n_nodes)
        if not named.any():
            raise StructureError(
                f"none of the {self.n_nodes:,} nodes has a new name. The nodes are {name_some(self.nodes)}; new names "
                f"are known for {name_some(names)}. Use a table for these identifiers."
            )
        kept = self.keep_nodes(named, "no name in the table of names", f"renamed {int(named.sum()):,} nodes")
        new = [names[node] for node in kept.nodes]
        if all(before < after for before, after in pairwise(new)):
            return replace(kept, nodes=tuple(new))  # nothing joined, and in order as they were
        return build_network(new, like=kept)

    def to_networkx(self) -> networkx.Graph:
        """The network as a graph of networkx; see `kgnn.knowledge.network_graph.to_networkx`."""
        from kgnn.knowledge.network_graph import to_networkx

        return to_networkx(self)

    @classmethod
    def from_networkx(cls, graph: networkx.Graph, **options: Any) -> Network:
        """A graph of networkx as a network; see `kgnn.knowledge.network_graph.from_networkx`."""
        from kgnn.knowledge.network_graph import from_networkx

        return from_networkx(graph, **options)

    def to_frame(self) -> pandas.DataFrame:
        """The edges as a table with the columns of `Edge`."""
        import pandas

        names, evidence = np.asarray(self.nodes, dtype=object), np.asarray(self.evidence_names, dtype=object)
        columns = {column: getattr(self, column) for column in COLUMNS}
        columns |= {"source": names[self.source], "target": names[self.target], "evidence": evidence[self.evidence]}
        return pandas.DataFrame(columns)

    def keep_nodes(self, keep: np.ndarray, reason: str, step: str) -> Network:
        """The nodes of a mask and the edges among them.

        Args:
            keep: bool ``[node]``.
            reason: Why the others are left out, for the losses.
            step: What was done, for the provenance.

        Returns:
            The network; nodes and edges left out are in its losses.
        """
        if keep.all():
            return replace(self, provenance=self.provenance.after(step))
        within = keep[self.source] & keep[self.target]
        return self._cut(keep, within, ("node", reason), ("edge", f"a node {reason}"), step)

    def keep_edges(self, keep: np.ndarray, reason: str, step: str) -> Network:
        """The edges of a mask; a node that loses all its edges is left out with them.

        Args:
            keep: bool ``[edge]``.
            reason: Why the others are left out, for the losses.
            step: What was done, for the provenance.

        Returns:
            The network; nodes and edges left out are in its losses.

        Raises:
            StructureError: If no edge is left.
        """
        if not keep.any():
            raise StructureError(
                f"no edge is left: all {self.n_edges:,} have {reason} (weights lie between {self.weight.min():g} and "
                f"{self.weight.max():g}). Choose another value."
                if self.n_edges
                else "the network has no edges to choose from. Check the file."
            )
        touched = np.zeros(self.n_nodes, dtype=bool)
        touched[self.source] = touched[self.target] = True
        left = np.zeros(self.n_nodes, dtype=bool)
        left[self.source[keep]] = left[self.target[keep]] = True
        return self._cut(left | ~touched, keep, ("node", f"no edge left: {reason}"), ("edge", reason), step)

    def _cut(
        self, nodes: np.ndarray, edges: np.ndarray, of_node: tuple[str, str], of_edge: tuple[str, str], step: str
    ) -> Network:
        from kgnn.knowledge.edges import EdgeNames

        kept = [self.nodes[position] for position in np.flatnonzero(nodes)]
        position = np.cumsum(nodes, dtype=np.int32) - 1
        evidence = self.evidence[edges]
        used = np.flatnonzero(np.bincount(evidence, minlength=len(self.evidence_names)))
        place = np.zeros(len(self.evidence_names), dtype=np.int32)
        place[used] = np.arange(len(used), dtype=np.int32)
        losses = (
            Loss(of_node[0], of_node[1], tuple(self.nodes[lost] for lost in np.flatnonzero(~nodes))),
            Loss(of_edge[0], of_edge[1], EdgeNames.of(self, np.flatnonzero(~edges))),
        )
        return Network(
            nodes=tuple(kept),
            node_types=tuple(self.node_types[position] for position in np.flatnonzero(nodes)),
            source=position[self.source[edges]],
            target=position[self.target[edges]],
            weight=self.weight[edges],
            sign=self.sign[edges],
            directed=self.directed[edges],
            evidence=place[evidence],
            evidence_names=tuple(self.evidence_names[kind] for kind in used),
            provenance=self.provenance.after(step),
            losses=(*self.losses, *(loss for loss in losses if len(loss.names))),
        )
