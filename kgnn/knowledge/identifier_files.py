"""`read_identifiers`: one door for every file that holds names of genes, recognized by its content.

Tables with a header (HGNC, BioMart, NCBI's gene_info, one's own) and tables of two columns are read here; files of a
fixed layout in `kgnn.knowledge.identifier_formats`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike
from types import MappingProxyType

from kgnn.errors import FormatError, name_some, unknown_choice
from kgnn.knowledge.identifier_formats import FIXED_FORMATS, TERMS_OF_USE, recognized_format
from kgnn.knowledge.identifiers import GeneNames, IdentifierTable
from kgnn.knowledge.namespaces import NAMESPACES, guess_namespace, has_form, plain_identifier
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import complete_lines, header_facts, source_of

IDENTIFIER_FORMATS = ("table", *FIXED_FORMATS)

_CONTENT_OF_HEADER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "symbol": (
            "symbol", "gene_symbol", "approved_symbol", "hgnc_symbol", "mgi_symbol", "gene_name", "gene",
            "external_gene_name", "preferred_name", "standard_gene_name", "gene_names_primary",
        ),
        "entrez": (
            "entrez", "entrez_id", "entrez_gene_id", "entrezgene", "entrezgene_id", "geneid", "ncbi_gene_id",
            "ncbi_gene_id_supplied_by_ncbi", "ncbi_gene_formerly_entrezgene_id",
        ),
        "ensembl_gene": (
            "ensembl", "ensembl_gene", "ensembl_id", "ensembl_gene_id", "gene_stable_id", "gene_stable_id_version",
            "ensembl_gene_id_version", "ensembl_gene_id_supplied_by_ensembl", "ensembl_id_supplied_by_ensembl",
        ),
        "ensembl_protein": (
            "ensembl_protein", "ensembl_protein_id", "ensembl_peptide_id", "protein_stable_id",
            "protein_stable_id_version", "string_protein_id",
        ),
        "uniprot": (
            "uniprot", "uniprot_id", "uniprot_ids", "uniprot_accession", "uniprotkb_ac", "entry", "swissprot",
            "uniprotswissprot", "uniprotkb_swiss_prot_id", "uniprotkb_gene_name_id", "uniprot_id_supplied_by_uniprot",
        ),
        "yeast_orf": ("yeast_orf", "orf", "systematic_name", "ordered_locus_name", "feature_name"),
        "aliases": (
            "alias", "aliases", "alias_symbol", "alias_symbols", "synonym", "synonyms", "gene_synonym",
            "gene_names_synonym",
        ),
        "previous": ("previous", "prev_symbol", "previous_symbol", "previous_symbols", "previous_name_id"),
        "status": ("status",),
        "taxon": ("taxon", "tax_id", "taxid"),
        "references": ("dbxrefs",),
    }
)  # fmt: skip
_HEADERS = {header: content for content, headers in _CONTENT_OF_HEADER.items() for header in headers}
_GUESSED_HEADERS = frozenset(("gene_id", "id", "name", "gene_names"))
_NOT_A_NAME = frozenset(("", "-", "--", "NA", "N/A", "nan", "None", "null"))
_WITHDRAWN = ("withdrawn", "discontinued", "secondary", "retired")
_CHECKED_ROWS = 2_000
_MOSTLY = 0.5

Rows = list[tuple[int, list[str]]]


def read_identifiers(
    path: str | PathLike[str],
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    taxon: int | None = None,
) -> IdentifierTable:
    r"""The names of genes in several namespaces, from a file.

    ================== ==============================================================================================
    format             files
    ================== ==============================================================================================
    ``table``          a header and one row a gene or more: HGNC's complete set and downloads, Ensembl BioMart, NCBI's
                       gene_info, UniProt's tables, STRING's ``protein.info``; or two columns without a header
    ``idmapping``      UniProt's three columns: accession, kind, value
    ``string_aliases`` STRING's ``protein.aliases``
    ``gaf``            a GAF: accession, symbol and synonyms of each gene product
    ``sgd_features``   SGD's ``SGD_features.tab``
    ``sgd_slim``       SGD's ``go_slim_mapping.tab``
    ================== ==============================================================================================

    Columns are told apart by their header, and what they hold is checked against it, so that swapped columns are an
    error. Without a header the two columns are told apart by the form of what they hold. Versions of Ensembl ids are
    taken off. Repeated lines count once.

    Args:
        path: Plain or gzip, columns separated by tabs or commas.
        format: One of the above, if it is not to be recognized.
        columns: For tables, what a column holds, by its header: one of `NAMESPACES`, or ``"aliases"``, ``"previous"``,
            ``"status"``, ``"taxon"``. Other columns are then not used.
        taxon: NCBI number of the organism to keep, where the file states organisms.

    Returns:
        The table.

    Raises:
        FormatError: If the file is no such table, a line is cut, or a column does not hold what its header says; with
            the line where one is at fault.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "hgnc.txt"
        ...     size = path.write_text("symbol\tprev_symbol\tentrez_id\nSEPTIN9\tSEPT9|MSF\t10801\n")
        ...     read_identifiers(path).find("MSF", "symbol")
        Found(genes=(0,), how='previous')
    """
    kind = format or recognized_format(path) or "table"
    if kind not in IDENTIFIER_FORMATS:
        raise unknown_choice("format", kind, IDENTIFIER_FORMATS)
    if kind == "table":
        return _read_table(path, columns, taxon)
    if columns is not None:
        raise FormatError(f"columns= is for tables with a header, but this is read as {kind}. Leave it out.", path)
    genes, comments = FIXED_FORMATS[kind](path, taxon)
    kept = tuple(dict.fromkeys(genes))
    if not kept:
        of_taxon = "" if taxon is None else f" of the organism {taxon}"
        raise FormatError(f"holds no gene{of_taxon} with a name that kgnn knows, read as {kind}. Check the file.", path)
    step = f"read {len(kept):,} genes of {kind}"
    source = source_of(path, header_facts(comments), **TERMS_OF_USE.get(kind, {}))
    return IdentifierTable(kept, provenance=Provenance((source,), (step,)))


def _read_table(path: str | PathLike[str], columns: Mapping[str, str] | None, taxon: int | None) -> IdentifierTable:
    comments, rows = _split(path)
    contents, has_header = _contents(rows, columns, path)
    header, *rows = rows if has_header else [(0, []), *rows]
    again = next((number for number, row in rows if row == header[1]), None)
    if again is not None:
        raise FormatError("repeats the header. Were two files joined? Leave one header.", path, again)
    if not rows:
        raise FormatError("holds a header but no gene.", path)
    if has_header:
        _refuse_other_content(rows, contents, path)
    rows, others = _of_taxon(rows, contents, taxon, path)
    genes: dict[GeneNames, None] = {}
    withdrawn: set[str] = set()
    for _, row in rows:
        names = _names(row, contents)
        if any(row[at].lower().endswith(_WITHDRAWN) for at, what in contents.items() if what == "status"):
            withdrawn.update(name for several in names for name in several)
        elif any(names):
            genes[names] = None
    if not genes:
        raise FormatError("holds no gene with a name. Check the columns, or say what they hold with columns=.", path)
    found = sorted({what for what in contents.values() if what in GeneNames._fields})
    step = f"read {len(genes):,} genes: {', '.join(found)}"
    in_use = {name for gene in genes for several in gene for name in several}
    losses = [Loss("gene", "of another organism", tuple(others))] if others else []
    if withdrawn - in_use:
        losses.append(Loss("gene", "withdrawn", tuple(sorted(withdrawn - in_use))))
    source = source_of(path, header_facts(comments))
    return IdentifierTable(
        tuple(genes), frozenset(withdrawn - in_use), Provenance((source,), (step,)), tuple(losses)
    )  # fmt: skip


def _split(path: str | PathLike[str]) -> tuple[list[str], Rows]:
    """Comment lines, and the cells of every other line with its number; all lines have as many."""
    comments: list[str] = []
    rows: Rows = []
    delimiter = ""
    for number, line in enumerate(complete_lines(path), 1):
        if line.startswith("!") or (line.startswith("#") and (rows or "\t" not in line)):
            comments.append(line)
            continue
        if not line.strip():
            continue
        delimiter = delimiter or ("\t" if "\t" in line else ",")
        text = line.rstrip("\n")
        # Line by line, so that a stray quotation mark cannot swallow the lines after it.
        cells = text.split("\t") if delimiter == "\t" else next(csv.reader([text]))
        cells = [cell.strip().strip('"').strip() for cell in cells]
        width = len(rows[0][1]) if rows else len(cells)
        if len(cells) != width:
            raise FormatError(
                f"has {len(cells)} columns instead of {width} as in the first line. Was the file cut short?",
                path,
                number,
            )
        rows.append((number, cells))
    if not rows:
        raise FormatError("holds comments only, no gene.", path)
    if len(rows[0][1]) < 2:
        raise FormatError("has one column; names of genes in two namespaces need two, by tabs or commas.", path)
    return comments, rows


def _contents(rows: Rows, columns: Mapping[str, str] | None, path: str | PathLike[str]) -> tuple[dict[int, str], bool]:
    """What each column that is used holds, by position; and whether the first line is a header."""
    header = rows[0][1]
    if columns is not None:
        return _chosen(header, columns, path), True
    plain = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in header]
    found = {at: _HEADERS[name] for at, name in enumerate(plain) if name in _HEADERS}
    if found:
        body = rows[1 : 1 + _CHECKED_ROWS]
        for at, name in enumerate(plain):
            guessed = guess_namespace(row[at] for _, row in body if row[at] not in _NOT_A_NAME)
            if name in _GUESSED_HEADERS and guessed and guessed not in found.values():
                found[at] = guessed
    if sum(what in GeneNames._fields for what in found.values()) > 1:
        return found, True
    if len(header) == 2 and not found:
        kinds = [guess_namespace(cells) for cells in zip(*(row for _, row in rows[:_CHECKED_ROWS]), strict=True)]
        if all(kinds) and kinds[0] != kinds[1]:
            return dict(enumerate(kinds)), False
    raise FormatError(
        f"it is not clear which columns hold which identifiers (first line: {name_some(header)}). Name them in a "
        f"header line ({', '.join(NAMESPACES)}), or say so with columns={{header: namespace}}.",
        path,
    )


def _chosen(header: Sequence[str], columns: Mapping[str, str], path: str | PathLike[str]) -> dict[int, str]:
    known = [what for what in _CONTENT_OF_HEADER if what != "references"]
    for column, what in columns.items():
        if column not in header:
            raise FormatError(f"has no column {column!r}. Choose among those there are: {name_some(header, 20)}.", path)
        if what not in known:
            raise unknown_choice(f"content of the column {column!r}", what, known)
    return {header.index(column): what for column, what in columns.items()}


def _refuse_other_content(rows: Rows, contents: Mapping[int, str], path: str | PathLike[str]) -> None:
    """Raise if a column mostly holds identifiers of another kind than its header says."""
    for at, what in contents.items():
        if what not in NAMESPACES:
            continue
        cells = (cell for _, row in islice(rows, _CHECKED_ROWS) for cell in _several(row[at], what))
        values = list(cells)
        fitting = sum(has_form(value, what) for value in values)
        guessed = guess_namespace(values)
        # Yeast has genes without a name, whose ORF stands in its place.
        other = what == "symbol" and guessed not in ("", "symbol", "yeast_orf")
        if values and (fitting < _MOSTLY * len(values) or other):
            looks = f", which look like {NAMESPACES[guessed]}" if guessed else ""
            raise FormatError(
                f"column {at + 1} should hold {NAMESPACES[what]} by its header, but holds {name_some(values, 3)}"
                f"{looks}. Are columns swapped?",
                path,
                rows[0][0],
            )


def _of_taxon(
    rows: Rows, contents: Mapping[int, str], taxon: int | None, path: str | PathLike[str]
) -> tuple[Rows, list[str]]:
    """The rows of one organism, and the names of the organisms left out."""
    column = next((at for at, what in contents.items() if what == "taxon"), None)
    if column is None:
        if taxon is not None:
            raise FormatError("states no organisms, so taxon= does not apply. Leave it out.", path)
        return rows, []
    taxa = dict.fromkeys(row[column] for _, row in rows)
    if taxon is None:
        if len(taxa) > 1:
            raise FormatError(f"holds {len(taxa):,} organisms: {name_some(taxa)}. Choose one, e.g. taxon=9606.", path)
        return rows, []
    kept = [row for row in rows if row[1][column] == str(taxon)]
    if not kept:
        raise FormatError(f"holds no gene of the organism {taxon}; it has {name_some(taxa)}.", path)
    return kept, [each for each in taxa if each != str(taxon)]


def _names(row: Sequence[str], contents: Mapping[int, str]) -> GeneNames:
    found: dict[str, dict[str, None]] = {}
    for at, what in contents.items():
        if what == "references":
            found.setdefault("ensembl_gene", {}).update(
                dict.fromkeys(each.removeprefix("Ensembl:") for each in row[at].split("|") if each[:8] == "Ensembl:")
            )
        elif what in GeneNames._fields:
            found.setdefault(what, {}).update(dict.fromkeys(_several(row[at], what)))
    return GeneNames(**{what: tuple(names) for what, names in found.items() if names})


def _several(cell: str, what: str) -> Iterator[str]:
    """The names in a cell, in their plain form."""
    separators = r"[|;]" if what == "symbol" else r"[|;,]"
    for part in re.split(separators, cell):
        name = part.strip().strip('"')
        if name not in _NOT_A_NAME:
            yield plain_identifier(name, what) if what in NAMESPACES else name
