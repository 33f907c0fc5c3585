"""Taking terms out of an ontology without changing what the remaining ones hold (the true-path rule).

Every rule of `kgnn.knowledge.prune` ends in one of the two operations here: `remove_terms` hands the children and the
genes of a removed term to its nearest kept ancestors, `merge_terms` makes one term of several with the same genes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation

INDIRECT = "indirect"


def remove_terms(ontology: Ontology, removed: Collection[str], reason: str) -> Ontology:
    """The ontology without some terms; what hung on them hangs on their nearest kept ancestors.

    Nearest are those kept ancestors that have no other kept ancestor of the removed term below them. The genes of
    every kept term, its own and those below it, stay as they were, and so does the order among kept terms.

    Args:
        ontology: An acyclic ontology.
        removed: Ids of the terms to remove; a removed root must have nothing below it that is kept.
        reason: Why, for the losses.

    Returns:
        The smaller ontology, or the same if there is nothing to remove. Re-attached annotations keep their evidence.
        A relation that passes through a removed term takes the type of its steps: ``is_a`` is neutral, two that
        differ otherwise make ``"indirect"``.

    Example:
        A chain root - middle - leaf loses its middle:

        >>> from kgnn.knowledge.ontology import Term
        >>> terms = {term: Term(term, term) for term in ("root", "middle", "leaf")}
        >>> relations = (Relation("leaf", "middle", "part_of"), Relation("middle", "root"))
        >>> small = remove_terms(Ontology(terms, relations, (Annotation("g", "middle"),)), {"middle"}, "too small")
        >>> small.relations, small.annotations
        ((Relation(child='leaf', parent='root', type='part_of'),), (Annotation(gene='g', term='root', evidence=''),))
    """
    gone = frozenset(removed)
    if not gone:
        return ontology
    upward = _Upward(ontology, gone)
    relations, moved = [], 0
    for term in ontology.terms:
        if term not in gone:
            relations += [Relation(term, parent, kind) for parent, kind in upward.relations(term)]
    annotations: dict[Annotation, None] = {}
    for annotation in ontology.annotations:
        if annotation.term in gone:
            moved += 1
            for parent in upward.nearest(annotation.term):
                annotations[annotation._replace(term=parent)] = None
        else:
            annotations[annotation] = None
    reattached = f", re-attached their {moved:,} annotations to the nearest kept ancestors" if moved else ""
    return ontology.changed(
        f"removed {len(gone):,} terms ({reason}){reattached}",
        [Loss("term", reason, tuple(term for term in ontology.terms if term in gone))],
        terms={term: entry for term, entry in ontology.terms.items() if term not in gone},
        relations=tuple(relations),
        annotations=tuple(annotations),
    )


class _Upward:
    """Ways from a term up to kept terms."""

    def __init__(self, ontology: Ontology, gone: frozenset[str]):
        self._parents = ontology.parents
        self._gone = gone
        self._kinds: dict[str, dict[str, list[str]]] = {term: {} for term in ontology.terms}
        for relation in ontology.relations:
            self._kinds[relation.child].setdefault(relation.parent, []).append(relation.type)
        self._ways: dict[str, dict[str, str]] = {}
        self._nearest: dict[str, tuple[str, ...]] = {}
        self._above: dict[str, frozenset[str]] = {}
        for term in reversed(ontology.order):
            if term in gone:
                self._ways[term] = self._through_removed(term)

    def _through_removed(self, term: str) -> dict[str, str]:
        """Kept terms reached through removed parents, with the type of the way."""
        found: dict[str, str] = {}
        for parent, kinds in self._kinds[term].items():
            if parent in self._gone:
                for ancestor, kind in self._ways[parent].items():
                    found.setdefault(ancestor, _compose(kinds[0], kind))
            elif term in self._gone:
                found.setdefault(parent, kinds[0])
        return found

    def nearest(self, term: str) -> tuple[str, ...]:
        """Kept ancestors of a removed term with no other such ancestor below them."""
        if term not in self._nearest:
            ways = self._ways[term]
            self._nearest[term] = tuple(self._lowest(ways, ways))
        return self._nearest[term]

    def relations(self, term: str) -> list[tuple[str, str]]:
        """Parents of a kept term: those it had, and those that take the place of removed ones."""
        kept = [
            (parent, kind) for parent, kinds in self._kinds[term].items() if parent not in self._gone for kind in kinds
        ]
        if len(self._kinds[term]) == len({parent for parent, _ in kept}):
            return kept
        own = {parent for parent, _ in kept}
        ways = {parent: kind for parent, kind in self._through_removed(term).items() if parent not in own}
        return kept + [(parent, ways[parent]) for parent in self._lowest(ways, own | set(ways))]

    def _lowest(self, candidates: Iterable[str], others: Collection[str]) -> list[str]:
        """Candidates that are not above one of the others."""
        if len(others) < 2:
            return list(candidates)
        above = frozenset().union(*(self._ancestors(other) for other in others))
        return [term for term in candidates if term not in above]

    def _ancestors(self, term: str) -> frozenset[str]:
        if term not in self._above:
            found: set[str] = set()
            waiting = [term]
            while waiting:
                for parent in self._parents[waiting.pop()]:
                    if parent not in found:
                        found.add(parent)
                        waiting.append(parent)
            self._above[term] = frozenset(found)
        return self._above[term]


def _compose(lower: str, upper: str) -> str:
    if lower in ("is_a", upper):
        return upper
    return lower if upper == "is_a" else INDIRECT


def merge_terms(ontology: Ontology, into: Mapping[str, str], reason: str) -> Ontology:
    """The ontology with some terms drawn together; all that hung on them hangs on the term that stays.

    Args:
        ontology: An acyclic ontology.
        into: For each term that disappears, the one that takes its place. Terms between the two must be among them,
            or the result has a cycle.
        reason: Why, for the losses, which list ``"B merged into A"``.

    Returns:
        The smaller ontology.
    """
    relations: dict[Relation, None] = {}
    for relation in ontology.relations:
        child, parent = into.get(relation.child, relation.child), into.get(relation.parent, relation.parent)
        if child != parent:
            relations[Relation(child, parent, relation.type)] = None
    moved = (
        annotation._replace(term=into.get(annotation.term, annotation.term)) for annotation in ontology.annotations
    )
    return ontology.changed(
        f"merged {len(into):,} terms into others ({reason})",
        [Loss("term", reason, tuple(f"{term} merged into {kept}" for term, kept in into.items()))],
        terms={term: entry for term, entry in ontology.terms.items() if term not in into},
        relations=tuple(relations),
        annotations=tuple(dict.fromkeys(moved)),
    )
