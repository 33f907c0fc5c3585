"""The command that trains a published system."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kgnn import launch, options
from kgnn.cli.inputs import OntologyOptions, takes_ontology
from kgnn.cli.output import print_result, progress_of, reports_json, reports_text


@takes_ontology
def train(
    knowledge: OntologyOptions,
    train: Annotated[Path, typer.Option("--train", help="Training samples, or a folder: DrugCell's, or of kgnn pack.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    recipe: Annotated[str, typer.Option(help="A published system, see kgnn zoo.")] = "dcell",
    version: Annotated[str, typer.Option(help="Version of the recipe, see kgnn zoo NAME.")] = "",
    valid: Annotated[Path | None, typer.Option(help="Validation samples.")] = None,
    valid_fraction: Annotated[float | None, typer.Option(help="Share of the training samples to hold out.")] = None,
    test: Annotated[Path | None, typer.Option(help="Test samples, scored once at the end.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None,
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    unannotated: Annotated[str, typer.Option(help="error, drop or root: genes without annotation.")] = "error",
    leave_out: Annotated[str | None, typer.Option(help="Covariates to leave out whole in further fits; none.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training samples.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, splits and order.")] = 0,
    replicates: Annotated[int | None, typer.Option(help="Networks from seeds of their own, side by side.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other setting, key=value.")] = None,
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Skip the baselines.")] = False,
    devices: options.Devices = None,
    coordinator: options.Coordinator = None,
    processes: options.Processes = None,
    process_id: options.ProcessId = None,
    process_timeout: options.ProcessTimeout = 60,
    json_: options.Json = False,
) -> None:
    """Train a published system on an ontology and samples, beside its baselines."""
    group = launch.asked_group(coordinator, processes, process_id, process_timeout)
    if group is not None and not launch.is_worker():
        sys.exit(launch.run_worker(group))

    from kgnn.data import read_parts
    from kgnn.data.read import recognize_format
    from kgnn.train.compilation import enable_compilation_cache
    from kgnn.train.devices import place
    from kgnn.train.fit import BASELINES, refuse_finished
    from kgnn.train.processes import is_first_process
    from kgnn.train.summary import score_table
    from kgnn.zoo import fit_recipe
    from kgnn.zoo import recipe as find_recipe

    enable_compilation_cache()
    if group is not None:
        launch.join_group(group)
    place(devices)
    refuse_finished(out)
    chosen = find_recipe(recipe)
    given = {"epochs": epochs, "batch_size": batch_size, "valid_fraction": valid_fraction, "seed": seed}
    given["replicates"] = replicates
    settings = {name: value for name, value in given.items() if value is not None} | options.key_values(set_, "--set")
    rules, renaming = knowledge.rules(), knowledge.renaming()
    ontology, reports = knowledge.read(), {}
    columns = None if target is None else options.one_or_listed(target)
    reading = {"target": columns, "meaning": meaning, "layer": layer} | options.reading_options(read)
    covariates = () if leave_out in (None, "none") else options.listed(leave_out) or ()
    read_all = partial(read_parts, train, valid=valid, test=test, **reading)
    parts = read_all(genes=ontology.genes if renaming is None else ())
    if renaming is not None:
        ontology, reports = renaming.apply(ontology, parts.train.genes)
        if (reading.get("format") or recognize_format(train)) == "genotype_list":
            # Its columns are the genes of the ontology, which go by other names now.
            parts = read_all(genes=ontology.genes)
    with progress_of(json_) as progress:
        run = fit_recipe(
            chosen,
            ontology.prune(genes=parts.train.genes, **rules),
            parts.train,
            valid=parts.valid,
            test=parts.test,
            version=version,
            settings=settings,
            unannotated=unannotated,
            skips=knowledge.skips,
            leave_out=chosen.leave_out if leave_out is None else covariates,
            baselines=() if no_baselines else BASELINES,
            out=out,
            progress=progress,
            devices=devices,
        )
    if is_first_process():
        result = run.metrics | reports_json(reports) | {"out": str(out)}
        print_result(result, reports_text(reports) + score_table(run.metrics), json_)
    if group is not None:
        launch.leave_group()
