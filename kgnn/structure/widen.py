"""`add_annotations`: a hierarchy in which genes are annotated to further terms, such as candidates to be tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.structure.hierarchy import Hierarchy


def unlinked_pairs(hierarchy: Hierarchy) -> np.ndarray:
    """Every gene with every term at level 0 that it is not annotated to.

    Args:
        hierarchy: The hierarchy.

    Returns:
        int ``[pair, 2]``, positions of gene and term.
    """
    linked = np.zeros((hierarchy.n_terms, hierarchy.n_genes), bool)
    linked[hierarchy.annotation_term, hierarchy.annotation_gene] = True
    linked[hierarchy.level_of_term > 0] = True
    term, gene = np.nonzero(~linked)
    return np.stack([gene, term], axis=1)


def add_annotations(hierarchy: Hierarchy, pairs: np.ndarray) -> tuple[Hierarchy, np.ndarray]:
    """Annotate genes to further terms; terms, relations and levels stay.

    Args:
        hierarchy: The hierarchy; it is not changed.
        pairs: int ``[pair, 2]``, positions of gene and term; those that are annotated already change nothing.

    Returns:
        The wider hierarchy, and which of its annotations are new, bool ``[annotation]``.

    Example:
        >>> from kgnn.data import random_ontology
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(4, 7))
        >>> wider, is_new = add_annotations(hierarchy, unlinked_pairs(hierarchy))
        >>> int(is_new.sum()) == len(unlinked_pairs(hierarchy))
        True
    """
    own = hierarchy.annotation_term.astype(np.int64) * hierarchy.n_genes + hierarchy.annotation_gene
    added = np.setdiff1d(pairs[:, 1].astype(np.int64) * hierarchy.n_genes + pairs[:, 0], own)
    code = np.concatenate([own, added])
    order = np.argsort(code, kind="stable")
    term, gene = np.divmod(code[order], hierarchy.n_genes)
    sign = hierarchy.sign_of_annotation
    wider = replace(
        hierarchy,
        annotation_gene=gene.astype(np.int32),
        annotation_term=term.astype(np.int32),
        sign_of_annotation=None if sign is None else np.concatenate([sign, np.zeros(len(added), sign.dtype)])[order],
        provenance=hierarchy.provenance.after(f"{len(added):,} annotations added as candidates: not knowledge"),
    )
    return wider, order >= len(own)
