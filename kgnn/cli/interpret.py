"""Commands that say which subsystems of a trained run matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder, samples_for
from kgnn.cli.output import print_result, write_result


def importance(
    run: options.RunFolder,
    out: options.Out,
    measure: Annotated[str, typer.Option(help="rlipp, sensitivity or knockdown.")] = "rlipp",
    samples: options.SamplesFile = None,
    layer: options.Layer = None,
    read: options.Read = None,
    target: Annotated[str, typer.Option(help="For RLIPP: observed or predicted.")] = "observed",
    n_null: Annotated[int | None, typer.Option(help="Repetitions of the null; 0 for none.")] = None,
    json_: options.Json = False,
) -> None:
    """Rank the subsystems, each beside a null."""
    from kgnn.data.write import check_ending
    from kgnn.interpret import importance as rank

    check_ending(out)
    loaded = load_run_folder(run)
    given = samples_for(loaded, samples, layer, read)
    write_result(rank(loaded, measure, samples=given, target=target, n_null=n_null), out, json_)


def report(
    run: options.RunFolder, out: Annotated[Path, typer.Option(help="HTML file to write.")], json_: options.Json = False
) -> None:
    """Write a run as one HTML page that opens without a network."""
    from kgnn.plot import report as write_report

    path = write_report(load_run_folder(run), out)
    print_result({"out": str(path)}, f"wrote {path}", json_)
