"""Commands on published knowledge: fetched, and compiled into the structure of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.inputs import OntologyOptions, takes_ontology
from kgnn.cli.output import print_result


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


@takes_ontology
def compile_(
    knowledge: OntologyOptions,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    genes: Annotated[Path | None, typer.Option(help="Text file with the measured genes, one a line.")] = None,
    states: Annotated[int, typer.Option(min=1, help="States a term, for the predicted cost of training.")] = 6,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples a step, for the predicted cost of training.")] = 256,
    json_: options.Json = False,
) -> None:
    """Compile an ontology and its annotations into the structure of a network, and predict what training costs."""
    from kgnn.knowledge import Provenance, read_gene_list
    from kgnn.structure import alignment_summary, compile_hierarchy, describe, hierarchy_cost, hierarchy_summary

    rules = knowledge.rules()
    read = knowledge.read()
    measured = None
    if genes is not None:
        measured, source = read_gene_list(genes)
        read = read.joined(Provenance((source,), (f"measured genes from {source.name}",)))
    hierarchy, alignment = compile_hierarchy(read.prune(genes=measured, **rules), measured, unannotated="drop")
    hierarchy.save(out)
    summary = hierarchy_summary(hierarchy) | alignment_summary(alignment) | {"out": str(out)}
    summary["read"] = {name: len(getattr(read, name)) for name in ("terms", "relations", "annotations")}
    summary["training_step"] = {
        "states": states, "batch_size": batch_size,
        **hierarchy_cost(hierarchy, n_states=states, batch_size=batch_size).to_json(),
    }  # fmt: skip
    print_result(summary, describe(summary), json_)
