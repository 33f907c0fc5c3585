"""How alike motifs are, and clusters of alike ones."""

from __future__ import annotations

import numpy as np

from kgnn.errors import StructureError
from kgnn.knowledge.motif import BASES
from kgnn.knowledge.motif_set import MotifSet


def motif_similarity(motifs: MotifSet, *, min_overlap: int = 4) -> np.ndarray:
    r"""Similarity of every two motifs: Pearson correlation of columns over the best alignment on both strands.

    For each ungapped alignment, the correlations of the columns that lie on each other are summed and divided by all
    positions that the two cover together, so that a short overlap cannot look like an equal pair:

    .. math:: s_{ab} = \max_{\text{alignments}} \frac{\sum_{(i, j)} r(a_i, b_j)}{w_a + w_b - n}

    with widths :math:`w` and :math:`n` positions in the overlap. A motif has 1 with itself and with its reverse
    complement. A column in which all bases are equally frequent correlates with nothing.

    Args:
        motifs: The motifs; frequencies are compared, without pseudocount.
        min_overlap: Least overlap; for motifs that are narrower, their width.

    Returns:
        float64 ``[motif, motif]``, symmetric.

    Raises:
        StructureError: If `min_overlap` is below 1.

    References:
        Pietrokovski 1996, Nucleic Acids Research 24:3836, doi:10.1093/nar/24.19.3836 (correlation of columns);
        Castro-Mondragon et al. 2017, Nucleic Acids Research 45:e119, doi:10.1093/nar/gkx314 (the width of the overlap
        over that of the alignment).
    """
    if min_overlap < 1:
        raise StructureError(f"min_overlap is {min_overlap}. Give a number of positions, 1 or more.")
    widths = motifs.widths.astype(np.int64)
    width = int(widths.max(initial=1))
    forward = np.zeros((len(motifs), width, len(BASES)))
    backward = forward.copy()
    for number, motif in enumerate(motifs):
        columns = _standardized(motif.frequencies)
        forward[number, : len(motif)] = columns
        backward[number, : len(motif)] = columns[::-1, ::-1]
    best = np.full((len(motifs), len(motifs)), -1.0)
    least = np.minimum(min_overlap, np.minimum(widths[:, None], widths[None, :]))
    for shift in range(1 - width, width):
        start, stop = max(0, shift), min(width, width + shift)
        # Position p of the first lies on position p - shift of the second.
        overlap = np.minimum(widths[:, None], widths[None, :] + shift) - max(0, shift)
        allowed = overlap >= least
        if not allowed.any():
            continue
        union = widths[:, None] + widths[None, :] - overlap
        first = forward[:, start:stop].reshape(len(motifs), -1)
        for second in (forward, backward):
            total = first @ second[:, start - shift : stop - shift].reshape(len(motifs), -1).T
            best = np.maximum(best, np.where(allowed, total / union, -1.0))
    return (best + best.T) / 2


def cluster_motifs(
    motifs: MotifSet, min_similarity: float = 0.8, *, min_overlap: int = 4
) -> tuple[tuple[str, ...], ...]:
    """Clusters of motifs by average linkage on `motif_similarity`.

    Args:
        motifs: The motifs.
        min_similarity: Mean similarity from which two clusters are joined, up to 1.
        min_overlap: See `motif_similarity`.

    Returns:
        The ids of each cluster; first the one that is most alike to the others (of equals, the one of more
        information), then the rest in the order of the set. Clusters stand in the order of their first member.

    Raises:
        StructureError: If `min_similarity` is not between -1 and 1.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if not -1 <= min_similarity <= 1:
        raise StructureError(f"min_similarity is {min_similarity}. Give a number from -1 to 1, such as 0.8.")
    if len(motifs) < 2:
        return tuple((motif.id,) for motif in motifs)
    similarity = motif_similarity(motifs, min_overlap=min_overlap)
    distance = np.maximum(1 - similarity, 0)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    # Rounding must not part motifs that are equal.
    label = fcluster(tree, max(1 - min_similarity, 0) + 1e-9, "distance")
    information = [float(motif.information().sum()) for motif in motifs]
    clusters = []
    for one in dict.fromkeys(label.tolist()):
        members = np.flatnonzero(label == one)
        within = np.round(similarity[np.ix_(members, members)].mean(axis=1), 9)
        center = max(range(len(members)), key=lambda place: (within[place], information[members[place]], -place))
        order = [members[center], *np.delete(members, center)]
        clusters.append(tuple(motifs.motifs[place].id for place in order))
    return tuple(clusters)


def _standardized(frequencies: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and length 1, so that their products are correlations; 0 where all bases are equal."""
    centered = frequencies - frequencies.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.divide(centered, length, out=np.zeros_like(centered), where=length > 1e-9)
