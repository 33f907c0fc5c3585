"""Filters without a motif, the filters of some, and what filters score by chance."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import StructureError
from kgnn.knowledge import Motif, MotifSet
from kgnn.structure import blank_kernels, chance_scores, compile_kernels, take_motifs

COUNTS = np.array([[7, 1, 1, 1], [0, 9, 1, 0], [2, 2, 3, 3], [1, 0, 8, 1], [0, 0, 1, 9]])
MOTIFS = MotifSet(
    (Motif.from_counts("five", COUNTS), Motif.from_counts("three", COUNTS[:3]), Motif.from_counts("two", COUNTS[3:]))
)


def test_chance_scores_are_those_of_all_words():
    values = compile_kernels(MOTIFS, kind="log_odds").values
    words = np.eye(4)[np.stack(np.meshgrid(*[np.arange(4)] * 5, indexing="ij"), axis=-1).reshape(-1, 5)]
    scores = np.einsum("wib,fib->fw", words, values)
    chance, best = chance_scores(values, 1 / 50)
    np.testing.assert_allclose(best, scores.max(axis=1), rtol=1e-5)
    for number, all_scores in enumerate(scores):
        step = 5 / 32
        assert (all_scores >= chance[number] + step).mean() <= 1 / 50 or chance[number] < best[number]
        assert (all_scores >= chance[number] - step).mean() >= 1 / 50 - 1e-9
    # Of two positions the best word comes once in 16: no score is as rare as 1 in 50.
    assert chance[2] == pytest.approx(0.2 * scores[2].mean() + 0.8 * best[2], rel=1e-4)


def test_taken_motifs_keep_both_strands():
    kernels = compile_kernels(MOTIFS, both_strands=True)
    taken = take_motifs(kernels, ["two", "five"])
    assert taken.motifs == ("five", "two", "five", "two")
    np.testing.assert_array_equal(taken.values, kernels.values[[0, 2, 3, 5]])
    with pytest.raises(StructureError, match="1 of 2 motifs have no filter: six"):
        take_motifs(kernels, ["six", "two"])
    with pytest.raises(StructureError, match="0 of 0 motifs"):
        take_motifs(kernels, [])


def test_blank_kernels():
    assert blank_kernels(3, 7, both_strands=False).values.shape == (3, 7, 4)
    with pytest.raises(StructureError, match="0 filters of 7 positions"):
        blank_kernels(0, 7)
