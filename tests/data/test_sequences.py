"""Sequences as samples, and shuffles that keep how often each letter follows each other."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import Targets, dinucleotide_shuffle, read_packed, sequence_samples, write_packed
from kgnn.errors import AlignmentError, FormatError
from kgnn.knowledge import Sequences
from kgnn.structure import one_hot, position_names


def test_features_are_bases_at_positions(tmp_path):
    targets = Targets(np.array([[1.0], [0.0]]), ("bound",), "labels")
    samples = sequence_samples(["acG", "TTT"], targets=targets)
    assert (samples.gene_modality, samples.meaning, samples.names) == ("sequence", "sequence", ("sample_0", "sample_1"))
    assert samples.genes == position_names(3)
    assert samples.gene_values().dtype == np.uint8
    np.testing.assert_array_equal(samples.gene_values().reshape(2, 3, 4), one_hot(["ACG", "TTT"]))
    again = read_packed(write_packed(samples, tmp_path / "packed"))
    np.testing.assert_array_equal(again.gene_values(), samples.gene_values())


def test_ambiguous_bases_are_a_quarter_of_each():
    samples = sequence_samples(Sequences(("a", "a"), ("ACN", "TTG")))
    assert samples.names == ("a", "a (2)")
    assert samples.gene_values()[0].tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0.25, 0.25, 0.25, 0.25]


def test_mistakes():
    with pytest.raises(AlignmentError, match="no sequences"):
        sequence_samples([])
    with pytest.raises(AlignmentError, match="1 of 3 sequences have not 3 letters"):
        sequence_samples(["ACG", "ACGT", "AAA"])
    with pytest.raises(FormatError, match="1 of 1 sequences hold -"):
        sequence_samples(["AC-"])
    with pytest.raises(AlignmentError, match="2 of 12 genes of the model are not in the samples|4 of 12 genes"):
        sequence_samples(["AC"]).with_genes(position_names(3))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(alphabet="ACGTN", max_size=30), max_size=4), st.integers(0, 5))
def test_a_shuffle_keeps_every_pair_of_neighbors(sequences, seed):
    shuffled = dinucleotide_shuffle(sequences, seed)
    assert [Counter(pairwise(each)) for each in shuffled] == [Counter(pairwise(each)) for each in sequences]
    assert [each[:1] + each[-1:] for each in shuffled] == [each[:1] + each[-1:] for each in sequences]
    assert shuffled == dinucleotide_shuffle(sequences, seed)


def test_every_order_is_equally_likely():
    # AACA?: of ACAGATA the three loops from A (C, G, T) come in any of six orders.
    found = Counter(dinucleotide_shuffle(["ACAGATA"] * 6_000, 3))
    assert len(found) == 6
    assert max(found.values()) < 1_150
    # Here the last step out of C must lead to the end, whichever way it was drawn.
    two = Counter(dinucleotide_shuffle(["ACCACT"] * 4_000, 3))
    assert set(two) == {"ACCACT", "ACACCT"}
    assert abs(two["ACCACT"] - 2_000) < 200
