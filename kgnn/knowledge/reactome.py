"""Reactome's tables: relations of pathways, their names, and the proteins or genes in them.

None of the published tables has a header: a reader that expects one loses its first record.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from os import PathLike

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge.annotations import EVIDENCE_CODES, AnnotationFile, collect
from kgnn.knowledge.direction import refuse_reversed
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import complete_lines, source_of

REACTOME_LICENCE = "CC0 1.0"
REACTOME_CITATION = (
    "Milacic et al. 2024, The Reactome Pathway Knowledgebase 2024, Nucleic Acids Research 52:D672, "
    "doi:10.1093/nar/gkad1025"
)
STABLE_ID = re.compile(r"R-([A-Z]{3})-\d+(\.\d+)?")
"""A pathway; the three letters are the species, such as HSA for human."""

RELATION = "part_of"
_MEMBER_WIDTHS = {4: 3, 6: 4}


def read_reactome(
    path: str | PathLike[str], *, names: str | PathLike[str] | None = None, species: str | None = None
) -> Ontology:
    r"""The hierarchy of pathways in ``ReactomePathwaysRelation.txt``.

    The first column is the parent. A pathway may stand below several, and the file has a top for every area of biology:
    join them with ``prune(super_root=...)``, or choose one with ``root=``. The published file holds all species.

    Args:
        path: The file, plain or gzip: two columns of stable ids, no header.
        names: ``ReactomePathways.txt`` (id, name, species); without it pathways are named by their ids. Pathways that
            it names and no relation holds are left out and counted.
        species: Keep the pathways of one species, by the letters of its ids (``"HSA"``) or, with `names`, by its name.

    Returns:
        The ontology, without annotations.

    Raises:
        FormatError: If a line is no pair of stable ids, with the line; if the file has a header, was cut short or its
            columns were swapped.
        KgnnError: If no pathway is of the species.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "ReactomePathwaysRelation.txt"
        ...     size = path.write_text("R-HSA-109581\tR-HSA-109606\n")
        ...     read_reactome(path).roots
        ('R-HSA-109581',)

    References:
        Milacic et al. 2024, doi:10.1093/nar/gkad1025.
    """
    named, full_names = ({}, {}) if names is None else _names(names)
    relations: dict[Relation, None] = {}
    repeated: list[str] = []
    for number, (parent, child) in _rows(path, (2,)):
        for cell in (parent, child):
            _require_stable_id(cell, path, number)
        relation = Relation(child, parent, RELATION)
        if relation in relations:
            repeated.append(f"{child} {RELATION} {parent}")
        relations[relation] = None
    found = dict.fromkeys(term for relation in relations for term in (relation.parent, relation.child))
    prefix = _prefix(species, found, full_names, path)
    kept = [term for term in found if prefix is None or term.split("-")[1] == prefix]
    inside = set(kept)
    steps = ["read as Reactome relations"] + ([] if prefix is None else [f"kept the pathways of {prefix}"])
    sources = tuple(
        source_of(each, {}, licence=REACTOME_LICENCE, citation=REACTOME_CITATION)
        for each in (path, names)
        if each is not None
    )
    losses = (
        Loss("relation", "repeated in the file", tuple(repeated)),
        Loss("term", f"not of the species {prefix}", tuple(term for term in found if term not in inside)),
        Loss("term", "named, but in no relation", tuple(term for term in named if term not in found)),
    )
    ontology = Ontology(
        {term: Term(term, named.get(term, term), "Reactome") for term in kept},
        tuple(relation for relation in relations if {relation.child, relation.parent} <= inside),
        (),
        Provenance(sources, tuple(steps)),
        tuple(loss for loss in losses if loss.names),
    )
    refuse_reversed(ontology, path, "the parent, then the child")
    return ontology


def read_reactome_members(
    path: str | PathLike[str], *, evidence: str | Collection[str] = "all", species: str | None = None
) -> AnnotationFile:
    r"""Members of pathways in ``UniProt2Reactome.txt``, ``NCBI2Reactome.txt`` or ``Ensembl2Reactome.txt``.

    Args:
        path: The file, plain or gzip, no header: member, pathway, address, name, evidence code and species; or four
            columns, without address and species.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep (Reactome uses TAS and IEA).
        species: Keep the pathways with these letters, such as ``"HSA"``; the others are counted as lost.

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If a line has another number of columns or its second is no stable id, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "uniprot.tsv"
        ...     size = path.write_text("P55957\tR-HSA-109606\tIntrinsic Pathway for Apoptosis\tTAS\n")
        ...     read_reactome_members(path).annotations
        (Annotation(gene='P55957', term='R-HSA-109606', evidence='TAS'),)
    """

    def rows() -> Iterator[tuple[Annotation, str]]:
        named: dict[str, str] = {}
        for number, cells in _rows(path, tuple(_MEMBER_WIDTHS)):
            code_column = _MEMBER_WIDTHS[len(cells)]
            term, name, code = cells[1], cells[code_column - 1], cells[code_column]
            _require_stable_id(term, path, number)
            if not cells[0] or code not in EVIDENCE_CODES or named.setdefault(term, name) != name:
                raise FormatError(
                    f"should hold a member, {term}, its name {named.get(term, name)[:60]!r} and an evidence code such "
                    "as TAS. Are columns swapped or missing?",
                    path,
                    number,
                )
            other = species is not None and term.split("-")[1] != species.upper() and cells[-1] != species
            yield Annotation(cells[0], term, code), f"species is not {species}" if other else ""

    annotations, losses = collect(rows(), evidence, path)
    source = source_of(path, {}, licence=REACTOME_LICENCE, citation=REACTOME_CITATION)
    return AnnotationFile(annotations, losses, source)


def _rows(path: str | PathLike[str], widths: tuple[int, ...]) -> Iterator[tuple[int, list[str]]]:
    width = 0
    for number, line in enumerate(complete_lines(path), 1):
        cells = [cell.strip() for cell in line.rstrip("\n").split("\t")]
        if cells == [""]:
            continue
        if len(cells) not in ((width,) if width else widths):
            expected = " or ".join(map(str, (width,) if width else widths))
            raise FormatError(f"has {len(cells)} columns instead of {expected}, separated by tabs.", path, number)
        width = len(cells)
        yield number, cells


def _require_stable_id(cell: str, path: str | PathLike[str], number: int) -> None:
    if not STABLE_ID.fullmatch(cell):
        raise FormatError(
            f"{cell[:40]!r} is no stable id of a pathway such as R-HSA-109581. Reactome's tables have no header; take "
            "the file as published.",
            path,
            number,
        )


def _names(path: str | PathLike[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Names of pathways by id, and the letters of each species by its name."""
    named: dict[str, str] = {}
    letters: dict[str, str] = {}
    for number, (identifier, name, species) in _rows(path, (3,)):
        _require_stable_id(identifier, path, number)
        if named.setdefault(identifier, name) != name:
            raise FormatError(f"{identifier} has a second name, {name!r}, after {named[identifier]!r}.", path, number)
        letters.setdefault(species, identifier.split("-")[1])
    if len(letters) > len(set(named.values())):
        raise FormatError("has more species than names: its columns should hold id, name and species.", path)
    return named, letters


def _prefix(
    species: str | None, terms: Collection[str], letters: dict[str, str], path: str | PathLike[str]
) -> str | None:
    if species is None:
        return None
    known = sorted({term.split("-")[1] for term in terms})
    prefix = letters.get(species, species.upper())
    if prefix not in known:
        raise KgnnError(f"{path}: no pathway is of the species {species!r}. It has: {', '.join(known)}.")
    return prefix
