"""Scores of motifs on a grid, and how probable each score is by chance: exact, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgnn.errors import StructureError
from kgnn.knowledge.motif import PSEUDOCOUNT, Motif, background_of

SCORE_STEP = 1 / 256
"""Bits between two scores. A power of two, so that scores are exact in float32 and sums of them too."""


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """How probable it is that a random sequence of the background reaches a score.

    Attributes:
        lowest: The lowest score, in steps.
        tail: float64 ``[score]``: probability of each score from `lowest` on, or a higher one.
    """

    lowest: int
    tail: np.ndarray

    def p_value(self, steps: np.ndarray) -> np.ndarray:
        """Probability of a score at least as high.

        Args:
            steps: Scores in steps; between two (where a sequence has ambiguous bases) the lower one counts.

        Returns:
            float64, of the same shape.
        """
        place = np.floor(np.asarray(steps, np.float64)).astype(np.int64) - self.lowest
        return np.append(self.tail, 0.0)[np.clip(place, 0, len(self.tail))]

    def threshold(self, p_value: float) -> float:
        """The lowest score, in steps, with at most this p-value; infinity where even the best site is likelier.

        Args:
            p_value: Such as 1e-4.
        """
        # Sums of probabilities that are p in theory may miss it by their rounding.
        rare = self.tail <= p_value * (1 + 1e-9)
        return float(self.lowest + np.argmax(rare)) if rare[-1] else float("inf")


def log_odds_steps(
    motif: Motif, pseudocount: float = PSEUDOCOUNT, background: Sequence[float] | None = None
) -> np.ndarray:
    """The log-odds of a motif, rounded to the grid of `SCORE_STEP` bits.

    A score of w positions is at most ``w * SCORE_STEP / 2`` bits away from the one without rounding: 0.03 for 15
    positions.

    Args:
        motif: The motif.
        pseudocount: See `Motif.probabilities`; above 0 unless every base has a site everywhere.
        background: See `Motif.probabilities`.

    Returns:
        int32 ``[position, base]``, in steps.

    Raises:
        StructureError: If a value is infinite, as without a pseudocount.
    """
    odds = motif.log_odds(pseudocount, background)
    if not np.isfinite(odds).all():
        raise StructureError(
            f"motif {motif.id} has log-odds of minus infinity: no site has some base, and the pseudocount is 0. "
            "Give a pseudocount above 0."
        )
    return np.rint(odds / SCORE_STEP).astype(np.int32)


def score_distribution(steps: np.ndarray, background: Sequence[float] | None = None) -> ScoreDistribution:
    r"""The exact distribution of a motif's score over random sequences.

    Positions are independent under the background, so the distribution over the first i positions follows from that
    over the first i - 1:

    .. math:: Q_i(s) = \sum_b q_b\, Q_{i-1}(s - m_{ib})

    Args:
        steps: int ``[position, base]``, from `log_odds_steps`.
        background: Probability of A, C, G and T; None for 0.25 each.

    Returns:
        The distribution.

    References:
        Staden 1989, CABIOS 5:89, doi:10.1093/bioinformatics/5.2.89;
        Touzet & Varré 2007, Algorithms for Molecular Biology 2:15, doi:10.1186/1748-7188-2-15.
    """
    expected = background_of(background)
    lowest = steps.min(axis=1)
    density = np.ones(1)
    for row, low in zip(steps, lowest, strict=True):
        longer = np.zeros(len(density) + int(row.max() - low))
        for shift, probability in zip(row - low, expected, strict=True):
            longer[shift : shift + len(density)] += probability * density
        density = longer
    # Summed from the highest score down, so that small tails keep all their digits.
    return ScoreDistribution(int(lowest.sum()), np.minimum(np.cumsum(density[::-1])[::-1], 1.0))
