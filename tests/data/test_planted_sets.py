"""`planted_gene_sets`: what the prior lacks made the data, what it claims besides did not."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import planted_gene_sets
from kgnn.errors import KgnnError


def test_prior_and_truth_differ_by_what_was_planted():
    planted = planted_gene_sets(2_000, 4, 5, n_missing=6, n_superfluous=4, noise=0.5, seed=3)
    prior = {(each.gene, each.term) for each in planted.ontology.annotations}
    assert len(planted.missing) == 6 and not planted.missing & prior
    assert len(planted.superfluous) == 4 and planted.superfluous <= prior
    assert len(prior) == 4 * 5 + 4
    values, genes = planted.samples.gene_values(), planted.samples.genes
    correlation = np.corrcoef(values.T, planted.activity.T)[: len(genes), len(genes) :]
    for number in range(4):
        for row, gene in enumerate(genes):
            pair = (gene, f"SET:{number:02d}")
            is_true = pair in planted.missing or (pair in prior and pair not in planted.superfluous)
            assert (correlation[row, number] > 0.2) == is_true


def test_the_same_seed_gives_the_same_samples_and_the_samples_are_their_own_targets():
    one, other = planted_gene_sets(30, seed=5), planted_gene_sets(30, seed=5)
    assert one.samples.fingerprint == other.samples.fingerprint != planted_gene_sets(30, seed=6).samples.fingerprint
    targets = one.samples.require_targets()
    assert targets.names == one.samples.genes
    np.testing.assert_array_equal(targets.values, one.samples.gene_values())


def test_too_many_pairs_are_refused():
    with pytest.raises(KgnnError, match="There are 8 pairs"):
        planted_gene_sets(9, 2, 4, n_missing=7, n_superfluous=3)
