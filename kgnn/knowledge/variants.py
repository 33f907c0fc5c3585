"""`annotate_variants`: genes become the lowest terms of an ontology, and variants what is annotated to them."""

from __future__ import annotations

from collections.abc import Iterable

from kgnn.errors import StructureError, name_some
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term


def annotate_variants(ontology: Ontology, genes_of_variants: Iterable[tuple[str, str]]) -> Ontology:
    """An ontology whose genes are terms, with variants annotated to them: variant, gene, pathway.

    Compiled over the variants of the samples it gives the network of GenNet, in which a gene has a state of its own and
    can be knocked down as a subsystem.

    Args:
        ontology: With genes annotated to its terms.
        genes_of_variants: (variant, gene) pairs; a variant may belong to several genes. See
            `kgnn.knowledge.nearest_gene` for pairs by distance.

    Returns:
        The ontology, cut to what holds a variant. Genes without a variant and variants whose gene it does not know are
        in its losses.

    Raises:
        StructureError: If a gene is called like a term, or no variant belongs to a gene of the ontology.

    Example:
        >>> from kgnn.data import random_ontology
        >>> ontology = random_ontology(3, 4)
        >>> below = annotate_variants(ontology, [("rs1", ontology.genes[0]), ("rs2", ontology.genes[0])])
        >>> below.genes
        ('rs1', 'rs2')

    References:
        van Hilten et al. 2021, doi:10.1038/s42003-021-02622-z.
    """
    known = frozenset(ontology.genes)
    taken = sorted(known & ontology.terms.keys())
    if taken:
        raise StructureError(f"{len(taken):,} genes are called like terms: {name_some(taken)}. Rename them.")
    pairs = list(dict.fromkeys(genes_of_variants))
    used = {gene: None for _, gene in pairs if gene in known}
    if not used:
        raise StructureError(
            f"none of the {len(pairs):,} variants belongs to one of the {len(known):,} genes of the ontology: the "
            f"variants name {name_some(dict.fromkeys(gene for _, gene in pairs))}. Use the same kind of identifier."
        )
    stray = tuple(f"{variant} of {gene}" for variant, gene in pairs if gene not in known)
    relations = {(each.gene, each.term): None for each in ontology.annotations if each.gene in used}
    return ontology.changed(
        f"annotated {len(pairs) - len(stray):,} variants to {len(used):,} genes",
        [
            Loss("gene", "without a variant", tuple(gene for gene in ontology.genes if gene not in used)),
            Loss("annotation", "of a variant to a gene that the ontology does not know", stray),
        ],
        terms={**ontology.terms, **{gene: Term(gene, gene, "gene") for gene in used}},
        relations=(*ontology.relations, *(Relation(gene, term, "part_of") for gene, term in relations)),
        annotations=tuple(Annotation(variant, gene, "") for variant, gene in pairs if gene in used),
    )
