"""Commands that say which subsystems of a trained run matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder, samples_for
from kgnn.cli.output import print_result, progress_of, write_result
from kgnn.errors import KgnnError, name_some


def importance(
    run: options.RunFolder,
    out: options.Out,
    measure: Annotated[str, typer.Option(help="rlipp, sensitivity, knockdown or node_weights.")] = "rlipp",
    samples: options.SamplesFile = None,
    layer: options.Layer = None,
    read: options.Read = None,
    target: Annotated[str, typer.Option(help="For RLIPP: observed or predicted.")] = "observed",
    controls: Annotated[
        Path | None, typer.Option(help="For node weights: a run of the same network on control inputs (kgnn pack).")
    ] = None,
    normalize: Annotated[str | None, typer.Option(help="For node weights: minmax (default), quantile, none.")] = None,
    step: Annotated[
        float | None, typer.Option(help="For node weights: of a central difference (the paper: 0.001); else exact.")
    ] = None,
    least_score: Annotated[
        float | None, typer.Option(help="For node weights: leave out replicates and controls that score worse.")
    ] = None,
    n_null: Annotated[int | None, typer.Option(help="Repetitions of the null; 0 for none.")] = None,
    json_: options.Json = False,
) -> None:
    """Rank the subsystems, each beside a null."""
    from kgnn.data.write import check_ending
    from kgnn.interpret import importance as rank

    check_ending(out)
    loaded = load_run_folder(run)
    given = samples_for(loaded, samples, layer, read)
    null = None if controls is None else load_run_folder(controls)
    table = rank(
        loaded, measure, samples=given, target=target, n_null=n_null, controls=null, normalize=normalize, step=step,
        least_score=least_score,
    )  # fmt: skip
    write_result(table, out, json_)


def edges(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Runs with soft= or edge_price=, or a visible network.")
    ],
    out: options.Out,
    samples: Annotated[Path | None, typer.Option(help="With --fits: samples that every fit sees a half of.")] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    fits: Annotated[
        int | None, typer.Option(help="Fit the first run so often anew, to random halves of --samples.")
    ] = None,
    soft: Annotated[float | None, typer.Option(help="For a visible network: price of a link beyond the prior.")] = None,
    at_least: Annotated[float, typer.Option(help="Share of fits from which a link counts as selected.")] = 0.8,
    json_: options.Json = False,
) -> None:
    """Count which priced links between terms and genes survive: knowledge that is missing, or was not needed."""
    from kgnn.data import write_table
    from kgnn.data.write import check_ending
    from kgnn.interpret import prior_not_needed, select_annotations, select_edges_of_run, selected_edges

    check_ending(out)
    loaded = [load_run_folder(run) for run in runs]
    given = samples_for(loaded[0], samples, layer, read)
    if (fits is None) != (given is None):
        raise KgnnError("--fits and --samples go together: the samples that every fit sees a half of. Give both.")
    if soft is not None and fits is None:
        raise KgnnError("--soft needs --samples and --fits: a visible network is fitted anew. Give both.")
    if fits is None:
        table = selected_edges(loaded)
    elif len(loaded) > 1:
        raise KgnnError(f"{len(loaded)} runs are given with --fits, which fits one anew. Give one run.")
    else:
        first = loaded[0]
        with progress_of(json_) as progress:
            if soft is None:
                table = select_edges_of_run(first, given, fits=fits, progress=progress)
            else:
                table = select_annotations(first.model, given, first.settings, soft=soft, fits=fits, progress=progress)
    write_table(table, out)
    missing = table[~table["in_prior"] & (table["selected"] >= at_least)]
    priced = bool(table.loc[table["in_prior"], "priced"].all())
    unused = prior_not_needed(table, at_most=1 - at_least) if priced else None
    links = [f"{gene} – {name}" for gene, name in zip(missing["gene"], missing["name"], strict=True)]
    n_fits = int(table["n_fits"].iloc[0])
    found = f"{len(links):,} links beyond the prior in at least {at_least:.0%} of {n_fits} fits"
    if unused is not None:
        of_prior = f"{unused:.1%} of the prior's links in at most {1 - at_least:.0%} of them"
    else:
        way = "fit with edge_price=" if soft is None else "kgnn prune"
        of_prior = f"the prior's links had no price, so that every fit kept them: {way} tells which are not needed"
    text = f"{found}{': ' if links else ''}{name_some(links)}\n{of_prior}\nwrote {len(table):,} rows to {out}"
    summary = {"out": str(out), "rows": len(table), "n_fits": n_fits, "beyond_prior": links, "prior_not_needed": unused}
    print_result(summary, text, json_)


def report(
    run: options.RunFolder, out: Annotated[Path, typer.Option(help="HTML file to write.")], json_: options.Json = False
) -> None:
    """Write a run as one HTML page that opens offline."""
    from kgnn.plot import report as write_report

    path = write_report(load_run_folder(run), out)
    print_result({"out": str(path)}, f"wrote {path}", json_)
