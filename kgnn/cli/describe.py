"""Commands that say what something is: a published system, a run, a compiled file, a network, a file of motifs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder
from kgnn.cli.network import file_summary
from kgnn.cli.output import print_result

if TYPE_CHECKING:
    from kgnn.knowledge import Provenance


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
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print what to cite as BibTeX, and nothing else.")] = False,
    json_: options.Json = False,
) -> None:
    """Provenance, fingerprint and sizes of a run or of a file of any kind, and what to cite in a methods section."""
    from kgnn.knowledge import citations as cite
    from kgnn.structure import describe

    if path.is_dir():
        from kgnn.train.summary import run_summary
        from kgnn.zoo import cite_run

        run = load_run_folder(path)
        summary, cited = run_summary(run), cite_run(run)
    else:
        summary, provenance = _of_file(path, resolution)
        cited = (*cite.cite_sources(provenance), cite.cite_kgnn())
    text = "\n".join([describe(summary), "to cite", *cite.citation_lines(cited)])
    listed = [each.to_json() for each in cited]
    print_result(summary | {"citations": listed}, cite.bibtex(cited) if bibtex else text, json_)


def _of_file(path: Path, resolution: int | None) -> tuple[dict[str, Any], Provenance]:
    """What a file holds, and where that came from."""
    from kgnn.knowledge import Provenance, genome_file_summary, is_motif_file, read_motifs
    from kgnn.structure import Kernels, is_kernels_file, kernels_summary

    if is_kernels_file(path):
        summary = {"kind": "kernels", **kernels_summary(Kernels.load(path))}
    elif is_motif_file(path):
        summary = {"kind": "motifs", **read_motifs(path).summary()}
    else:
        summary = genome_file_summary(path, resolution=resolution) or file_summary(path)
    return summary, Provenance.from_json(summary["provenance"])
