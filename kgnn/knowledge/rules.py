"""The rules of `kgnn.knowledge.prune`, one function each.

Each returns a new `Ontology` whose losses name exactly what it removed. None changes the genes of a term that stays,
and none removes a root that holds a gene.
"""

from __future__ import annotations

from kgnn.errors import StructureError
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.ontology import Loss, Ontology, Relation, Term
from kgnn.knowledge.reattach import merge_terms, remove_terms


def remove_empty(ontology: Ontology) -> Ontology:
    """Without the terms that hold no gene, neither themselves nor below them; an empty root goes as well.

    Raises:
        StructureError: If the ontology has no annotation at all.
    """
    if not ontology.annotations:
        raise StructureError(
            f"none of the {len(ontology.terms):,} terms holds a gene. Read the ontology with annotations=…, or check "
            "that the annotations belong to it."
        )
    empty = [term for term, genes in ontology.gene_sets.items() if not genes]
    return remove_terms(ontology, empty, "no gene")


def remove_small(ontology: Ontology, min_genes: int) -> Ontology:
    """Without the terms that hold fewer than `min_genes` genes; roots stay."""
    small = [term for term, genes in ontology.gene_sets.items() if len(genes) < min_genes]
    return remove_terms(ontology, _except_roots(ontology, small), f"fewer than {min_genes:,} genes")


def remove_large(ontology: Ontology, max_genes: int) -> Ontology:
    """Without the terms that hold more than `max_genes` genes; roots stay."""
    large = [term for term, genes in ontology.gene_sets.items() if len(genes) > max_genes]
    return remove_terms(ontology, _except_roots(ontology, large), f"more than {max_genes:,} genes")


def remove_similar(ontology: Ontology, min_extra_genes: int) -> Ontology:
    """Without the terms that hold fewer than `min_extra_genes` genes more than their largest child; roots stay.

    Decided from the bottom up: a term is compared with the largest of the terms below it that are kept, so that in
    the result every term keeps the distance, and of a chain of similar terms the lowest stays. Terms without
    children stay.

    Differs from the paper:
        The DrugCell article states the rule but not its order; in the hierarchy it published, which holds 3,008 of
        the genes, 14 terms are as large as one of their children.
    """
    sizes = {term: len(genes) for term, genes in ontology.gene_sets.items()}
    roots = frozenset(ontology.roots)
    largest_kept: dict[str, int] = {}
    similar: list[str] = []
    for term in ontology.order:
        below = max((largest_kept[child] for child in ontology.children[term]), default=None)
        if below is not None and term not in roots and sizes[term] - below < min_extra_genes:
            similar.append(term)
            largest_kept[term] = below
        else:
            largest_kept[term] = sizes[term]
    return remove_terms(ontology, similar, f"fewer than {min_extra_genes:,} genes more than the largest child")


def merge_same_genes(ontology: Ontology) -> Ontology:
    """With one term for all that hold the same genes; the losses name which went into which.

    The most specific one stays (the furthest below the root; by id where two are level), because it says most about
    the genes. Where a root is among them the root stays.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for term, genes in ontology.gene_sets.items():
        groups.setdefault(genes, []).append(term)
    depth, roots = depths(ontology), frozenset(ontology.roots)
    into: dict[str, str] = {}
    for members in groups.values():
        kept = min(members, key=lambda term: (term not in roots, -depth[term], term))
        into.update({term: kept for term in members if term != kept})
    return merge_terms(ontology, into, "same genes as another term")


def collapse_single_children(ontology: Ontology) -> Ontology:
    """Without the terms that only pass on a single child: one child, and no gene that the child has not; roots stay.

    The child takes the place of the term. A term with a single child and genes of its own stays: it holds more than
    the child. Repeated until no such term is left.
    """
    reason = "passes on a single child"
    while True:
        passing = [
            term
            for term, children in ontology.children.items()
            if len(children) == 1 and ontology.direct_genes[term] <= ontology.gene_sets[children[0]]
        ]
        passing = _except_roots(ontology, passing)
        ontology = remove_terms(ontology, passing, reason)
        if not passing:
            return ontology


def limit_depth(ontology: Ontology, max_depth: int) -> Ontology:
    """Without the terms whose longest way up to a root has more than `max_depth` steps.

    The longest way decides, because it is the number of layers between the term and the output.
    """
    deep = [term for term, depth in depths(ontology).items() if depth > max_depth]
    return remove_terms(ontology, deep, f"more than {max_depth:,} steps below the root")


def limit_height(ontology: Ontology, max_height: int) -> Ontology:
    """Without the terms whose longest way down to a term without children has more than `max_height` steps.

    This takes away the general terms near the root, which hold most of the genes; roots stay. The deepest term is
    then at most ``max_height + 1`` steps below its root.
    """
    height: dict[str, int] = {}
    for term in ontology.order:
        height[term] = max((height[child] + 1 for child in ontology.children[term]), default=0)
    high = [term for term, steps in height.items() if steps > max_height]
    reason = f"more than {max_height:,} steps above the lowest terms"
    return remove_terms(ontology, _except_roots(ontology, high), reason)


def keep_most_specific(ontology: Ontology) -> Ontology:
    """With a gene annotated only to the lowest terms that hold it; what terms hold with those below them stays."""
    kept, lost = [], []
    for annotation in ontology.annotations:
        below = any(annotation.gene in ontology.gene_sets[child] for child in ontology.children[annotation.term])
        (lost if below else kept).append(annotation)
    reason = "gene also at a more specific term"
    return ontology.changed(
        f"left out {len(lost):,} annotations ({reason})",
        [Loss("annotation", reason, tuple(map(describe, lost)))],
        annotations=tuple(kept),
    )


def join_roots(ontology: Ontology, super_root: str) -> Ontology:
    """With a new term above all roots; unchanged where there is one root already.

    Args:
        ontology: The ontology.
        super_root: Id of the new term.

    Raises:
        StructureError: If a term has this id already.
    """
    if super_root in ontology.terms:
        raise StructureError(f"super_root {super_root!r} is a term already. Give an id of its own, or use root=.")
    if len(ontology.roots) == 1:
        return ontology
    joined = tuple(Relation(root, super_root) for root in ontology.roots)
    return ontology.changed(
        f"joined {len(joined):,} roots under {super_root}",
        terms={**ontology.terms, super_root: Term(super_root, super_root)},
        relations=ontology.relations + joined,
    )


def depths(ontology: Ontology) -> dict[str, int]:
    """Steps from each term to a root, by the longest way.

    Raises:
        StructureError: If the relations form a cycle.
    """
    found: dict[str, int] = {}
    for term in reversed(ontology.order):
        found[term] = max((found[parent] + 1 for parent in ontology.parents[term]), default=0)
    return found


def _except_roots(ontology: Ontology, terms: list[str]) -> list[str]:
    roots = frozenset(ontology.roots)
    return [term for term in terms if term not in roots]
