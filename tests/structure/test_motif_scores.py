"""The distribution of scores against every sequence there is, and against other programs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import StructureError
from kgnn.knowledge import Motif, read_motifs
from kgnn.structure import SCORE_STEP, log_odds_steps, score_distribution


def every_sequence(steps: np.ndarray, background: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Score and probability of each of the 4^w sequences."""
    sequences = np.array(list(product(range(4), repeat=len(steps))))
    scores = steps[np.arange(len(steps)), sequences].sum(axis=1)
    return scores, np.asarray(background)[sequences].prod(axis=1)


@given(
    st.lists(st.lists(st.integers(-60, 40), min_size=4, max_size=4), min_size=1, max_size=5),
    st.sampled_from([(0.25,) * 4, (0.4, 0.1, 0.2, 0.3), (1.0, 0.0, 0.0, 0.0)]),
)
@settings(max_examples=60)
def test_p_values_are_those_of_all_sequences(rows, background):
    steps = np.array(rows)
    distribution = score_distribution(steps, background)
    scores, probability = every_sequence(steps, background)
    asked = np.unique([*scores, scores.min() - 3, scores.max() + 1, (scores.min() + scores.max()) // 2])
    expected = [probability[scores >= score].sum() for score in asked]
    assert distribution.p_value(asked) == pytest.approx(expected)
    for p_value in (1.0, 0.3, 0.01, 1e-9):
        threshold = distribution.threshold(p_value)
        reaching = [score for score in scores if probability[scores >= score].sum() <= p_value * (1 + 1e-10)]
        if np.isinf(threshold):
            assert not [score for score in reaching if probability[scores >= score].sum() < p_value * (1 - 1e-10)]
        else:
            assert probability[scores >= threshold].sum() <= p_value * (1 + 1e-8)
            assert min(reaching) >= threshold


def test_the_best_site_of_a_short_motif():
    # Three positions, one base each: the best of 64 sequences has 1/64, and nothing has less.
    steps = log_odds_steps(Motif.from_counts("x", [[0, 0, 9, 0]] * 3))
    distribution = score_distribution(steps)
    best = steps.max(axis=1).sum()
    assert distribution.p_value(np.array([best, best + 1, best - 0.25])).tolist() == pytest.approx([1 / 64, 0, 1 / 64])
    assert distribution.threshold(1 / 64) == distribution.threshold(0.02) <= best
    assert distribution.threshold(0.015) == np.inf


def test_small_p_values_keep_their_digits():
    steps = log_odds_steps(Motif.from_counts("x", [[0, 0, 9, 0]] * 30))
    assert score_distribution(steps).p_value(steps.max(axis=1).sum()) == pytest.approx(0.25**30, rel=1e-9)


def test_scores_on_the_grid_are_near_the_log_odds():
    motif = Motif.from_counts("x", [[1, 7, 11, 3], [100, 3, 0, 1]])
    assert np.abs(log_odds_steps(motif) * SCORE_STEP - motif.log_odds()).max() <= SCORE_STEP / 2
    with pytest.raises(StructureError, match="motif x has log-odds of minus infinity"):
        log_odds_steps(motif, pseudocount=0)


def test_thresholds_agree_with_biopython(shared_data):
    thresholds = pytest.importorskip("Bio.motifs.thresholds", reason="the extra kgnn[motifs] is not installed")
    from Bio.motifs.matrix import PositionSpecificScoringMatrix

    motifs = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_fungi_latest.jaspar").motifs[:3]
    for motif in motifs:
        odds = motif.log_odds()
        matrix = PositionSpecificScoringMatrix("ACGT", dict(zip("ACGT", odds.T.tolist(), strict=True)))
        # Biopython keeps 10^3 scores a position; both are within their grids of the exact threshold.
        theirs = thresholds.ScoreDistribution(
            pssm=matrix, background=dict.fromkeys("ACGT", 0.25), precision=10**3
        ).threshold_fpr(1e-3)
        ours = score_distribution(log_odds_steps(motif)).threshold(1e-3) * SCORE_STEP
        grid = len(motif) * SCORE_STEP + (odds.max() - odds.min()) * len(motif) / 1e3
        assert ours == pytest.approx(theirs, abs=grid)
