"""Sets of motifs: selection, trimming, fingerprints, similarity and clusters."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import AlignmentError, StructureError
from kgnn.knowledge import Motif, MotifSet, cluster_motifs, motif_similarity
from kgnn.knowledge.ontology import Loss


def exact(id: str, letters: str, n_sites: int = 10, **facts) -> Motif:
    """A motif whose sites all agree; N stands for an even position."""
    rows = [
        [n_sites / 4] * 4 if letter == "N" else [n_sites * (base == letter) for base in "ACGT"] for letter in letters
    ]
    return Motif.from_counts(id, rows, **facts)


SET = MotifSet(
    (
        exact("a", "NNACGTTN", name="SRF", factors=("SRF",)),
        exact("b", "AACGTT", name="Ahr::Arnt", factors=("Ahr", "Arnt")),
        exact("c", "AACGTC", factors=("srf",)),
    )
)


def test_a_set_is_looked_up_by_id():
    assert (len(SET), SET.ids, SET.names) == (3, ("a", "b", "c"), ("SRF", "Ahr::Arnt", "c"))
    assert SET["b"].consensus == "AACGTT"
    assert "a" in SET
    assert SET.factors == ("Ahr", "Arnt", "SRF", "srf")
    assert SET.widths.tolist() == [8, 6, 6]
    with pytest.raises(AlignmentError, match="1 motifs are not among the 3: zzz. Ids here look like a"):
        SET["zzz"]


def test_selection_by_id_and_by_factor_is_noted():
    assert SET.select(["c", "a"]).ids == ("a", "c")
    assert SET.select(factors=["SRF"]).ids == ("a", "c")
    assert SET.select(factors=["arnt"]).ids == ("b",)
    assert SET.select(factors=["arnt"]).provenance.transformations == ("selected 1 of 3 motifs",)
    with pytest.raises(AlignmentError, match="1 of 2 factors have no motif here: TP53"):
        SET.select(factors=["SRF", "TP53"])


def test_ids_that_come_twice_are_refused():
    with pytest.raises(StructureError, match="1 motif ids come more than once: a"):
        MotifSet((exact("a", "AC"), exact("a", "GT")))


def test_the_fingerprint_knows_content_and_not_order():
    turned = MotifSet(SET.motifs[::-1])
    assert turned.fingerprint == SET.fingerprint
    others = [
        MotifSet(SET.motifs[:2]),
        MotifSet(SET.motifs, background=(0.3, 0.2, 0.2, 0.3)),
        MotifSet((*SET.motifs[:2], exact("c", "AACGTC", 11, factors=("srf",)))),
        MotifSet((*SET.motifs[:2], exact("c", "AACGTA", factors=("srf",)))),
        MotifSet((*SET.motifs[:2], exact("c", "AACGTC"))),
    ]
    assert len({each.fingerprint for each in [*others, SET]}) == 6


def test_trimming_keeps_inner_positions_and_names_what_it_loses():
    motifs = MotifSet((*SET.motifs[:1], exact("even", "NNN"), exact("gap", "NANNTN")))
    trimmed = motifs.trim(0.5)
    assert [motif.consensus for motif in trimmed] == ["ACGTT", "ANNT"]
    assert trimmed.losses == (Loss("motif", "no position of 0.5 bits", ("even",)),)
    with pytest.raises(StructureError, match="no position of 3 motifs holds 2.5 bits"):
        motifs.trim(2.5)


def test_the_reverse_complement_of_a_set_turns_its_background():
    motifs = MotifSet((exact("a", "AACG"),), background=(0.4, 0.3, 0.2, 0.1))
    turned = motifs.reverse_complement()
    assert (turned["a"].consensus, turned.background) == ("CGTT", (0.1, 0.2, 0.3, 0.4))
    assert turned.reverse_complement().fingerprint == motifs.fingerprint


def test_similarity_by_hand():
    # a: NN ACGTT N      columns that are even correlate with nothing
    # b:  A ACGTT        5 columns agree of the 8 that both cover
    # c:  A ACGTC        b and c: 5 agree, T with C is -1/3
    found = motif_similarity(SET)
    assert found[0, 1] == pytest.approx(5 / 8)
    assert found[1, 2] == pytest.approx((5 - 1 / 3) / 6)
    # On the other strand c reads GACGTT: its ACGTT lies on that of a.
    assert found[0, 2] == pytest.approx(5 / 8)
    assert np.array_equal(found, found.T)
    assert found.diagonal() == pytest.approx([5 / 8, 1, 1])


def naive(first: Motif, second: Motif, min_overlap: int) -> float:
    best = -1.0
    for other in (second, second.reverse_complement()):
        for shift in range(1 - len(other), len(first)):
            pairs = [(place, place - shift) for place in range(len(first)) if 0 <= place - shift < len(other)]
            if len(pairs) < min(min_overlap, len(first), len(other)):
                continue
            total = 0.0
            for one, two in pairs:
                rows = first.frequencies[one], other.frequencies[two]
                if np.ptp(rows[0]) > 0 and np.ptp(rows[1]) > 0:
                    total += np.corrcoef(*rows)[0, 1]
            best = max(best, total / (len(first) + len(other) - len(pairs)))
    return best


@pytest.mark.parametrize("min_overlap", [1, 4, 20])
def test_similarity_against_a_plain_count(min_overlap):
    generator = np.random.default_rng(5)
    widths = [1, 3, 6, 7, 11]
    motifs = MotifSet(
        tuple(Motif.from_counts(str(width), generator.integers(0, 9, (width, 4)) + 0.5) for width in widths)
    )
    expected = [[naive(first, second, min_overlap) for second in motifs] for first in motifs]
    assert motif_similarity(motifs, min_overlap=min_overlap) == pytest.approx(np.array(expected))


def test_clusters_and_their_representatives():
    motifs = MotifSet((*SET.motifs[1:], exact("turned", "GACGTT"), exact("other", "GGGGGG"), exact("same", "CCCCCC")))
    clusters = cluster_motifs(motifs, 0.75)
    assert clusters == (("c", "b", "turned"), ("other", "same"))
    kept = motifs.non_redundant(0.75)
    assert kept.ids == ("c", "other")
    assert kept.losses == (Loss("motif", "alike c", ("b", "turned")), Loss("motif", "alike other", ("same",)))
    assert len(cluster_motifs(motifs, 1.0)) == 3
    assert cluster_motifs(MotifSet(SET.motifs[:1])) == (("a",),)
    with pytest.raises(StructureError, match="min_similarity is 2"):
        cluster_motifs(motifs, 2)


def test_real_motifs_of_one_factor_are_alike(shared_data):
    from kgnn.knowledge import read_motifs

    folder = shared_data / "jaspar"
    new = read_motifs(folder / "JASPAR2024_CORE_vertebrates_latest.jaspar").select(["MA0139.2", "MA0083.3", "MA0108.3"])
    old = read_motifs(folder / "JASPAR2020_CORE_vertebrates_non-redundant_pfms_meme.txt").select(["MA0139.1"])
    cisbp = read_motifs(folder / "cisbp_deepram.meme").select(["M4427_1.02", "M4477_1.02"])
    motifs = MotifSet((*new.motifs, *old.motifs, *cisbp.motifs))
    clusters = {frozenset(cluster) for cluster in cluster_motifs(motifs, 0.7)}
    assert frozenset({"MA0139.1", "MA0139.2", "M4427_1.02"}) in clusters  # CTCF of three sources
    assert frozenset({"MA0108.3"}) in clusters  # TBP
