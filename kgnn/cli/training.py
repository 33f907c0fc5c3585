"""What a network is trained on: an ontology, a network, motifs or contacts, each met with samples in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from kgnn import options
from kgnn.cli.contacts import ContactOptions
from kgnn.cli.inputs import HierarchyOptions
from kgnn.cli.network import NetworkOptions

if TYPE_CHECKING:
    from kgnn.data import Parts
    from kgnn.knowledge import Ontology


@dataclass(frozen=True, kw_only=True)
class MotifOptions:
    """The options of a command that compiles motifs, see `kgnn.cli.alternatives`.

    Attributes:
        motifs: The file or the release; None where something else is compiled.
        length: Positions of a filter.
        values: What a filter holds.
        both_strands: Whether every motif has a filter for either strand.
        offset: Where a narrow motif lies.
        crop: Whether wider motifs are cut.
        pseudocount: Sites of pure background.
        ids: Motif ids to keep.
        factors: Transcription factors to keep.
        choose: Further choices of a release.
    """

    motifs: Annotated[str | None, typer.Option(help="Motifs instead of an ontology: a file, or JASPAR2024.")] = None
    length: Annotated[int | None, typer.Option(min=1, help="Motifs: positions of a filter.")] = None
    values: Annotated[str | None, typer.Option(help="Motifs: log_odds, probabilities, centered, information.")] = None
    both_strands: Annotated[bool, typer.Option("--both-strands", help="Motifs: add reverse complements.")] = False
    offset: Annotated[str | None, typer.Option(help="Motifs: left, center or right.")] = None
    crop: Annotated[bool, typer.Option("--crop", help="Motifs: cut wider ones.")] = False
    pseudocount: Annotated[float | None, typer.Option(help="Motifs: sites of pure background added.")] = None
    ids: Annotated[str | None, typer.Option(help="Motifs: ids to keep, separated by commas.")] = None
    factors: Annotated[str | None, typer.Option(help="Motifs: factors to keep, separated by commas.")] = None
    choose: Annotated[list[str] | None, typer.Option("--choose", help="Motifs: of a release, key=value.")] = None

    def read(self, format: str | None) -> Any:
        """The motifs that were chosen.

        Args:
            format: Of the file; None to recognize it.
        """
        from kgnn.cli.motifs import choices
        from kgnn.knowledge import read_motifs

        return read_motifs(self.motifs or "", format=format, **choices(self.ids, self.factors, self.choose))

    def compiling(self) -> dict[str, Any]:
        """Arguments of `kgnn.compile_kernels` that were given."""
        chosen = {
            "length": self.length, "kind": self.values, "offset": self.offset, "pseudocount": self.pseudocount,
            "both_strands": self.both_strands or None, "crop": self.crop or None,
        }  # fmt: skip
        return {name: value for name, value in chosen.items() if value is not None}


class Knowledge(NamedTuple):
    """What a recipe is to be compiled from, as it was given on the command line.

    Attributes:
        option: Name of the option that gave it, which is also its kind.
        read: Reads it.
        genes: Its genes, for samples that name altered genes only.
        meet: Of what was read and the samples, what the recipe takes, with reports for a person.
        rename: Of what was read and the samples, the same with other names of genes; None where names stay.
        compiling: Arguments of the function that compiles it.
        finds: Name of the argument that says what becomes of genes that it does not know, ``""`` for none.
        place: Of what was read and the samples, both as the recipe takes them; None where samples stay as they are.
    """

    option: str
    read: Callable[[], Any]
    genes: Callable[[Any], Sequence[str]]
    meet: Callable[[Any, Parts], Any]
    rename: Callable[[Any, Sequence[str]], tuple[Any, Mapping[str, Any]]] | None
    compiling: Mapping[str, Any]
    finds: str
    place: Callable[[Any, Parts], tuple[Any, Parts]] | None = None


def of_ontology(given: HierarchyOptions) -> Knowledge:
    """An ontology with annotations, renamed where asked for and pruned over the measured genes."""
    rules, renaming = given.rules(), given.renaming()

    def pruned(ontology: Ontology, parts: Parts) -> Ontology:
        return ontology.prune(genes=parts.train.genes, **rules)

    compiling = {} if given.skips is None else {"skips": given.skips}
    rename = None if renaming is None else renaming.apply
    return Knowledge("ontology", given.read, lambda read: read.genes, pruned, rename, compiling, "unannotated")


def of_network(given: NetworkOptions, format: str | None, evidence: str) -> Knowledge:
    """A network of genes."""
    return Knowledge(
        "network", lambda: given.read(format, evidence), lambda read: read.nodes, lambda read, parts: read, None,
        given.compiling(), "unconnected",
    )  # fmt: skip


def of_motifs(given: MotifOptions, format: str | None) -> Knowledge:
    """Motifs, for models of sequences."""
    return Knowledge(
        "motifs", lambda: given.read(format), lambda read: (), lambda read, parts: read, None, given.compiling(), ""
    )  # fmt: skip


def of_contacts(given: ContactOptions, format: str | None, unplaced: str) -> Knowledge:
    """Contacts between bins of a genome, which the samples are windows of."""

    def placed(read: Any, parts: Parts) -> tuple[Any, Parts]:
        from kgnn.data import place_windows

        present = {name: part for name, part in vars(parts).items() if part is not None}
        network, found = place_windows(read, *present.values(), unplaced=unplaced)
        return network, replace(parts, **dict(zip(present, found, strict=True)))

    return Knowledge(
        "contacts", lambda: given.network(format), lambda read: (), lambda read, parts: read, None, {}, "", placed
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of ``kgnn train`` besides its knowledge.

    Attributes:
        train: Training samples.
        out: Run folder.
        recipe: Name of the recipe.
        version: Of the recipe.
        valid: Validation samples.
        valid_fraction: Share of the training samples to hold out.
        test: Test samples.
        target: Columns to predict.
        meaning: What a number means.
        layer: Of an h5ad file.
        read: Further arguments of `kgnn.read_samples`.
        unannotated: What to do with genes that the knowledge does not know.
        leave_out: Covariates to leave out whole.
        epochs: Passes over the training samples.
        batch_size: Samples a step.
        seed: Of everything random.
        replicates: Networks side by side.
        set_: Any other setting.
        edges: Networks of the genes of pathways, for recipes that take one beside an ontology.
        no_baselines: Whether to skip the baselines.
        devices: That train together.
        coordinator: Of several machines.
        processes: That train together.
        process_id: Which of them this is.
        process_timeout: Seconds of silence.
        json_: Whether to print one JSON object.
    """

    train: Annotated[Path, typer.Option("--train", help="Training samples, or a folder: DrugCell's, or of kgnn pack.")]
    out: Annotated[Path, typer.Option(help="Run folder to write.")]
    recipe: Annotated[str, typer.Option(help="A published system, see kgnn zoo.")] = "dcell"
    version: Annotated[str, typer.Option(help="Version of the recipe, see kgnn zoo NAME.")] = ""
    valid: Annotated[Path | None, typer.Option(help="Validation samples.")] = None
    valid_fraction: Annotated[float | None, typer.Option(help="Share of the training samples to hold out.")] = None
    test: Annotated[Path | None, typer.Option(help="Test samples, scored once at the end.")] = None
    target: Annotated[str | None, typer.Option(help="Column to predict; several separated by commas.")] = None
    meaning: Annotated[str | None, typer.Option(help="alteration or abundance.")] = None
    layer: options.Layer = None
    read: options.Read = None
    unannotated: Annotated[
        str | None,
        typer.Option(help="error, drop or root (of a network: keep): genes, or windows, that it does not know."),
    ] = None
    leave_out: Annotated[str | None, typer.Option(help="Covariates to leave out whole in further fits; none.")] = None
    epochs: Annotated[int | None, typer.Option(help="Passes over the training samples.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.")] = None
    seed: Annotated[int, typer.Option(help="Of weights, splits and order.")] = 0
    replicates: Annotated[int | None, typer.Option(help="Networks from seeds of their own, side by side.")] = None
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other setting, key=value.")] = None
    edges: Annotated[
        str | None, typer.Option(help="Network inside pathways, for pathway_attention: files, separated by commas.")
    ] = None
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Skip the baselines.")] = False
    devices: options.Devices = None
    coordinator: options.Coordinator = None
    processes: options.Processes = None
    process_id: options.ProcessId = None
    process_timeout: options.ProcessTimeout = 60
    json_: options.Json = False

    def settings(self) -> dict[str, Any]:
        """Settings of training and options of the recipe that were given."""
        names = ("epochs", "batch_size", "valid_fraction", "seed", "replicates", "edges")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None} | options.key_values(
            self.set_, "--set"
        )

    def reading(self) -> dict[str, Any]:
        """Arguments of `kgnn.data.read_parts` besides the genes."""
        columns = None if self.target is None else options.one_or_listed(self.target)
        named = {"target": columns, "meaning": self.meaning, "layer": self.layer} | options.reading_options(self.read)
        return {"valid": self.valid, "test": self.test, **named}
