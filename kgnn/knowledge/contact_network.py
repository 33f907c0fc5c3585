"""Contacts as networks: between bins, and between genes that start in bins which touch."""

from __future__ import annotations

import numpy as np

from kgnn.errors import AlignmentError, StructureError, name_some
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.edges import build_network
from kgnn.knowledge.interval_join import overlap
from kgnn.knowledge.intervals import Intervals, make_intervals, prefix_hint
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.windows import tss_positions

_MASKED = -2


def contact_network(contacts: ContactMap) -> Network:
    """Bins joined by their contacts.

    Args:
        contacts: The map; choose contacts before, as with `top_contacts`.

    Returns:
        An undirected network of bins (`ContactMap.bin_names`), weights are the values; contacts of a bin with itself
        are self-loops. Masked bins, and bins without a contact, are nodes without an edge.

    Example:
        >>> from kgnn.knowledge.contacts import make_contact_map
        >>> found = make_contact_map({"1": 3}, 1, np.array([0]), np.array([2]), np.array([4.0]))
        >>> [edge[:3] for edge in contact_network(found).edges]
        [('1:0-1', '1:2-3', 4.0)]
    """
    return build_network(
        contacts.bin_names,
        contacts.bin_1,
        contacts.bin_2,
        weight=contacts.values,
        node_types=["bin"] * contacts.n_bins,
        provenance=contacts.provenance.after(f"{len(contacts):,} contacts as edges of bins, weight {contacts.unit}"),
        losses=contacts.losses,
    )


def gene_contact_network(contacts: ContactMap, genes: Intervals) -> Network:
    """Genes joined where the bins in which they start touch.

    Genes of one bin share its contacts, and the map cannot tell them apart: the coarser the bins, the more edges say
    nothing of the genes themselves. Two genes that start in one bin are joined if the bin touches itself.

    Args:
        contacts: The map; choose contacts before, as with `top_contacts`.
        genes: From `read_genes`; a gene without a strand has no start.

    Returns:
        An undirected network of the genes' names; between two genes, the largest value counts. Genes that start in no
        bin, or in a masked one, are in the losses.

    Raises:
        AlignmentError: If no gene starts in a bin.
        StructureError: If no contact joins two genes.

    Example:
        >>> from kgnn.knowledge.contacts import make_contact_map
        >>> found = make_contact_map({"1": 30}, 10, np.array([0]), np.array([2]), np.array([4.0]))
        >>> genes = make_intervals(["1", "1"], [5, 11], [15, 28], names=["A", "B"], strands=["+", "-"])
        >>> [edge[:3] for edge in gene_contact_network(found, genes).edges]
        [('A', 'B', 4.0)]
    """
    bin_of_gene = _bins(contacts, genes)
    of_bin = np.argsort(bin_of_gene, kind="stable")[np.sum(bin_of_gene < 0) :]
    edges = np.searchsorted(bin_of_gene[of_bin], np.arange(contacts.n_bins + 1))
    n_genes = np.diff(edges)
    pairs = n_genes[contacts.bin_1] * n_genes[contacts.bin_2]
    contact = np.repeat(np.arange(len(contacts)), pairs)
    within = np.arange(pairs.sum()) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    width = n_genes[contacts.bin_2[contact]]
    first = of_bin[edges[contacts.bin_1[contact]] + within // width]
    second = of_bin[edges[contacts.bin_2[contact]] + within % width]
    # Of a bin with itself, each pair once and no gene with itself.
    kept = (contacts.bin_1[contact] != contacts.bin_2[contact]) | (first < second)
    if not kept.any():
        raise StructureError(f"none of {len(contacts):,} contacts joins two of {len(genes):,} genes. Choose more.")
    lost = {
        "starts in no bin of the map": np.flatnonzero(bin_of_gene == -1),
        "starts in a masked bin": np.flatnonzero(bin_of_gene == _MASKED),
    }
    step = f"{len(contacts):,} contacts as edges between genes that start in them, weight {contacts.unit}"
    placed = np.flatnonzero(bin_of_gene >= 0)
    place = np.full(len(genes), -1)
    place[placed] = np.arange(len(placed))
    # Bins that lie on many contacts name a pair of genes more than once; build_network keeps the largest value.
    return build_network(
        [genes.names[position] for position in placed],
        place[first[kept]],
        place[second[kept]],
        weight=contacts.values[contact[kept]],
        node_types=["gene"] * len(placed),
        provenance=contacts.provenance.join(genes.provenance).after(step),
        losses=[
            *contacts.losses,
            *genes.losses,
            *(Loss("gene", why, tuple(map(genes.label, which))) for why, which in lost.items() if len(which)),
        ],
    )


def _bins(contacts: ContactMap, genes: Intervals) -> np.ndarray:
    """The bin in which every gene starts; −1 where it is in none, −2 where it is masked."""
    tss = tss_positions(genes)
    stranded = np.flatnonzero(tss >= 0)
    known = set(contacts.chromosomes)
    if not len(stranded) or not known & set(genes.of_chromosome):
        raise AlignmentError(
            f"none of {len(genes):,} genes starts in a bin: the genes lie on {name_some(genes.of_chromosome)}, the map "
            f"has {name_some(contacts.chromosomes)}. {prefix_hint(list(genes.of_chromosome), known)}"
        )
    starts = make_intervals([genes.chromosomes[each] for each in stranded], tss[stranded], tss[stranded] + 1)
    met = overlap(starts, contacts.bins)
    found = np.full(len(genes), -1)
    found[stranded[met.left]] = np.where(contacts.masked[met.right], _MASKED, met.right)
    return found
