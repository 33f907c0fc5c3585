"""The hierarchy as one picture to walk through: an icicle or a sunburst, colored by importance."""

from __future__ import annotations

import html
import math
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgnn.errors import name_some, unknown_choice
from kgnn.plot.canvas import import_extra
from kgnn.plot.selection import ranked_terms, records

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from kgnn.structure.hierarchy import Hierarchy

KINDS = ("icicle", "sunburst")
UNRANKED = "#dfe3e8"
_EDGE = "rgba(255,255,255,0.75)"
_SMALL_HIERARCHY = 200  # terms up to which every level is shown at once
_DEPTH = 4  # levels shown of a larger one
_N_GENES = 12  # genes named in a box
_OUTLIERS = 98  # percentile at which the color scale ends
_SCALE = "YlGnBu"  # light is low: the eye goes to what matters
_LINE = 22  # characters of a name in one line of its area
_DARK = 0.45  # lightness from which black is the readable ink


class View(NamedTuple):
    """How the hierarchy looks for one output.

    Attributes:
        colors: One a term, ``#rrggbb``.
        inks: Color of the letters on it.
        notes: Lines on importance for the box at the pointer, escaped.
        low: Importance at the lower end of the color scale.
        high: Importance at its upper end.
    """

    colors: list[str]
    inks: list[str]
    notes: list[str]
    low: float
    high: float


def shown_parents(hierarchy: Hierarchy) -> np.ndarray:
    """The one parent under which a picture shows each term: of several, the one with the fewest genes.

    A term of a DAG drawn under every parent would appear with all its descendants many times over; the smallest
    parent is the most specific of them.

    Args:
        hierarchy: A compiled hierarchy.

    Returns:
        Position of the parent for each term, −1 for the root.
    """
    sizes = hierarchy.n_genes_of_term
    smallest = [parents[np.argmin(sizes[parents])] if len(parents) else -1 for parents in hierarchy.parents_of_term]
    return np.array(smallest, dtype=np.int32)


def hierarchy_view(hierarchy: Hierarchy, ranking: pd.DataFrame | None, output: str | None = None) -> View:
    """Colors and notes of every term for one output.

    Args:
        hierarchy: A compiled hierarchy.
        ranking: What `kgnn.importance` returns; None leaves all terms gray.
        output: For which output; where None, each term stands with the one for which its importance is largest.

    Returns:
        The view.

    Raises:
        KgnnError: If the ranking does not fit.
    """
    if ranking is None:
        gray = [UNRANKED] * hierarchy.n_terms
        return View(gray, ["#1f2933"] * hierarchy.n_terms, ["importance not computed"] * hierarchy.n_terms, 0.0, 1.0)
    found = ranked_terms(ranking, output).set_index("term").reindex(list(hierarchy.terms))
    importance = found["importance"].to_numpy(dtype=float)
    known = importance[np.isfinite(importance)]
    low, high = (0.0, 1.0) if not len(known) else np.percentile(known, [100 - _OUTLIERS, _OUTLIERS])
    scaled = np.clip((importance - low) / ((high - low) or 1.0), 0.0, 1.0)
    colors, inks = zip(*(_paint(value) for value in scaled), strict=True)
    several = output is None and ranking["output"].nunique() > 1
    notes = [_note(row, several) for row in records(found)]
    return View(list(colors), list(inks), notes, float(low), float(high))


def _paint(scaled: float) -> tuple[str, str]:
    """Color of a term and the ink that can be read on it, by a part of the scale."""
    if not math.isfinite(scaled):
        return UNRANKED, "#1f2933"
    colors = import_extra("plotly.colors")
    red, green, blue = colors.unlabel_rgb(colors.sample_colorscale(_SCALE, [scaled])[0])
    lightness = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    return f"#{round(red):02x}{round(green):02x}{round(blue):02x}", "#1f2933" if lightness > _DARK else "#ffffff"


def _note(row: Any, several: bool) -> str:
    if not math.isfinite(row.importance):
        return "not ranked"
    of = f" for {html.escape(str(row.output))}" if several else ""
    lines = [f"importance <b>{row.importance:.3g}</b>{of} (rank {int(row.rank)})"]
    if math.isfinite(getattr(row, "importance_low", math.nan)):
        lines.append(f"95 % over {row.n_replicates} networks: {row.importance_low:.3g} to {row.importance_high:.3g}")
    if math.isfinite(row.null_mean):
        lines.append(f"null {row.null_mean:.3g} ± {row.null_sd:.2g}, p {row.p_value:.2g}, q {row.q_value:.2g}")
    else:
        lines.append("no null")
    return "<br>".join(lines)


def describe_terms(hierarchy: Hierarchy) -> list[str]:
    """Name, id, genes and further parents of every term, escaped, for the box at the pointer.

    Args:
        hierarchy: A compiled hierarchy.

    Returns:
        One text a term.
    """
    shown = shown_parents(hierarchy)
    texts = []
    for term, genes in enumerate(hierarchy.gene_sets):
        named = name_some((hierarchy.genes[gene] for gene in genes), _N_GENES)
        others = [hierarchy.term_names[parent] for parent in hierarchy.parents_of_term[term] if parent != shown[term]]
        lines = [f"<b>{_fold(hierarchy.term_names[term])}</b>", html.escape(hierarchy.terms[term])]
        lines.append(f"level {hierarchy.level_of_term[term]}, {len(genes):,} genes: {_fold(named)}")
        if others:
            lines.append(f"also under: {_fold(name_some(others, 3))}")
        texts.append("<br>".join(lines))
    return texts


def _fold(text: str, width: int = 64) -> str:
    """Escaped text in lines, as plotly breaks none by itself."""
    return "<br>".join(html.escape(line) for line in textwrap.wrap(text, width)) or html.escape(text)


def hierarchy_sunburst(
    hierarchy: Hierarchy,
    ranking: pd.DataFrame | None = None,
    kind: str = "icicle",
    *,
    output: str | None = None,
    maxdepth: int | None = None,
) -> Figure:
    """The hierarchy to zoom into, each term colored by its importance.

    A click on a term makes it the whole picture; a click on the bar above or the middle goes back.
    Each term is shown once, under the parent with the fewest genes; its box names the others. The area of a term
    grows with the square root of the genes annotated to it directly, plus the areas of the terms below.

    Args:
        hierarchy: A compiled hierarchy.
        ranking: What `kgnn.importance` returns, for one measure; None leaves all terms gray.
        kind: ``"icicle"`` (columns from the root on the left) or ``"sunburst"`` (rings around the root).
        output: Color by this output. Where None and there are several, each term has the color of the output for
            which its importance is largest.
        maxdepth: How many levels are shown at once; where None, all of a small hierarchy and four of a large one.

    Returns:
        A plotly figure.

    Raises:
        KgnnError: If the kind is unknown, the ranking does not fit, or plotly is not installed.
    """
    if kind not in KINDS:
        raise unknown_choice("kind", kind, KINDS)
    graph_objects = import_extra("plotly.graph_objects")
    view = hierarchy_view(hierarchy, ranking, output)
    shown = shown_parents(hierarchy)
    small = hierarchy.n_terms <= _SMALL_HIERARCHY
    shape: dict[str, Any] = {
        "ids": list(hierarchy.terms),
        "labels": [html.escape(name) for name in hierarchy.term_names],
        "text": [_fold(name, _LINE) for name in hierarchy.term_names],
        "textinfo": "text",
        "parents": [hierarchy.terms[parent] if parent >= 0 else "" for parent in shown],
        "values": [math.sqrt(max(1, len(genes))) for genes in hierarchy.genes_of_term],
        "branchvalues": "remainder",
        "hovertext": describe_terms(hierarchy),
        "customdata": view.notes,
        "hovertemplate": "%{hovertext}<br>%{customdata}<extra></extra>",
        "marker": {"colors": view.colors, "line": {"color": _EDGE, "width": 0.6 if small else 0.1}},
        # plotly writes the name of the root in the font that is meant for names outside.
        "insidetextfont": {"color": view.inks},
        "outsidetextfont": {"color": view.inks},
        "leaf": {"opacity": 1},
        "maxdepth": maxdepth or (-1 if small else _DEPTH),
        "sort": True,
    }
    if kind == "icicle":
        trace = graph_objects.Icicle(**shape, tiling={"orientation": "h"}, pathbar={"thickness": 22})
    else:
        trace = graph_objects.Sunburst(**shape, insidetextorientation="auto")
    traces = [trace]
    if ranking is not None:
        # Terms are colored one by one, so that one without importance is gray; the color bar needs a carrier.
        carrier = {"color": [view.low], "coloraxis": "coloraxis"}
        traces.append(graph_objects.Scatter(x=[None], y=[None], mode="markers", marker=carrier, hoverinfo="skip"))
    return graph_objects.Figure(traces, layout=_layout(view, ranking))


def _layout(view: View, ranking: pd.DataFrame | None) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "template": None,
        "margin": {"l": 4, "r": 4, "t": 36, "b": 8},
        "height": 640,
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#1f2933"},
        "uniformtext": {"minsize": 10, "mode": "hide"},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": "#5f6b7a", "font": {"color": "#1f2933"}, "align": "left"},
    }
    if ranking is not None:
        title = {"text": f"importance ({html.escape(str(ranking['measure'].iloc[0]))})", "side": "top"}
        bar = {"orientation": "h", "thickness": 10, "len": 0.4, "x": 0.5, "y": -0.02, "yanchor": "top", "title": title}
        bar |= {"nticks": 5, "outlinewidth": 0}
        layout |= {"xaxis": {"visible": False}, "yaxis": {"visible": False}, "showlegend": False}
        layout["coloraxis"] = {"colorscale": _SCALE, "cmin": view.low, "cmax": view.high, "colorbar": bar}
        layout["margin"]["b"] = 64
    return layout
