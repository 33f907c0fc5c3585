"""`Adjacency`: a compiled network as integer arrays, the edges that messages travel along.

Nodes lie in the order of a model's input; edges are sorted by receiver, then sender. Padding follows the convention of
jraph: padded nodes come after the real ones, padded edges join the first of them to itself with weight 0.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.writing import whole_file

if TYPE_CHECKING:
    from kgnn.knowledge.network import Network

KIND = "kgnn adjacency"

_ARRAYS = {
    "senders": "<i4", "receivers": "<i4", "weight": "<f8", "coefficient": "<f8", "sign": "<i1", "evidence": "<i4"
}  # fmt: skip
_NAMES = ("nodes", "node_types", "evidence_names")
_FACTS = ("n_edges", "n_padded_nodes", "normalization", "network_fingerprint")
_UNREADABLE = (
    OSError, KeyError, TypeError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Adjacency:
    """The edges of a network over the nodes of a model, one entry for each direction that a message takes.

    Attributes:
        nodes: Names of the real nodes, in the order of a model's input.
        node_types: What each of them is, ``""`` where unknown.
        senders: int32 ``[edge]``, position of the node that a message leaves.
        receivers: int32 ``[edge]``, position of the node that it reaches; never falling among real edges.
        weight: float64 ``[edge]``, weight of the edge, times its sign if signs were applied; 0 in padding.
        coefficient: float64 ``[edge]``, `weight` normalized.
        sign: int8 ``[edge]``, 1, −1, or 0 where unknown.
        evidence: int32 ``[edge]``, position in `evidence_names`; −1 in padding, in added self-loops, and where edges
            of different evidence were joined.
        evidence_names: Kinds of evidence.
        n_edges: Number of real edges; those after them are padding.
        n_padded_nodes: Number of nodes with padding, as large as `nodes` where there is none.
        normalization: How `coefficient` was made, ``"none"`` where it is `weight`.
        network_fingerprint: Fingerprint of the network that was compiled.
        provenance: Its sources and transformations.
    """

    nodes: tuple[str, ...]
    node_types: tuple[str, ...]
    senders: np.ndarray
    receivers: np.ndarray
    weight: np.ndarray
    coefficient: np.ndarray
    sign: np.ndarray
    evidence: np.ndarray
    evidence_names: tuple[str, ...]
    n_edges: int
    n_padded_nodes: int
    normalization: str = "none"
    network_fingerprint: str = ""
    provenance: Provenance = field(default_factory=Provenance)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adjacency) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Adjacency({self.n_nodes:,} nodes, {self.n_edges:,} edges)"

    @property
    def n_nodes(self) -> int:
        """Number of real nodes."""
        return len(self.nodes)

    @property
    def n_padded_edges(self) -> int:
        """Number of edges with padding."""
        return len(self.senders)

    @cached_property
    def node_index(self) -> dict[str, int]:
        """Position of every real node by its name."""
        return {node: position for position, node in enumerate(self.nodes)}

    @cached_property
    def node_mask(self) -> np.ndarray:
        """bool ``[node]``: which nodes are real."""
        return np.arange(self.n_padded_nodes) < self.n_nodes

    @cached_property
    def edge_mask(self) -> np.ndarray:
        """bool ``[edge]``: which edges are real."""
        return np.arange(self.n_padded_edges) < self.n_edges

    def to_network(self) -> Network:
        """The edges as a directed network, to be cut and compiled anew; added self-loops are among them."""
        from kgnn.knowledge.edges import build_network

        real = slice(0, self.n_edges)
        return build_network(
            list(self.nodes), self.senders[real], self.receivers[real], weight=self.weight[real], directed=True,
            node_types=list(self.node_types), sign=self.sign[real], provenance=self.provenance,
        )  # fmt: skip

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What the columns of `features` are."""
        return ("weight", "sign", *(f"evidence {name or 'not stated'}" for name in self.evidence_names))

    @property
    def features(self) -> np.ndarray:
        """float32 ``[edge, feature]``: weight, sign, and 1 in the column of the edge's evidence; 0 in padding."""
        found = np.zeros((self.n_padded_edges, len(self.feature_names)), dtype=np.float32)
        found[:, 0], found[:, 1] = self.weight, self.sign
        known = np.flatnonzero(self.evidence >= 0)
        found[known, 2 + self.evidence[known]] = 1
        return found

    def pad(self, n_nodes: int, n_edges: int) -> Adjacency:
        """The same graph in arrays of a given size, so that graphs of one size share a compiled program.

        Args:
            n_nodes: Nodes with padding; more than the real ones wherever an edge is padding.
            n_edges: Edges with padding.

        Returns:
            The padded graph.

        Raises:
            KgnnError: If the real nodes and edges do not fit.
        """
        bare = self.unpadded()
        if n_edges < bare.n_edges or n_nodes < bare.n_nodes + (n_edges > bare.n_edges):
            raise KgnnError(
                f"{bare.n_nodes:,} nodes and {bare.n_edges:,} edges do not fit into {n_nodes:,} nodes and {n_edges:,} "
                "edges: padded edges also need one padded node. Choose larger sizes."
            )
        extra = n_edges - bare.n_edges
        fill = {"senders": self.n_nodes, "receivers": self.n_nodes, "evidence": -1}
        arrays = {name: np.pad(getattr(bare, name), (0, extra), constant_values=fill.get(name, 0)) for name in _ARRAYS}
        return replace(bare, **arrays, n_padded_nodes=n_nodes)

    def unpadded(self) -> Adjacency:
        """The same graph without padding."""
        arrays = {name: getattr(self, name)[: self.n_edges] for name in _ARRAYS}
        return replace(self, **arrays, n_padded_nodes=self.n_nodes)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of names, arrays and sizes; a run refuses to load with another one."""
        digest = hashlib.sha256()
        for name, kind in _ARRAYS.items():
            digest.update(np.ascontiguousarray(getattr(self, name), dtype=kind).tobytes())
        names = [part for name in _NAMES for part in (*getattr(self, name), "|")]
        facts = (self.n_edges, self.n_padded_nodes, self.normalization)
        return content_fingerprint(["adjacency", *names, *facts, digest.hexdigest()])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the graph as one ``.npz`` file, at once or not at all; not compressed, so that it loads fast.

        Args:
            path: File to write.
        """
        header = {name: getattr(self, name) for name in (*_NAMES, *_FACTS, "fingerprint")}
        header |= {"kind": KIND, "provenance": self.provenance.to_json()}
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        with whole_file(path) as unfinished, unfinished.open("wb") as stream:
            np.savez(stream, header=text, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Adjacency:
        """Read what `save` wrote.

        Args:
            path: The ``.npz`` file.

        Returns:
            The graph.

        Raises:
            FormatError: If the file is not a compiled adjacency or is damaged.
        """
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                header: dict[str, Any] = json.loads(stored["header"].tobytes())
                if header["kind"] != KIND:
                    raise ValueError(f"it is a {header['kind']}")
                arrays = {name: stored[name] for name in _ARRAYS}
            adjacency = cls(
                **{name: tuple(header[name]) for name in _NAMES},
                **{name: header[name] for name in _FACTS},
                provenance=Provenance.from_json(header["provenance"]),
                **arrays,
            )
            undamaged = adjacency.fingerprint == header["fingerprint"]
        except _UNREADABLE as problem:
            raise FormatError(
                f"is not a compiled adjacency ({problem}). Write one with kgnn compile --network F --out F.", path
            ) from None
        if not undamaged:
            raise FormatError("is damaged: its content does not have its fingerprint. Compile it again.", path)
        return adjacency
