"""The bake-off on the command line: ``kgnn compare``."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgnn import options
from kgnn.cli.contacts import ContactOptions
from kgnn.cli.inputs import OntologyOptions, takes_ontology
from kgnn.cli.network import NetworkOptions
from kgnn.cli.output import print_result, progress_of, reports_text
from kgnn.cli.relatives import read_with_relatives
from kgnn.cli.training import MotifOptions
from kgnn.errors import KgnnError, unknown_choice

if TYPE_CHECKING:
    from kgnn.data import Samples

TASKS = ("pbmc", "toy")
_NETWORK = "Network for graph networks: STRING, BioGRID, SIF …"
_TASK = (
    "A bundled task: pbmc (blood cells and the Gene Ontology) or toy (planted); else give --train. One replicate a "
    "network; dcell trains as in kgnn demo, or as the toy needs it, and other recipes by their own settings."
)
_RECIPES = (
    "Recipes, separated by commas, with a version as gene_transformer:plain; else all that fit, but no autoencoder: "
    "it predicts its own input."
)


@dataclass(frozen=True, kw_only=True)
class KnowledgeOptions(OntologyOptions, ContactOptions):
    """The options that give knowledge of several kinds at once; see `OntologyOptions` and `ContactOptions` as well.

    Attributes:
        ontology: The file of the ontology; None where there is none.
        network: The file of a network; None where there is none.
        threshold: Least weight of an edge of the network.
        motifs: The file of motifs, or a release; None where there are none.
        contacts: The file of contacts, which the samples are windows of; None where there are none.
    """

    ontology: Annotated[  # type: ignore[assignment]
        Path | None, typer.Option("--ontology", help="Hierarchy for visible networks; see kgnn compile --help.")
    ] = None
    network: Annotated[Path | None, typer.Option(help=_NETWORK)] = None
    threshold: Annotated[float | None, typer.Option(help="Network: least weight, in the unit of the file.")] = None
    motifs: Annotated[str | None, typer.Option(help="Motifs for sequence models: a file, or JASPAR2024.")] = None
    contacts: Annotated[
        Path | None, typer.Option(help="Hi-C for models of windows: .cool, .mcool, BEDPE, dump, or compiled.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The options of ``kgnn compare`` besides its knowledge.

    Attributes:
        task: A bundled task; None for samples of one's own.
        train: All samples; the folds are cut from them.
        target: Columns to predict.
        meaning: What a number means.
        layer: Of an h5ad file.
        read: Further arguments of `kgnn.read_samples`.
        recipes: Names of recipes.
        controls: Controls of every recipe.
        learners: Learners without knowledge.
        folds: Folds a seed.
        seeds: Number of seeds.
        group: Covariate that stays on one side of every split.
        allow: Leaks that are meant.
        select: Genes to keep, selected inside every fold.
        score: Headline score.
        epochs: Passes over the training samples.
        set_: Settings of training and options of recipes.
        grid: Settings with several values each.
        out: Table to write.
        picture: Picture to write.
        json_: Whether to print one JSON object.
    """

    task: Annotated[str | None, typer.Option(help=_TASK)] = None
    train: Annotated[Path | None, typer.Option("--train", help="All samples; the folds are cut from them.")] = None
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None
    layer: options.Layer = None
    read: options.Read = None
    recipes: Annotated[str | None, typer.Option(help=_RECIPES)] = None
    controls: Annotated[str, typer.Option(help="Of every recipe: dense, shuffled, random; none.")] = (
        "dense,shuffled,random"
    )
    learners: Annotated[str, typer.Option(help="mean, linear, elastic_net, forest, boosting; none.")] = (
        "mean,linear,elastic_net,forest,boosting"
    )
    folds: Annotated[int, typer.Option(min=2, help="Folds a seed.")] = 5
    seeds: Annotated[int, typer.Option(min=1, help="Times that the samples are dealt into folds.")] = 1
    group: Annotated[str | None, typer.Option(help="Column whose values stay on one side of a split: donor.")] = None
    allow: Annotated[str | None, typer.Option(help="Leaks that are meant: columns as donor, duplicates.")] = None
    select: Annotated[int, typer.Option(min=0, help="Genes to keep, selected inside every fold.")] = 0
    score: Annotated[str | None, typer.Option(help="Headline score; else that of the task.")] = None
    epochs: Annotated[int | None, typer.Option(help="Passes over the training samples.")] = None
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other setting: key=value, dcell.key=value.")] = (
        None
    )
    grid: Annotated[
        list[str] | None, typer.Option("--grid", help="Values to choose among inside the folds, key=a,b,c.")
    ] = None
    out: Annotated[Path | None, typer.Option(help="Table to write: .tsv, .csv or .parquet.")] = None
    picture: Annotated[Path | None, typer.Option("--picture", help="Picture to write: .png, .svg or .pdf.")] = None
    json_: options.Json = False

    def settings(self) -> dict[str, Any]:
        """Settings that were given."""
        epochs = {} if self.epochs is None else {"epochs": self.epochs}
        return epochs | options.key_values(self.set_, "--set")

    def values(self) -> dict[str, list[str]]:
        """Settings with several values each."""
        return {name: options.listed(text) or [] for name, text in options.key_values(self.grid, "--grid").items()}


@dataclass(frozen=True)
class Given:
    """What takes part.

    Attributes:
        samples: All samples.
        knowledge: By kind.
        settings: Settings that suit a bundled task.
        reports: What became of names of genes.
        related: Columns that were read because of their names.
    """

    samples: Samples
    knowledge: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)
    related: tuple[str, ...] = ()

    def settings_with(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Those of the task, unless others were asked for, of one recipe or of all."""
        return {name: value for name, value in self.settings.items() if name.rpartition(".")[2] not in asked} | asked

    def text(self) -> str:
        """What was done to the samples, a line each."""
        related = f"covariates   {', '.join(self.related)}: read by name, to look for leaks\n" if self.related else ""
        return reports_text(self.reports) + related


@takes_ontology
def compare(knowledge: KnowledgeOptions, chosen: CompareOptions) -> None:
    """Ask whether the knowledge is worth it: networks, their controls and plain learners on the same nested folds."""
    from kgnn.bakeoff import compare as bake_off
    from kgnn.data.write import check_ending
    from kgnn.plot import contest
    from kgnn.plot.canvas import check_picture, save_picture

    if chosen.out is not None:
        check_ending(chosen.out)
    if chosen.picture is not None:
        check_picture(chosen.picture)
    given = bundled_task(chosen, knowledge) if chosen.task is not None else _own(chosen, knowledge)
    with progress_of(chosen.json_) as progress:
        found = bake_off(
            given.samples,
            given.knowledge,
            recipes=options.listed(chosen.recipes),
            controls=_named(chosen.controls),
            learners=_named(chosen.learners),
            n_folds=chosen.folds,
            seeds=chosen.seeds,
            group=chosen.group,
            allow=options.listed(chosen.allow) or (),
            select=chosen.select,
            score=chosen.score,
            settings=given.settings_with(chosen.settings()),
            grid=chosen.values(),
            out=chosen.out,
            progress=progress,
        )
    text = given.text() + found.text()
    if chosen.picture is not None:
        save_picture(contest(found.table(), found.worth()), chosen.picture)
    wrote = {"out": chosen.out, "picture": chosen.picture}
    written = {name: str(path) for name, path in wrote.items() if path is not None}
    print_result(
        found.to_json() | {"covariates": list(given.samples.covariates)} | written,
        "\n".join([text, *(f"wrote {path}" for path in written.values())]),
        chosen.json_,
    )


def _named(text: str) -> list[str]:
    return [] if text == "none" else options.listed(text) or []


def bundled_task(chosen: CompareOptions, knowledge: KnowledgeOptions) -> Given:
    """A bundled task, with further knowledge where that is given.

    Args:
        chosen: Names the task.
        knowledge: What else there is besides its ontology.

    Returns:
        Its samples, knowledge and settings: those that were chosen for DCell are DCell's alone.

    Raises:
        KgnnError: If there is no such task, or samples or an ontology are given as well.
    """
    if chosen.task not in TASKS:
        raise unknown_choice("task", chosen.task, TASKS)
    if chosen.train is not None or knowledge.ontology is not None:
        raise KgnnError(f"--task {chosen.task} brings its own samples and ontology. Leave out --train and --ontology.")
    if chosen.task == "toy":
        from kgnn.data import toy

        example = toy("xor", n_samples=400, n_genes=30)
        small = {"epochs": 60, "batch_size": 32, "learning_rate": 0.02, "dropout": 0.0}
        return Given(example.samples, {"ontology": example.ontology} | _others(knowledge), _short(small))
    from kgnn.demo import CONFIG, MODEL, PRUNING, demo_ontology, demo_samples

    samples = demo_samples()
    ontology = demo_ontology().prune(genes=samples.genes, **PRUNING)
    names = ("epochs", "batch_size", "optimizer", "learning_rate", "weight_decay", "auxiliary_weight", "average")
    settings = {name: getattr(CONFIG, name) for name in names} | {"dropout": MODEL["dropout"]}
    return Given(samples, {"ontology": ontology} | _others(knowledge), _short(settings))


def _short(of_dcell: dict[str, Any]) -> dict[str, Any]:
    """Settings of a bundled task: some of DCell alone, and for all what keeps the task short."""
    return {"replicates": 1} | {f"dcell.{name}": value for name, value in of_dcell.items()}


def _own(chosen: CompareOptions, knowledge: KnowledgeOptions) -> Given:
    """Samples and knowledge from files."""
    from kgnn.data import place_windows

    if chosen.train is None:
        raise KgnnError(f"there are no samples. Give --train FILE, or a bundled task: --task {' or '.join(TASKS)}.")
    columns = None if chosen.target is None else options.one_or_listed(chosen.target)
    reading = {"target": columns, "meaning": chosen.meaning, "layer": chosen.layer}
    reading |= options.reading_options(chosen.read)
    found, reports, ontology = _others(knowledge), {}, None
    if knowledge.ontology is not None:
        ontology = knowledge.read()
    renaming = knowledge.renaming()
    named = () if ontology is None or renaming is not None else ontology.genes
    allow = options.listed(chosen.allow) or ()
    samples, related = read_with_relatives(chosen.train, named, reading, group=chosen.group, allow=allow)
    if knowledge.contacts is not None:
        contacts = ContactOptions(**{each.name: getattr(knowledge, each.name) for each in fields(ContactOptions)})
        found["contacts"], (samples,) = place_windows(contacts.network(None), samples)
    if ontology is not None:
        if renaming is not None:
            ontology, reports = renaming.apply(ontology, samples.genes)
        found["ontology"] = ontology.prune(genes=samples.genes, **knowledge.rules())
    return Given(samples, found, {}, dict(reports), related)


def _others(given: KnowledgeOptions) -> dict[str, Any]:
    """A network and motifs, where they are given."""
    found = {}
    if given.network is not None:
        network = NetworkOptions(network=given.network, threshold=given.threshold)
        found["network"] = replace(network, names=given.names).read(None, "all")
    if given.motifs is not None:
        found["motifs"] = MotifOptions(motifs=given.motifs).read(None)
    return found
