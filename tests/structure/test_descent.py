"""The order from latent variables down to genes, on a hierarchy that fits on a screen.

                 R: gene r
               /   \
    A: a1 a2 a3     B: b1 b2
          |
    C (below A): c (+)
"""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import KgnnError
from kgnn.structure import Descent, plan_descent
from tests.train.small import small_hierarchy

HIERARCHY = small_hierarchy()


def in_words(plan: Descent) -> tuple[list[str], list[dict[str, str]], dict[str, str]]:
    """Terms of every step; who reads whom in every step after the first; which terms each gene reads."""
    names = ["".join(HIERARCHY.terms[term] for term in step) for step in plan.steps]
    order = [HIERARCHY.terms[term] for term in plan.order]
    reads = []
    for step, links in zip(names[1:], plan.links, strict=True):
        found = {term: "" for term in step}
        for target, source in zip(links.target, links.source, strict=True):
            found[step[target]] += order[source]
        reads.append(found)
    genes = {gene: "" for gene in HIERARCHY.genes}
    for target, source in zip(plan.genes.target, plan.genes.source, strict=True):
        genes[HIERARCHY.genes[target]] += order[source]
    return names, reads, genes


DIRECT = {"r": "R", "a1": "A", "a2": "A", "a3": "A", "b1": "B", "b2": "B", "c (+)": "C"}


def test_from_the_root_down_the_relations():
    assert HIERARCHY.terms == ("B", "C", "A", "R")
    names, reads, genes = in_words(plan_descent(HIERARCHY, latent="root"))
    assert (names, reads, genes) == (["R", "BA", "C"], [{"B": "R", "A": "R"}, {"C": "A"}], DIRECT)


def test_the_children_of_the_root_hold_variables_of_their_own():
    names, reads, genes = in_words(plan_descent(HIERARCHY, latent="top"))
    assert (names, reads, genes) == (["BAR", "C"], [{"C": "A"}], DIRECT)


def test_everything_above_feeds_what_is_below():
    names, reads, genes = in_words(plan_descent(HIERARCHY, latent="root", skips="all"))
    assert (names, reads) == (["R", "BA", "C"], [{"B": "R", "A": "R"}, {"C": "RA"}])
    assert genes == {"r": "R", "a1": "RA", "a2": "RA", "a3": "RA", "b1": "RB", "b2": "RB", "c (+)": "RAC"}


def test_gene_sets_side_by_side_hold_all_genes_below_them():
    plan = plan_descent(HIERARCHY, latent="every")
    names, reads, genes = in_words(plan)
    assert (names, reads) == (["BCAR"], [])
    assert genes == {"r": "R", "a1": "A", "a2": "A", "a3": "A", "b1": "B", "b2": "B", "c (+)": "CA"}
    assert plan.n_latent_terms == 4
    _, _, genes = in_words(plan_descent(HIERARCHY, latent="every", background=True))
    assert genes == {"r": "R", "a1": "AR", "a2": "AR", "a3": "AR", "b1": "BR", "b2": "BR", "c (+)": "CAR"}


def test_place_and_order_are_each_other_upside_down():
    plan = plan_descent(HIERARCHY, latent="root")
    assert np.array(plan.order)[list(plan.place)].tolist() == [0, 1, 2, 3]


def test_unknown_choices_list_the_known_ones():
    with pytest.raises(KgnnError, match="Choose one of: every, root, top"):
        plan_descent(HIERARCHY, latent="bottom")
    with pytest.raises(KgnnError, match="Choose one of: all, relations"):
        plan_descent(HIERARCHY, skips="none")
