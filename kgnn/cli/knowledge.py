"""Commands on published knowledge: fetched, and compiled into the structure of a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgnn import options
from kgnn.cli.alternatives import instead_of_ontology
from kgnn.cli.contacts import CONTACTS
from kgnn.cli.inputs import HierarchyOptions, takes_ontology
from kgnn.cli.network import NETWORK
from kgnn.cli.output import print_result, reports_text

if TYPE_CHECKING:
    from kgnn.layers import Tuning
    from kgnn.structure import Hierarchy


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sources, see --list.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the sources.")] = False,
    json_: options.Json = False,
) -> None:
    """Download published releases, verify and cache them."""
    from kgnn.knowledge import fetch as fetch_source
    from kgnn.knowledge import list_sources

    if list_ or not names:
        rows = [vars(source) for source in list_sources()]
        text = "\n".join(f"{r['name']:<28} {r['release']:<12} {r['licence']:<12} {r['url']}" for r in rows)
        print_result({"sources": rows}, text, json_)
        return
    found = {name: str(fetch_source(name)) for name in names}
    print_result(found, "\n".join(f"{name}\t{path}" for name, path in found.items()), json_)


@instead_of_ontology(NETWORK, CONTACTS)
@takes_ontology
def compile_(
    knowledge: HierarchyOptions,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    genes: Annotated[Path | None, typer.Option(help="Measured genes, one a line, or DrugCell's gene2ind.txt.")] = None,
    states: Annotated[int, typer.Option(min=1, help="States a term, for the predicted cost of training.")] = 6,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples a step, for the predicted cost of training.")] = 256,
    tune: Annotated[
        bool, typer.Option("--tune", help="Measure which layout of the products is fastest here, and keep it.")
    ] = False,
    no_cache: options.NoCache = False,
    json_: options.Json = False,
) -> None:
    """Compile an ontology with its annotations, a network of genes, or contacts, into the structure of a network."""
    from kgnn.structure import compile_files, compiled_summary, describe

    compiled = compile_files(
        knowledge.ontology, knowledge.annotations, genes=genes, rules=knowledge.rules(),
        skips=knowledge.skips or "direct", renaming=knowledge.renaming(), cache=not no_cache, **knowledge.reading(),
    )  # fmt: skip
    compiled.hierarchy.save(out)
    summary = compiled_summary(compiled, n_states=states, batch_size=batch_size) | {"out": str(out)}
    text = reports_text(compiled.reports) + describe(summary)
    if tune:
        tuning = _tune(compiled.hierarchy, states, batch_size, json_)
        summary |= {"layout": "measured", "tuning": tuning.to_json()}
        text += f"\n\n{tuning.table()}\n" + ("not kept" if tuning.path is None else f"kept in {tuning.path}")
    print_result(summary, text, json_)


def _tune(hierarchy: Hierarchy, states: int, batch_size: int, as_json: bool) -> Tuning:
    from kgnn.layers import SubsystemSettings
    from kgnn.layers import tune as tune_layout
    from kgnn.train.progress import CountProgress

    with CountProgress("layouts", shown=not as_json or sys.stderr.isatty()) as progress:
        return tune_layout(hierarchy, SubsystemSettings(states), batch_size=batch_size, progress=progress)
