"""Two releases of an ontology: terms that went on under another id, became obsolete, or hang elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from kgnn.knowledge.diff import Change, Content, Key, ReleaseDiff, compare, in_order, sizes
from kgnn.knowledge.ontology import Ontology

MERGED, REPLACED = "alt_id", "replaced_by"


def ontology_diff(a: Ontology, b: Ontology) -> ReleaseDiff:
    """The changes between two releases of an ontology; see `kgnn.knowledge.diff.diff`.

    Args:
        a: The older release.
        b: The newer one.

    Returns:
        The changes.
    """
    successors = successors_of(a, b)
    before, after = _content(a, successors), _content(b, {})
    changes = [_fate(change, a, b, successors) for change in compare(before, after)]
    changes += _moved(a, b, successors)
    return ReleaseDiff("ontology", a.provenance, b.provenance, sizes(before, after), in_order(changes, before.items))


def successors_of(a: Ontology, b: Ontology) -> dict[str, str]:
    """For each term of the older release that goes on under another id, that id.

    Args:
        a: The older release.
        b: The newer one, whose ``alt_id`` and ``replaced_by`` decide.

    Returns:
        The new id by the old one; both are terms.
    """
    return {term: b.aliases[term] for term in a.terms if term not in b.terms and b.aliases.get(term) in b.terms}


def _content(ontology: Ontology, successors: Mapping[str, str]) -> Content:
    """The keys of an ontology, those of its relations and annotations under the ids of the newer release."""
    relations: dict[Key, str] = {}
    for relation in ontology.relations:
        child, parent = (successors.get(term, term) for term in relation[:2])
        if child != parent:
            relations[child, relation.type, parent] = ""
    evidence: dict[Key, set[str]] = {}
    for annotation in ontology.annotations:
        term = successors.get(annotation.term, annotation.term)
        evidence.setdefault((annotation.gene, term), set()).add(annotation.evidence)
    items = {
        "term": {(term.id,): term.name for term in ontology.terms.values()},
        "relation": relations,
        "annotation": {key: " ".join(sorted(filter(None, codes))) for key, codes in evidence.items()},
    }
    return Content("ontology", items, {"term": "renamed", "relation": "", "annotation": "evidence changed"})


def _fate(change: Change, a: Ontology, b: Ontology, successors: Mapping[str, str]) -> Change:
    """A term that came or went, with what the releases say about it."""
    if change.what != "term" or change.change == "renamed":
        return change
    term = change.key[0]
    if change.change == "added":
        if term in a.aliases and term not in a.obsolete:
            return change._replace(change="split", was=a.aliases[term], reason="was an alternative id")
        return change._replace(reason=a.left_out.get(term, ""))
    if term in successors:
        reason = REPLACED if term in b.obsolete else MERGED
        return change._replace(change="merged", now=successors[term], reason=reason)
    if term in b.obsolete:
        return change._replace(change="obsolete")
    return change._replace(reason=b.left_out.get(term, ""))


def _moved(a: Ontology, b: Ontology, successors: Mapping[str, str]) -> list[Change]:
    """Terms of both releases whose parents are not the same."""
    found = []
    for term in a.terms.keys() & b.terms.keys():
        before = {successors.get(parent, parent) for parent in a.parents[term]} - {term}
        after = set(b.parents[term])
        if before != after:
            found.append(Change("term", "moved", (term,), " ".join(sorted(before)), " ".join(sorted(after))))
    return found
