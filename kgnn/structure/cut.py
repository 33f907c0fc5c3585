"""`cut_edges`: a hierarchy without some of its edges, and without what they leave hanging."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kgnn.errors import AlignmentError, StructureError
from kgnn.structure.hierarchy import Hierarchy

REASONS = ("cut", "no way to the root", "no gene below")


class Removed(NamedTuple):
    """Something that is no longer in a hierarchy.

    Attributes:
        what: ``"annotation"``, ``"relation"``, ``"term"`` or ``"gene"``.
        below: The gene or the child term; of a term or a gene its own name.
        above: The term or the parent; empty for a term or a gene.
        reason: One of `REASONS`; `kgnn.train.prune` also has ``"not the most specific"``.
    """

    what: str
    below: str
    above: str
    reason: str


def cut_edges(
    hierarchy: Hierarchy, annotations: np.ndarray, relations: np.ndarray
) -> tuple[Hierarchy, tuple[Removed, ...]]:
    """Cut edges out of a hierarchy.

    A term from which no way leads to the root any more, or that holds no gene any more, goes as well, with the edges
    that it still has; so does a gene without any annotation. Levels are counted anew.

    Args:
        hierarchy: The hierarchy; it is not changed.
        annotations: bool ``[annotation]``, those to keep.
        relations: bool ``[relation]``, those to keep.

    Returns:
        The smaller hierarchy, and all that was removed: annotations, relations, terms, genes.

    Raises:
        AlignmentError: If there is not one value an edge.
        StructureError: If no gene reaches the root any more.

    Example:
        >>> from kgnn.data import random_ontology
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(4, 7))
        >>> kept = np.arange(len(hierarchy.annotation_gene)) > 0
        >>> smaller, removed = cut_edges(hierarchy, kept, np.ones(len(hierarchy.relation_child), bool))
        >>> removed[0].reason
        'cut'
    """
    annotations, relations = np.asarray(annotations, bool), np.asarray(relations, bool)
    if annotations.shape != hierarchy.annotation_gene.shape or relations.shape != hierarchy.relation_child.shape:
        raise AlignmentError(
            f"{annotations.size:,} annotations and {relations.size:,} relations are told apart, but the hierarchy has "
            f"{len(hierarchy.annotation_gene):,} and {len(hierarchy.relation_child):,}. Give one value each."
        )
    reaches, holds = _reaching(hierarchy, relations), _holding(hierarchy, annotations, relations)
    if not holds[-1]:
        raise StructureError(
            f"no gene reaches the root {hierarchy.root} any more: {int(annotations.sum()):,} annotations and "
            f"{int(relations.sum()):,} relations are left. Keep more edges: ask for a smaller share or price."
        )
    alive = reaches & holds
    kept_annotations = annotations & alive[hierarchy.annotation_term]
    kept_relations = relations & alive[hierarchy.relation_child] & alive[hierarchy.relation_parent]
    smaller = _rebuilt(hierarchy, alive, kept_annotations, kept_relations)
    why = np.where(reaches, REASONS[2], REASONS[1])
    return smaller, tuple(_removed(hierarchy, (annotations, kept_annotations), (relations, kept_relations), alive, why))


def _reaching(hierarchy: Hierarchy, relations: np.ndarray) -> np.ndarray:
    """Whether every term has a way to the root; parents come after their children."""
    reaches = np.zeros(hierarchy.n_terms, bool)
    reaches[-1] = True
    for edge in np.flatnonzero(relations)[::-1]:
        reaches[hierarchy.relation_child[edge]] |= reaches[hierarchy.relation_parent[edge]]
    return reaches


def _holding(hierarchy: Hierarchy, annotations: np.ndarray, relations: np.ndarray) -> np.ndarray:
    """Whether every term holds a gene, itself or below; relations are sorted by parent."""
    holds = np.zeros(hierarchy.n_terms, bool)
    holds[hierarchy.annotation_term[annotations]] = True
    for edge in np.flatnonzero(relations):
        holds[hierarchy.relation_parent[edge]] |= holds[hierarchy.relation_child[edge]]
    return holds


def _rebuilt(hierarchy: Hierarchy, alive: np.ndarray, annotations: np.ndarray, relations: np.ndarray) -> Hierarchy:
    child, parent = hierarchy.relation_child[relations], hierarchy.relation_parent[relations]
    gene, term = hierarchy.annotation_gene[annotations], hierarchy.annotation_term[annotations]
    level = np.zeros(hierarchy.n_terms, np.int32)
    for below, above in zip(child, parent, strict=True):
        level[above] = max(level[above], level[below] + 1)
    order = np.flatnonzero(alive)
    order = order[np.argsort(level[order], kind="stable")]
    place = np.full(hierarchy.n_terms, -1, np.int32)
    place[order] = np.arange(len(order))
    genes = np.unique(gene)
    place_of_gene = np.full(hierarchy.n_genes, -1, np.int32)
    place_of_gene[genes] = np.arange(len(genes))
    by_parent = np.lexsort((place[child], place[parent]))
    by_term = np.lexsort((place_of_gene[gene], place[term]))
    relation_signs, annotation_signs = hierarchy.sign_of_relation, hierarchy.sign_of_annotation
    copies = None if hierarchy.copy_of is None else place[hierarchy.copy_of[order]]
    n_cut = len(hierarchy.annotation_gene) - len(gene) + len(hierarchy.relation_child) - len(child)
    return replace(
        hierarchy,
        terms=tuple(hierarchy.terms[position] for position in order),
        term_names=tuple(hierarchy.term_names[position] for position in order),
        genes=tuple(hierarchy.genes[position] for position in genes),
        level_of_term=level[order],
        relation_child=place[child][by_parent],
        relation_parent=place[parent][by_parent],
        annotation_gene=place_of_gene[gene][by_term],
        annotation_term=place[term][by_term],
        provenance=hierarchy.provenance.after(f"cut {n_cut:,} edges"),
        copy_of=copies,
        sign_of_relation=None if relation_signs is None else relation_signs[relations][by_parent],
        sign_of_annotation=None if annotation_signs is None else annotation_signs[annotations][by_term],
    )


def _removed(
    hierarchy: Hierarchy,
    annotations: tuple[np.ndarray, np.ndarray],
    relations: tuple[np.ndarray, np.ndarray],
    alive: np.ndarray,
    why: np.ndarray,
) -> list[Removed]:
    """Everything that goes; an edge that was not cut goes with the term at either end."""
    terms, genes = hierarchy.terms, hierarchy.genes
    found = []
    for edge in np.flatnonzero(~annotations[1]):
        gene, term = hierarchy.annotation_gene[edge], hierarchy.annotation_term[edge]
        reason = str(why[term]) if annotations[0][edge] else REASONS[0]
        found.append(Removed("annotation", genes[gene], terms[term], reason))
    for edge in np.flatnonzero(~relations[1]):
        child, parent = hierarchy.relation_child[edge], hierarchy.relation_parent[edge]
        dead = child if not alive[child] else parent
        found.append(
            Removed("relation", terms[child], terms[parent], str(why[dead]) if relations[0][edge] else REASONS[0])
        )
    found += [Removed("term", terms[term], "", str(why[term])) for term in np.flatnonzero(~alive)]
    lost = np.setdiff1d(hierarchy.annotation_gene, hierarchy.annotation_gene[annotations[1]])
    return found + [Removed("gene", genes[gene], "", REASONS[0]) for gene in lost]
