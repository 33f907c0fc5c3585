"""Plain tables of genes and terms: two columns, or three with an evidence code."""

from __future__ import annotations

import csv
from collections.abc import Collection
from os import PathLike

from kgnn.errors import FormatError
from kgnn.knowledge.annotations import EVIDENCE_CODES, AnnotationFile, chosen_codes, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import complete_lines, header_facts, source_of

_HEADER_WORDS = frozenset(
    [
        "term",
        "terms",
        "term_id",
        "go",
        "go_id",
        "goid",
        "go_term",
        "id",
        "pathway",
        "pathway_id",
        "gene_set",
        "category",
    ]
)
_WIDTHS = (2, 3)


def read_gene_table(
    path: str | PathLike[str], terms: Collection[str], *, evidence: str | Collection[str] = "all"
) -> AnnotationFile:
    r"""Annotations of a plain table of genes and terms.

    Columns may come in either order: the column that holds ids of the ontology is the term. The first line is taken
    for a header only if its term column holds a word such as ``term`` or ``go_id``, so that a table without a header
    loses no line. Lines that begin with ``!`` or ``#`` are comments and may state ``! licence:``, ``! release:`` and
    ``! citation:``.

    Args:
        path: The file, plain or gzip, columns separated by tabs or commas.
        terms: Ids of the ontology, with alternative ones.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If a line has another number of columns than the first, with the line; if no column, or more than
            one, holds ids of the ontology; if evidence is to be chosen but no column holds it.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genes.csv"
        ...     size = path.write_text("go_id,gene\nGO:1,TP53\n")
        ...     read_gene_table(path, {"GO:1"}).annotations
        (Annotation(gene='TP53', term='GO:1', evidence=''),)
    """
    comments, rows = _split(path)
    term_column = _term_column(rows, terms, path)
    first, header = rows[0][1], []
    if first[term_column].lower().replace(" ", "_") in _HEADER_WORDS:
        header, rows = [cell.lower() for cell in first], rows[1:]
    others = [column for column in range(len(first)) if column != term_column]
    gene_column, code_column = others[0], None
    if len(others) > 1:
        if "evidence" in header and header.index("evidence") in others:
            others.sort(key=lambda column: header[column] == "evidence")
        else:
            others.sort(key=lambda column: sum(row[column] in EVIDENCE_CODES for _, row in rows))
        gene_column, code_column = others
    elif chosen_codes(evidence) is not None:
        raise FormatError("has no column with evidence codes. Leave out the choice of evidence.", path)
    found = []
    for number, row in rows:
        if not row[gene_column] or not row[term_column]:
            raise FormatError("names no gene or no term.", path, number)
        code = "" if code_column is None else row[code_column]
        found.append((Annotation(row[gene_column], row[term_column], code), ""))
    annotations, losses = collect(found, evidence, path)
    return AnnotationFile(annotations, losses, source_of(path, header_facts(comments)))


def _split(path: str | PathLike[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Comment lines, and the cells of every other line with its number."""
    comments: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    delimiter = ""
    for number, line in enumerate(complete_lines(path), 1):
        if line.startswith(("!", "#")):
            comments.append(line)
            continue
        if not line.strip():
            continue
        delimiter = delimiter or ("\t" if "\t" in line else ",")
        cells = line.rstrip("\n").split("\t") if delimiter == "\t" else next(csv.reader([line]))
        cells = [cell.strip() for cell in cells]
        width = len(rows[0][1]) if rows else len(cells)
        if len(cells) != width or width not in _WIDTHS:
            expected = "2 or 3 (gene, term, evidence)" if width not in _WIDTHS else f"{width} as in the first line"
            raise FormatError(f"has {len(cells)} columns instead of {expected}.", path, number)
        rows.append((number, cells))
    if not rows:
        raise FormatError("holds comments only, no gene.", path)
    return comments, rows


def _term_column(rows: list[tuple[int, list[str]]], terms: Collection[str], path: str | PathLike[str]) -> int:
    known = terms if isinstance(terms, (set, frozenset, dict)) else frozenset(terms)
    hits = [sum(cell in known for cell in cells) for cells in zip(*(row for _, row in rows), strict=True)]
    best = max(range(len(hits)), key=lambda column: hits[column])
    if not hits[best]:
        raise FormatError(
            f"no column holds an id of the ontology (first line: {', '.join(rows[0][1])}). "
            f"Such ids look like {min(known, default='none')}.",
            path,
        )
    if hits.count(hits[best]) > 1:
        raise FormatError("more than one column holds ids of the ontology. Leave the genes and the terms only.", path)
    return best
