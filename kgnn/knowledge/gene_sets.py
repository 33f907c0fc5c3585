"""GMT gene sets (MSigDB, Reactome, KEGG, WikiPathways …): flat sets below a made root, or members of known terms."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from os import PathLike

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.annotations import AnnotationFile, describe
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.reactome import REACTOME_CITATION, REACTOME_LICENCE, STABLE_ID
from kgnn.knowledge.text import complete_lines, source_of

ROOT = "ROOT"
RELATION = "part_of"
_REACTOME_MARK = "Reactome Pathway"
_KEGG_NAME = re.compile(r"([a-z]{3,4}\d{5})[_ ](.+)")
_NUMBER = re.compile(r"[-+]?\d*\.\d+(e[-+]?\d+)?")
_NO_DESCRIPTION = (("NA",), ("na",), ("N/A",))
_REPEATED = "repeated in the file"


@dataclass(frozen=True)
class GeneSets:
    """Sets of a GMT file.

    Attributes:
        path: The file.
        names: Name of every set by its id. The id is Reactome's stable id or KEGG's number where the file has them,
            else the name.
        genes: Genes of every set, each once.
        repeated: Genes that come twice in a set, and sets that come twice with the same genes.
    """

    path: str | PathLike[str]
    names: dict[str, str] = field(default_factory=dict)
    genes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the file holds twice."""
        found = (Loss(what, _REPEATED, tuple(n for w, n in self.repeated if w == what)) for what in ("term", "gene"))
        renamed = (loss._replace(what="annotation") if loss.what == "gene" else loss for loss in found)
        return tuple(loss for loss in renamed if loss.names)


def read_gene_sets(path: str | PathLike[str]) -> GeneSets:
    r"""Gene sets in GMT: name, description and genes, separated by tabs.

    In Reactome's own file the second column is the stable id and, in older releases, the third holds the words
    ``Reactome Pathway``, which are no gene.

    Args:
        path: The file, plain or gzip.

    Returns:
        The sets.

    Raises:
        FormatError: If a line has no name or no second column, a set comes twice with other genes, the file was cut
            short or is a table of numbers, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "sets.gmt"
        ...     size = path.write_text("hsa00010_Glycolysis\tNA\tHK1\tHK2\n")
        ...     read_gene_sets(path).genes
        {'hsa00010': ('HK1', 'HK2')}
    """
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(complete_lines(path), 1):
        cells = [cell.strip() for cell in line.rstrip("\n").split("\t")]
        if not any(cells) or line.startswith(("#", "!")):
            continue
        if len(cells) == 1 or not cells[0]:
            raise FormatError("should hold a name, a description and genes, separated by tabs.", path, number)
        rows.append((number, cells))
    if not rows:
        raise FormatError("holds comments only, no gene set.", path)
    by_reactome = all(STABLE_ID.fullmatch(cells[1]) for _, cells in rows)
    marked = all(cells[2:3] == [_REACTOME_MARK] for _, cells in rows)
    by_kegg = all(_KEGG_NAME.fullmatch(cells[0]) for _, cells in rows)
    sets = GeneSets(path)
    for number, cells in rows:
        identifier, name = (cells[1], cells[0]) if by_reactome else (cells[0], cells[0])
        if by_kegg and (parts := _KEGG_NAME.fullmatch(cells[0])):
            identifier, name = parts.groups()
        members = cells[3:] if marked else cells[2:]
        _add(sets, identifier, name, [gene for gene in members if gene], number)
    _refuse_other_content(sets)
    return sets


def _add(sets: GeneSets, identifier: str, name: str, genes: list[str], number: int) -> None:
    once = tuple(dict.fromkeys(genes))
    if identifier in sets.names:
        if set(sets.genes[identifier]) != set(once):
            raise FormatError(
                f"{identifier} is defined again, with other genes. Give each set a name of its own.", sets.path, number
            )
        sets.repeated.append(("term", identifier))
        return
    sets.names[identifier], sets.genes[identifier] = name, once
    if len(once) < len(genes):
        twice = (gene for position, gene in enumerate(genes) if gene in genes[:position])
        sets.repeated.extend(("gene", describe(Annotation(gene, identifier))) for gene in twice)


def _refuse_other_content(sets: GeneSets) -> None:
    genes = [gene for members in sets.genes.values() for gene in members]
    if not genes:
        raise FormatError("no set in it has a gene. GMT has a name, a description and genes in each line.", sets.path)
    addresses = [name for name in (*sets.names, *genes) if "://" in name]
    absent = all(members[:1] in _NO_DESCRIPTION for members in sets.genes.values())
    if addresses or absent:
        raise FormatError(
            f"has {name_some(addresses or ['NA'], 1)} where GMT has the name of a set or a gene, as if columns were "
            "swapped. They should hold a name, a description and genes.",
            sets.path,
        )
    numbers = [gene for gene in genes if _NUMBER.fullmatch(gene)]
    if 2 * len(numbers) > len(genes):
        raise FormatError(f"holds numbers ({name_some(numbers, 3)}) where GMT has genes. Check the file.", sets.path)


def read_gmt(path: str | PathLike[str]) -> Ontology:
    r"""Gene sets in GMT as a hierarchy of one level below a made root.

    Sets may share genes; no relation is guessed between them. Where the sets are terms of a published hierarchy, give
    that hierarchy and this file as its annotations instead.

    Args:
        path: The file, plain or gzip.

    Returns:
        The ontology; its root is called ``"ROOT"``, relations have the type ``"part_of"``.

    Raises:
        FormatError: If the file is no GMT; see `read_gene_sets`.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "sets.gmt"
        ...     size = path.write_text("HYPOXIA\tNA\tPGK1\tPDK1\nMYC\tNA\tODC1\n")
        ...     read_gmt(path).children["ROOT"]
        ('HYPOXIA', 'MYC')

    References:
        Liberzon et al. 2011, Molecular signatures database (MSigDB) 3.0, doi:10.1093/bioinformatics/btr260.
    """
    sets = read_gene_sets(path)
    if ROOT in sets.names:
        raise FormatError(
            f"has a set called {ROOT}, which is what the made root is called. Give it another name.", path
        )
    terms = {ROOT: Term(ROOT, "all gene sets")} | {each: Term(each, name) for each, name in sets.names.items()}
    return Ontology(
        terms,
        tuple(Relation(each, ROOT, RELATION) for each in sets.names),
        tuple(Annotation(gene, each) for each, genes in sets.genes.items() for gene in genes),
        Provenance((_source(sets),), ("read as gene sets (GMT) below a made root",)),
        sets.losses,
    )


def read_gmt_annotations(path: str | PathLike[str], terms: Collection[str]) -> AnnotationFile:
    """Gene sets in GMT as members of the terms of an ontology.

    Args:
        path: The file, plain or gzip.
        terms: Ids of the ontology, with alternative ones; sets may be named by them or by their descriptions.

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If the file is no GMT; see `read_gene_sets`.
    """
    sets = read_gene_sets(path)
    known = terms if isinstance(terms, (set, frozenset, dict)) else frozenset(terms)
    by_name = {each: name for each, name in sets.names.items() if each not in known and name in known}
    found = (Annotation(gene, by_name.get(each, each)) for each, genes in sets.genes.items() for gene in genes)
    return AnnotationFile(tuple(dict.fromkeys(found)), sets.losses, _source(sets))


def _source(sets: GeneSets):
    if all(STABLE_ID.fullmatch(each) for each in sets.names):
        return source_of(sets.path, {}, licence=REACTOME_LICENCE, citation=REACTOME_CITATION)
    return source_of(sets.path, {})
