"""FASTA files and the letters in them."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import FormatError
from kgnn.knowledge import read_fasta, reverse_complement

LETTERS = "ACGTRYSWKMBDHVNacgtryswkmbdhvn"


def test_names_descriptions_and_letters(tmp_path):
    path = tmp_path / "a.fa"
    path.write_bytes(b"; old remark\n>HLA-A*01:01 (human) x\r\nAC\r\n\r\ngtN\r\n>b\r\nRY-U\r\n")
    found = read_fasta(path)
    assert found.names == ("HLA-A*01:01", "b")
    assert found.sequences == ("ACgtN", "RY-U")
    assert found.descriptions == ("(human) x", "")
    assert found.lengths.tolist() == [5, 4]
    packed = tmp_path / "a.fa.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert read_fasta(packed) == found
    assert read_fasta(packed).provenance != found.provenance
    assert found.take([1]).names == ("b",)
    assert found.take([1, 0]) != found


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=LETTERS, max_size=40))
def test_the_reverse_complement_of_the_reverse_complement(sequence):
    other = reverse_complement(sequence)
    assert reverse_complement(other) == sequence
    assert [letter.isupper() for letter in other] == [letter.isupper() for letter in reversed(sequence)]


def test_reverse_complement_of_ambiguous_letters():
    # R = A or G pairs with Y = C or T, and so on: by the bases that each stands for.
    means = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "N": "ACGT"}
    means |= {"B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", **{base: base for base in "ACGT"}}
    pairs = dict(zip("ACGT", "TGCA", strict=True))
    for letter, bases in means.items():
        assert set(means[reverse_complement(letter)]) == {pairs[base] for base in bases}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b">a\nACGT\n>b\nACXT\n", r"a\.fa, line 4: holds X, no letter of DNA or RNA, in b. Is it a protein"),
        (b">a\nMKTAYIAKQR\n", "line 2: holds I, Q, no letter"),
        (b"ACGT\n", "line 1: begins with 'ACGT' where FASTA begins with '>name'"),
        (b">a\nACGT\n>\nAC\n", "line 3: names no sequence after '>'"),
        (b">a\nACGT\n>b\n", "line 3: b has no sequence. Is the file cut short"),
        (b"; nothing\n", "holds no record that begins with '>'"),
        (b">a\nAC\xe9GT\n", "another encoding than UTF-8"),
        (gzip.compress(b">a\nACGT\n" * 500, mtime=0)[:-6], "damaged or cut short"),
        (b"", "is empty"),
    ],
)
def test_broken(tmp_path, content, message):
    path = tmp_path / "a.fa"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_fasta(path)
