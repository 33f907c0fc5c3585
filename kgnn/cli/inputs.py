"""What several commands begin with: a trained run, samples for it, an ontology and the rules to prune it by."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgnn import options
from kgnn.errors import KgnnError

if TYPE_CHECKING:
    from kgnn.knowledge import Ontology, Renaming
    from kgnn.train import Run


@dataclass(frozen=True, kw_only=True)
class OntologyOptions:
    """The options of every command that reads an ontology, see `takes_ontology`.

    Attributes:
        ontology: The file of the ontology.
        annotations: The file of the annotations; None where the ontology carries them.
        names: The file with names of pathways.
        format: Format of the ontology; None to recognize it.
        annotation_format: Format of the annotations; None to recognize it.
        root: Term to keep, with what is below it.
        namespace: Namespace to keep.
        species: Species to keep.
        relations: Relation types that make a parent.
        evidence: Preset or evidence codes.
        gene_id: What names a gene.
        prune: A named pruning rule.
        min_genes: Fewest measured genes of a term.
        max_genes: Most measured genes of a term.
        min_extra_genes: Fewest genes beyond the largest child.
        max_depth: Greatest depth below the root.
        super_root: Id of a new term that joins several roots.
        identifiers: Table of gene names, or ``ncbi:TAXON``.
        from_: How the ontology names genes.
        to: How the data name genes.
        policy: What to do with genes that have several counterparts.
        identifier_columns: What the columns of the table of gene names hold.
        orthologs: Table of orthologs.
        to_species: Species of the data.
    """

    ontology: options.OntologyFile
    annotations: options.Annotations = None
    names: options.Names = None
    format: options.Format = None
    annotation_format: options.AnnotationFormat = None
    root: options.Root = None
    namespace: options.Namespace = None
    species: options.Species = None
    relations: options.Relations = None
    evidence: options.Evidence = "all"
    gene_id: options.GeneId = "symbol"
    prune: options.Prune = None
    min_genes: options.MinGenes = None
    max_genes: options.MaxGenes = None
    min_extra_genes: options.MinExtraGenes = None
    max_depth: options.MaxDepth = None
    super_root: options.SuperRoot = None
    identifiers: options.Identifiers = None
    from_: options.From = None
    to: options.To = None
    policy: options.Policy = "error"
    identifier_columns: options.IdentifierColumns = None
    orthologs: options.Orthologs = None
    to_species: options.ToSpecies = None

    def rules(self) -> dict[str, Any]:
        """Rules for `Ontology.prune`; a wrong one is refused before a file is read."""
        from kgnn.knowledge import pruning_rules

        return pruning_rules(
            self.prune, min_genes=self.min_genes, max_genes=self.max_genes, min_extra_genes=self.min_extra_genes,
            max_depth=self.max_depth, super_root=self.super_root,
        )  # fmt: skip

    def read(self) -> Ontology:
        """The ontology with its annotations, not yet pruned."""
        from kgnn.knowledge import read_ontology

        return read_ontology(self.ontology, self.annotations, **self.reading())

    def reading(self) -> dict[str, Any]:
        """Arguments of `kgnn.read_ontology` besides its two files."""
        same = ("names", "format", "annotation_format", "root", "namespace", "species", "gene_id")
        chosen = {name: getattr(self, name) for name in same}
        return chosen | {
            "relations": options.listed(self.relations),
            "evidence": options.one_or_listed(self.evidence),
        }

    def renaming(self) -> Renaming | None:
        """How the ontology's genes get the names that the data use; None where they keep theirs."""
        needs = {"--identifiers": ("from_", "to", "identifier_columns"), "--orthologs": ("to_species",)}
        for option, names in needs.items():
            unused = [name for name in names if getattr(self, name) is not None]
            if getattr(self, option[2:]) is None and unused:
                listed = ", ".join(f"--{name.strip('_').replace('_', '-')}" for name in unused)
                raise KgnnError(f"{listed} is given without {option}. Give a table, or leave it out.")
        if self.identifiers is None and self.orthologs is None:
            return None
        from kgnn.knowledge import Renaming

        columns = None
        if self.identifier_columns is not None:
            columns = options.key_values(options.listed(self.identifier_columns), "--identifier-columns")
        return Renaming(
            identifiers=self.identifiers, namespace=self.from_, to=self.to, policy=self.policy, columns=columns,
            orthologs=self.orthologs, species=self.to_species,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HierarchyOptions(OntologyOptions):
    """The options of a command that compiles one hierarchy; see `OntologyOptions` for all but the last.

    Attributes:
        skips: What becomes of relations that skip levels; None for what suits the command.
    """

    skips: options.Skips = None


def takes_ontology(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of `OntologyOptions`, and of any other group of options, as options of its own.

    Args:
        command: Its first parameters are dataclasses of options, such as the `OntologyOptions` that were given.

    Returns:
        The command with one parameter an option, as typer reads them.
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {each.name: each.annotation for each in parameters if is_dataclass(each.annotation)}
    own = [each for each in parameters if each.name not in groups]
    fields_of = {name: inspect.signature(group, eval_str=True).parameters for name, group in groups.items()}

    @functools.wraps(command)
    def spread(**given: Any) -> None:
        grouped = {
            name: group(**{field: given.pop(field) for field in fields_of[name]}) for name, group in groups.items()
        }
        command(**grouped, **given)

    every = [field for fields in fields_of.values() for field in fields.values()]
    taken = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*every, *own)]
    spread.__annotations__ = {each.name: each.annotation for each in taken}
    spread.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    return spread


def load_run_folder(folder: Path) -> Run:
    """A trained run, with the cache of compiled programs in use.

    Args:
        folder: What ``kgnn train`` wrote.

    Returns:
        The run.

    Raises:
        RunError: If there is no such run, or it does not fit this version.
    """
    from kgnn.train import load_run
    from kgnn.train.compilation import enable_compilation_cache

    enable_compilation_cache()
    return load_run(folder)


def samples_for(
    run: Run, path: Path | None, layer: str | None, read: list[str] | None, *, every_gene: bool = False
) -> Any:
    """Samples with the genes and the unit that a run knows.

    Args:
        run: The run.
        path: File of the samples.
        layer: Layer of an h5ad file.
        read: Further arguments of `kgnn.read_samples`, each as ``key=value``.
        every_gene: Whether to keep genes that the run does not know.

    Returns:
        The samples; None where no file is given.

    Raises:
        KgnnError: If no file is given, but how to read it is; or if the file cannot be read.
    """
    from kgnn.data import read_samples
    from kgnn.data.window_places import PLACE, with_places

    reading = {"layer": layer, **options.reading_options(read)}
    if path is None:
        unused = [f"--{name}" for name, value in (("layer", layer), ("read", read)) if value]
        if unused:
            raise KgnnError(f"{', '.join(unused)} is given without --samples. Name a file, or leave it out.")
        return None
    genes = None if every_gene else run.model.genes
    found = read_samples(path, genes=genes, **{"meaning": run.samples.meaning, **reading})
    if PLACE in run.samples.modalities and PLACE not in found.modalities:
        return with_places(found, run.structure.nodes)  # type: ignore[union-attr]
    return found
