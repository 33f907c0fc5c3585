"""Pictures of subsystems: which matter, and which of them a knockdown moves."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from kgnn.plot.canvas import BLUE, FAINT, INK, ORANGE, QUIET, name_rows, new_figure, wrap, write_axes, write_note
from kgnn.plot.intervals import draw_intervals, explain_intervals
from kgnn.plot.selection import has_null, ranked_terms, records, subsystem_effects

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGNIFICANT = 0.05
MEASURES = {
    "rlipp": "RLIPP: what the subsystem's state tells about the output beyond its children's states",
    "sensitivity": "sensitivity: change of the prediction per standard deviation of the subsystem's state",
    "knockdown": "knockdown: change of the prediction when the subsystem's state is replaced by its mean",
    "node_weights": "node weight: change of the prediction per unit change of the node's activity, without its sign",
}


def top_subsystems(ranking: pd.DataFrame, n: int = 20, *, output: str | None = None) -> Figure:
    """The most important subsystems, each beside its null.

    A long bar matters only where it lies far outside the null: large subsystems score high in networks that learned
    nothing. Filled bars have a Benjamini-Hochberg value below 0.05. Of replicates, a line through the end of a bar is
    the 95 % interval over the networks.

    Args:
        ranking: What `kgnn.importance` returns, for one measure.
        n: How many subsystems.
        output: Rank for this output. Where None and there are several, each subsystem stands with the output for
            which its importance is largest, named after it.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit, mixes measures, holds no such output, or matplotlib is not installed.
    """
    found = ranked_terms(ranking, output)
    shown = found.head(n)
    several = output is None and ranking["output"].nunique() > 1
    labels = [_label(row.name, row.output if several else "") for row in records(shown)]
    height = 1.25 + 0.165 * sum(1 + label.count("\n") for label in labels) + 0.09 * len(labels)
    figure, [[panel]] = new_figure(8.2, height)
    rows = range(len(shown))
    significant = (shown["q_value"] < SIGNIFICANT).to_numpy()
    face = [BLUE if yes else "white" for yes in significant] if has_null(ranking) else QUIET
    panel.barh(rows, shown["importance"], height=0.62, color=face, edgecolor=BLUE if has_null(ranking) else QUIET)
    if has_null(ranking):
        _draw_null(panel, shown)
    # Below the middle of the bar, where the null is.
    draw_intervals(panel, shown, "importance", [row + 0.2 for row in rows])
    name_rows(panel, labels)
    panel.axvline(0, color=QUIET, linewidth=0.8)
    panel.grid(axis="x", color=FAINT, linewidth=0.6)
    measure = str(ranking["measure"].iloc[0])
    of = f" for {output}" if output is not None else ""
    title = f"Top {len(shown):,} of {len(found):,} subsystems{of}"
    write_axes(panel, title=textwrap.fill(title, 60), x=textwrap.fill(MEASURES.get(measure, measure), 62))
    _explain(figure, has_null(ranking), explain_intervals(shown, "importance"))
    return figure


def _label(name: str, output: str) -> str:
    return wrap(f"{name} · {output}" if output else name, width=46)


def _draw_null(panel: Axes, shown: pd.DataFrame) -> None:
    rows = range(len(shown))
    spread = shown["null_sd"].fillna(0.0)
    panel.errorbar(
        shown["null_mean"], rows, xerr=spread, fmt="|", color=ORANGE, markersize=9, linewidth=2, markeredgewidth=2
    )


def _explain(figure: Figure, null: bool, intervals: str) -> None:
    """A line below the picture that says what its marks mean."""
    if null:
        text = "filled: q < 0.05 · open: not told apart from the null · orange: null, mean ± sd"
    else:
        text = "no null: order only, no statement about chance"
    write_note(figure, text, intervals)


def subsystem_response(effects: pd.DataFrame, perturbation: str, n: int = 20, *, dose: float | None = None) -> Figure:
    """Which subsystems a knockdown moves most.

    The length is the root mean square change of a subsystem's states over the samples: it has no sign, and says how
    far a state moves, not whether the prediction follows it. Of replicates, a line is the 95 % interval over the
    networks.

    Args:
        effects: What `kgnn.knockdown` returns.
        perturbation: Its name, such as ``"CD79A"``.
        n: How many subsystems.
        dose: Which dose; the largest in the table where None.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit or lacks the perturbation or dose, or matplotlib is not installed.
    """
    found = subsystem_effects(effects, perturbation, dose=dose)
    moved = int((found["effect"] > 0).sum())
    shown = found.head(max(1, min(n, moved)))
    labels = [wrap(str(label), width=46) for label in shown["label"]]
    height = 1.05 + 0.165 * sum(1 + label.count("\n") for label in labels) + 0.09 * len(labels)
    figure, [[panel]] = new_figure(8.2, height)
    panel.barh(range(len(shown)), shown["effect"], height=0.62, color=BLUE)
    draw_intervals(panel, shown, "effect", range(len(shown)))
    name_rows(panel, labels)
    panel.set_xlim(left=0)
    panel.grid(axis="x", color=FAINT, linewidth=0.6)
    title = f"{perturbation} moves {moved:,} of {len(found):,} subsystems; the top {len(shown):,}"
    axis = f"root mean square change of the state over {int(shown['n_samples'].max()):,} samples"
    write_axes(panel, title=textwrap.fill(title, 70), x=f"{axis}, dose {shown['dose'].iloc[0]:g}")
    panel.xaxis.label.set_color(INK)
    write_note(figure, explain_intervals(shown, "effect"))
    return figure
