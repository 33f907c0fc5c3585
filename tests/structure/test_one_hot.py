"""Letters as columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, FormatError
from kgnn.knowledge import Sequences, reverse_complement
from kgnn.structure import BASES, one_hot

LETTERS = "ACGTURYSWKMBDHVN"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet=LETTERS + LETTERS.lower(), min_size=5, max_size=5), min_size=1, max_size=4))
def test_every_letter_by_itself(sequences):
    found = one_hot(sequences)
    assert (found.shape, found.dtype) == ((len(sequences), 5, 4), np.float32)
    for sample, sequence in enumerate(sequences):
        for position, letter in enumerate(sequence.upper().replace("U", "T")):
            expected = [float(letter == base) if letter in BASES else 0.25 for base in "ACGT"]
            assert found[sample, position].tolist() == expected
    np.testing.assert_array_equal(
        one_hot(sequences, reverse_complement=True), one_hot([reverse_complement(each) for each in sequences])
    )


def test_sequences_and_types():
    found = one_hot(Sequences(("a", "b"), ("ACG", "TTT")), dtype=np.float64)
    assert (found.shape, found.dtype) == ((2, 3, 4), np.float64)
    assert one_hot([]).shape == (0, 0, 4)


def test_mistakes():
    with pytest.raises(AlignmentError, match="1 of 3 sequences have not 3 letters as the others: b"):
        one_hot(Sequences(("a", "b", "c"), ("ACG", "TT", "AAA")))
    with pytest.raises(FormatError, match="2 of 3 sequences hold -, Ł, which stands for no base: a, c"):
        one_hot(Sequences(("a", "b", "c"), ("AC-", "TTT", "AŁA")))
