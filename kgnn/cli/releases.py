"""Commands on releases of knowledge: what changed between two, and a trained run carried over to the newer one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kgnn import options
from kgnn.cli.inputs import HierarchyOptions, OntologyOptions, load_run_folder, samples_for, takes_ontology
from kgnn.cli.output import print_result
from kgnn.errors import KgnnError


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="The older release.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The newer release.")],
    network: Annotated[bool, typer.Option("--network", help="A and B are networks.")] = False,
    annotations: options.Annotations = None,
    annotations_b: Annotated[Path | None, typer.Option(help="Annotations of B, where B has others than A.")] = None,
    format: options.Format = None,
    root: options.Root = None,
    namespace: options.Namespace = None,
    relations: options.Relations = None,
    evidence: options.Evidence = "all",
    run: Annotated[Path | None, typer.Option(help="A run trained on A: which of its subsystems B touches.")] = None,
    measure: Annotated[str, typer.Option(help="Of importance: rlipp, sensitivity or knockdown.")] = "rlipp",
    out: Annotated[Path | None, typer.Option(help="Table of all changes: .tsv, .csv or .parquet.")] = None,
    subsystems: Annotated[Path | None, typer.Option(help="Table of the subsystems of the run, the same.")] = None,
    json_: options.Json = False,
) -> None:
    """What changed between two releases, and what it means for a trained run."""
    from kgnn.data.write import check_ending
    from kgnn.knowledge import Ontology, is_motif_file, read_motifs, read_network
    from kgnn.knowledge import diff as compare
    from kgnn.structure import describe

    if subsystems is not None and run is None:
        raise KgnnError("--subsystems is given without --run. Name the run whose subsystems are meant.")
    for path in (out, subsystems):
        if path is not None:
            check_ending(path)
    trained = None if run is None else load_run_folder(run)
    if network or (is_motif_file(a) and is_motif_file(b)):
        given = {"annotations": annotations, "root": root, "namespace": namespace, "relations": relations, "run": run}
        for name, value in given.items():
            if value is not None:
                what = "networks" if network else "motifs"
                raise KgnnError(f"--{name} is given, but {a} and {b} are {what}. Leave it out.")
        older, newer = (read_network(each, format) if network else read_motifs(each) for each in (a, b))
    else:
        reading = {"format": format, "root": root, "namespace": namespace, "relations": relations, "evidence": evidence}
        older = OntologyOptions(ontology=a, annotations=annotations, **reading).read()
        newer = OntologyOptions(ontology=b, annotations=annotations_b or annotations, **reading).read()
    found = compare(older, newer)
    summary, text = found.summary(), str(found)
    tables = {out: found.table()}
    if trained is not None and isinstance(older, Ontology) and isinstance(newer, Ontology):
        from kgnn.interpret import touched_subsystems
        from kgnn.interpret.touched import touched_summary

        touched = touched_subsystems(trained, older, newer, measure=measure)
        tables[subsystems] = touched
        summary["run"] = {"run": str(run), "measure": measure, **touched_summary(touched)}
        text += f"\nof the run\n{describe(_rounded(summary['run']))}"
    print_result(summary, text + _write(tables), json_)


@takes_ontology
def migrate(
    knowledge: HierarchyOptions,
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    samples: Annotated[
        Path | None, typer.Option("--samples", help="Samples to measure statistics and drift on; else held-out ones.")
    ] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    threshold: Annotated[float, typer.Option(help="Least Jaccard index of a match by genes.")] = 0.7,
    fresh: Annotated[str, typer.Option(help="What a new edge starts from: drawn, or zero.")] = "drawn",
    unannotated: Annotated[str, typer.Option(help="drop, root or error: genes without annotation.")] = "drop",
    new_genes: Annotated[bool, typer.Option("--new-genes", help="Take in newly annotated genes of --samples.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of what starts fresh; else that of the run.")] = None,
    json_: options.Json = False,
) -> None:
    """Carry a trained run over to another release of its ontology."""
    from kgnn.train import migrate as carry_over
    from kgnn.train.fit import refuse_finished

    refuse_finished(out)
    rules = knowledge.rules()
    loaded = load_run_folder(run)
    given = samples_for(loaded, samples, layer, read, every_gene=new_genes)
    ontology, renaming = knowledge.read(), knowledge.renaming()
    if renaming is not None:
        ontology = renaming.apply(ontology, loaded.model.genes).ontology
    measured = dict.fromkeys([*loaded.model.genes, *(given.genes if new_genes and given is not None else ())])
    migration = carry_over(
        loaded,
        ontology.prune(genes=list(measured), **rules),
        samples=given,
        threshold=threshold,
        fresh=fresh,
        unannotated=unannotated,
        skips=knowledge.skips,
        new_genes=new_genes,
        seed=seed,
        out=out,
    )
    print_result({"out": str(out), **migration.summary}, f"{migration}\nwrote {out}", json_)


def _write(tables: dict[Path | None, Any]) -> str:
    from kgnn.data import write_table

    lines = ""
    for path, table in tables.items():
        if path is not None:
            write_table(table, path)
            lines += f"\nwrote {len(table):,} rows to {path}"
    return lines


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.1%}" if isinstance(value, float) else value for name, value in values.items()}
