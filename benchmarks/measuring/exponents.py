"""How steeply a time grows with a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def fit_row(over: str, points: Sequence[dict[str, Any]], column: str) -> dict[str, Any]:
    """Slope of log time over log size, and how well a line fits.

    Args:
        over: What the size is, for the table.
        points: Each with the size in `column`, and seconds in ``step_s``.
        column: Name of the size.

    Returns:
        ``exponent``; ``r2`` of the line; ``steepest``, the slope of the steepest stretch between neighbors that are a
        factor of 1.5 apart, which a line over points that are mostly overhead would hide; the number of points.
    """
    x, y = (np.log([point[name] for point in points]) for name in (column, "step_s"))
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - (slope * x + intercept)
    explained = 1.0 - float(residual @ residual) / max(float(((y - y.mean()) ** 2).sum()), 1e-12)
    order = np.argsort(x)
    apart = np.diff(x[order])
    far = apart > np.log(1.5)
    steps = np.diff(y[order])[far] / apart[far]
    steepest = float(steps.max()) if len(steps) else None
    return {"over": over, "exponent": float(slope), "r2": explained, "steepest": steepest, "points": len(points)}
