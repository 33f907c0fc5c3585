"""The command line: one library call a command.

Results go to stdout, progress to stderr; a user's mistake is one line on stderr and exit code 2.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgnn.errors import KgnnError

if TYPE_CHECKING:
    import pandas

    from kgnn.knowledge import Ontology
    from kgnn.train import Run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Build a visible network from an ontology, train it, knock genes down, and see which subsystems matter.",
)

OntologyFile = Annotated[Path, typer.Option("--ontology", help="OBO, DrugCell's three columns or DCell's topology.")]
Annotations = Annotated[Path | None, typer.Option(help="GAF, GPAD, gene2go or a table of genes and terms.")]
Relations = Annotated[str, typer.Option(help="Relation types that make a parent, separated by commas.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that kgnn train wrote.")]
Out = Annotated[Path, typer.Option(help="File to write; a table is .tsv, .csv or .parquet.")]
Samples = Annotated[Path | None, typer.Option("--samples", help="Samples; those that the run held out by default.")]


@app.command()
def demo(out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo_output"), json_: Json = False) -> None:
    """The main job on the bundled default: blood cell types over the Gene Ontology."""
    from kgnn.demo import run_demo

    with _progress(json_) as progress:
        result = run_demo(out, progress=progress)
    _print(result.summary, result.text, json_)


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sources, see --list.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the sources.")] = False,
    json_: Json = False,
) -> None:
    """Download published releases, verify and cache them."""
    from kgnn.knowledge import fetch as fetch_source
    from kgnn.knowledge import list_sources

    if list_ or not names:
        rows = [vars(source) for source in list_sources()]
        _print(rows, "\n".join(f"{r['name']:<28} {r['release']:<12} {r['licence']:<12} {r['url']}" for r in rows), json_)
        return
    found = {name: str(fetch_source(name)) for name in names}
    _print(found, "\n".join(f"{name}\t{path}" for name, path in found.items()), json_)


@app.command("compile")
def compile_(
    ontology: OntologyFile,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    annotations: Annotations = None,
    format: Annotated[str | None, typer.Option(help="Format of the ontology, if not to be recognized.")] = None,
    root: Annotated[str | None, typer.Option(help="Keep this term and what is below it.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Keep one namespace: BP, MF, CC or its full name.")] = None,
    relations: Relations = "is_a,part_of",
    evidence: Annotated[str, typer.Option(help="Preset or evidence codes, separated by commas.")] = "all",
    prune: Annotated[str | None, typer.Option(help="A named pruning rule, such as drugcell.")] = None,
    min_genes: Annotated[int | None, typer.Option(help="Remove terms with fewer genes.")] = None,
    max_genes: Annotated[int | None, typer.Option(help="Remove terms with more genes.")] = None,
    min_extra_genes: Annotated[int | None, typer.Option(help="Fewest genes beyond the largest child.")] = None,
    max_depth: Annotated[int | None, typer.Option(help="Greatest depth below the root.")] = None,
    super_root: Annotated[str | None, typer.Option(help="Join several roots under a new term.")] = None,
    genes: Annotated[Path | None, typer.Option(help="Text file with the measured genes, one a line.")] = None,
    json_: Json = False,
) -> None:
    """Compile an ontology and its annotations into the structure of a network."""
    from kgnn.knowledge import losses_by_reason
    from kgnn.structure import compile_hierarchy

    rules = {"min_genes": min_genes, "max_genes": max_genes, "min_extra_genes": min_extra_genes}
    rules |= {"max_depth": max_depth, "super_root": super_root}
    read = _read_ontology(ontology, annotations, format, root, namespace, relations, evidence)
    measured = None if genes is None else [line.strip() for line in _lines(genes) if line.strip()]
    pruned = _prune(read, prune, rules)
    hierarchy, alignment = compile_hierarchy(pruned, measured, unannotated="drop")
    hierarchy.save(out)
    summary = _hierarchy_summary(hierarchy) | {
        "out": str(out),
        "read": {"terms": len(read.terms), "relations": len(read.relations), "annotations": len(read.annotations)},
        "dropped": [
            {"what": what, "reason": reason, "count": count}
            for (what, reason), count in losses_by_reason(pruned).items()
        ],
        "alignment": str(alignment),
    }
    _print(summary, _describe(summary), json_)


@app.command()
def train(
    ontology: OntologyFile,
    train: Annotated[Path, typer.Option("--train", help="Training samples, or DrugCell's folder.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    recipe: Annotated[str, typer.Option(help="A published system, see kgnn zoo.")] = "dcell",
    version: Annotated[str, typer.Option(help="Version of the recipe, see kgnn zoo NAME.")] = "",
    annotations: Annotations = None,
    format: Annotated[str | None, typer.Option(help="Format of the ontology, if not to be recognized.")] = None,
    root: Annotated[str | None, typer.Option(help="Keep this term and what is below it.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Keep one namespace: BP, MF, CC or its full name.")] = None,
    relations: Relations = "is_a,part_of",
    evidence: Annotated[str, typer.Option(help="Preset or evidence codes, separated by commas.")] = "all",
    prune: Annotated[str | None, typer.Option(help="A named pruning rule, such as drugcell.")] = None,
    min_genes: Annotated[int | None, typer.Option(help="Remove terms with fewer measured genes.")] = None,
    valid: Annotated[Path | None, typer.Option(help="Validation samples.")] = None,
    valid_fraction: Annotated[float | None, typer.Option(help="Share of the training samples to hold out.")] = None,
    test: Annotated[Path | None, typer.Option(help="Test samples, scored once at the end.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of an h5ad file, such as raw.")] = None,
    unannotated: Annotated[str, typer.Option(help="error or drop: genes without annotation.")] = "error",
    leave_out: Annotated[str | None, typer.Option(help="Covariates to leave out whole in further fits; none.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training samples.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, splits and order.")] = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other setting, key=value.")] = None,
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Skip the baselines.")] = False,
    json_: Json = False,
) -> None:
    """Train a published system on an ontology and samples, beside its baselines."""
    from kgnn.data import read_parts
    from kgnn.train.fit import BASELINES
    from kgnn.zoo import fit_recipe
    from kgnn.zoo import recipe as find_recipe

    chosen = find_recipe(recipe)
    settings = _settings(set_, {"epochs": epochs, "batch_size": batch_size, "valid_fraction": valid_fraction})
    read = _read_ontology(ontology, annotations, format, root, namespace, relations, evidence)
    parts = read_parts(
        train, valid=valid, test=test, genes=read.genes, target=target, meaning=meaning, layer=layer
    )
    pruned = _prune(read.prune(genes=parts.train.genes), prune, {"min_genes": min_genes})
    covariates = list(chosen.leave_out) if leave_out is None else [c for c in leave_out.split(",") if c != "none"]
    with _progress(json_) as progress:
        run = fit_recipe(
            chosen,
            pruned,
            parts.train,
            valid=parts.valid,
            test=parts.test,
            version=version,
            settings=settings | {"seed": seed},
            unannotated=unannotated,
            leave_out=covariates,
            baselines=() if no_baselines else BASELINES,
            out=out,
            progress=progress,
        )
    _print(run.metrics | {"out": str(out)}, _score_table(run), json_)


@app.command()
def predict(
    run: RunFolder,
    samples: Annotated[Path, typer.Option(help="Samples to predict.")],
    out: Out,
    layer: Annotated[str | None, typer.Option(help="Layer of an h5ad file, such as raw.")] = None,
    json_: Json = False,
) -> None:
    """Predict samples with a trained run."""
    from kgnn.data import write_table
    from kgnn.data.write import check_ending
    from kgnn.train import load_run
    from kgnn.train.predict import prediction_table

    check_ending(out)
    loaded = load_run(run)
    table = prediction_table(loaded.model, _samples_for(loaded, samples, layer))
    _wrote(table, write_table(table, out), json_)


@app.command()
def knockdown(
    run: RunFolder,
    out: Out,
    genes: Annotated[str | None, typer.Option(help="Genes, separated by commas.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every gene.")] = False,
    pairs: Annotated[str | None, typer.Option(help="Pairs A:B, separated by commas.")] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Every pair (of --genes where given).")] = False,
    subsystems: Annotated[str | None, typer.Option(help="Term ids, separated by commas, or all.")] = None,
    samples: Samples = None,
    layer: Annotated[str | None, typer.Option(help="Layer of an h5ad file, such as raw.")] = None,
    dose: Annotated[float, typer.Option(help="1 is a complete knockdown.")] = 1.0,
    json_: Json = False,
) -> None:
    """Knock genes, pairs of genes or subsystems down and write every effect."""
    from kgnn.data import write_table
    from kgnn.data.write import check_ending
    from kgnn.perturb import knockdown as knock_down
    from kgnn.train import load_run

    check_ending(out)
    loaded = load_run(run)
    table = knock_down(
        loaded,
        "all" if all_ else _listed(genes),
        pairs="all" if all_pairs else _pairs(pairs),
        subsystems="all" if subsystems == "all" else _listed(subsystems),
        samples=None if samples is None else _samples_for(loaded, samples, layer),
        dose=dose,
    )
    _wrote(table, write_table(table, out), json_)


@app.command()
def importance(
    run: RunFolder,
    out: Out,
    measure: Annotated[str, typer.Option(help="rlipp, sensitivity or knockdown.")] = "rlipp",
    samples: Samples = None,
    layer: Annotated[str | None, typer.Option(help="Layer of an h5ad file, such as raw.")] = None,
    target: Annotated[str, typer.Option(help="For RLIPP: observed or predicted.")] = "observed",
    n_null: Annotated[int | None, typer.Option(help="Repetitions of the null; 0 for none.")] = None,
    json_: Json = False,
) -> None:
    """Rank the subsystems, each beside a null."""
    from kgnn.data import write_table
    from kgnn.data.write import check_ending
    from kgnn.interpret import importance as rank
    from kgnn.train import load_run

    check_ending(out)
    loaded = load_run(run)
    given = None if samples is None else _samples_for(loaded, samples, layer)
    table = rank(loaded, measure, samples=given, target=target, n_null=n_null)
    _wrote(table, write_table(table, out), json_)


@app.command()
def report(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    json_: Json = False,
) -> None:
    """Write a run as one HTML page that opens without a network."""
    from kgnn.plot import report as write_report
    from kgnn.train import load_run

    path = write_report(load_run(run), out)
    _print({"out": str(path)}, f"wrote {path}", json_)


@app.command()
def zoo(
    name: Annotated[str | None, typer.Argument(help="A recipe.")] = None, json_: Json = False
) -> None:
    """The published systems, and the card of each."""
    from dataclasses import asdict

    from kgnn.zoo import RECIPES
    from kgnn.zoo import recipe as find_recipe

    if name is None:
        cards = [asdict(each.card) for each in RECIPES]
        _print(cards, "\n".join(f"{card['name']:<12} {card['year']}  {card['title']}" for card in cards), json_)
        return
    chosen = find_recipe(name)
    _print(asdict(chosen.card), chosen.describe(), json_)


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A run folder, or a compiled hierarchy.")], json_: Json = False
) -> None:
    """Provenance, fingerprint and sizes of a run or a compiled hierarchy."""
    from kgnn.structure import Hierarchy

    if path.is_dir():
        from kgnn.train import load_run

        run = load_run(path)
        summary: dict[str, Any] = {"kind": "run", "recipe": run.recipe, "settings": run.config, "versions": run.versions}
        summary |= {"n_samples": run.metrics["n_samples"], "n_parameters": run.metrics["n_parameters"]}
        summary |= _hierarchy_summary(run.hierarchy)
        summary["provenance"] = run.provenance.to_json()
    else:
        summary = {"kind": "hierarchy", **_hierarchy_summary(Hierarchy.load(path))}
    _print(summary, _describe(summary), json_)


def main() -> None:
    """Run the command line; a `KgnnError` becomes one line and exit code 2."""
    from kgnn.train.compilation import enable_compilation_cache

    enable_compilation_cache()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        sys.exit(app(standalone_mode=False))
    except KgnnError as problem:
        sys.exit(_fail(" ".join(str(problem).split())))
    except KeyboardInterrupt:
        print("interrupted; give the same command to go on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
    except typer.Abort:
        sys.exit(130)
    except Exception as problem:
        # Click's own errors (an unknown option, a missing value) carry their message and exit code.
        if not hasattr(problem, "format_message"):
            raise
        sys.exit(_fail(problem.format_message()))  # type: ignore[attr-defined]


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def _print(value: Any, text: str, as_json: bool) -> None:
    typer.echo(json.dumps(value, default=list) if as_json else text)


def _progress(as_json: bool) -> AbstractContextManager[Any]:
    from kgnn.train import RichProgress

    return nullcontext() if as_json and not sys.stderr.isatty() else RichProgress()


def _read_ontology(
    path: Path,
    annotations: Path | None,
    format: str | None,
    root: str | None,
    namespace: str | None,
    relations: str,
    evidence: str,
) -> Ontology:
    from kgnn.knowledge import EVIDENCE_PRESETS, read_ontology

    return read_ontology(
        path,
        annotations,
        format=format,
        root=root,
        namespace=namespace,
        relations=relations.split(","),
        evidence=evidence if evidence in EVIDENCE_PRESETS else evidence.split(","),
    )


def _prune(ontology: Ontology, preset: str | None, rules: dict[str, Any]) -> Ontology:
    from kgnn.errors import unknown_choice
    from kgnn.knowledge import PRUNING_PRESETS

    if preset is not None and preset not in PRUNING_PRESETS:
        raise unknown_choice("prune", preset, PRUNING_PRESETS)
    chosen = {} if preset is None else dict(PRUNING_PRESETS[preset])
    return ontology.prune(**chosen | {name: value for name, value in rules.items() if value is not None})


def _settings(pairs: list[str] | None, named: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise KgnnError(f"--set {pair!r} is not of the form key=value. For example: --set learning_rate=0.01.")
        settings[name.strip()] = value.strip()
    return settings


def _samples_for(run: Run, path: Path, layer: str | None) -> Any:
    """Samples for a trained run, with its columns; a genotype list gets all of them."""
    from kgnn.data import read_samples
    from kgnn.data.read import recognize_format

    genes = run.model.genes if recognize_format(path) == "genotype_list" else None
    return read_samples(path, genes=genes, meaning=None if genes else run.samples.meaning, layer=layer)


def _listed(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _pairs(text: str | None) -> list[tuple[str, str]] | None:
    if text is None:
        return None
    pairs = [tuple(gene.strip() for gene in pair.split(":")) for pair in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise KgnnError(f"--pairs {text!r} is not of the form A:B,C:D. Separate the genes of a pair with a colon.")
    return pairs  # type: ignore[return-value]


def _lines(path: Path) -> list[str]:
    from kgnn.knowledge.text import read_lines

    return list(read_lines(path))


def _wrote(table: pandas.DataFrame, path: Path, as_json: bool) -> None:
    _print({"out": str(path), "rows": len(table), "columns": list(table)}, f"wrote {len(table):,} rows to {path}", as_json)


def _score_table(run: Run) -> str:
    from kgnn.train.summary import score_table

    return score_table(run.metrics)


def _hierarchy_summary(hierarchy: Any) -> dict[str, Any]:
    return {
        "terms": hierarchy.n_terms,
        "relations": len(hierarchy.relation_child),
        "annotations": len(hierarchy.annotation_gene),
        "genes": hierarchy.n_genes,
        "levels": hierarchy.n_levels,
        "root": hierarchy.root,
        "fingerprint": hierarchy.fingerprint,
        "ontology_fingerprint": hierarchy.ontology_fingerprint,
        "provenance": hierarchy.provenance.to_json(),
    }


def _describe(summary: dict[str, Any]) -> str:
    """A summary as indented lines."""
    lines = []
    for name, value in summary.items():
        if name == "provenance":
            for source in value["sources"]:
                facts = [source["release"], source["licence"], f"sha256 {source['sha256'][:12]}", source["citation"]]
                lines.append(f"source       {source['name']}: " + "; ".join(fact for fact in facts if fact))
            lines += [f"  then       {step}" for step in value["transformations"]]
        elif name == "dropped":
            lines += [f"  dropped    {each['count']:>9,} {each['what']}s: {each['reason']}" for each in value]
        elif isinstance(value, dict):
            lines.append(f"{name:<12} " + ", ".join(f"{key} {item}" for key, item in value.items()))
        else:
            lines.append(f"{name:<12} {value:,}" if isinstance(value, int) else f"{name:<12} {value}")
    return "\n".join(lines)
