"""Edges of a network that lie inside a pathway."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import AlignmentError
from kgnn.knowledge import build_network, read_ontology
from kgnn.structure import Hierarchy, compile_hierarchy, edges_inside

# P: A B C     Q: C D E      R: F
#    A – B  C – D  inside;  A – D between pathways;  B – X  leaves the genes;  F – F joins a gene with itself
GENES = ["F", "E", "D", "C", "B", "A"]
PAIRS = ["AB", "BA", "CD", "AD", "BX", "FF", "EF"]


@pytest.fixture
def hierarchy(tmp_path) -> Hierarchy:
    (tmp_path / "sets.gmt").write_text("P\tna\tA\tB\tC\nQ\tna\tC\tD\tE\nR\tna\tF\n")
    return compile_hierarchy(read_ontology(tmp_path / "sets.gmt"), GENES)[0]


def network(*pairs: str, **how):
    names = sorted(set("".join(pairs)))
    source, target = (np.array([names.index(pair[end]) for pair in pairs]) for end in (0, 1))
    return build_network(names, source, target, **how)


def named(found, hierarchy: Hierarchy) -> set[str]:
    genes = hierarchy.genes
    return {"".join(sorted(genes[one] + genes[other])) for one, other in zip(*found, strict=True)}


@pytest.mark.parametrize("directed", [True, False])
def test_both_ends_are_members_of_one_pathway(hierarchy: Hierarchy, directed: bool):
    found = edges_inside(network(*PAIRS, directed=directed), hierarchy)
    assert named(found, hierarchy) == {"AB", "CD"} and len(found.senders) == 2
    assert all(type(each) is int for column in found for each in column)


def test_several_networks_are_one(hierarchy: Hierarchy):
    found = edges_inside((network("AB", "EF"), network("DE", "AB")), hierarchy)
    assert named(found, hierarchy) == {"AB", "DE"} and len(found.senders) == 2


def test_no_edge_inside_is_refused(hierarchy: Hierarchy):
    with pytest.raises(AlignmentError, match="none of 1 edges joins two genes of one pathway. The network has 1, 2"):
        edges_inside(network("12"), hierarchy)
