"""Names beside points: the most extreme get one first, and none covers another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from kgnn.plot.canvas import INK, QUIET, SMALL, import_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

_TOUCH = 1.0  # pixels: nearer than this it is the dot itself
_MOST_COVERED = 3  # a name over this many dots or more cannot be read
_RADII = (4, 12, 22, 34, 48)
_ANGLES = (0, 180, 35, 145, -35, -145, 90, -90)


class Place(NamedTuple):
    """Where a name may stand: offset from its dot in points, alignment there, and whether a line leads back."""

    across: float
    up: float
    side: Literal["left", "center", "right"]
    edge: Literal["bottom", "center", "top"]
    leader: bool


def _place(radius: float, angle: float) -> Place:
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    side = "left" if across > 0.1 else "right" if across < -0.1 else "center"
    edge = "bottom" if up > 0.1 else "top" if up < -0.1 else "center"
    return Place(radius * across, radius * up, side, edge, radius > _RADII[0])


_PLACES = tuple(_place(radius, angle) for radius in _RADII for angle in _ANGLES)


def label_points(panel: Axes, points: np.ndarray, names: Sequence[str], avoid: np.ndarray) -> list[str]:
    """Write names beside points; a name that fits nowhere without covering another is left out.

    The layout of the figure must be final: call ``figure.draw_without_rendering()`` before.

    Args:
        panel: Where the points are.
        points: Data coordinates ``[point, 2]``, the most deserving first.
        names: One a point.
        avoid: Data coordinates of dots that names should rather not cover.

    Returns:
        The names that were written.
    """
    frame = panel.get_window_extent()
    pixels = panel.figure.dpi / 72  # a point
    dots = panel.transData.transform(avoid)
    placed: list[Bbox] = []
    written: list[str] = []
    for point, name in zip(points, names, strict=True):
        here = panel.transData.transform(point)
        others = dots[np.hypot(*(dots - here).T) > _TOUCH]
        found = _free_place(here, _size(panel, name), frame, placed, others, pixels)
        if found is not None:
            _write(panel, point, name, found[0])
            placed.append(found[1])
            written.append(name)
    return written


def _free_place(
    here: np.ndarray, size: tuple[float, float], frame: Bbox, placed: Sequence[Bbox], dots: np.ndarray, pixels: float
) -> tuple[Place, Bbox] | None:
    """The place that covers the fewest dots, the nearest of these; None where all are taken or crowded."""
    best: tuple[int, Place, Bbox] | None = None
    for place in _PLACES:
        box = _box(here, size, place, pixels)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        taken = box.union([box, _around(here)]) if place.leader else box
        if not inside or any(taken.overlaps(other) for other in placed):
            continue
        covered = int(np.all((dots >= box.min) & (dots <= box.max), axis=1).sum())
        if covered < (_MOST_COVERED if best is None else best[0]):
            best = (covered, place, taken)
        if covered == 0:
            break
    return None if best is None else best[1:]


def _box(here: np.ndarray, size: tuple[float, float], place: Place, pixels: float) -> Bbox:
    """What a text of this size covers at a place, in pixels."""
    width, height = size
    left = here[0] + place.across * pixels - {"left": 0.0, "center": width / 2, "right": width}[place.side]
    low = here[1] + place.up * pixels - {"bottom": 0.0, "center": height / 2, "top": height}[place.edge]
    return import_extra("matplotlib.transforms").Bbox.from_bounds(left, low, width, height)


def _around(here: np.ndarray) -> Bbox:
    """The dot itself, from which a line leads to its name."""
    return import_extra("matplotlib.transforms").Bbox([here, here])


def _size(panel: Axes, name: str) -> tuple[float, float]:
    text = panel.annotate(name, (0, 0), xycoords="figure pixels", fontsize=SMALL, parse_math=False)
    extent = text.get_window_extent()
    text.remove()
    return extent.width, extent.height


def _write(panel: Axes, point: np.ndarray, name: str, place: Place) -> None:
    leader = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3}
    text = panel.annotate(
        name,
        (float(point[0]), float(point[1])),
        xytext=(place.across, place.up),
        textcoords="offset points",
        ha=place.side,
        va=place.edge,
        fontsize=SMALL,
        color=INK,
        parse_math=False,
        arrowprops=leader if place.leader else None,
    )
    text.set_in_layout(False)
