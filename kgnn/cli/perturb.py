"""Commands that knock genes and subsystems down in a trained run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder, samples_for
from kgnn.cli.output import print_result, write_result
from kgnn.errors import KgnnError

Genes = Annotated[str | None, typer.Option(help="Genes, separated by commas.")]
EveryGene = Annotated[bool, typer.Option("--all", help="Every gene.")]
Dose = Annotated[float, typer.Option(help="1 is a complete knockdown.")]
Scale = Annotated[str, typer.Option(help="natural, or log_odds for classes and labels.")]


def knockdown(
    run: options.RunFolder,
    out: options.Out,
    genes: Genes = None,
    all_: EveryGene = False,
    pairs: Annotated[str | None, typer.Option(help="Pairs A:B, separated by commas.")] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Every pair (of --genes where given).")] = False,
    subsystems: Annotated[str | None, typer.Option(help="Term ids, separated by commas, or all.")] = None,
    samples: options.SamplesToPerturb = None,
    layer: options.Layer = None,
    read: options.Read = None,
    dose: Dose = 1.0,
    doses: Annotated[
        str | None, typer.Option(help="Doses separated by commas: what --genes do, and through which subsystem.")
    ] = None,
    scale: Scale = "natural",
    json_: options.Json = False,
) -> None:
    """Knock genes, pairs of genes or subsystems down and write every effect, a mean over at most 256 samples."""
    from kgnn.data.write import check_ending
    from kgnn.perturb import dose_response
    from kgnn.perturb import knockdown as knock_down

    check_ending(out)
    chosen = None if doses is None else options.numbers(doses, "--doses")
    if chosen is not None:
        _refuse_beside_doses(pairs=pairs, all_pairs=all_pairs, subsystems=subsystems, dose=dose != 1.0)
        if scale != "natural":
            raise KgnnError(f"--scale {scale} does not apply to --doses, whose effects are natural. Leave it out.")
    loaded = load_run_folder(run)
    if chosen is not None:
        wanted = loaded.model.genes if all_ else options.listed(genes) or ()
        given = samples_for(loaded, samples, layer, read)
        write_result(dose_response(loaded, wanted, doses=chosen, samples=given), out, json_)
        return
    effects = knock_down(
        loaded,
        "all" if all_ else options.listed(genes),
        pairs="all" if all_pairs else options.gene_pairs(pairs),
        subsystems="all" if subsystems == "all" else options.listed(subsystems),
        samples=samples_for(loaded, samples, layer, read),
        dose=dose,
        scale=scale,
    )
    write_result(effects, out, json_)


def _refuse_beside_doses(**given: object) -> None:
    unused = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if unused:
        raise KgnnError(f"{', '.join(unused)} cannot be given with --doses, which takes single genes. Leave it out.")


def screen(
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(help="File or folder to write: .parquet or .zarr.")],
    genes: Genes = None,
    all_: EveryGene = False,
    pairs: Annotated[str | None, typer.Option(help="Pairs A:B, separated by commas, or all.")] = None,
    samples: options.SamplesToPerturb = None,
    layer: options.Layer = None,
    read: options.Read = None,
    dose: Dose = 1.0,
    scale: Scale = "natural",
    top_k: Annotated[int, typer.Option(help="Subsystems to report in every row.")] = 5,
    threshold: Annotated[float, typer.Option(help="Least absolute effect of a row.")] = 0.0,
    top: Annotated[int | None, typer.Option(help="Keep only so many rows, the strongest.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Begin again, even where a screen was interrupted.")] = False,
    json_: options.Json = False,
) -> None:
    """Knock genes or pairs down in every sample by itself; an interrupted screen is taken up again."""
    from kgnn.perturb import screen as screen_genes
    from kgnn.perturb.screen_files import check_out
    from kgnn.train.progress import CountProgress

    check_out(out)
    loaded = load_run_folder(run)
    with CountProgress("rows", shown=not json_ or sys.stderr.isatty()) as progress:
        screen_genes(
            loaded,
            "all" if all_ else options.listed(genes),
            pairs="all" if pairs == "all" else options.gene_pairs(pairs),
            samples=samples_for(loaded, samples, layer, read),
            dose=dose,
            scale=scale,
            top_k=top_k,
            threshold=threshold,
            top=top,
            out=out,
            resume=not anew,
            progress=progress,
        )
    summary = {"out": str(out), "computed": progress.total}
    print_result(summary, f"computed {progress.total:,} knockdowns, wrote {out}", json_)
