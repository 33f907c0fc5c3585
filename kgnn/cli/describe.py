"""Commands that say what something is: a published system, a run, a compiled file, a network, a file of motifs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder
from kgnn.cli.network import file_summary
from kgnn.cli.output import print_result


def zoo(name: Annotated[str | None, typer.Argument(help="A recipe.")] = None, json_: options.Json = False) -> None:
    """The published systems, and the card of each."""
    from dataclasses import asdict

    from kgnn.zoo import RECIPES
    from kgnn.zoo import recipe as find_recipe

    if name is None:
        cards = [each.card for each in RECIPES]
        text = "\n".join(f"{card.name:<12} {card.year}  {card.title}" for card in cards)
        print_result({"recipes": [asdict(card) for card in cards]}, text, json_)
        return
    chosen = find_recipe(name)
    print_result(asdict(chosen.card), chosen.describe(), json_)


def info(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A run folder, a compiled file, motifs, a network, or a genome file: FASTA, BED, narrowPeak, GTF, "
            "GFF3, VCF, bigWig, .cool or .mcool.",
        ),
    ],
    resolution: Annotated[int | None, typer.Option(help="Of a .mcool file with several, the one to look into.")] = None,
    json_: options.Json = False,
) -> None:
    """Provenance, fingerprint and sizes of a run, of a compiled file, of motifs, a network or a genome file."""
    from kgnn.knowledge import genome_file_summary, is_motif_file, read_motifs
    from kgnn.structure import Kernels, describe, is_kernels_file, kernels_summary

    if path.is_dir():
        from kgnn.train.summary import run_summary

        summary = run_summary(load_run_folder(path))
    elif is_kernels_file(path):
        summary = {"kind": "kernels", **kernels_summary(Kernels.load(path))}
    elif is_motif_file(path):
        summary = {"kind": "motifs", **read_motifs(path).summary()}
    else:
        found = genome_file_summary(path, resolution=resolution)
        summary = found or file_summary(path)
    print_result(summary, describe(summary), json_)
