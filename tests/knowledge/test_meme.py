"""MEME's format, read, written, and read again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgnn.errors import FormatError
from kgnn.knowledge import Motif, MotifSet, read_meme, read_motifs
from tests.knowledge.motif_files import MEME


@pytest.fixture
def path(tmp_path):
    return tmp_path / "motifs.meme"


def test_a_file_with_background_names_and_sites(path):
    path.write_text(MEME)
    motifs = read_meme(path)
    assert motifs.background == (0.3, 0.2, 0.2, 0.3)
    assert (motifs.ids, motifs.names) == (("MX1.1", "MX2.1"), ("Ahr::Arnt", "MX2.1"))
    assert motifs["MX1.1"].counts.tolist() == [[1, 3, 4, 0], [0, 8, 0, 0], [2, 2, 2, 2]]
    assert motifs["MX1.1"].factors == ("Ahr", "Arnt")


def test_one_site_with_several_bases_is_impossible_and_replaced_by_an_assumption(path):
    path.write_text(MEME)
    motifs = read_meme(path)
    assert motifs["MX2.1"].sites.tolist() == [20, 20]
    assert motifs.provenance.transformations[-1] == "1 motifs state no number of sites: 20 assumed for each"
    assert read_meme(path, assumed_sites=100)["MX2.1"].sites.tolist() == [100, 100]
    path.write_text(MEME.replace("nsites= 8 ", ""))
    assert read_meme(path)["MX1.1"].sites.tolist() == [20, 20, 20]


def test_what_the_format_allows(path):
    text = MEME.replace("ALPHABET= ACGT", "ALPHABET= ACGU").replace("w= 3 ", "").replace("strands: + -\n", "")
    path.write_bytes(text.replace("A 0.3 C 0.2", "A 0.3\nC 0.2").replace("\n", "\r\n").encode())
    assert read_meme(path)["MX1.1"].consensus == "SCN"
    assert "U read as T" in read_meme(path).provenance.transformations


def test_the_full_output_of_the_program(path):
    head, _, rest = MEME.partition("MOTIF MX1.1")
    matrix = rest.partition("letter")[2].partition("URL")[0]
    path.write_text(
        f"{'*' * 80}\nMEME - Motif discovery tool\n{'*' * 80}\n{head}"
        "MOTIF GCN MEME-1\twidth =   3  sites =   8  llr = 20  E-value = 4.1e-009\n"
        "Sequence name  Start\n--- ---\nseq1  7  1.2e-4\n"
        "\tMotif GCN MEME-1 position-specific scoring matrix\nlog-odds matrix: alength= 4 w= 3 n= 9\n"
        f"  -20   50   90  -900\n  -900  190 -900 -900\n   0   0  0  0\n{'-' * 80}\n\n"
        f"{'-' * 80}\nletter{matrix}{'-' * 80}\n\nSUMMARY OF MOTIFS\n"
    )
    (motif,) = read_meme(path)
    assert (motif.id, motif.name, motif.counts[0].tolist()) == ("GCN", "MEME-1", [1, 3, 4, 0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "0.125000  0.375000",
            "0.125000  0.475000",
            r"motifs.meme, line 12: the four values sum to 1.1, not to 1. Are",
        ),
        ("0.125000  0.375000", "0.125000  0.075000", "line 12: the four values sum to 0.7, not to 1.$"),
        ("0.125000  0.375000", "-0.125000  0.625000", "line 12: motif MX1.1 has a negative probability, -0.125"),
        ("0.125000  0.375000", "1,25  0.375000", "line 12: '1,25' is no number"),
        ("0.125000  0.375000", "nan  0.375000", "line 12: the four values sum to nan"),
        ("0.125000  0.375000", "0.5", "line 12: has 3 values instead of 4"),
        ("w= 3", "w= 2", "line 14: motif MX1.1 has more rows than w= 2"),
        ("w= 3", "w= 4", "line 15: motif MX1.1 has 3 rows where w= 4"),
        ("alength= 4", "alength= 20", "line 11: the alphabet has 20 letters"),
        ("ALPHABET= ACGT", "ALPHABET= ACDEFGHIKLMNPQRSTVWY", "line 3: the alphabet is 'ACDEFG"),
        ("MOTIF MX2.1", "MOTIF MX1.1 again", r"line 17: motif MX1.1 comes again \(first in line 10\)"),
        ("MOTIF MX1.1 Ahr::Arnt", "MOTIF", "line 10: a motif has no id"),
        ("MOTIF MX1.1 Ahr::Arnt\n", "", "a matrix stands before the first MOTIF"),
        ("MOTIF MX2.1\n", "", "line 17: motif MX1.1 has a second matrix"),
        ("A 0.3 C 0.2", "A 0.9 C 0.2", "background frequencies sum to 1.6"),
        ("A 0.3 C 0.2 G 0.2 T 0.3\n", "", "line 9: 'MOTIF MX1.1 Ahr::Arnt' stands where the background"),
        ("nsites= 8", "nsites= x", "line 11: 'x' is no number"),
    ],
)
def test_damage_is_named_with_its_line(path, old, new, message):
    path.write_text(MEME.replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        read_meme(path)


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=9).filter(str.strip)


@st.composite
def motif_sets(draw):
    """Motifs with any names, totals that differ between positions, and fractional counts."""
    ids = draw(st.lists(names, min_size=1, max_size=3, unique_by=lambda name: "_".join(name.split())))
    motifs = []
    for id in ids:
        width = draw(st.integers(1, 4))
        number = st.one_of(st.integers(0, 40), st.floats(0, 1e6, allow_nan=False))
        counts = draw(st.lists(st.lists(number, min_size=4, max_size=4), min_size=width, max_size=width))
        counts = [row if sum(row) > 1e-3 else [0, 1, 0, 0] for row in counts]
        facts = {
            "tf_class": tuple(draw(st.lists(names, max_size=2))),
            "tax_group": draw(st.sampled_from(["", "fungi"])),
        }
        motifs.append(
            Motif.from_counts(id, counts, name=draw(names), factors=tuple(draw(st.lists(names, max_size=2))), **facts)
        )
    background = draw(st.sampled_from([(0.25,) * 4, (0.1, 0.2, 0.3, 0.4), (0.303, 0.183, 0.209, 0.306)]))
    return MotifSet(tuple(motifs), background=background)


@given(motif_sets())
def test_motifs_written_and_read_again_keep_their_fingerprint(tmp_path_factory, motifs):
    path = tmp_path_factory.getbasetemp() / "round.meme"
    motifs.write_meme(path)
    again = read_motifs(path, format="meme")
    assert again.fingerprint == motifs.fingerprint
    assert [motif.tf_class for motif in again] == [motif.tf_class for motif in motifs]
    assert [motif.tax_group for motif in again] == [motif.tax_group for motif in motifs]
    assert all(np.array_equal(one.counts, two.counts) for one, two in zip(again, motifs, strict=True))


@pytest.mark.parametrize(
    "name",
    [
        "JASPAR2020_CORE_vertebrates_non-redundant_pfms_meme.txt",
        "JASPAR2024_CORE_fungi_latest.jaspar",
        "JASPAR2024_CORE_vertebrates_latest.jaspar",
        "cisbp_deepram.meme",
    ],
)
def test_every_published_file_written_and_read_again_keeps_its_fingerprint(shared_data, path, name):
    motifs = read_motifs(shared_data / "jaspar" / name)
    motifs.write_meme(path)
    assert read_motifs(path).fingerprint == motifs.fingerprint


def test_another_program_reads_what_is_written(path):
    biopython = pytest.importorskip("Bio.motifs.minimal", reason="the extra kgnn[motifs] is not installed")
    rows = [[1, 3, 4, 0], [0, 8, 0, 0], [20, 20, 20, 20]]
    MotifSet((Motif.from_counts("a b", rows), Motif.from_counts("c", rows[:2]))).write_meme(path)
    with path.open() as stream:
        first, second = biopython.read(stream)
    assert (first.name, first.length, second.name) == ("a_b", 3, "c")
    assert [second.counts[base][0] for base in "ACGT"] == [1, 3, 4, 0]
