"""Letters of DNA as numbers, and FASTA files good and bad."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kgnn.data import one_hot, one_hot_batch, read_fasta_sequences
from kgnn.errors import FormatError


def test_letters():
    assert one_hot("ACGTacgtU").argmax(axis=1).tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 3]
    assert (one_hot("NnRy-") == 0.25).all()
    assert one_hot("ACGT").sum() == 4
    assert one_hot("").shape == (0, 4)
    assert one_hot("A").dtype == np.float32


@pytest.mark.parametrize(
    ("text", "message"), [("ACE", "'E' at position 3"), ("Ač", "'č' at position 2"), ("A C", "' '")]
)
def test_other_letters_are_refused(text, message):
    with pytest.raises(FormatError, match=message):
        one_hot(text)


def test_batches_have_one_length():
    assert one_hot_batch(["ACG", "TTT"]).shape == (2, 3, 4)
    with pytest.raises(FormatError, match="2 different lengths, from 1 to 3 letters"):
        one_hot_batch(["A", "ACG", "AAA"])


@pytest.mark.parametrize("form", ["plain", "windows", "packed"])
def test_fasta(tmp_path, form):
    content = b">chr1 first one\nACGT\nNN\n\n>b|2\nac\n"
    path = tmp_path / "s.fa"
    content = content.replace(b"\n", b"\r\n") if form == "windows" else content
    path.write_bytes(gzip.compress(content, mtime=0) if form == "packed" else content)
    names, sequences = read_fasta_sequences(path)
    assert names == ("chr1", "b|2")
    assert np.array_equal(sequences[0], one_hot("ACGTNN"))
    assert np.array_equal(sequences[1], one_hot("AC"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n", "s.fa, line 1: 'ACGT' stands before the first '>'"),
        (">a\nACGT\n>\nAC\n", "line 3: a sequence has no name"),
        (">a\nACGT\n>a\nAC\n", r"line 3: sequence a comes again \(first in line 1\)"),
        (">a\nACGT\n>b\n", "line 3: sequence b has no letters"),
        (">a\nACGT\nMKLE\n", "line 3: 'L' at position 3 of a sequence is no letter of DNA"),
    ],
)
def test_bad_fasta(tmp_path, text, message):
    path = tmp_path / "s.fa"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_fasta_sequences(path)
