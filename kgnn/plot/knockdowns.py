"""Pictures of virtual knockdowns: what they do to the predictions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kgnn.plot.canvas import (
    BLUE,
    DIVERGING,
    FAINT,
    INK,
    QUIET,
    SMALL,
    VERMILLION,
    import_extra,
    new_figure,
    wrap,
    write_axes,
    write_note,
)
from kgnn.plot.intervals import draw_intervals, explain_intervals, has_interval, includes_zero
from kgnn.plot.labels import label_points
from kgnn.plot.selection import output_effects

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_WRITE_NUMBERS = 12  # columns up to which the cells are wide enough for a number
_DARK = 0.6  # part of the color scale from which white is the readable ink
_MANY_POINTS = 2_000  # drawn as pixels inside the vector picture from here on


def knockdown_heatmap(effects: pd.DataFrame, n: int = 40, *, dose: float | None = None) -> Figure:
    """Change of every output by each perturbation: blue is lower, red is higher, white is no change.

    Rows stand together by the output that they move most. The scale is symmetric; where one perturbation dwarfs the
    others it is cut at the 99th percentile, which the ends of the color bar show. Outputs in different units are
    each scaled by their largest effect. Of replicates, a number in brackets is one whose 95 % interval over the
    networks includes 0.

    Args:
        effects: What `kgnn.knockdown` returns.
        n: How many perturbations, the strongest.
        dose: Which dose; the largest of each perturbation where None.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit or lacks the dose, or matplotlib is not installed.
    """
    found = output_effects(effects, dose=dose)
    outputs = list(dict.fromkeys(found["name"]))
    whole = found.pivot_table(index="perturbation", columns="name", values="effect", sort=False, observed=True)[outputs]
    units = found["unit"].unique()
    scaled = whole if len(units) == 1 else whole / whole.abs().max().replace(0.0, 1.0)
    table = _strongest(scaled, n)
    figure, [[panel]] = new_figure(2.9 + 0.62 * len(outputs), 2.1 + 0.235 * len(table))
    values = table.to_numpy(dtype=float)
    limit = float(np.nanpercentile(np.abs(values), 99)) or 1.0
    scale: Normalize = import_extra("matplotlib.colors").Normalize(-limit, limit)
    image = panel.imshow(values, cmap=DIVERGING, norm=scale, aspect="auto", interpolation="nearest")
    written = len(outputs) <= _WRITE_NUMBERS
    if written:
        _write_numbers(panel, values, scale, _uncertain(found, table))
    panel.set_xticks(range(len(outputs)), [wrap(str(name), 26) for name in outputs], parse_math=False)
    panel.set_yticks(range(len(table)), [wrap(str(name), 34, 1) for name in table.index], parse_math=False)
    panel.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    slanted = max(len(str(name)) for name in outputs) > 6 and len(outputs) > 1
    for label in panel.get_xticklabels():
        label.set(rotation=40 if slanted else 0, ha="left" if slanted else "center", rotation_mode="anchor")
    panel.spines[:].set_visible(False)
    what = (
        f"change of the prediction ({units[0]})"
        if len(units) == 1
        else "change of the prediction\n(largest of each output = 1)"
    )
    extend = "both" if np.nanmax(np.abs(values)) > limit else "neither"
    bar = figure.colorbar(image, ax=panel, extend=extend, fraction=0.08, aspect=28, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, color=QUIET)
    bar.set_label(what, fontsize=SMALL, color=INK)
    brackets = ""
    if written and has_interval(found, "effect"):
        brackets = f"in brackets: 95 % interval over {found['n_replicates'].max()} networks includes 0"
    _say_how_many(figure, len(table), len(whole), brackets)
    return figure


def _uncertain(found: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """Cells of a table of perturbations and outputs whose effect the networks do not tell from 0."""
    marked = found.assign(uncertain=includes_zero(found, "effect").astype(float))
    whole = marked.pivot_table(index="perturbation", columns="name", values="uncertain", sort=False, observed=True)
    return whole.loc[table.index, table.columns].to_numpy() > 0


def _strongest(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """The rows with the largest effects, those that move the same output side by side, falls before rises."""
    size = table.abs().max(axis=1)
    kept = table.loc[size.sort_values(ascending=False, kind="stable").index[:n]]
    filled = kept.fillna(0.0).to_numpy(dtype=float)
    column = np.abs(filled).argmax(axis=1)
    return kept.iloc[np.lexsort((filled[np.arange(len(kept)), column], column))]


def _write_numbers(panel: Axes, values: np.ndarray, scale: Normalize, uncertain: np.ndarray) -> None:
    digits = max(0, 2 - int(np.floor(np.log10(scale.vmax or 1.0)))) if scale.vmax else 2
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        if abs(value) * 10**digits >= 0.5:
            color = "white" if abs(value) > _DARK * (scale.vmax or 1.0) else INK
            text = f"{value:+.{min(digits, 5)}f}"
            text = f"({text})" if uncertain[row, column] else text
            panel.text(column, row, text, ha="center", va="center", fontsize=SMALL - 2, color=color)


def _say_how_many(figure: Figure, shown: int, all_of_them: int, brackets: str) -> None:
    strongest = f"the {shown:,} strongest of {all_of_them:,} perturbations" if shown < all_of_them else ""
    write_note(figure, strongest, brackets)


def knockdown_volcano(
    effects: pd.DataFrame, output: str | None = None, *, n_labels: int = 16, dose: float | None = None
) -> Figure:
    """Size of each effect against how alike it is in all samples.

    The height is the mean effect over its standard error between samples. It is no test: all samples pass through the
    same fitted network, so a high point says that the network reacts alike everywhere, not that biology does. Of
    replicates, a line is the 95 % interval of the effect over the networks.

    Args:
        effects: What `kgnn.knockdown` returns.
        output: Only this output. Where None and there are several, every (perturbation, output) is a point.
        n_labels: How many points are named at most, the most extreme first.
        dose: Which dose; the largest of each perturbation where None.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit or lacks the output or dose, or matplotlib is not installed.
    """
    found = output_effects(effects, output=output, dose=dose)
    x = found["effect"].to_numpy(dtype=float)
    y, at_top = _consistency(found)
    figure, [[panel]] = new_figure(7.4, 4.9)
    color = np.where(x < 0, BLUE, VERMILLION)
    many = len(found) > _MANY_POINTS
    for chosen, marker in ((~at_top, "o"), (at_top, "^")):
        panel.scatter(
            x[chosen], y[chosen], s=18, c=color[chosen], alpha=0.75, linewidths=0, marker=marker, rasterized=many
        )
    if not many:
        draw_intervals(panel, found, "effect", y, color=color, width=0.7)
    panel.axvline(0, color=QUIET, linewidth=0.8)
    panel.grid(color=FAINT, linewidth=0.6)
    panel.margins(x=0.12, y=0.08)
    panel.set_ylim(bottom=0)
    several = found["name"].nunique() > 1
    units = found["unit"].unique()
    unit = f" ({units[0]})" if len(units) == 1 else " (units differ between outputs)"
    counts = found["n_samples"].unique()
    n_samples = f"{int(counts[0]):,}" if len(counts) == 1 else "all"
    title = f"Effect on {found['name'].iloc[0]}" if not several else "Effect on every output"
    write_axes(
        panel,
        title=textwrap.fill(title, 70),
        x=f"mean change of the prediction{unit}",
        y=f"|mean change| / (sd / √n) over {n_samples} samples",
    )
    triangles = "triangles: the same change in every sample (sd = 0)" if at_top.any() else ""
    write_note(figure, triangles, "" if many else explain_intervals(found, "effect"))
    figure.draw_without_rendering()
    order = _most_extreme(x, y)[:n_labels]
    names = [_point_name(found["perturbation"].iloc[i], found["name"].iloc[i] if several else "") for i in order]
    label_points(panel, np.column_stack([x, y])[order], names, avoid=_drawn_over(found, x, y, lines=not many))
    return figure


def _drawn_over(found: pd.DataFrame, x: np.ndarray, y: np.ndarray, *, lines: bool) -> np.ndarray:
    """Where no label should lie: the points, and some places along their intervals."""
    places = [x]
    if lines and has_interval(found, "effect"):
        low, high = (found[f"effect_{end}"].fillna(found["effect"]).to_numpy(dtype=float) for end in ("low", "high"))
        places += [low + share * (high - low) for share in np.linspace(0, 1, 5)]
    return np.concatenate([np.column_stack([each, y]) for each in places])


def _consistency(found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effect over its standard error, and which points have none and are drawn at the top edge."""
    effect = found["effect"].abs().to_numpy(dtype=float)
    error = found["effect_sd"].fillna(0.0).to_numpy(dtype=float) / np.sqrt(found["n_samples"].to_numpy(dtype=float))
    at_top = (error == 0) & (effect > 0)
    height = np.divide(effect, error, out=np.zeros_like(effect), where=error > 0)
    height[at_top] = height.max() * 1.1 or 1.0
    return height, at_top


def _most_extreme(x: np.ndarray, y: np.ndarray) -> Sequence[int]:
    """Positions of the points that move, the largest effects first, those that scatter less before the others."""
    far = np.abs(x) * np.sqrt(0.1 + y / (y.max() or 1.0))
    return [int(i) for i in np.argsort(-far, kind="stable") if x[i] != 0]


def _point_name(perturbation: str, output: str) -> str:
    return wrap(f"{perturbation} → {output}" if output else str(perturbation), 34, 1)
