"""Windows around genes and peaks, their sequences, and what lies beyond the end of a chromosome."""

from __future__ import annotations

import gzip
import random

import pytest

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import (
    centered_windows,
    fasta,
    fit_to_chromosomes,
    make_intervals,
    read_chromosome_lengths,
    read_windows,
    tss_windows,
)

LENGTHS = {"chr1": 100, "chr2": 50}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KGNN_CACHE", str(folder))
    return folder


def test_windows_follow_the_strand():
    #        10        20        30
    # + gene :[==========)          starts at 10
    # - gene :[==========)          starts at 29
    genes = make_intervals(["1", "1"], [10, 10], [30, 30], names=["f", "r"], strands=["+", "-"])
    windows = tss_windows(genes, upstream=4, downstream=2)
    assert (windows.starts.tolist(), windows.ends.tolist()) == ([6, 27], [13, 34])
    assert windows.extra["tss"].tolist() == [10, 29]
    assert windows.strands == ("+", "-")


def test_windows_around_centers_and_summits():
    peaks = make_intervals(["1", "1"], [10, 20], [20, 23], extra={"summit": [12, 22]})
    for on, starts in (("center", [12, 18]), ("summit", [9, 19])):
        windows = centered_windows(peaks, 7, on=on)
        assert windows.starts.tolist() == starts
        assert set(windows.lengths.tolist()) == {7}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda i: centered_windows(i, 0), "length is 0"),
        (lambda i: centered_windows(i, 5, on="summit"), "1 of 1 intervals have no summit"),
        (lambda i: centered_windows(i, 5, on="middle"), "on is 'middle'"),
        (lambda i: tss_windows(i), "none of 1 genes has a strand"),
        (lambda i: tss_windows(i, -1), "upstream is -1"),
        (lambda i: make_intervals(["1"], [5], [5]), "1 of 1 intervals are empty or begin before 0: 1:5-5"),
        (lambda i: make_intervals(["1"], [5], [6], names=["a", "b"]), "names has 2 values for 1 intervals"),
        (lambda i: make_intervals(["1"], [5], [6], strands=["1"]), "strands 1 are not known"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(KgnnError, match=message):
        make(make_intervals(["1"], [5], [9]))


def test_windows_out_of_range_are_named_dropped_or_kept_to_be_filled():
    windows = centered_windows(make_intervals(["chr1", "chr2", "chr2"], [0, 20, 44], [10, 30, 50], names="abc"), 12)
    message = (
        r"genome\.fa: 2 of 3 windows reach beyond their chromosome: chr1:-1-11 \(a\), chr2:41-53 \(c\) "
        r"\(chr1 has 100 bases, chr2 has 50 bases\)"
    )
    with pytest.raises(AlignmentError, match=message):
        fit_to_chromosomes(windows, LENGTHS, where="genome.fa")
    kept, positions = fit_to_chromosomes(windows, LENGTHS, out_of_range="drop")
    assert (kept.names, positions.tolist()) == (("b",), [1])
    assert kept.losses[-1].names == ("chr1:-1-11 (a)", "chr2:41-53 (c)")
    assert len(fit_to_chromosomes(windows, LENGTHS, out_of_range="pad")[0]) == 3
    beyond = make_intervals(["chr2"], [50], [60])
    with pytest.raises(AlignmentError, match="1 of 1 windows reach beyond"):
        fit_to_chromosomes(beyond, LENGTHS, out_of_range="pad")
    with pytest.raises(KgnnError, match="out_of_range is 'clip'"):
        fit_to_chromosomes(windows, LENGTHS, out_of_range="clip")


def test_unknown_chromosomes_are_named_with_what_to_do():
    windows = make_intervals(["chr1", "3", "3"], [0, 0, 5], [5, 5, 9])
    with pytest.raises(AlignmentError, match="has no chromosome 3, on which 2 of 3 intervals lie; it has chr1, chr2"):
        fit_to_chromosomes(windows, LENGTHS)
    with pytest.raises(AlignmentError, match="One file writes '1' and the other 'chr1'"):
        fit_to_chromosomes(make_intervals(["1"], [0], [5]), LENGTHS)


def test_chromosome_lengths(tmp_path):
    path = tmp_path / "chrom.sizes"
    path.write_text("chr1\t100\r\nchr2\t50\r\n")
    assert read_chromosome_lengths(path) == LENGTHS
    path.write_text("chr1\t100\nchr1\t90\n")
    with pytest.raises(FormatError, match="line 2: chromosome chr1 comes twice"):
        read_chromosome_lengths(path)
    path.write_text("chr1\tlong\n")
    with pytest.raises(FormatError, match="line 1: length is 'long'"):
        read_chromosome_lengths(path)


# --- sequences of windows


def write_genome(folder, line=7, name="genome.fa"):
    pick = random.Random(3)
    sequences = {name: "".join(pick.choices("ACGTacgtN", k=length)) for name, length in LENGTHS.items()}
    text = "".join(
        f">{name} remark\n" + "".join(sequence[i : i + line] + "\n" for i in range(0, len(sequence), line))
        for name, sequence in sequences.items()
    )
    path = folder / name
    path.write_text(text)
    return path, sequences


def random_windows(n, low=0, beyond=0):
    pick = random.Random(5)
    rows = []
    for _ in range(n):
        chromosome = pick.choice(list(LENGTHS))
        start = pick.randrange(LENGTHS[chromosome] - 1) - low
        rows.append((chromosome, start, pick.randrange(max(start, 0) + 1, LENGTHS[chromosome] + 1 + beyond)))
    made = make_intervals([r[0] for r in rows], [max(r[1], 0) for r in rows], [r[2] for r in rows])
    return made.changed("moved", starts=made.starts - low, strands=tuple(pick.choice("+-.") for _ in rows))


def expected_sequence(sequences, windows, position):
    """Base by base, without slices."""
    found = []
    sequence = sequences[windows.chromosomes[position]]
    for place in range(windows.starts[position], windows.ends[position]):
        found.append(sequence[place] if 0 <= place < len(sequence) else "N")
    if windows.strands[position] == "-":
        found = [dict(zip("ACGTacgtN", "TGCAtgcaN", strict=True))[letter] for letter in reversed(found)]
    return "".join(found)


@pytest.mark.parametrize("way", ["index", "packed", "uneven", "without pyfaidx"])
def test_sequences_of_windows_by_every_way(tmp_path, monkeypatch, cache, way):
    path, sequences = write_genome(tmp_path)
    if way == "index":
        pytest.importorskip("pyfaidx")
    elif way == "packed":
        path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    elif way == "uneven":
        path.write_text(path.read_text().replace("\n", "\n\n", 3))
    else:
        monkeypatch.setattr(fasta, "find_spec", lambda name: None)
    windows = random_windows(60, low=3, beyond=4)
    found = read_windows(path, windows, out_of_range="pad")
    assert list(found.sequences) == [expected_sequence(sequences, windows, position) for position in range(60)]
    assert len(list(cache.glob("fasta/*.fai"))) == (way == "index")
    # Nothing is written beside the user's file.
    assert sorted(file.name for file in tmp_path.iterdir() if file != cache) == ["genome.fa"]
    again = read_windows(path, windows, out_of_range="pad")
    assert again == found
    dropped = read_windows(path, windows, out_of_range="drop")
    fits = [
        s >= 0 and e <= LENGTHS[c] for c, s, e in zip(windows.chromosomes, windows.starts, windows.ends, strict=True)
    ]
    assert 0 < sum(fits) < 60
    assert len(dropped) == sum(fits)
    assert len(dropped.losses[-1].names) == 60 - sum(fits)
    with pytest.raises(AlignmentError, match=rf"genome\.fa: {60 - sum(fits)} of 60 windows reach beyond"):
        read_windows(path, windows)


def test_an_index_is_never_that_of_an_older_file(tmp_path):
    pytest.importorskip("pyfaidx")
    path, _ = write_genome(tmp_path)
    window = make_intervals(["chr2"], [0], [6])
    read_windows(path, window)
    path.write_text(">chr2\nAACCGGTT\n")
    assert read_windows(path, window).sequences == ("AACCGG",)


def test_broken_genomes(tmp_path):
    path = tmp_path / "genome.fa"
    window = make_intervals(["chr1"], [0], [5])
    for text, message in (
        (">chr1\nAC\n>chr1\nGT\n", "line 3: chromosome chr1 comes twice"),
        ("chr1\nAC\n", "line 1: begins with 'chr1' where FASTA begins with '>name'"),
        (">chr1\nA*C\nG7\n", "line 3: holds 7, no letter of DNA or RNA, in chr1"),
        (">chr1\n>chr2\nAC\n", "line 1: chr1 has no sequence. Is the file cut short"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=message):
            read_windows(path, window)
