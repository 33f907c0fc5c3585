"""`Perturbation`: what is knocked down together; `Reach`: which terms it can change, by structure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kgnn.models.contract import Model, is_followed
from kgnn.structure import Hierarchy


class Perturbation(NamedTuple):
    """What is knocked down together.

    Attributes:
        genes: Positions of genes.
        terms: Positions of terms.
    """

    genes: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()


class Reach:
    """Which terms a perturbation can change: those above it, by structure.

    Args:
        hierarchy: Of the model.
    """

    def __init__(self, hierarchy: Hierarchy):
        self.hierarchy = hierarchy
        gene = np.concatenate(hierarchy.gene_sets)
        term = np.repeat(np.arange(hierarchy.n_terms), [len(each) for each in hierarchy.gene_sets])
        order = np.argsort(gene, kind="stable")
        borders = np.searchsorted(gene[order], np.arange(1, hierarchy.n_genes))
        self.terms_of_gene = np.split(term[order], borders)

    def __call__(self, perturbation: Perturbation) -> np.ndarray:
        """Sorted positions of the terms."""
        found = [self.terms_of_gene[gene] for gene in perturbation.genes]
        found += [self.terms_from_term[term] for term in perturbation.terms]
        if len(found) == 1:
            return found[0]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))

    @cached_property
    def terms_from_term(self) -> list[np.ndarray]:
        """For each term, sorted positions of the term itself and of all above it."""
        above: list[np.ndarray] = [np.zeros(0, np.int64)] * self.hierarchy.n_terms
        for term in reversed(range(self.hierarchy.n_terms)):
            parents = self.hierarchy.parents_of_term[term]
            above[term] = np.unique(np.concatenate([[term], *(above[parent] for parent in parents)]))
        return above

    def at_most(self, perturbations: Iterable[Perturbation]) -> int:
        """No fewer than the number of terms that all perturbations together can change."""
        size = [len(terms) for terms in self.terms_of_gene]
        return sum(
            sum(size[gene] for gene in genes) + self.hierarchy.n_terms * len(terms) for genes, terms in perturbations
        )


class Anywhere:
    """What a perturbation can change where no hierarchy says so: every term.

    Args:
        n_terms: Number of terms of the model.
    """

    def __init__(self, n_terms: int):
        self.every = np.arange(n_terms)

    def __call__(self, perturbation: Perturbation) -> np.ndarray:
        """Positions of all terms."""
        return self.every

    def at_most(self, perturbations: Iterable[Perturbation]) -> int:
        """Number of terms that all perturbations together can change."""
        return len(self.every) * sum(1 for _ in perturbations)


def reach_in(model: Model) -> Reach | Anywhere:
    """Which terms of a model a perturbation can change.

    Args:
        model: Any model.

    Returns:
        By its hierarchy where changes pass upward through it and nowhere else; every term of any other model.
    """
    return Reach(model.hierarchy) if is_followed(model) else Anywhere(len(model.terms))  # type: ignore[arg-type]
