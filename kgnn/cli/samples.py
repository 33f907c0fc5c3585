"""Commands on samples: packed for training, predicted, and annotated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder, samples_for
from kgnn.cli.output import print_result, write_result
from kgnn.errors import unknown_choice

COUNTS = ("keep", "log", "control")
"""What `pack` makes of counts."""


def pack(
    samples: Annotated[Path, typer.Argument(metavar="SAMPLES", help="Samples in any format that kgnn reads.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None,
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    counts: Annotated[
        str, typer.Option(help="keep; log: log of counts per million; control: the same of control inputs (KPNN).")
    ] = "keep",
    seed: Annotated[int, typer.Option(help="Of the control inputs.")] = 0,
    json_: options.Json = False,
) -> None:
    """Write samples as a folder that is read as it is used: for sets larger than memory; 0 and 1 take a bit each."""
    from kgnn.data import control_samples, log_per_million, read_samples, write_packed
    from kgnn.data.packed import refuse_packed
    from kgnn.data.read import recognize_format

    refuse_packed(out)
    if counts not in COUNTS:
        raise unknown_choice("--counts", counts, COUNTS)
    columns = None if target is None else options.one_or_listed(target)
    reading = {"target": columns, "meaning": meaning, "layer": layer} | options.reading_options(read)
    backed = samples.exists() and reading.get("format", recognize_format(samples)) == "h5ad"
    found = read_samples(samples, backed=backed, **reading)
    if counts == "control":
        found = control_samples(found, seed=seed)
    if counts != "keep":
        found = log_per_million(found)
    write_packed(found, out)
    size = sum(file.stat().st_size for file in out.iterdir())
    summary = {"out": str(out), "samples": len(found), "genes": len(found.genes), "bytes": size}
    print_result(
        summary, f"wrote {len(found):,} samples of {len(found.genes):,} genes to {out} ({size / 1e6:,.1f} MB)", json_
    )


def predict(
    run: options.RunFolder,
    samples: Annotated[Path, typer.Option(help="Samples to predict.")],
    out: options.Out,
    layer: options.Layer = None,
    read: options.Read = None,
    json_: options.Json = False,
) -> None:
    """Predict samples with a trained run."""
    from kgnn.data.write import check_ending
    from kgnn.train.predict import prediction_table

    check_ending(out)
    loaded = load_run_folder(run)
    write_result(prediction_table(loaded.model, samples_for(loaded, samples, layer, read)), out, json_)


def annotate(
    run: options.RunFolder,
    samples: Annotated[Path, typer.Option(help="Samples: .h5ad, .h5mu, or any other file that kgnn reads.")],
    out: Annotated[Path, typer.Option(help="File to write: .h5ad, or .h5mu with the subsystems as a modality.")],
    importance: Annotated[
        str | None, typer.Option(help="Write importance: rlipp, sensitivity, knockdown, or a table of kgnn importance.")
    ] = None,
    knockdown: Annotated[
        str | None, typer.Option(help="Write effects of genes: all, or a table of kgnn knockdown.")
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column of the samples: which terms mark its groups (gene-set autoencoders).")
    ] = None,
    perturb: Annotated[
        str | None, typer.Option(help="Genes and terms to knock down in every sample (gene-set autoencoders).")
    ] = None,
    replicate: Annotated[
        int | None, typer.Option(help="Whose activities, from 0; the best (gene-set autoencoders with replicates).")
    ] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    json_: options.Json = False,
) -> None:
    """Write predictions, states and importance of subsystems beside samples, for scanpy and muon."""
    from kgnn.interpret.annotate_file import annotate_file, check_out

    check_out(out)
    reading = {"layer": layer, **options.reading_options(read)}
    summary = annotate_file(
        load_run_folder(run), samples, out, ranking=importance, effects=knockdown, groups=groups,
        perturb=options.listed(perturb) or (), replicate=replicate, reading=reading,
    )  # fmt: skip
    text = f"wrote {summary['samples']:,} samples with {summary['terms']:,} subsystems to {out}"
    if "replicate" in summary:
        text += f"; activities are those of replicate {summary['replicate']}, since several have no common scale"
    print_result(summary, text, json_)
