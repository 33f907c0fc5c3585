"""Commands that say what something is: a published system, a run, a compiled file, a file of motifs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder
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
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A run folder, a compiled file, or motifs.")],
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print what to cite as BibTeX, and nothing else.")] = False,
    json_: options.Json = False,
) -> None:
    """Provenance, fingerprint and sizes of a run, a compiled file or motifs, and what to cite in a methods section."""
    from kgnn.knowledge import citations as cite
    from kgnn.knowledge import is_motif_file, read_motifs
    from kgnn.structure import Hierarchy, Kernels, describe, hierarchy_summary, is_kernels_file, kernels_summary

    if path.is_dir():
        from kgnn.train.summary import run_summary
        from kgnn.zoo import cite_run

        run = load_run_folder(path)
        summary, cited = run_summary(run), cite_run(run)
    else:
        if is_kernels_file(path):
            found = Kernels.load(path)
            summary = {"kind": "kernels", **kernels_summary(found)}
        elif is_motif_file(path):
            found = read_motifs(path)
            summary = {"kind": "motifs", **found.summary()}
        else:
            found = Hierarchy.load(path)
            summary = {"kind": "hierarchy", **hierarchy_summary(found)}
        cited = (*cite.cite_sources(found.provenance), cite.cite_kgnn())
    text = "\n".join([describe(summary), "to cite", *cite.citation_lines(cited)])
    listed = [each.to_json() for each in cited]
    print_result(summary | {"citations": listed}, cite.bibtex(cited) if bibtex else text, json_)
