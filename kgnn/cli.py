"""The command line: one library call a command.

Results go to stdout, progress to stderr; a user's mistake is one line on stderr and exit code 2.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from kgnn import launch, options
from kgnn.errors import KgnnError

if TYPE_CHECKING:
    import pandas

    from kgnn.train import Run

INTERRUPTED = 130
USER_MISTAKE = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Build a visible network from an ontology, train it, knock genes down, and see which subsystems matter.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"kgnn {version('kgnn')}")
        except PackageNotFoundError:
            typer.echo("kgnn, not installed")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def kgnn(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build a visible network from an ontology, train it, knock genes down, and see which subsystems matter."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo_output"), json_: options.Json = False
) -> None:
    """The main job on the bundled default: blood cell types over the Gene Ontology."""
    from kgnn.demo import run_demo

    with _progress(json_) as progress:
        result = run_demo(out, progress=progress)
    _print(result.summary, result.text, json_)


@app.command()
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
        _print({"sources": rows}, text, json_)
        return
    found = {name: str(fetch_source(name)) for name in names}
    _print(found, "\n".join(f"{name}\t{path}" for name, path in found.items()), json_)


@app.command("compile")
def compile_(
    ontology: options.OntologyFile,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    annotations: options.Annotations = None,
    format: options.Format = None,
    root: options.Root = None,
    namespace: options.Namespace = None,
    relations: options.Relations = "is_a,part_of",
    evidence: options.Evidence = "all",
    prune: options.Prune = None,
    min_genes: options.MinGenes = None,
    max_genes: options.MaxGenes = None,
    min_extra_genes: options.MinExtraGenes = None,
    max_depth: options.MaxDepth = None,
    super_root: options.SuperRoot = None,
    genes: Annotated[Path | None, typer.Option(help="Text file with the measured genes, one a line.")] = None,
    states: Annotated[int, typer.Option(min=1, help="States a term, for the predicted cost of training.")] = 6,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples a step, for the predicted cost of training.")] = 256,
    json_: options.Json = False,
) -> None:
    """Compile an ontology and its annotations into the structure of a network, and predict what training costs."""
    from kgnn.knowledge import pruning_rules, read_ontology
    from kgnn.knowledge.text import read_lines
    from kgnn.structure import alignment_summary, compile_hierarchy, describe, hierarchy_cost, hierarchy_summary

    rules = pruning_rules(
        prune, min_genes=min_genes, max_genes=max_genes, min_extra_genes=min_extra_genes, max_depth=max_depth,
        super_root=super_root,
    )  # fmt: skip
    read = read_ontology(
        ontology, annotations, format=format, root=root, namespace=namespace, relations=options.listed(relations) or (),
        evidence=options.one_or_listed(evidence),
    )  # fmt: skip
    measured = None if genes is None else [line.strip() for line in read_lines(genes) if line.strip()]
    hierarchy, alignment = compile_hierarchy(read.prune(genes=measured, **rules), measured, unannotated="drop")
    hierarchy.save(out)
    summary = hierarchy_summary(hierarchy) | alignment_summary(alignment) | {"out": str(out)}
    summary["read"] = {name: len(getattr(read, name)) for name in ("terms", "relations", "annotations")}
    summary["training_step"] = {
        "states": states, "batch_size": batch_size,
        **hierarchy_cost(hierarchy, n_states=states, batch_size=batch_size).to_json(),
    }  # fmt: skip
    _print(summary, describe(summary), json_)


@app.command()
def train(
    ontology: options.OntologyFile,
    train: Annotated[Path, typer.Option("--train", help="Training samples, or a folder: DrugCell's, or of kgnn pack.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    recipe: Annotated[str, typer.Option(help="A published system, see kgnn zoo.")] = "dcell",
    version: Annotated[str, typer.Option(help="Version of the recipe, see kgnn zoo NAME.")] = "",
    annotations: options.Annotations = None,
    format: options.Format = None,
    root: options.Root = None,
    namespace: options.Namespace = None,
    relations: options.Relations = "is_a,part_of",
    evidence: options.Evidence = "all",
    prune: options.Prune = None,
    min_genes: options.MinGenes = None,
    max_genes: options.MaxGenes = None,
    min_extra_genes: options.MinExtraGenes = None,
    max_depth: options.MaxDepth = None,
    super_root: options.SuperRoot = None,
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
    from kgnn.knowledge import pruning_rules, read_ontology
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
    rules = pruning_rules(
        prune, min_genes=min_genes, max_genes=max_genes, min_extra_genes=min_extra_genes, max_depth=max_depth,
        super_root=super_root,
    )  # fmt: skip
    knowledge = read_ontology(
        ontology, annotations, format=format, root=root, namespace=namespace, relations=options.listed(relations) or (),
        evidence=options.one_or_listed(evidence),
    )  # fmt: skip
    columns = None if target is None else options.one_or_listed(target)
    reading = {"target": columns, "meaning": meaning, "layer": layer} | options.reading_options(read)
    covariates = () if leave_out in (None, "none") else options.listed(leave_out) or ()
    parts = read_parts(train, valid=valid, test=test, genes=knowledge.genes, **reading)
    with _progress(json_) as progress:
        run = fit_recipe(
            chosen,
            knowledge.prune(genes=parts.train.genes, **rules),
            parts.train,
            valid=parts.valid,
            test=parts.test,
            version=version,
            settings=settings,
            unannotated=unannotated,
            leave_out=chosen.leave_out if leave_out is None else covariates,
            baselines=() if no_baselines else BASELINES,
            out=out,
            progress=progress,
            devices=devices,
        )
    if is_first_process():
        _print(run.metrics | {"out": str(out)}, score_table(run.metrics), json_)
    if group is not None:
        launch.leave_group()


@app.command()
def pack(
    samples: Annotated[Path, typer.Argument(metavar="SAMPLES", help="Samples in any format that kgnn reads.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None,
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None,
    layer: options.Layer = None,
    read: options.Read = None,
    json_: options.Json = False,
) -> None:
    """Write samples as a folder that is read as it is used: for sets larger than memory; 0 and 1 take a bit each."""
    from kgnn.data import read_samples, write_packed
    from kgnn.data.packed import refuse_packed
    from kgnn.data.read import recognize_format

    refuse_packed(out)
    columns = None if target is None else options.one_or_listed(target)
    reading = {"target": columns, "meaning": meaning, "layer": layer} | options.reading_options(read)
    backed = samples.exists() and reading.get("format", recognize_format(samples)) == "h5ad"
    found = read_samples(samples, backed=backed, **reading)
    write_packed(found, out)
    size = sum(file.stat().st_size for file in out.iterdir())
    summary = {"out": str(out), "samples": len(found), "genes": len(found.genes), "bytes": size}
    _print(
        summary, f"wrote {len(found):,} samples of {len(found.genes):,} genes to {out} ({size / 1e6:,.1f} MB)", json_
    )


@app.command()
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
    loaded = _load(run)
    _write(prediction_table(loaded.model, _samples_for(loaded, samples, layer, read)), out, json_)


@app.command()
def knockdown(
    run: options.RunFolder,
    out: options.Out,
    genes: Annotated[str | None, typer.Option(help="Genes, separated by commas.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every gene.")] = False,
    pairs: Annotated[str | None, typer.Option(help="Pairs A:B, separated by commas.")] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Every pair (of --genes where given).")] = False,
    subsystems: Annotated[str | None, typer.Option(help="Term ids, separated by commas, or all.")] = None,
    samples: options.SamplesFile = None,
    layer: options.Layer = None,
    read: options.Read = None,
    dose: Annotated[float, typer.Option(help="1 is a complete knockdown.")] = 1.0,
    scale: Annotated[str, typer.Option(help="natural, or log_odds for classes and labels.")] = "natural",
    json_: options.Json = False,
) -> None:
    """Knock genes, pairs of genes or subsystems down and write every effect."""
    from kgnn.data.write import check_ending
    from kgnn.perturb import knockdown as knock_down

    check_ending(out)
    loaded = _load(run)
    effects = knock_down(
        loaded,
        "all" if all_ else options.listed(genes),
        pairs="all" if all_pairs else options.gene_pairs(pairs),
        subsystems="all" if subsystems == "all" else options.listed(subsystems),
        samples=_samples_for(loaded, samples, layer, read),
        dose=dose,
        scale=scale,
    )
    _write(effects, out, json_)


@app.command()
def screen(
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(help="File or folder to write: .parquet or .zarr.")],
    genes: Annotated[str | None, typer.Option(help="Genes, separated by commas.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every gene.")] = False,
    pairs: Annotated[str | None, typer.Option(help="Pairs A:B, separated by commas, or all.")] = None,
    samples: options.SamplesFile = None,
    layer: options.Layer = None,
    read: options.Read = None,
    dose: Annotated[float, typer.Option(help="1 is a complete knockdown.")] = 1.0,
    scale: Annotated[str, typer.Option(help="natural, or log_odds for classes and labels.")] = "natural",
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
    loaded = _load(run)
    with CountProgress("rows", shown=not json_ or sys.stderr.isatty()) as progress:
        screen_genes(
            loaded,
            "all" if all_ else options.listed(genes),
            pairs="all" if pairs == "all" else options.gene_pairs(pairs),
            samples=_samples_for(loaded, samples, layer, read),
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
    _print(summary, f"computed {progress.total:,} knockdowns, wrote {out}", json_)


@app.command()
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
    loaded = _load(run)
    given = _samples_for(loaded, samples, layer, read)
    _write(rank(loaded, measure, samples=given, target=target, n_null=n_null), out, json_)


@app.command()
def report(
    run: options.RunFolder, out: Annotated[Path, typer.Option(help="HTML file to write.")], json_: options.Json = False
) -> None:
    """Write a run as one HTML page that opens without a network."""
    from kgnn.plot import report as write_report

    path = write_report(_load(run), out)
    _print({"out": str(path)}, f"wrote {path}", json_)


@app.command()
def zoo(name: Annotated[str | None, typer.Argument(help="A recipe.")] = None, json_: options.Json = False) -> None:
    """The published systems, and the card of each."""
    from dataclasses import asdict

    from kgnn.zoo import RECIPES
    from kgnn.zoo import recipe as find_recipe

    if name is None:
        cards = [each.card for each in RECIPES]
        text = "\n".join(f"{card.name:<12} {card.year}  {card.title}" for card in cards)
        _print({"recipes": [asdict(card) for card in cards]}, text, json_)
        return
    chosen = find_recipe(name)
    _print(asdict(chosen.card), chosen.describe(), json_)


@app.command()
def info(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A run folder, or a compiled hierarchy.")],
    json_: options.Json = False,
) -> None:
    """Provenance, fingerprint and sizes of a run or a compiled hierarchy."""
    from kgnn.structure import Hierarchy, describe, hierarchy_summary

    if path.is_dir():
        from kgnn.train.summary import run_summary

        summary = run_summary(_load(path))
    else:
        summary = {"kind": "hierarchy", **hierarchy_summary(Hierarchy.load(path))}
    _print(summary, describe(summary), json_)


def main() -> None:
    """Run the command line; a user's mistake becomes one line on stderr and exit code 2."""
    if launch.is_worker():
        launch.become_worker()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    # That JAX could use another device than it found is no news to someone who reads results.
    logging.getLogger("jax").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # What libraries deprecate concerns those who call them.
            for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", kind)
            code = app(standalone_mode=False)
    except KgnnError as problem:
        _exit(_fail(str(problem)))
    except OSError as problem:
        where = "" if problem.filename is None else f"{problem.filename}: "
        _exit(_fail(f"{where}{problem.strerror or problem}."))
    except Exception as problem:
        # Click's own errors (an unknown option, a missing value) carry their message; anything else is a defect.
        if not hasattr(problem, "format_message"):
            if launch.is_worker():
                launch.end_worker_on(problem)
            raise
        _exit(_fail(problem.format_message()))  # type: ignore[attr-defined]
    if code == INTERRUPTED:
        last = {"train": "checkpoint", "screen": "finished block"}.get("".join(sys.argv[1:2]))
        again = f"; give the same command to go on from the last {last}" if last else ""
        print(f"interrupted{again}", file=sys.stderr)
    _exit(code)


def _exit(code: int | None) -> NoReturn:
    if launch.is_worker() and code:
        launch.end_worker(code)
    sys.exit(code)


def _fail(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return USER_MISTAKE


def _print(value: Mapping[str, Any], text: str, as_json: bool) -> None:
    typer.echo(json.dumps(_strict(value), allow_nan=False) if as_json else text)


def _strict(value: Any) -> Any:
    """The same value in the types of JSON, None in place of what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _progress(as_json: bool) -> AbstractContextManager[Any]:
    from kgnn.train import RichProgress

    return nullcontext() if as_json and not sys.stderr.isatty() else RichProgress()


def _load(folder: Path) -> Run:
    from kgnn.train import load_run
    from kgnn.train.compilation import enable_compilation_cache

    enable_compilation_cache()
    return load_run(folder)


def _samples_for(run: Run, path: Path | None, layer: str | None, read: list[str] | None) -> Any:
    """Samples with the genes and the unit that a run knows; None where no file is given."""
    from kgnn.data import read_samples

    reading = {"layer": layer, **options.reading_options(read)}
    if path is None:
        unused = [f"--{name}" for name, value in (("layer", layer), ("read", read)) if value]
        if unused:
            raise KgnnError(f"{', '.join(unused)} is given without --samples. Name a file, or leave it out.")
        return None
    return read_samples(path, genes=run.model.genes, **{"meaning": run.samples.meaning, **reading})


def _write(table: pandas.DataFrame, path: Path, as_json: bool) -> None:
    from kgnn.data import write_table

    write_table(table, path)
    summary = {"out": str(path), "rows": len(table), "columns": list(table)}
    _print(summary, f"wrote {len(table):,} rows to {path}", as_json)
