"""The null keeps every count and none of the knowledge."""

from __future__ import annotations

import numpy as np

from kgnn.data import random_ontology
from kgnn.structure import compile_hierarchy, shuffle_genes


def test_counts_are_kept(drawn):
    hierarchy, _ = compile_hierarchy(drawn)
    null = shuffle_genes(hierarchy, seed=3)
    assert null.terms == hierarchy.terms and null.genes == hierarchy.genes
    for name in ("level_of_term", "relation_child", "relation_parent", "annotation_term"):
        np.testing.assert_array_equal(getattr(null, name), getattr(hierarchy, name))
    assert null.annotation_gene.dtype == np.int32
    # One gene (g1) is annotated twice, six once.
    assert sorted(np.bincount(null.annotation_gene, minlength=7)) == [1, 1, 1, 1, 1, 1, 2]
    assert [len(genes) for genes in null.genes_of_term] == [2, 3, 2, 0, 1]
    assert null.n_genes_of_term.tolist() == [2, 3, 5, 4, 7]
    assert null.provenance.transformations[-1] == "genes shuffled with seed 3: a null, not knowledge"
    for term in range(null.n_terms):
        assert (np.diff(null.genes_of_term[term]) > 0).all()


def test_seeds():
    hierarchy, _ = compile_hierarchy(random_ontology(9, 31, seed=2))
    before = hierarchy.annotation_gene.copy()
    assert shuffle_genes(hierarchy, 0) == shuffle_genes(hierarchy, 0)
    assert len({shuffle_genes(hierarchy, seed) for seed in range(5)} | {hierarchy}) == 6
    np.testing.assert_array_equal(hierarchy.annotation_gene, before)


def test_gene_sets_are_a_relabelling():
    hierarchy, _ = compile_hierarchy(random_ontology(13, 17, seed=5))
    null = shuffle_genes(hierarchy, seed=1)
    real, shuffled = ([set(genes.tolist()) for genes in each.gene_sets] for each in (hierarchy, null))
    overlaps = [[len(a & b) for a in real] for b in real]
    assert overlaps == [[len(a & b) for a in shuffled] for b in shuffled]
    assert real != shuffled
