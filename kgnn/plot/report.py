"""`report`: a run as one HTML page that opens anywhere, with no network."""

from __future__ import annotations

import importlib.resources
from os import PathLike
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from kgnn.errors import unknown_choice
from kgnn.knowledge.writing import whole_file
from kgnn.plot.canvas import import_extra
from kgnn.plot.findings import hierarchy_section, knockdown_section, subsystem_section
from kgnn.plot.hierarchy import KINDS
from kgnn.plot.page import escape
from kgnn.plot.sections import provenance_section, score_section, settings_section, summarize, training_section

if TYPE_CHECKING:
    import pandas as pd

    from kgnn.train import Run

_CONTENTS = {
    "scores": "Scores",
    "training": "Learning curve",
    "provenance": "Sources",
    "hierarchy": "Hierarchy",
    "subsystems": "Subsystems",
    "knockdowns": "Knockdowns",
    "settings": "Settings",
}


def report(
    run: Run,
    path: str | PathLike[str],
    *,
    effects: pd.DataFrame | None = None,
    ranking: pd.DataFrame | None = None,
    compute: bool = True,
    title: str | None = None,
    kind: str = "icicle",
) -> Path:
    """Write what a run is, how well it predicts and what is inside it as one self-contained HTML page.

    The page holds its own scripts, styles and pictures and forbids itself to load anything else. It is written at
    once or not at all.

    Args:
        run: A finished training.
        path: File to write, such as ``"report.html"``.
        effects: What `kgnn.knockdown` returned.
        ranking: What `kgnn.importance` returned, for one measure.
        compute: Whether to compute effects (all genes) and ranking (RLIPP) where they are not given; where False, the
            page says how to make them.
        title: Heading of the page; made from the recipe and the outputs where None.
        kind: How the hierarchy is shown at first, ``"icicle"`` or ``"sunburst"``.

    Returns:
        The file that was written.

    Raises:
        KgnnError: If the kind is unknown, a table does not fit, or matplotlib or plotly is not installed.
    """
    if kind not in KINDS:
        raise unknown_choice("kind", kind, KINDS)
    for module in ("matplotlib.figure", "plotly.offline"):
        import_extra(module)
    if compute:
        effects, ranking = _complete(run, effects, ranking)
    sections = [
        score_section(run),
        training_section(run),
        provenance_section(run),
        hierarchy_section(run.hierarchy, ranking, kind),
        subsystem_section(run.hierarchy, ranking, effects),
        knockdown_section(effects),
        settings_section(run),
    ]
    page = _assemble(title or _title(run), summarize(run), sections)
    return _write(Path(path), page)


def _complete(
    run: Run, effects: pd.DataFrame | None, ranking: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Both tables, computed where they were not given."""
    if effects is None:
        from kgnn.perturb import knockdown

        effects = knockdown(run, genes="all")
    if ranking is None:
        from kgnn.interpret import importance

        ranking = importance(run, measure="rlipp")
    return effects, ranking


def _title(run: Run) -> str:
    what = run.metrics.get("recipe") or "Visible network"
    outputs = run.output_names
    return f"{what}: {outputs[0] if len(outputs) == 1 else f'{len(outputs)} outputs'}"


def _assemble(title: str, summary: str, sections: list[str]) -> str:
    folder = importlib.resources.files("kgnn.plot")
    script = import_extra("plotly.offline").get_plotlyjs().replace("</script", "<\\/script")
    links = "".join(f'<a href="#{name}">{escape(label)}</a>' for name, label in _CONTENTS.items())
    return Template((folder / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=(folder / "report.css").read_text(encoding="utf-8"),
        contents=links,
        summary=summary,
        sections="\n".join(sections),
        plotly=script,
        script=(folder / "report.js").read_text(encoding="utf-8"),
    )


def _write(path: Path, page: str) -> Path:
    with whole_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path
