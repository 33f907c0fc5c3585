"""Pieces of the report's HTML: every text that comes from a user is escaped here."""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kgnn.errors import name_some
from kgnn.plot.canvas import to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ADDRESS = re.compile(r"(https?://[^\s<>\"']+[^\s<>\"'.,;)])")
_DOI = re.compile(r"\bdoi:?\s*(10\.\d{4,9}/[^\s<>\"']+[^\s<>\"'.,;)])", re.IGNORECASE)
_LEAST_WIDTH = 560
_TINY = 1e-3
_HUGE = 1e5


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        label: Its heading.
        look: Class of its cells: ``""`` for short texts, ``"number"``, ``"name"`` for names of several words,
            ``"long"`` for texts that are cut to a few lines until the pointer is on them.
        meaning: What the heading means, shown at the pointer.
    """

    label: str
    look: str = ""
    meaning: str = ""


def escape(value: object) -> str:
    """Text that shows as it is written, whatever it contains."""
    return html.escape(str(value))


def number(value: Any, *, sign: bool = False) -> str:
    """A number for a table: three digits, exponents for the very small, an en dash for none.

    Args:
        value: A number, None or NaN.
        sign: Write a plus before positive numbers.

    Returns:
        The text.

    Example:
        >>> number(0.123456), number(12345), number(0.00001234), number(float("nan"))
        ('0.123', '12,345', '1.23e-05', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    plus = "+" if sign and value > 0 else ""
    if float(value).is_integer() and abs(value) < _HUGE:
        return f"{plus}{int(value):,}"
    return plus + (f"{value:.2e}" if not _TINY <= abs(value) < _HUGE else f"{value:.3g}")


def as_json(value: Any) -> str:
    """JSON that may stand inside a script element: no ``<`` can end it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c")


def linked(text: str) -> str:
    """Escaped text in which addresses and DOIs are links."""
    safe = _DOI.sub(r'<a href="https://doi.org/\1">doi:\1</a>', escape(text))
    if safe != escape(text):
        return safe
    return _ADDRESS.sub(r'<a href="\1">\1</a>', safe)


def section(name: str, title: str, *parts: str) -> str:
    """One section of the page.

    Args:
        name: Its anchor.
        title: Its heading.
        parts: HTML, in order.

    Returns:
        HTML.
    """
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n' + "\n".join(parts) + "\n</section>"


def paragraph(text: str, kind: str = "") -> str:
    """Escaped text as a paragraph, with a class of the style sheet where one is named."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def missing(text: str, command: str) -> str:
    """A note that a part of the report was not computed, and the call that computes it."""
    return f'<p class="note">{escape(text)} <code>{escape(command)}</code></p>'


def picture(figure: Figure, caption: str, alternative: str) -> str:
    """A matplotlib figure inside the page, as vector graphics.

    Args:
        figure: What to show.
        caption: Below it.
        alternative: What it shows, for those who cannot see it.

    Returns:
        HTML.
    """
    code = base64.b64encode(to_svg(figure).encode()).decode()
    # On a narrow screen a picture scrolls rather than shrink below what can be read.
    least = min(_LEAST_WIDTH, round(96 * figure.get_figwidth()))
    style = f'style="min-width:{least}px"'
    image = f'<img alt="{escape(alternative)}" {style} src="data:image/svg+xml;base64,{code}">'
    return f'<figure><div class="scroll">{image}</div><figcaption>{escape(caption)}</figcaption></figure>'


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A short table.

    Args:
        columns: Headings.
        rows: HTML of the cells, already escaped.

    Returns:
        HTML.
    """
    head = "".join(f"<th{_look(column)}>{escape(column.label)}</th>" for column in columns)
    lines = (
        "".join(f"<td{_look(column)}>{cell}</td>" for column, cell in zip(columns, row, strict=True)) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def live_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, search: str, page: int = 20) -> str:
    """A table that sorts by a click on a heading, filters by text and shows a page at a time.

    Its first page is plain HTML, so that it prints and reads without JavaScript.

    Args:
        columns: Headings.
        rows: Texts of the cells, not escaped.
        search: What the filter box says.
        page: How many rows are shown at first.

    Returns:
        HTML.
    """
    head = "".join(
        f'<th scope="col"{_look(column)}><button type="button" title="{escape(column.meaning or "sort")}">'
        f"{escape(column.label)}</button></th>"
        for column in columns
    )
    cells = (
        "".join(f"<td{_look(column)}><div>{escape(cell)}</div></td>" for column, cell in zip(columns, row, strict=True))
        for row in rows[:page]
    )
    body = "".join(f"<tr>{line}</tr>" for line in cells)
    return (
        f'<div class="live-table" data-page="{page}"><div class="controls">'
        f'<input type="search" placeholder="{escape(search)}" aria-label="{escape(search)}">'
        f'<span class="count">{min(page, len(rows)):,} of {len(rows):,} rows</span></div>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        '<button type="button" class="more">Show more</button>'
        f'<script type="application/json">{as_json(rows)}</script></div>'
    )


def _look(column: Column) -> str:
    return f' class="{column.look}"' if column.look else ""


def definitions(values: Mapping[str, Any]) -> str:
    """Names and values side by side; what is nested is named with its path, long lists are cut and counted.

    Args:
        values: For example the settings of a run.

    Returns:
        HTML.
    """
    listed = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in _flat(values))
    return f'<dl class="settings">{listed}</dl>'


def _flat(values: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    listed: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            listed += _flat(value, f"{path}{key}.")
        else:
            listed.append((f"{path}{key}", _short(value)))
    return listed


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return name_some(value) if value else "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
