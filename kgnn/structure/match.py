"""`match_terms`: which term of a new hierarchy goes on from which term of an old one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from kgnn.errors import KgnnError
from kgnn.structure.hierarchy import Hierarchy

HOW = ("id", "alt_id", "replaced_by", "root", "jaccard", "new")


@dataclass(frozen=True, eq=False)
class TermMatch:
    """For every term of the new hierarchy, the term of the old one that it goes on from.

    Attributes:
        old_of_new: int32 ``[new term]``: position of the old term, -1 for a term that is new.
        how: For every new term one of `HOW`.
        jaccard: ``[new term]``: genes that both terms hold over genes that either holds; 0 for a new term.
        merged_into: Old terms that another old term took the place of: position of the new term by that of the old.
    """

    old_of_new: np.ndarray
    how: tuple[str, ...]
    jaccard: np.ndarray
    merged_into: Mapping[int, int]

    def new_of_old(self, n_old: int) -> np.ndarray:
        """int32 ``[old term]``: position of the new term that goes on from it, or -1.

        Args:
            n_old: Number of old terms.
        """
        found = np.full(n_old, -1, np.int32)
        matched = np.flatnonzero(self.old_of_new >= 0)
        found[self.old_of_new[matched]] = matched
        return found


def match_terms(
    old: Hierarchy,
    new: Hierarchy,
    *,
    aliases: Mapping[str, str] | None = None,
    obsolete: Collection[str] = (),
    threshold: float = 0.7,
) -> TermMatch:
    """Match the terms of two hierarchies one to one.

    In this order: terms of the same id; old ids that the new release names as alternative or replaced ones; the two
    roots, where both are still unmatched; then, from the best pair down, terms whose genes have a Jaccard index of at
    least `threshold`. Of equal pairs the one with the same name comes first, then the one with the smaller ids. A term
    whose successor already goes on from another one (two terms merged) is not matched: its weights have no place of
    their own.

    Args:
        old: The hierarchy that a model was trained on.
        new: The hierarchy that it is to go on with.
        aliases: Alternative or replaced id to term, of the new release.
        obsolete: Ids that the new release calls obsolete; tells replaced ids from alternative ones.
        threshold: Least Jaccard index, above 0 and at most 1.

    Returns:
        The match.

    Raises:
        KgnnError: If the threshold is no share.
    """
    if not 0 < threshold <= 1:
        raise KgnnError(f"threshold is {threshold:g}. Give a share above 0 and at most 1, such as 0.7.")
    aliases = aliases or {}
    sets_old, sets_new = _gene_sets(old), _gene_sets(new)
    found: dict[int, tuple[int, str]] = {
        new.term_index[term]: (position, "id") for position, term in enumerate(old.terms) if term in new.term_index
    }
    merged: dict[int, int] = {}
    candidates = [
        (-_jaccard(sets_old[position], sets_new[new.term_index[aliases[term]]]), term, position)
        for position, term in enumerate(old.terms)
        if term not in new.term_index and aliases.get(term) in new.term_index
    ]
    for _, term, position in sorted(candidates):
        target = new.term_index[aliases[term]]
        if target in found:
            merged[position] = target
        else:
            found[target] = (position, "replaced_by" if term in obsolete else "alt_id")
    taken = {position for position, _ in found.values()} | set(merged)
    if new.n_terms - 1 not in found and old.n_terms - 1 not in taken:
        found[new.n_terms - 1] = (old.n_terms - 1, "root")
        taken.add(old.n_terms - 1)
    left = ([p for p in range(old.n_terms) if p not in taken], [p for p in range(new.n_terms) if p not in found])
    for position, target in _by_genes(old, new, sets_old, sets_new, left, threshold):
        found[target] = (position, "jaccard")
    matched = [found.get(target, (-1, "new")) for target in range(new.n_terms)]
    return TermMatch(
        np.array([position for position, _ in matched], np.int32),
        tuple(how for _, how in matched),
        np.array([_jaccard(sets_old[p], sets_new[t]) if p >= 0 else 0.0 for t, (p, _) in enumerate(matched)]),
        merged,
    )


def _gene_sets(hierarchy: Hierarchy) -> list[frozenset[str]]:
    return [frozenset(hierarchy.genes[gene] for gene in genes) for genes in hierarchy.gene_sets]


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _by_genes(
    old: Hierarchy,
    new: Hierarchy,
    sets_old: list[frozenset[str]],
    sets_new: list[frozenset[str]],
    left: tuple[list[int], list[int]],
    threshold: float,
) -> list[tuple[int, int]]:
    """Pairs of the terms that are left, the most similar first, each term once."""
    terms_of_gene: dict[str, list[int]] = {}
    for target in left[1]:
        for gene in sets_new[target]:
            terms_of_gene.setdefault(gene, []).append(target)
    pairs: list[tuple[float, bool, str, str, int, int]] = []
    taken: set[int] = set()
    for position in left[0]:
        # Only terms that share a gene can be similar; of these, sizes rule most out before sets are compared.
        size = len(sets_old[position])
        sharing = {target for gene in sets_old[position] for target in terms_of_gene.get(gene, ())}
        for target in sharing:
            most = min(size, len(sets_new[target])) / max(size, len(sets_new[target]))
            similarity = _jaccard(sets_old[position], sets_new[target]) if most >= threshold else 0.0
            if similarity >= threshold:
                renamed = old.term_names[position] != new.term_names[target]
                pairs.append((-similarity, renamed, old.terms[position], new.terms[target], position, target))
    chosen: dict[int, int] = {}
    for *_, position, target in sorted(pairs):
        if target not in chosen and position not in taken:
            chosen[target] = position
            taken.add(position)
    return [(position, target) for target, position in chosen.items()]
