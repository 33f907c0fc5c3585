"""The scanner: by hand, against Biopython and MOODS on real motifs, and against published factors on real peaks."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from kgnn.errors import AlignmentError, FormatError, KgnnError, StructureError
from kgnn.interpret import best_motif_scores, motif_scanner, scan, scan_summary
from kgnn.interpret.scan import COLUMNS
from kgnn.knowledge import Motif, MotifSet, Sequences, read_motifs
from kgnn.structure import SCORE_STEP, one_hot

TATA = MotifSet(
    (
        Motif.from_counts("tata", [[0, 0, 0, 9], [9, 0, 0, 0], [0, 0, 0, 9], [9, 0, 0, 0]], name="TBP"),
        Motif.from_counts("gac", [[0, 0, 9, 0], [9, 0, 0, 0], [0, 9, 0, 0]]),
    )
)


def encoded(text: str) -> np.ndarray:
    return one_hot([text])[0]


def rows(table) -> list[tuple]:
    return [tuple(row) for row in table[["sequence", "motif", "start", "end", "strand"]].itertuples(index=False)]


def test_sites_by_hand():
    #                 0123456789
    sequences = ["CCTATACGTC", "gac", "AG"]
    hits = scan(motif_scanner(TATA, 0.02), [encoded(each) for each in sequences], ["one", "two", "three"])
    assert rows(hits) == [
        ("one", "tata", 2, 6, "+"),
        ("one", "tata", 2, 6, "-"),
        ("one", "gac", 7, 10, "-"),
        ("two", "gac", 0, 3, "+"),
    ]
    assert tuple(hits.columns) == COLUMNS
    assert hits["name"].tolist() == ["TBP", "TBP", "gac", "gac"]
    assert hits["p_value"].tolist() == pytest.approx([4**-4, 4**-4, 4**-3, 4**-3])
    best = 4 * np.log2(9.25 / 10 / 0.25)
    assert hits["score"][0] == pytest.approx(best, abs=4 * SCORE_STEP / 2)


def test_sequences_are_taken_as_they_are_read_as_letters_and_as_arrays():
    letters, scanner = ("CCTATACGTC", "gac", "AG"), motif_scanner(TATA, 0.02)
    read = Sequences(("one", "two", "three"), letters)
    expected = scan(scanner, [encoded(each) for each in letters], read.names)
    assert len(expected) == 4 and scan(scanner, read).equals(expected)
    assert scan(scanner, letters, read.names).equals(expected)
    assert scan(scanner, list(letters))["sequence"].tolist() == ["0", "0", "0", "1"]
    np.testing.assert_array_equal(best_motif_scores(scanner, read), best_motif_scores(scanner, list(letters)))
    assert len(scan(scanner, [])) == 0
    with pytest.raises(FormatError, match="stands for no base: 1"):
        scan(scanner, ["ACGT", "A-GT"])
    with pytest.raises(AlignmentError, match="one text of 4 letters. Give a list"):
        scan(scanner, "ACGT")


def test_motifs_that_cannot_reach_the_p_value_are_named():
    scanner = motif_scanner(TATA, 0.01)
    assert scanner.unreachable == ("gac",)
    hits = scan(scanner, [encoded("GACTATAGAC")])
    assert set(hits["motif"]) == {"tata"}
    summary = scan_summary(scanner, hits, 1)
    assert (summary["hits"], summary["unreachable"], summary["sequences_with_hits"]) == (2, ["gac"], 1)


def test_one_strand_only():
    hits = scan(motif_scanner(TATA, 0.02, both_strands=False), [encoded("CCTATACGTC")])
    assert rows(hits) == [("0", "tata", 2, 6, "+")]


def test_ambiguous_bases_score_as_the_mean_of_four():
    scanner = motif_scanner(TATA, 1.0, both_strands=False)
    hits = scan(scanner, [encoded("TANA")]).query("motif == 'tata'")
    steps = scanner.values[0] * SCORE_STEP
    assert hits["score"].tolist() == pytest.approx([steps[0, 3] + steps[1, 0] + steps[2].mean() + steps[3, 0]])
    # No sequence of plain bases scores as high as TANA but TATA itself.
    assert hits["p_value"].tolist() == pytest.approx([4**-4])
    assert rows(scan(motif_scanner(TATA, 0.02), [encoded("TNNA")])) == []


def test_no_site_hangs_over_the_end():
    # With p = 1 every whole window is a site and nothing else.
    hits = scan(motif_scanner(TATA, 1.0, both_strands=False), [encoded("ACGTAC"), encoded("ACG"), encoded("")])
    assert hits.groupby(["sequence", "motif"]).size().to_dict() == {("0", "tata"): 3, ("0", "gac"): 4, ("1", "gac"): 1}
    assert len(scan(motif_scanner(TATA), [])) == 0


def test_a_long_sequence_is_scanned_in_pieces():
    generator = np.random.default_rng(0)
    letters = np.array(list("ACGT"))[generator.integers(0, 4, 9_500)]
    for start in (0, 4_094, 4_096, 8_190, 9_496):
        letters[start : start + 4] = list("TATA")
    text = "".join(letters)
    hits = scan(motif_scanner(TATA, 4**-4, both_strands=False), [encoded(text), encoded("CTATA")])
    expected = [start for start in range(len(text)) if text.startswith("TATA", start)]
    assert hits.query("sequence == '0'")["start"].tolist() == expected
    assert {0, 4_094, 4_096, 8_190, 9_496} <= set(expected)
    assert hits.query("sequence == '1'")["start"].tolist() == [1]


def test_an_uneven_background_is_averaged_over_strands():
    scanner = motif_scanner(TATA, 0.5, background=(0.4, 0.3, 0.2, 0.1))
    mean = (0.25, 0.25, 0.25, 0.25)
    assert np.array_equal(scanner.values[0, :4], np.rint(TATA["tata"].log_odds(1, mean) / SCORE_STEP))
    forward = motif_scanner(TATA, 0.5, background=(0.4, 0.3, 0.2, 0.1), both_strands=False)
    hits = scan(forward, [encoded("TATA")]).query("motif == 'tata'")
    assert hits["p_value"].tolist() == pytest.approx([(0.1 * 0.4) ** 2])


def test_best_scores_follow_from_all_sites():
    sequences = [encoded("CCTATACGTC"), encoded("GACCA"), encoded("GAC")]
    scanner = motif_scanner(TATA, 1.0)
    best = best_motif_scores(scanner, sequences)
    hits = scan(scanner, sequences).groupby(["sequence", "motif"], as_index=False)["score"].max()
    assert len(hits) == 5
    for row in hits.itertuples():
        assert best[int(row.sequence), TATA.ids.index(row.motif)] == np.float32(row.score)
    assert best[2, 0] == -np.inf


def test_what_cannot_be_scanned():
    with pytest.raises(KgnnError, match="p_value is 0. Give a number above 0"):
        motif_scanner(TATA, 0)
    with pytest.raises(StructureError, match="there is no motif to scan for"):
        motif_scanner(MotifSet(()))
    with pytest.raises(StructureError, match="minus infinity"):
        motif_scanner(TATA, pseudocount=0)
    with pytest.raises(AlignmentError, match="2 names for 1 sequences"):
        scan(motif_scanner(TATA), [encoded("ACGT")], ["a", "b"])
    with pytest.raises(AlignmentError, match=r"1 of 2 sequences are not \[position, base\].*shape \(4, 3\)"):
        scan(motif_scanner(TATA), [np.ones((3, 4)), np.ones((4, 3))])


# --- real motifs on real sequences


def peaks(shared_data, factor: str, part: str = "B") -> tuple[list[str], np.ndarray]:
    """Sequences of a ChIP-seq experiment, and whether each was bound."""
    (path,) = (shared_data / "chipseq_deepbind").glob(f"{factor}_*_{part}.seq.gz")
    with gzip.open(path, "rt") as stream:
        read = list(csv.DictReader(stream, delimiter="\t"))
    return [row["seq"] for row in read], np.array([int(row["Bound"]) for row in read])


@pytest.fixture(scope="module")
def scanned(shared_data):
    """60 vertebrate motifs of JASPAR 2024 of every width, 1,000 sequences of 101 bases, and our sites."""
    motifs = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    chosen = motifs.select((*motifs.ids[::15], "MA0093.4"))
    sequences, _ = peaks(shared_data, "USF1")
    scanner = motif_scanner(chosen, 1e-4)
    hits = scan(scanner, [encoded(each) for each in sequences])
    assert (len(chosen), len(sequences)) == (60, 1_000)
    assert (hits["p_value"] <= 1e-4).all()
    sites = zip(hits["sequence"].astype(int), hits["motif"], hits["start"], hits["strand"], strict=True)
    ours = dict(zip(sites, hits["score"], strict=True))
    assert len(ours) == len(hits) > 2_000
    return scanner, sequences, ours


def matrices(scanner):
    """Each motif and strand with its log-odds and its threshold in bits, half a step below the lowest score let in."""
    n_motifs = len(scanner.motifs)
    for number, (values, width) in enumerate(zip(scanner.values, scanner.widths, strict=True)):
        threshold = (scanner.thresholds[number % n_motifs] - 0.5) * SCORE_STEP
        if np.isfinite(threshold):
            id, strand = scanner.motifs.ids[number % n_motifs], "+-"[number // n_motifs]
            yield id, strand, values[:width].astype(np.float64) * SCORE_STEP, float(threshold)


def test_biopython_finds_the_same_sites(scanned):
    matrix = pytest.importorskip("Bio.motifs.matrix", reason="the extra kgnn[motifs] is not installed")
    scanner, sequences, ours = scanned
    # Biopython gives windows with an N no score, so that no site lies on two sequences.
    gap = "N" * 40
    joined, period = gap.join(sequences), len(sequences[0]) + len(gap)
    n_compared = 0
    theirs = {}
    for id, strand, odds, threshold in matrices(scanner):
        n_compared += strand == "+"
        pssm = matrix.PositionSpecificScoringMatrix("ACGT", dict(zip("ACGT", odds.T.tolist(), strict=True)))
        scores = np.atleast_1d(pssm.calculate(joined))
        for place in np.flatnonzero(scores >= threshold):
            theirs[int(place) // period, id, int(place) % period, strand] = scores[place]
    assert n_compared >= 50
    assert theirs.keys() == ours.keys()
    assert max(abs(theirs[site] - ours[site]) for site in ours) < 1e-4


def test_moods_finds_the_same_sites_and_thresholds(scanned):
    moods = pytest.importorskip("MOODS.scan", reason="MOODS-python is not installed")
    tools = pytest.importorskip("MOODS.tools", reason="MOODS-python is not installed")
    scanner, sequences, ours = scanned
    filters = list(matrices(scanner))
    program = moods.Scanner(7)
    program.set_motifs([odds.T.tolist() for _, _, odds, _ in filters], [0.25] * 4, [low for *_, low in filters])
    theirs = {
        (number, id, match.pos, strand): match.score
        for number, sequence in enumerate(sequences)
        for (id, strand, _, _), found in zip(filters, program.scan(sequence), strict=True)
        for match in found
    }
    assert theirs.keys() == ours.keys()
    assert max(abs(theirs[site] - ours[site]) for site in ours) < 1e-9
    for id, strand, _, threshold in filters:
        if strand == "+":
            odds = scanner.motifs[id].log_odds()
            assert threshold == pytest.approx(tools.threshold_from_p(odds.T.tolist(), [0.25] * 4, 1e-4), abs=0.05)


@pytest.mark.parametrize(
    ("factor", "motif", "expected"),
    [
        ("USF1", "MA0093.4", 0.983),
        ("USF2", "MA0526.5", 0.993),
        ("YY1", "MA0095.4", 0.901),
        ("SRF", "MA0083.3", 0.824),
        ("TBP", "MA0108.3", 0.662),
    ],
)
def test_motifs_tell_bound_sequences_as_was_measured_before(shared_data, factor, motif, expected):
    from sklearn.metrics import roc_auc_score

    motifs = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar").select([motif])
    sequences, bound = peaks(shared_data, factor)
    best = best_motif_scores(motif_scanner(motifs), [encoded(each) for each in sequences])
    # The catalogue of the data states these, computed there by another program with another pseudocount.
    assert roc_auc_score(bound, best[:, 0]) == pytest.approx(expected, abs=0.002)
