"""The report's sections on what is inside a run: the hierarchy, its subsystems, the knockdowns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kgnn.errors import name_some
from kgnn.plot.hierarchy import View, hierarchy_sunburst, hierarchy_view, shown_parents
from kgnn.plot.intervals import has_interval
from kgnn.plot.knockdowns import knockdown_heatmap, knockdown_volcano
from kgnn.plot.page import Column, as_json, escape, live_table, missing, number, paragraph, picture, section
from kgnn.plot.selection import at_dose, distinct, has_null, output_effects, ranked_terms, records, rows_where
from kgnn.plot.subsystems import subsystem_response, top_subsystems

if TYPE_CHECKING:
    import pandas as pd

    from kgnn.structure.hierarchy import Hierarchy

_MOST_COLORS = 200_000  # terms times outputs up to which the page can switch between outputs
_MOST_ROWS = 4_000
_MOST_GENES = 40
_N_FURTHER = 2
_ALL_OUTPUTS = "largest over all outputs"


def hierarchy_section(hierarchy: Hierarchy, ranking: pd.DataFrame | None, kind: str) -> str:
    """The hierarchy with a box that finds a term."""
    views = _views(hierarchy, ranking)
    parents = shown_parents(hierarchy)
    # Made as an icicle, whose settings are a superset; the page turns it into a sunburst where that is wanted.
    figure = hierarchy_sunburst(hierarchy, ranking, "icicle").to_json()
    extra = {
        "kind": kind,
        "names": hierarchy.term_names,
        "terms": hierarchy.terms,
        "parents": parents.tolist(),
        "views": {label: view._asdict() for label, view in views.items()},
    }
    options = "".join(f"<option>{escape(label)}</option>" for label in views)
    switch = f'<label class="output">color by <select>{options}</select></label>' if len(views) > 1 else ""
    body = (
        '<div class="hierarchy"><div class="controls">'
        '<div class="finder"><input type="search" placeholder="Find a subsystem by name or id" autocomplete="off" '
        'aria-label="Find a subsystem by name or id"><ul class="found" hidden></ul></div>'
        f'{switch}<label class="kind">as <select><option>icicle</option><option>sunburst</option></select></label>'
        '<button type="button" class="whole">Whole hierarchy</button></div>'
        '<p class="status" aria-live="polite"></p><div class="canvas"></div>'
        f'<script type="application/json">{{"figure":{as_json(figure)},"extra":{as_json(json.dumps(extra))}}}</script>'
        "<noscript><p>This picture needs JavaScript.</p></noscript></div>"
    )
    return section("hierarchy", "The hierarchy", paragraph(_explain_hierarchy(hierarchy, ranking)), body)


def _views(hierarchy: Hierarchy, ranking: pd.DataFrame | None) -> dict[str, View]:
    if ranking is None:
        return {}
    outputs = [str(output) for output in distinct(ranking, "output")]
    if len(outputs) == 1 or len(outputs) * hierarchy.n_terms > _MOST_COLORS:
        return {_ALL_OUTPUTS: hierarchy_view(hierarchy, ranking)}
    views = {_ALL_OUTPUTS: hierarchy_view(hierarchy, ranking)}
    return views | {output: hierarchy_view(hierarchy, ranking, output) for output in outputs}


def _explain_hierarchy(hierarchy: Hierarchy, ranking: pd.DataFrame | None) -> str:
    several = sum(len(parents) > 1 for parents in hierarchy.parents_of_term)
    text = (
        "Click a subsystem to make it the whole picture, and the bar above or the middle to go back. The "
        "blank beside the children of a subsystem stands for its own genes. "
    )
    if several:
        text += (
            f"{several:,} of the {hierarchy.n_terms:,} subsystems have several parents; each is shown once, under the "
            "parent with the fewest genes, and names the others in its box. "
        )
    if ranking is None:
        return text + "Importance was not computed, so all are gray."
    return text + "Dark is important, pale is not, gray was not ranked."


def subsystem_section(hierarchy: Hierarchy, ranking: pd.DataFrame | None, effects: pd.DataFrame | None) -> str:
    """The most important subsystems as a picture, all of them as a table with their genes."""
    if ranking is None:
        how = missing("Importance was not computed. Make it with", "ranking = kgnn.importance(run, measure='rlipp')")
        return section("subsystems", "Top subsystems", how)
    parts = [picture(top_subsystems(ranking), _explain_ranking(ranking), "Bars of the most important subsystems")]
    best = ranked_terms(ranking)
    several = ranking["output"].nunique() > 1
    rows = best if len(ranking) > _MOST_ROWS else ranking.sort_values(["rank", "importance"], ascending=[True, False])
    columns = [
        Column("Rank", "number", "1 is the most important for its output"),
        Column("Subsystem", "name"),
        *([Column("Output", "name")] if several else []),
        Column("Importance", "number"),
        *_interval_columns(ranking, "importance"),
        Column("Null", "number", "mean importance under the null"),
        Column("p", "number", "how often the null is as large"),
        Column("q", "number", "Benjamini-Hochberg value"),
        Column("Genes", "number", "how many, the subsystem and all below"),
        Column("Gene names", "long", "those whose knockdown moves a prediction most come first"),
        Column("Id"),
    ]
    names = _gene_names(hierarchy, effects)
    cells = [_ranking_cells(row, several, names, has_interval(ranking, "importance")) for row in records(rows)]
    parts.append(live_table(columns, cells, search="Filter by subsystem, id or gene"))
    if len(rows) < len(ranking):
        parts.append(paragraph("The table names each subsystem once, with the output where it matters most.", "note"))
    return section("subsystems", "Top subsystems", *parts)


def _explain_ranking(ranking: pd.DataFrame) -> str:
    if has_null(ranking):
        return (
            "Each bar is one subsystem; the orange mark is what the same measure gives under the null, mean ± one sd. "
            "A subsystem inside the null is not shown to matter, however long its bar."
        )
    return "No null was computed: the bars give an order, but do not say what chance alone would give."


def _gene_names(hierarchy: Hierarchy, effects: pd.DataFrame | None) -> dict[str, str]:
    """Genes of every term as a text, those with the strongest knockdown first."""
    size: dict[Any, float] = {}
    if effects is not None:
        genes = rows_where(effects, (effects["kind"] == "gene") & (effects["target"] == "output"))
        size = genes.assign(size=genes["effect"].abs()).groupby("perturbation", observed=True)["size"].max().to_dict()
    place = sorted(range(hierarchy.n_genes), key=lambda gene: -size.get(hierarchy.genes[gene], 0.0))
    order = {gene: position for position, gene in enumerate(place)}
    return {
        term: name_some((hierarchy.genes[gene] for gene in sorted(genes, key=order.__getitem__)), _MOST_GENES)
        for term, genes in zip(hierarchy.terms, hierarchy.gene_sets, strict=True)
    }


def _interval_columns(table: pd.DataFrame, value: str) -> list[Column]:
    """Columns for the interval over replicates and for the networks that agree in sign, where there are any."""
    if not has_interval(table, value):
        return []
    n = int(table["n_replicates"].max())
    return [
        Column("From", "number", f"95 % t-interval over {n} networks, lower end"),
        Column("To", "number", "upper end"),
        Column("Same sign", "number", f"networks of {n} that agree in sign"),
    ]


def _ranking_cells(row: Any, several: bool, names: dict[str, str], interval: bool) -> list[str]:
    head = [number(row.rank), str(row.name), *([str(row.output)] if several else [])]
    null = number(row.null_mean) if row.null_mean == row.null_mean else "no null"
    among = [number(row.importance_low), number(row.importance_high), number(row.same_sign)] if interval else []
    values = [number(row.importance), *among, null, number(row.p_value), number(row.q_value), number(row.n_genes)]
    return [*head, *values, names.get(row.term, "–"), str(row.term)]


def knockdown_section(effects: pd.DataFrame | None) -> str:
    """What each knockdown does to the predictions and to the subsystems."""
    if effects is None:
        how = missing("No knockdown was computed. Make them with", "effects = kgnn.knockdown(run, genes='all')")
        return section("knockdowns", "Virtual knockdowns", how)
    found = output_effects(effects)
    note = (
        "A knockdown changes a gene's value in every sample and reads how the fitted network's prediction moves. It "
        "says what this network relies on; it is a hypothesis about cells, not a measurement."
    )
    strongest = str(found["perturbation"].iloc[int(found["effect"].abs().to_numpy().argmax())])
    parts = [
        paragraph(note),
        picture(
            knockdown_heatmap(effects),
            "Mean change of each output. Blue: the prediction falls; red: it rises.",
            "Heat map of perturbations and outputs",
        ),
        picture(
            knockdown_volcano(effects),
            "Far from the middle: a large change. High: the same change in all samples (mean over its standard error; "
            "not a test, as every sample passes through the same network).",
            "Effect of each perturbation against its consistency",
        ),
    ]
    moved = at_dose(rows_where(effects, (effects["target"] == "subsystem") & (effects["effect"] > 0)), None)
    if (moved["perturbation"] == strongest).any():
        caption = f"Where the strongest perturbation, {strongest}, acts: root mean square change of each state."
        parts.append(picture(subsystem_response(effects, strongest), caption, "Bars of the subsystems that it moves"))
    parts.append(_effect_table(found, moved))
    return section("knockdowns", "Virtual knockdowns", *parts)


def _effect_table(found: pd.DataFrame, moved: pd.DataFrame) -> str:
    """One row a perturbation, the strongest first."""
    ordered = found.assign(size=found["effect"].abs()).sort_values("size", ascending=False, kind="stable")
    repeated = ordered.duplicated("perturbation")
    also, where = _further_outputs(rows_where(ordered, repeated)), _top_subsystems(moved)
    pairs = "epistasis" in found and bool(found["epistasis"].notna().any())
    columns = [
        Column("Perturbation"),
        Column("Kind"),
        Column("Moves most", "name"),
        Column("Effect", "number", f"mean change of the prediction ({name_some(distinct(found, 'unit'))})"),
        Column("SD", "number", "of the change over the samples"),
        *_interval_columns(found, "effect"),
        *([Column("Epistasis", "number", "f_ij − f_i − f_j + f_0")] if pairs else []),
        Column("Also moves", "name"),
        Column("Subsystems moved most", "long"),
    ]
    cells, interval = [], has_interval(found, "effect")
    for row in records(rows_where(ordered, ~repeated)):
        extra = [number(row.epistasis, sign=True)] if pairs else []
        among = []
        if interval:
            among = [number(row.effect_low, sign=True), number(row.effect_high, sign=True), number(row.same_sign)]
        values = [number(row.effect, sign=True), number(row.effect_sd), *among, *extra]
        tail = [also.get(row.perturbation, "–"), where.get(row.perturbation, "–")]
        cells.append([str(row.perturbation), str(row.kind), str(row.name), *values, *tail])
    return live_table(columns, cells, search="Filter by gene, output or subsystem")


def _further_outputs(ordered: pd.DataFrame) -> dict[Any, str]:
    """The two next outputs that each perturbation moves, with their effects."""
    texts: dict[Any, list[str]] = {}
    for row in records(ordered):
        listed = texts.setdefault(row.perturbation, [])
        if len(listed) < _N_FURTHER and row.effect != 0:
            listed.append(f"{row.name} {number(row.effect, sign=True)}")
    return {perturbation: "; ".join(listed) or "–" for perturbation, listed in texts.items()}


def _top_subsystems(moved: pd.DataFrame) -> dict[Any, str]:
    """The three subsystems that each perturbation moves most."""
    ordered = moved.sort_values("effect", ascending=False, kind="stable")
    first = ordered.groupby("perturbation", observed=True).head(3)
    texts: dict[Any, list[str]] = {}
    for row in records(first):
        texts.setdefault(row.perturbation, []).append(str(row.label))
    return {perturbation: "; ".join(labels) for perturbation, labels in texts.items()}
