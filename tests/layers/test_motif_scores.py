"""Scores of filters against a plain sum over every window."""

from __future__ import annotations

import numpy as np

from kgnn.layers.motif_scores import best_filter_scores, filter_scores, reached


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    letters = generator.integers(0, 5, (3, 11))
    sequences = np.concatenate([np.eye(4), np.full((1, 4), 0.25)])[letters].astype(np.float32)
    values = generator.integers(-5000, 3000, (7, 4, 4)).astype(np.float32)
    scores = np.zeros((3, 7, 8))
    for place in range(8):
        scores[:, :, place] = np.einsum("sib,fib->sf", sequences[:, place : place + 4], values.astype(np.float64))
    return sequences, values, scores


def test_scores_are_exact_on_the_grid():
    sequences, values, scores = example()
    assert np.array_equal(np.asarray(filter_scores(sequences, values)), scores)


def test_a_threshold_is_reached_by_its_own_score():
    sequences, values, scores = example()
    thresholds = np.append(np.median(scores, axis=(0, 2))[:6].round(), np.inf).astype(np.float32)
    thresholds[0] = scores[1, 0, 2]
    found = np.asarray(reached(sequences, values, thresholds))
    assert np.array_equal(found, scores >= thresholds[:, None])
    assert found[1, 0, 2]
    assert not found[:, 6].any()


def test_the_best_score_is_that_of_a_window_inside():
    sequences, values, scores = example()
    n_windows = np.array([[8, 8, 8, 8, 8, 8, 8], [3, 1, 0, 8, 8, 8, -2], [1, 1, 1, 1, 1, 1, 1]])
    found = np.asarray(best_filter_scores(sequences, values, n_windows))
    for sample in range(3):
        for filter in range(7):
            inside = scores[sample, filter, : max(n_windows[sample, filter], 0)]
            assert found[sample, filter] == inside.max(initial=-np.inf)
