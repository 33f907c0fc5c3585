import numpy as np
import pandas as pd
import pytest

from kgnn.errors import KgnnError
from kgnn.plot import contest
from kgnn.plot.bakeoff import KIND_COLORS

TABLE = pd.DataFrame(
    [
        {"contestant": "dcell", "kind": "knowledge", "score": "accuracy", "mean": 0.8, "low": 0.7, "high": 0.9},
        {"contestant": "dcell, shuffled", "kind": "control", "score": "accuracy", "mean": 0.7, "low": 0.6, "high": 0.8},
        {"contestant": "mean", "kind": "learner", "score": "accuracy", "mean": 0.3, "low": np.nan, "high": np.nan},
        {"contestant": "lost", "kind": "learner", "score": "accuracy", "mean": np.nan, "low": np.nan, "high": np.nan},
    ]
)
WORTH = pd.DataFrame(
    [
        {"system": "dcell", "against": "shuffled", "difference": 0.1, "low": 0.02, "high": 0.18},
        {"system": "dcell", "against": "mean", "difference": 0.5, "low": -0.1, "high": 1.1},
    ]
)


def labels(panel) -> list[str]:
    return [text.get_text() for text in panel.get_yticklabels()]


def segments(panel) -> list[list[float]]:
    return [line[:, 0].tolist() for line in panel.collections[0].get_segments()]


def test_scores_stand_in_the_order_of_the_table_with_their_intervals():
    from matplotlib.colors import to_hex

    figure = contest(TABLE)
    (panel,) = figure.axes
    assert labels(panel) == ["dcell", "dcell, shuffled", "mean"]
    assert segments(panel) == [[0.7, 0.9], [0.6, 0.8]]
    dots = panel.collections[1]
    np.testing.assert_allclose(np.asarray(dots.get_offsets())[:, 0], [0.8, 0.7, 0.3])
    assert [to_hex(color).upper() for color in dots.get_facecolors()] == [
        KIND_COLORS[kind].upper() for kind in ("knowledge", "control", "learner")
    ]
    assert panel.get_xlabel() == "accuracy"


def test_differences_are_paired_and_those_that_cross_zero_are_pale():
    figure = contest(TABLE, WORTH)
    panel = figure.axes[1]
    assert labels(panel) == ["dcell – shuffled", "dcell – mean"]
    assert segments(panel) == [[0.02, 0.18], [-0.1, 1.1]]
    told_apart, not_told = panel.collections[1].get_facecolors()
    assert not np.array_equal(told_apart, not_told)


def test_a_table_of_something_else_is_refused():
    with pytest.raises(KgnnError, match="kgnn.compare"):
        contest(WORTH)
