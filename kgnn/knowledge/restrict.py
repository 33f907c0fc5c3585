"""Choosing a part of an ontology: below a root, in a namespace, for the genes that were measured.

Unlike the rules of `kgnn.knowledge.prune`, what lies outside the choice is left out together with its annotations; it
has no ancestors inside (root) or is not wanted there (namespace).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

import networkx

from kgnn.errors import AlignmentError, StructureError, name_some
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.namespaces import explain_mismatch
from kgnn.knowledge.ontology import Loss, Ontology

NOT_MEASURED = "not measured"
"""Why `keep_genes` leaves out a gene."""

_NAMESPACES = {"BP": "biological_process", "MF": "molecular_function", "CC": "cellular_component"}


def keep_below(ontology: Ontology, root: str) -> Ontology:
    """The root and every term below it.

    Args:
        ontology: The ontology.
        root: Id of the term to keep with everything below it.

    Returns:
        The smaller ontology; the rest is in its losses.

    Raises:
        StructureError: If the ontology has no such term.

    Example:
        >>> from kgnn.knowledge.ontology import Relation, Term
        >>> terms = {term: Term(term, term) for term in ("all", "left", "right")}
        >>> ontology = Ontology(terms, (Relation("left", "all"), Relation("right", "all")), ())
        >>> list(keep_below(ontology, "left").terms)
        ['left']
    """
    if root not in ontology.terms:
        raise StructureError(f"root {root!r} is not among the {len(ontology.terms):,} terms.{_close(ontology, root)}")
    kept = networkx.ancestors(ontology.to_networkx(), root) | {root}
    return _keep(ontology, kept, f"not below {root}")


def keep_namespace(ontology: Ontology, namespace: str) -> Ontology:
    """The terms of one namespace, with the relations among them.

    Args:
        ontology: The ontology.
        namespace: Its name as in the file; ``BP``, ``MF`` and ``CC`` stand for those of the Gene Ontology.

    Returns:
        The smaller ontology; the rest, and the relations that led to it, is in its losses.

    Raises:
        StructureError: If no term has this namespace.
    """
    namespace = _NAMESPACES.get(namespace, namespace)
    known = {term.namespace for term in ontology.terms.values()}
    if namespace not in known:
        listed = ", ".join(sorted(filter(None, known))) or "none"
        raise StructureError(f"no term has the namespace {namespace!r}. The ontology has: {listed}.")
    kept = {term.id for term in ontology.terms.values() if term.namespace == namespace}
    return _keep(ontology, kept, f"not in the namespace {namespace}")


def keep_genes(ontology: Ontology, genes: Collection[str]) -> Ontology:
    """The annotations of the genes that were measured; terms stay.

    Args:
        ontology: The ontology.
        genes: Names of the measured genes.

    Returns:
        The ontology with fewer annotations; genes that were not measured are in its losses.

    Raises:
        AlignmentError: If no annotated gene was measured.
    """
    measured = frozenset(genes)
    lost = tuple(gene for gene in ontology.genes if gene not in measured)
    if len(lost) == len(ontology.genes):
        raise AlignmentError(
            f"none of the {len(measured):,} measured genes ({name_some(genes)}) is annotated; the ontology knows "
            f"{name_some(ontology.genes)}. "
            f"{explain_mismatch(list(genes), ontology.genes) or 'Do both use the same kind of identifier?'}"
        )
    annotations = tuple(annotation for annotation in ontology.annotations if annotation.gene in measured)
    return ontology.changed(
        f"kept the annotations of {len(ontology.genes) - len(lost):,} measured genes",
        [Loss("gene", NOT_MEASURED, lost)],
        annotations=annotations,
    )


def _keep(ontology: Ontology, kept: Collection[str], reason: str) -> Ontology:
    relations, cut = [], []
    for relation in ontology.relations:
        inside = (relation.child in kept) + (relation.parent in kept)
        if inside == len(("child", "parent")):
            relations.append(relation)
        elif inside:
            cut.append(f"{relation.child} {relation.type} {relation.parent}")
    outside = tuple(describe(annotation) for annotation in ontology.annotations if annotation.term not in kept)
    return ontology.changed(
        f"left out terms {reason}",
        [
            Loss("term", reason, tuple(term for term in ontology.terms if term not in kept)),
            Loss("relation", f"other end {reason}", tuple(cut)),
            Loss("annotation", f"term {reason}", outside),
        ],
        terms={term: entry for term, entry in ontology.terms.items() if term in kept},
        relations=tuple(relations),
        annotations=tuple(annotation for annotation in ontology.annotations if annotation.term in kept),
    )


def _close(ontology: Ontology, root: str) -> str:
    """Terms whose id or name resembles what was asked for."""
    named = [term.id for term in ontology.terms.values() if term.name.lower() == root.lower()]
    close = named or difflib.get_close_matches(root, ontology.terms, n=3, cutoff=0.75)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" Its roots are {name_some(ontology.roots)}." if ontology.roots else ""
