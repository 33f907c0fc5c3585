"""`compile_contacts`: a `ContactMap` becomes an `Adjacency` over its bins."""

from __future__ import annotations

from kgnn.knowledge.contact_network import contact_network
from kgnn.knowledge.contacts import ContactMap
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.compile_adjacency import NetworkAlignment, compile_adjacency


def compile_contacts(
    contacts: ContactMap,
    *,
    normalization: str = "none",
    self_loops: str = "drop",
    weighted: bool = True,
    pad_nodes: int | None = None,
    pad_edges: int | None = None,
) -> tuple[Adjacency, NetworkAlignment]:
    """Turn contacts into senders and receivers, two messages a contact, over all bins in their order on the genome.

    Masked bins keep their place and have no edge, so that a row of data for each bin fits as it is.

    Args:
        contacts: The map; choose contacts before, as with `top_contacts`.
        normalization: See `compile_adjacency`.
        self_loops: ``"drop"`` the contacts of a bin with itself, ``"keep"`` them, or ``"add"`` one of weight 1 to every
            bin in their place.
        weighted: Whether values count; else every contact has weight 1.
        pad_nodes: Nodes with padding; see `Adjacency.pad`.
        pad_edges: Edges with padding.

    Returns:
        The graph, and which bins no edge touches.

    Raises:
        StructureError: If no contact joins two bins.
        KgnnError: If a choice is unknown or the padding too small.

    Example:
        >>> import numpy as np
        >>> from kgnn.knowledge import make_contact_map
        >>> found = make_contact_map({"1": 3}, 1, np.array([0]), np.array([2]), np.array([4.0]))
        >>> adjacency, alignment = compile_contacts(found)
        >>> adjacency.senders.tolist(), adjacency.receivers.tolist(), alignment.isolated
        ([2, 0], [0, 2], ('1:1-2',))
    """
    return compile_adjacency(
        contact_network(contacts),
        contacts.bin_names,
        unconnected="keep",
        normalization=normalization,
        self_loops=self_loops,
        weighted=weighted,
        pad_nodes=pad_nodes,
        pad_edges=pad_edges,
    )
