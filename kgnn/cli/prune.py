"""The command that finds out which edges of its hierarchy a trained run does not need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder
from kgnn.cli.output import print_result, progress_of

REMOVED = "removed.tsv"
"""File of the new run folder that lists everything removed."""


def prune(
    run: options.RunFolder,
    train: Annotated[Path, typer.Option(help="Training samples: those of the run.")],
    out: Annotated[Path, typer.Option(help="Run folder to write; removed.tsv in it lists what went, and why.")],
    valid: Annotated[Path | None, typer.Option(help="Validation samples; else held out of the training ones.")] = None,
    test: Annotated[Path | None, typer.Option(help="Test samples, scored once at the end.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    share: Annotated[
        float | None, typer.Option(help="Share of the edges to cut; without it edges have prices.")
    ] = None,
    annotation_price: Annotated[
        float | None, typer.Option(help="Of an annotation; that of the run, or 3e-4 in units of the loss.")
    ] = None,
    relation_price: Annotated[
        float | None, typer.Option(help="Of a relation; that of the run, or 3e-4 in units of the loss.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="lasso, or l0 as ParsVNN: prices in units of a step. That of the run if it has prices."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Fits by which genes are chosen; or steps in which prices rise.")] = 1,
    pruning_epochs: Annotated[
        int | None, typer.Option(help="Epochs of a fit before the cut; those of the run if not.")
    ] = None,
    agree: Annotated[float, typer.Option(help="Share of the replicates that must keep an edge.")] = 0.5,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of training, key=value.")] = None,
    json_: options.Json = False,
) -> None:
    """Cut the edges that a trained run can do without, and train what is left anew.

    With --share further annotations of a gene go first, besides the most specific one, then the genes that the network
    misses least. Else every edge has a price, and what goes to 0 is cut.
    """
    from kgnn.data import read_parts, write_table
    from kgnn.structure import describe
    from kgnn.train import prune as prune_edges
    from kgnn.train.fit import refuse_finished
    from kgnn.train.summary import score_table

    refuse_finished(out)
    loaded = load_run_folder(run)
    settings = loaded.settings.updated(options.key_values(set_, "--set"))
    reading = {"target": None if target is None else options.one_or_listed(target), "layer": layer}
    reading = {"meaning": loaded.samples.meaning, **reading, **options.reading_options(read)}
    parts = read_parts(train, valid=valid, test=test, genes=loaded.model.genes, **reading)
    with progress_of(json_) as progress:
        found = prune_edges(
            loaded.model, parts.train, settings, share=share, annotation_price=annotation_price,
            relation_price=relation_price, rule=rule, rounds=rounds, pruning_epochs=pruning_epochs, agree=agree,
            valid=parts.valid, test=parts.test, out=out, recipe=loaded.recipe, progress=progress,
        )  # fmt: skip
    write_table(found.removed, out / REMOVED)
    metrics, before = found.run.metrics, loaded.metrics["model"]
    counts = {name: f"{now:,} of {then:,}" for name, (then, now) in found.edges.items()}
    text = f"{describe(counts)}\n{score_table({**metrics, 'baselines': {'before': before}})}"
    summary = {"out": str(out), "removed": str(out / REMOVED), **metrics, "before": before}
    print_result(summary, f"{text}\nwrote {out}, with {REMOVED}", json_)
