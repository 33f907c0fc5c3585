"""GO annotation files (GAF 2.x), field by field through goatools.

goatools' own `GafReader` is not used: it prints, ends the process on a bad line, writes its error log over the file
it reads, and takes 15 s and 1.3 GB for the human file. Its parser of one line, `GafData`, does none of this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from os import PathLike
from typing import cast

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE, AnnotationFile, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import header_facts, read_lines, source_of

_COLUMNS = 17
_NAME_COLUMN = {"id": 1, "symbol": 2, "synonym": 10}
_UNUSED_COLUMNS = (5, 7, 9, 10, 15, 16)


def read_gaf(
    path: str | PathLike[str],
    *,
    evidence: str | Collection[str] = "all",
    gene_id: str = "symbol",
    taxon: int | None = None,
) -> AnnotationFile:
    r"""Annotations of a GAF 2.x file.

    ``NOT`` annotations say that a gene does *not* belong to a term; they are left out and counted.

    Args:
        path: The file, plain or gzip.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.
        gene_id: What names a gene: ``"symbol"`` (column 3), ``"id"`` (column 2) or ``"synonym"`` (the first entry of
            column 11, in yeast's file the systematic name such as ``YLR035C``; the symbol where there is none).
        taxon: NCBI number of the organism to keep; None keeps all.

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If a line has not 17 columns or a field cannot be read, with the line; if nothing is left.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> line = "DB ID TP53 _ GO:1 PMID:1 IDA _ P _ _ protein taxon:9606 20190112 DB _ _".replace("_", "")
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "human.gaf"
        ...     size = path.write_text("!gaf-version: 2.1\n" + line.replace(" ", "\t") + "\n")
        ...     read_gaf(path).annotations
        (Annotation(gene='TP53', term='GO:1', evidence='IDA'),)
    """
    if gene_id not in _NAME_COLUMN:
        raise unknown_choice("gene_id", gene_id, _NAME_COLUMN)
    comments: list[str] = []
    annotations, losses = collect(_rows(path, comments, gene_id, taxon), evidence, path)
    facts = header_facts(comments)
    release = facts.get("date-generated", facts.get("generated", facts.get("go-version", "")))
    source = source_of(path, facts, release=release, licence=GO_LICENCE, citation=GO_CITATION)
    return AnnotationFile(annotations, losses, source, (f"genes named by {gene_id}",))


def _rows(
    path: str | PathLike[str], comments: list[str], gene_id: str, taxon: int | None
) -> Iterator[tuple[Annotation, str]]:
    from goatools.anno.init.reader_gaf import GafData

    parse = GafData("2.2").get_gafvals
    name_column = _NAME_COLUMN[gene_id]
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("!"):
            comments.append(line)
            continue
        fields = line.rstrip("\n").split("\t")
        if len(fields) != _COLUMNS:
            if not line.strip():
                continue
            raise FormatError(
                f"has {len(fields)} columns where GAF 2 has {_COLUMNS}. Separate columns by tabs and keep empty ones.",
                path,
                number,
            )
        gene = fields[name_column].partition("|")[0] or fields[_NAME_COLUMN["symbol"]]
        for column in _UNUSED_COLUMNS:
            fields[column] = ""
        try:
            values = parse(fields, fields[8])
        except (ValueError, IndexError) as error:
            raise FormatError(f"cannot be read as GAF 2: {error}. Check taxon and date.", path, number) from error
        if not gene or not values[4]:
            raise FormatError("names no gene or no term. Both are required in GAF 2.", path, number)
        reason = ""
        if "NOT" in values[3]:
            reason = "qualifier NOT"
        elif taxon is not None and taxon not in cast(list[int], values[12])[:1]:
            reason = f"taxon is not {taxon}"
        yield Annotation(gene, values[4], values[6]), reason
