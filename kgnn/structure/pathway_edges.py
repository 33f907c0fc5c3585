"""`edges_inside`: which edges of a network of genes lie inside a pathway, as positions of genes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kgnn.errors import AlignmentError, name_some
from kgnn.knowledge.network import Network
from kgnn.structure.hierarchy import Hierarchy


class PathwayEdges(NamedTuple):
    """Edges between genes of a hierarchy; direction, weight and sign are left aside.

    Attributes:
        senders: Position of one gene of every edge, in the order of ``Hierarchy.genes``.
        receivers: Position of the other one, which is the higher.
    """

    senders: tuple[int, ...]
    receivers: tuple[int, ...]


def edges_inside(edges: Network | Sequence[Network], hierarchy: Hierarchy) -> PathwayEdges:
    """The edges of networks whose two genes are members of one pathway, each once.

    Args:
        edges: A network of genes (HumanNet, STRING), or several (the relations of KEGG's pathways, read from KGML);
            genes are named as in the hierarchy, see `Network.renamed`.
        hierarchy: Pathways as terms; members are the genes annotated to a term directly.

    Returns:
        What `kgnn.models.PathwayGraphs` takes as ``senders`` and ``receivers``.

    Raises:
        AlignmentError: If no edge lies inside a pathway.

    Example:
        >>> from kgnn.data import random_ontology
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(3, 8))
        >>> first, second = (hierarchy.genes[gene] for gene in hierarchy.annotation_gene[:2])
        >>> int(hierarchy.annotation_term[0]) == int(hierarchy.annotation_term[1])
        True
        >>> len(edges_inside(build_network([first, second], np.array([0]), np.array([1])), hierarchy).senders)
        1
    """
    from scipy.sparse import csr_array

    networks = [edges] if isinstance(edges, Network) else list(edges)
    place = {gene: position for position, gene in enumerate(hierarchy.genes)}
    ends = [np.zeros((0, 2), np.int64)]
    for network in networks:
        position = np.array([place.get(node, -1) for node in network.nodes], np.int64)
        ends.append(np.stack([position[network.source], position[network.target]], axis=1))
    pairs = np.concatenate(ends)
    pairs = np.unique(np.sort(pairs[(pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])], axis=1), axis=0)
    members = csr_array(
        (np.ones(len(hierarchy.annotation_gene), np.int32), (hierarchy.annotation_gene, hierarchy.annotation_term)),
        shape=(hierarchy.n_genes, hierarchy.n_terms),
    )
    shared = np.asarray(members[pairs[:, 0]].multiply(members[pairs[:, 1]]).sum(axis=1)).reshape(-1)
    pairs = pairs[shared > 0]
    if not len(pairs):
        n, nodes = sum(network.n_edges for network in networks), [name for each in networks for name in each.nodes]
        raise AlignmentError(
            f"none of {n:,} edges joins two genes of one pathway. The network has {name_some(nodes)}, the pathways "
            f"{name_some(hierarchy.genes)}. Name genes alike (Network.renamed), or leave the edges out."
        )
    return PathwayEdges(*(tuple(column) for column in pairs.T.tolist()))
