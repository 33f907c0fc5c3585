"""Intervals over replicates, where a table has them: as lines in a picture and as text in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.plot.canvas import INK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def has_interval(table: pd.DataFrame, value: str) -> bool:
    """Whether any row of a table has an interval over replicates.

    Args:
        table: Effects or a ranking.
        value: ``"effect"`` or ``"importance"``.

    Returns:
        False for tables of a single network, and for those made before there were intervals.
    """
    return f"{value}_low" in table and bool(table[f"{value}_low"].notna().any())


def draw_intervals(
    panel: Axes, table: pd.DataFrame, value: str, y: Any, *, color: Any = INK, width: float = 1.1
) -> None:
    """A horizontal line from the lower to the upper end of every interval.

    Args:
        panel: Where.
        table: Rows in the order in which they are drawn.
        value: ``"effect"`` or ``"importance"``.
        y: Height of every row.
        color: One color, or one a row.
        width: Of the lines, in points.
    """
    if has_interval(table, value):
        low, high = (table[f"{value}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
        panel.hlines(y, low, high, colors=color, linewidth=width, zorder=3)


def explain_intervals(table: pd.DataFrame, value: str) -> str:
    """What the lines mean, with how many networks there are; empty where there are none.

    Args:
        table: Effects or a ranking.
        value: ``"effect"`` or ``"importance"``.

    Returns:
        Text.
    """
    if not has_interval(table, value):
        return ""
    return f"line: 95 % interval over {int(table['n_replicates'].max())} networks"


def includes_zero(table: pd.DataFrame, value: str) -> np.ndarray:
    """Rows that the networks do not tell from 0, bool; none where there is no interval.

    Args:
        table: Effects or a ranking.
        value: ``"effect"`` or ``"importance"``.

    Returns:
        One bool a row.
    """
    if not has_interval(table, value):
        return np.zeros(len(table), dtype=bool)
    return (table[f"{value}_low"] <= 0).to_numpy() & (table[f"{value}_high"] >= 0).to_numpy()
