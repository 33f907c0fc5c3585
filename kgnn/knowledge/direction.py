"""Refusing a hierarchy that is upside down, which no line of a two-column file gives away."""

from __future__ import annotations

from os import PathLike

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.ontology import Ontology


def refuse_reversed(ontology: Ontology, path: str | PathLike[str], columns: str) -> None:
    """Raise where the columns of a file were swapped, so that parents and children changed places.

    A hierarchy narrows towards its root: with more terms at the top than at the bottom it stands on its head. And where
    most genes are terms at the same time, the columns of the annotations are swapped.

    Args:
        ontology: As read.
        path: The file, for the message.
        columns: What its columns should hold, for the message.

    Raises:
        FormatError: If the hierarchy is upside down.

    Example:
        >>> from kgnn.knowledge.ontology import Relation, Term
        >>> terms = {name: Term(name, name) for name in ("top", "left", "right")}
        >>> swapped = (Relation("top", "left"), Relation("top", "right"))
        >>> refuse_reversed(Ontology(terms, swapped, ()), "tiny.txt", "parent, then child")
        Traceback (most recent call last):
        kgnn.errors.FormatError: tiny.txt: has 2 terms without a parent (left, right) above 1 without a child...
    """
    joined = {term for relation in ontology.relations for term in relation[:2]}
    tops = [term for term in ontology.terms if term in joined and not ontology.parents[term]]
    bottoms = [term for term in ontology.terms if term in joined and not ontology.children[term]]
    # Without any bottom there is a circle, which is another error.
    if 0 < len(bottoms) < len(tops):
        raise FormatError(
            f"has {len(tops):,} terms without a parent ({name_some(tops)}) above {len(bottoms):,} without a child, as "
            f"if parents and children had changed places. Its columns should hold {columns}.",
            path,
        )
    both = [gene for gene in ontology.genes if gene in joined]
    if 2 * len(both) > len(ontology.genes):
        raise FormatError(
            f"{len(both):,} of its {len(ontology.genes):,} genes are terms of the hierarchy as well "
            f"({name_some(both)}), as if columns were swapped. They should hold {columns}.",
            path,
        )
