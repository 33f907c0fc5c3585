"""A bake-off as a picture: who scored what, and what the knowledge was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.plot.canvas import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    ORANGE,
    QUIET,
    name_rows,
    new_figure,
    write_axes,
    write_note,
)  # fmt: skip
from kgnn.plot.selection import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KIND_COLORS = {"knowledge": BLUE, "control": ORANGE, "learner": MUTED}
"""Of systems with knowledge, their controls without it, and plain learners."""
_MEANINGS = {
    "knowledge": ("blue:", "with the knowledge"),
    "control": ("orange:", "without it, the same or a dense network"),
    "learner": ("gray:", "plain learners"),
}


def contest(table: pd.DataFrame, worth: pd.DataFrame | None = None) -> Figure:
    """Scores of all contestants with their intervals, and the paired differences between systems and the others.

    Read the right panel first: a line that crosses 0 says that the folds do not tell the two apart. The left panel
    shows how much there is to win at all; its intervals overlap more than differences do, since all see the same folds.

    Args:
        table: `kgnn.bakeoff.Comparison.table`.
        worth: `kgnn.bakeoff.Comparison.worth`; scores alone where None or empty.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit, or matplotlib is not installed.

    Example:
        >>> import pandas as pd
        >>> row = {"contestant": "dcell", "kind": "knowledge", "score": "pearson", "mean": 0.5, "low": 0.4, "high": 0.6}
        >>> len(contest(pd.DataFrame([row])).axes)
        1
    """
    require_columns(table, ("contestant", "kind", "score", "mean", "low", "high"), "kgnn.compare (found.table())")
    table = table.dropna(subset=["mean"])
    pairs = worth is not None and len(worth) > 0
    n_rows = max(len(table), len(worth) if worth is not None else 0)
    figure, grid = new_figure(5.0 * (1 + pairs), 0.9 + 0.27 * n_rows, columns=1 + pairs)
    colors = [KIND_COLORS.get(kind, INK) for kind in table["kind"]]
    _dots(grid[0][0], table["contestant"].tolist(), table["mean"], table["low"], table["high"], colors)
    write_axes(grid[0][0], title="Score on held-out samples", x=str(table["score"].iloc[0]))
    if pairs and worth is not None:
        _draw_worth(grid[0][1], worth)
    kinds = set(table["kind"])
    colored = [f"{color} {meaning}" for kind, (color, meaning) in _MEANINGS.items() if kind in kinds]
    lines = "line: 95 % interval over folds and seeds, corrected for the samples that folds share"
    write_note(figure, "; ".join(colored), lines)
    return figure


def _draw_worth(panel: Axes, worth: pd.DataFrame) -> None:
    labels = [f"{row['system']} – {row['against']}" for row in worth.to_dict("records")]
    apart = (worth["low"] > 0) | (worth["high"] < 0)
    colors = [BLUE if one else QUIET for one in apart]
    panel.axvline(0, color=INK, linewidth=0.8)
    _dots(panel, labels, worth["difference"], worth["low"], worth["high"], colors)
    write_axes(panel, title="Is the knowledge worth it?", x="difference on the same folds; right: yes")


def _dots(panel: Axes, labels: list[str], middle: Any, low: Any, high: Any, colors: list[str]) -> None:
    rows = np.arange(len(labels))
    known = np.isfinite(np.asarray(low, float))
    panel.hlines(
        rows[known], np.asarray(low)[known], np.asarray(high)[known], linewidth=1.4,
        colors=[color for color, one in zip(colors, known, strict=True) if one],
    )  # fmt: skip
    panel.scatter(np.asarray(middle, float), rows, c=colors, s=26, zorder=3)
    name_rows(panel, labels)
    panel.grid(axis="x", color=FAINT, linewidth=0.6)
    panel.locator_params(axis="x", nbins=5)
