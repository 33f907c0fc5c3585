"""NCBI's gene2go: one table with the GO annotations of every organism, genes named by NCBI's numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from os import PathLike

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE, AnnotationFile, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import header_facts, read_lines, source_of

_COLUMNS = 8


def read_gene2go(
    path: str | PathLike[str], *, evidence: str | Collection[str] = "all", taxon: int | None = None
) -> AnnotationFile:
    """Annotations of one organism from NCBI's gene2go.

    Args:
        path: The file, plain or gzip.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.
        taxon: NCBI number of the organism (9606 is human); needed where the file holds several.

    Returns:
        Annotations, losses and source. Genes are NCBI gene numbers, as text.

    Raises:
        FormatError: If a line has not 8 columns or names no gene or term, with the line; if the file holds several
            organisms and none was chosen; if nothing is left.
        KgnnError: If a choice is unknown.
    """
    comments: list[str] = []
    taxa: dict[str, None] = {}
    annotations, losses = collect(_rows(path, comments, taxa, taxon), evidence, path)
    if taxon is None and len(taxa) > 1:
        raise FormatError(f"holds {len(taxa):,} organisms: {name_some(taxa)}. Choose one, e.g. taxon=9606.", path)
    source = source_of(path, header_facts(comments), licence=GO_LICENCE, citation=GO_CITATION)
    return AnnotationFile(annotations, losses, source, ("genes named by NCBI gene number",))


def _rows(
    path: str | PathLike[str], comments: list[str], taxa: dict[str, None], taxon: int | None
) -> Iterator[tuple[Annotation, str]]:
    chosen = None if taxon is None else str(taxon)
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(("#", "!")):
            comments.append(line)
            continue
        fields = line.rstrip("\n").split("\t")
        if len(fields) != _COLUMNS:
            if not line.strip():
                continue
            raise FormatError(
                f"has {len(fields)} columns where gene2go has {_COLUMNS}. Separate columns by tabs.", path, number
            )
        organism, gene, term, code, qualifier = fields[:5]
        if not gene or not term:
            raise FormatError("names no gene or no term.", path, number)
        taxa[organism] = None
        if chosen is not None and organism != chosen:
            continue
        negated = qualifier.upper().startswith("NOT")
        yield Annotation(gene, term, "" if code == "-" else code), "qualifier NOT" if negated else ""
