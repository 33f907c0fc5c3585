"""Random structures of the same degrees: a second null beside the shuffled one, which keeps other things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.structure.adjacency import Adjacency
from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.kernels import Kernels
from kgnn.structure.null_network import ROUNDS, swapped
from kgnn.structure.stored import Structure


def rewire_annotations(hierarchy: Hierarchy, seed: int) -> Hierarchy:
    """The same terms and relations, with annotations dealt out anew.

    Every term keeps its number of genes and every gene its number of annotations, so that genes that are annotated
    often stay so; which gene is in which term is chance, and terms no longer share the genes that they shared.

    Args:
        hierarchy: The real one.
        seed: Of the swaps.

    Returns:
        The null hierarchy.
    """
    random = np.random.default_rng(seed)
    # Terms are numbered after genes, so that a term is never taken for a gene.
    term = hierarchy.annotation_term.astype(np.int64) + hierarchy.n_genes
    gene, n = hierarchy.annotation_gene.astype(np.int64), np.int64(hierarchy.n_genes + hierarchy.n_terms)
    for _ in range(ROUNDS):
        gene = swapped(term, gene, term * n + gene, n, random, both_ways=False)
    order = np.lexsort((gene, term))
    return replace(
        hierarchy,
        annotation_gene=gene[order].astype(np.int32),
        provenance=hierarchy.provenance.after(f"annotations rewired with seed {seed}: a null, not knowledge"),
    )


def relabel_nodes(adjacency: Adjacency, seed: int) -> Adjacency:
    """The same graph over nodes that have swapped their places at random.

    Args:
        adjacency: The real one.
        seed: Of the shuffle.

    Returns:
        The null graph, of the same shape.
    """
    bare = adjacency.unpadded()
    place = np.random.default_rng(seed).permutation(bare.n_nodes).astype(np.int32)
    senders, receivers = place[bare.senders], place[bare.receivers]
    order = np.lexsort((senders, receivers))
    columns = {name: getattr(bare, name)[order] for name in ("weight", "coefficient", "sign", "evidence")}
    null = replace(
        bare, senders=senders[order], receivers=receivers[order], **columns,
        provenance=bare.provenance.after(f"nodes relabeled with seed {seed}: a null, not knowledge"),
    )  # fmt: skip
    if adjacency.n_padded_nodes > bare.n_nodes or adjacency.n_padded_edges > bare.n_edges:
        return null.pad(adjacency.n_padded_nodes, adjacency.n_padded_edges)
    return null


def pool_motifs(kernels: Kernels, seed: int) -> Kernels:
    """Filters of the same widths whose positions are drawn from those of all motifs together.

    Args:
        kernels: The real ones.
        seed: Of the draw.

    Returns:
        The null filters; a reverse strand is the reverse complement of its forward strand.
    """
    random = np.random.default_rng(seed)
    values, forward = kernels.values.copy(), np.array([strand == "+" for strand in kernels.strands])
    columns = random.permutation(values[forward][kernels.mask[forward]], axis=0)
    first, drawn = 0, {}
    for number, motif in enumerate(kernels.motifs):
        width = int(kernels.motif_width[number])
        own = slice(int(kernels.motif_start[number]), int(kernels.motif_start[number]) + width)
        if forward[number]:
            drawn[motif] = values[number, own] = columns[first : first + width]
            first += width
        else:
            values[number, own] = drawn[motif][::-1, ::-1]
    note = f"motif positions pooled with seed {seed}: a null, not knowledge"
    return replace(kernels, values=values, provenance=kernels.provenance.after(note))


def random_structure(structure: Structure, seed: int) -> Structure:
    """A second null of whichever structure, beside `kgnn.structure.shuffle_structure`.

    Args:
        structure: The real one.
        seed: Of the draw.

    Returns:
        See `rewire_annotations`, `relabel_nodes` and `pool_motifs`.
    """
    if isinstance(structure, Hierarchy):
        return rewire_annotations(structure, seed)
    return relabel_nodes(structure, seed) if isinstance(structure, Adjacency) else pool_motifs(structure, seed)
