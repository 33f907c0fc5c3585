"""`Descent`: the order in which a decoder computes terms, from latent variables down to genes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.errors import unknown_choice
from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.links import Links

LATENT = ("every", "top", "root")
SKIPS = ("relations", "all")


@dataclass(frozen=True)
class Descent:
    """What a decoder over a hierarchy computes, step by step.

    Attributes:
        steps: Positions of terms: first those that hold latent variables, then, step by step, those whose parents are
            all known.
        links: For every step after the first, which of the terms computed so far (in that order) each term reads.
        genes: Which of all terms (in that order) each gene reads.
        place: int32 ``[term]``: where every term of the hierarchy lies in that order.
    """

    steps: tuple[tuple[int, ...], ...]
    links: tuple[Links, ...]
    genes: Links
    place: tuple[int, ...]

    @property
    def n_latent_terms(self) -> int:
        """Number of terms that hold latent variables."""
        return len(self.steps[0])

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of all terms in the order of computation."""
        return tuple(term for step in self.steps for term in step)


def plan_descent(
    hierarchy: Hierarchy, *, latent: str = "top", skips: str = "relations", background: bool = False
) -> Descent:
    """Plan a decoder.

    Args:
        hierarchy: The compiled hierarchy.
        latent: Which terms hold latent variables: ``"root"``, ``"top"`` (the root and its children, which then do not
            read the root) or ``"every"`` (all, which then read no other term: gene sets side by side, each with all
            genes at or below it; the root with those alone that are annotated to it, since no set holds them).
        skips: ``"relations"``: a term feeds its child terms and the genes annotated to it, at whatever level they lie;
            ``"all"``: it feeds every term and gene below it.
        background: Whether the root feeds all genes, whatever the rest: it then takes up what all samples vary in, such
            as their depth, but can also stand in for a set.

    Returns:
        The plan.

    Raises:
        KgnnError: If a choice is unknown.
    """
    for what, value, known in (("latent", latent, LATENT), ("skips", skips, SKIPS)):
        if value not in known:
            raise unknown_choice(what, value, known)
    root = hierarchy.n_terms - 1
    first = {
        "every": set(range(hierarchy.n_terms)),
        "top": {root, *hierarchy.children_of_term[root].tolist()},
        "root": {root},
    }[latent]
    parents = _above(hierarchy) if skips == "all" else [set(each.tolist()) for each in hierarchy.parents_of_term]
    depth = np.zeros(hierarchy.n_terms, np.int64)
    for term in reversed(range(hierarchy.n_terms)):
        if term not in first:
            depth[term] = 1 + max(depth[parent] for parent in parents[term])
    steps = tuple(tuple(np.flatnonzero(depth == each).tolist()) for each in range(int(depth.max()) + 1))
    order = [term for step in steps for term in step]
    place = np.empty(hierarchy.n_terms, np.int32)
    place[order] = np.arange(hierarchy.n_terms)
    links, known = [], len(steps[0])
    for step in steps[1:]:
        links.append(Links.of([place[sorted(parents[term])] for term in step], known))
        known += len(step)
    members = hierarchy.gene_sets if skips == "all" or latent == "every" else hierarchy.genes_of_term
    if background:
        members = (*members[:-1], hierarchy.gene_sets[root])
    elif latent == "every":
        # A root that fed all genes could take the part of any set, and no set would be known for what it is.
        members = (*members[:-1], hierarchy.genes_of_term[root])
    return Descent(steps, tuple(links), _gene_links(hierarchy, members, place), tuple(place.tolist()))


def _gene_links(hierarchy: Hierarchy, members: tuple[np.ndarray, ...], place: np.ndarray) -> Links:
    gene = np.concatenate(members)
    term = np.repeat(np.arange(hierarchy.n_terms), [len(each) for each in members])
    order = np.argsort(gene, kind="stable")
    terms_of_gene = np.split(place[term[order]], np.searchsorted(gene[order], np.arange(1, hierarchy.n_genes)))
    return Links.of(terms_of_gene, hierarchy.n_terms)


def _above(hierarchy: Hierarchy) -> list[set[int]]:
    """All terms above every term."""
    found: list[set[int]] = [set() for _ in range(hierarchy.n_terms)]
    for term in reversed(range(hierarchy.n_terms)):
        for parent in hierarchy.parents_of_term[term].tolist():
            found[term] |= found[parent] | {parent}
    return found
