"""A hidden layer of its own for every gene set: the small network a pathway of a pathway clock."""

from __future__ import annotations

from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term

HIDDEN = " | hidden"
"""What is added to the id of a term for that of its hidden layer."""


def insert_hidden_terms(ontology: Ontology) -> Ontology:
    """Put a term between every term and the genes annotated to it directly.

    With several states a hidden term and one a real term, every gene set is a small network that ends in one number.

    Args:
        ontology: With annotations.

    Returns:
        The ontology with a hidden child for each term that has genes of its own; the child takes them over.

    Example:
        >>> from kgnn.data import toy
        >>> before = toy().ontology
        >>> len(before.terms), len(insert_hidden_terms(before).terms)
        (14, 25)
    """
    holding = [term for term in ontology.terms if ontology.direct_genes[term]]
    terms = {f"{term}{HIDDEN}": ontology.terms[term] for term in holding}
    hidden = {name: Term(name, f"{term.name}{HIDDEN}", term.namespace) for name, term in terms.items()}
    return ontology.changed(
        f"put a hidden layer between {len(holding):,} terms and their genes",
        terms={**ontology.terms, **hidden},
        relations=(*ontology.relations, *(Relation(f"{term}{HIDDEN}", term, "hidden") for term in holding)),
        annotations=tuple(Annotation(gene, f"{term}{HIDDEN}", code) for gene, term, code in ontology.annotations),
    )
