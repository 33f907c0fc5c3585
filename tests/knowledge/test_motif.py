"""The four matrices of a motif, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import StructureError
from kgnn.knowledge.motif import Motif

COUNTS = [[1, 3, 4, 0], [0, 8, 0, 0], [20, 20, 20, 20]]


def motif() -> Motif:
    return Motif.from_counts("MX1.1", COUNTS, name="Ahr::Arnt", factors=("Ahr", "Arnt"))


def test_counts_come_back_whole():
    assert motif().counts.tolist() == COUNTS
    assert motif().sites.tolist() == [8, 8, 80]
    thirds = Motif.from_counts("x", [[7, 11, 13, 17]] * 3)
    assert thirds.counts.tolist() == [[7, 11, 13, 17]] * 3


def test_counts_of_printed_frequencies_are_not_made_whole():
    printed = Motif("x", np.array([[0.333333, 0.666667, 0, 0]]), np.array(24))
    assert printed.counts[0].tolist() == pytest.approx([7.999992, 16.000008, 0, 0])
    assert printed.counts[0, 0] != 8


def test_probabilities_with_a_pseudocount_and_a_background():
    # 2 sites of background (0.4, 0.1, 0.1, 0.4) on 8: (1 + 0.8)/10, (3 + 0.2)/10, ...
    found = motif().probabilities(2, (0.4, 0.1, 0.1, 0.4))
    assert found[0].tolist() == pytest.approx([0.18, 0.32, 0.42, 0.08])
    assert found.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert motif().probabilities(0)[1].tolist() == [0, 1, 0, 0]


def test_log_odds_in_bits():
    assert motif().log_odds(0)[1].tolist() == [-np.inf, 2, -np.inf, -np.inf]
    assert motif().log_odds(8)[1].tolist() == pytest.approx(np.log2([0.5, 2.5, 0.5, 0.5]))
    assert motif().log_odds(5, (0.4, 0.1, 0.1, 0.4))[2, 0] == pytest.approx(np.log2((20 + 2) / 85 / 0.4))


def test_information():
    assert motif().information() == pytest.approx([2 - 1.40563906, 2, 0])
    assert motif().information(0, (0.5, 0.125, 0.125, 0.25))[1] == pytest.approx(3)
    assert Motif.from_counts("x", [[2, 2, 0, 0]]).information()[0] == pytest.approx(1)


def test_consensus():
    rows = [[9, 0, 0, 1], [5, 4, 0, 1], [0, 0, 4, 4], [3, 3, 2, 2], [0, 2, 6, 1]]
    assert Motif.from_counts("x", rows).consensus == "AMKNG"


def test_reverse_complement_twice_is_the_motif_itself():
    turned = motif().reverse_complement()
    assert turned.counts.tolist() == [[20, 20, 20, 20], [0, 0, 8, 0], [0, 4, 3, 1]]
    assert turned.sites.tolist() == [80, 8, 8]
    assert turned.reverse_complement() == motif()
    assert turned != motif()


def test_motifs_are_frozen_and_do_not_change_what_they_were_made_of():
    frequencies = np.array([[0.25] * 4])
    made = Motif("x", frequencies, np.array(20.0))
    frequencies[0, 0] = 1
    assert made.frequencies[0, 0] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        made.frequencies[0, 0] = 1


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        ([[0.5, 0.5, 0.5, -0.5]], r"at position 1.*log-odds matrices"),
        ([[0.25] * 4, [0.5, 0.2, 0.2, 0.2]], "position 2 sum to 1.1, not to 1"),
        ([[np.nan, 0.5, 0.25, 0.25]], "at position 1"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
    ],
)
def test_impossible_frequencies_are_refused(frequencies, message):
    with pytest.raises(StructureError, match=message):
        Motif("x", np.array(frequencies), np.array(20.0))


def test_other_impossible_arguments_are_refused():
    with pytest.raises(StructureError, match="no site at position 2"):
        Motif.from_counts("x", [[1, 0, 0, 0], [0, 0, 0, 0]])
    with pytest.raises(StructureError, match="sites at a position"):
        Motif("x", np.array([[0.25] * 4]), np.array(0.0))
    with pytest.raises(StructureError, match="has no id"):
        Motif.from_counts(" ", COUNTS)
    with pytest.raises(StructureError, match="pseudocount is -1"):
        motif().probabilities(-1)
    with pytest.raises(StructureError, match=r"background \(0.5, 0.5, 0.5, 0.5\) is no distribution"):
        motif().probabilities(1, (0.5,) * 4)
    with pytest.raises(StructureError, match="background of 0"):
        motif().log_odds(1, (0.5, 0.5, 0, 0))
