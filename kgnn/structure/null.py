"""Null structures: the same shape and none of the knowledge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.structure.adjacency import Adjacency
from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.null_network import rewire_edges, shuffle_motifs
from kgnn.structure.stored import Structure


def shuffle_genes(hierarchy: Hierarchy, seed: int) -> Hierarchy:
    """The same terms and relations over genes that have swapped their annotations at random.

    Every term keeps its number of genes and every position its number of annotations; which gene stands where is
    chance. What a network on it predicts as well as on the real one is not owed to the knowledge.

    Args:
        hierarchy: The real one.
        seed: Of the shuffle.

    Returns:
        The null hierarchy.
    """
    swapped = np.random.default_rng(seed).permutation(hierarchy.n_genes).astype(np.int32)
    gene = swapped[hierarchy.annotation_gene]
    order = np.lexsort((gene, hierarchy.annotation_term))
    sign = hierarchy.sign_of_annotation
    return replace(
        hierarchy,
        annotation_gene=gene[order],
        annotation_term=hierarchy.annotation_term[order],
        sign_of_annotation=None if sign is None else sign[order],
        provenance=hierarchy.provenance.after(f"genes shuffled with seed {seed}: a null, not knowledge"),
    )


def shuffle_structure(structure: Structure, seed: int) -> Structure:
    """A null of whichever structure: genes of a hierarchy, edges of a graph or positions of motifs at random.

    Args:
        structure: The real one.
        seed: Of the shuffle.

    Returns:
        See `shuffle_genes`, `rewire_edges` and `shuffle_motifs`.
    """
    if isinstance(structure, Hierarchy):
        return shuffle_genes(structure, seed)
    return rewire_edges(structure, seed) if isinstance(structure, Adjacency) else shuffle_motifs(structure, seed)
