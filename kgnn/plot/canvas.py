"""Sheets to draw on: one look for every matplotlib figure of kgnn, and a picture as text for a page.

Figures are made through matplotlib's objects, never through `pyplot`, so drawing one leaves no global state behind and
needs no display.
"""

from __future__ import annotations

import importlib
import io
import textwrap
import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgnn.errors import KgnnError
from kgnn.knowledge.writing import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's palette: told apart with any of the common color deficiencies, and in gray.
BLUE, ORANGE, VERMILLION, GREEN = "#0072B2", "#E69F00", "#D55E00", "#009E73"
INK, MUTED, FAINT, QUIET = "#1f2933", "#5f6b7a", "#d9dee5", "#b4bcc8"
PICTURES = (".png", ".svg", ".pdf")
DIVERGING = "RdBu_r"
SMALL, NORMAL, LARGE = 8.5, 9.5, 11.0


def import_extra(module: str) -> Any:
    """Import a module of the optional extra ``kgnn[plot]``.

    Args:
        module: Dotted name, such as ``"matplotlib.figure"``.

    Returns:
        The module.

    Raises:
        KgnnError: If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        package = module.split(".", maxsplit=1)[0]
        if problem.name is None or problem.name.split(".", maxsplit=1)[0] != package:
            raise
        raise KgnnError(
            f"this picture needs {package}, which is not installed. Install it with: pip install 'kgnn[plot]'"
        ) from None


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure whose layout makes room for its labels.

    Args:
        width: In inches.
        height: In inches.
        rows: Rows of panels.
        columns: Columns of panels.

    Returns:
        The figure and its panels, row by row.
    """
    figure = import_extra("matplotlib.figure").Figure(figsize=(width, height), layout="constrained", facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False)
    for panel in grid.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[["left", "bottom"]].set_color(QUIET)
        panel.tick_params(labelsize=SMALL, color=QUIET, labelcolor=INK)
        panel.set_axisbelow(True)
    return figure, [list(row) for row in grid]


def write_axes(panel: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Title and axis labels in the sizes of the house; names of terms and genes are taken as they are.

    Args:
        panel: Where to write.
        title: Above the panel, on the left.
        x: Below the horizontal axis.
        y: Beside the vertical axis.
    """
    panel.set_title(title, loc="left", fontsize=LARGE, color=INK, parse_math=False)
    panel.set_xlabel(x, fontsize=NORMAL, color=INK, parse_math=False)
    panel.set_ylabel(y, fontsize=NORMAL, color=INK, parse_math=False)


def name_rows(panel: Axes, labels: list[str]) -> None:
    """Put one label on each whole number of the vertical axis, the first on top.

    Args:
        panel: A panel with bars at 0, 1, 2, …
        labels: From top to bottom.
    """
    panel.set_yticks(range(len(labels)), labels, fontsize=SMALL, parse_math=False)
    panel.set_ylim(len(labels) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def wrap(text: str, width: int = 44, lines: int = 2) -> str:
    """Text broken into a few lines, with an ellipsis where even these do not hold it.

    Args:
        text: For example the name of a term.
        width: Characters a line.
        lines: Most lines.

    Returns:
        The text with line breaks.

    Example:
        >>> print(wrap("regulation of transcription by RNA polymerase II", width=20))
        regulation of
        transcription by …
    """
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …")) or text


def to_svg(figure: Figure) -> str:
    """A figure as SVG text: letters as outlines, so that it looks the same without its fonts.

    Args:
        figure: Any matplotlib figure.

    Returns:
        The ``<svg>`` element; the same figure always gives the same text.
    """
    matplotlib = import_extra("matplotlib")
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "kgnn", "svg.fonttype": "path"}), warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes; the tables of the page have it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(stream, format="svg", dpi=160, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def check_picture(path: str | PathLike[str]) -> None:
    """Refuse a file that no picture can be written to, before anything is computed for it.

    Args:
        path: File, whose ending says the format.

    Raises:
        KgnnError: If the ending is unknown, or matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in PICTURES:
        raise KgnnError(f"{path}: a picture cannot be written in this format. Choose one of: {', '.join(PICTURES)}.")
    import_extra("matplotlib.figure")


def save_picture(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure to a file, whole or not at all.

    Args:
        figure: Any matplotlib figure.
        path: File ending in .png, .svg or .pdf.

    Raises:
        KgnnError: If the ending is another.
    """
    check_picture(path)
    kind = Path(path).suffix.lower()[1:]
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format=kind, dpi=160)


def write_note(figure: Figure, *notes: str) -> None:
    """Lines below a picture that say what its marks mean; empty ones are left out.

    Args:
        figure: The figure.
        *notes: One a line.
    """
    text = "\n".join(filter(None, notes))
    if text:
        figure.supxlabel(text, fontsize=SMALL, color=MUTED)
