"""A network and a compiled adjacency in numbers, for people and for ``--json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import losses_to_json
from kgnn.structure.adjacency import Adjacency


def network_summary(network: Network) -> dict[str, Any]:
    """Sizes, fingerprint, provenance of a network, and what reading it left out.

    Args:
        network: The network.

    Returns:
        A value that `json` can write.
    """
    counts = np.bincount(network.evidence, minlength=len(network.evidence_names)).tolist()
    types = {kind: network.node_types.count(kind) for kind in sorted(set(network.node_types)) if kind}
    facts: dict[str, Any] = {
        "nodes": network.n_nodes,
        "edges": network.n_edges,
        "directed": int(network.directed.sum()),
        "activating": int((network.sign > 0).sum()),
        "inhibiting": int((network.sign < 0).sum()),
        "weights": f"{network.weight.min():g} to {network.weight.max():g}" if network.n_edges else "none",
        "components": int(network.component_of_node.max(initial=-1)) + 1,
        "in_largest": int((network.component_of_node == 0).sum()),
    }
    if types:
        facts["node_types"] = types
    if any(network.evidence_names):
        facts["evidence"] = {
            name or "not stated": count for name, count in zip(network.evidence_names, counts, strict=True)
        }  # fmt: skip
    facts["fingerprint"] = network.fingerprint
    facts["provenance"] = network.provenance.to_json()
    facts["dropped"] = losses_to_json(network.losses)
    return facts


def adjacency_summary(adjacency: Adjacency) -> dict[str, Any]:
    """Sizes, fingerprints and provenance of a compiled adjacency.

    Args:
        adjacency: The graph.

    Returns:
        A value that `json` can write.
    """
    received = np.bincount(adjacency.receivers[: adjacency.n_edges], minlength=adjacency.n_nodes)
    return {
        "nodes": adjacency.n_nodes,
        "messages": adjacency.n_edges,
        "padded_nodes": adjacency.n_padded_nodes,
        "padded_messages": adjacency.n_padded_edges,
        "self_loops": int((adjacency.senders == adjacency.receivers)[: adjacency.n_edges].sum()),
        "most_received": int(received.max(initial=0)),
        "without_messages": int((received == 0).sum()),
        "normalization": adjacency.normalization,
        "fingerprint": adjacency.fingerprint,
        "network_fingerprint": adjacency.network_fingerprint,
        "provenance": adjacency.provenance.to_json(),
    }
