"""Files of a fixed layout that hold names of genes: UniProt's idmapping, STRING's aliases, GAF, and SGD's two tables.

Each function reads one format and gives the genes and the comment lines; `read_identifiers` is the door to all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from os import PathLike
from types import MappingProxyType

from kgnn.errors import FormatError
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE
from kgnn.knowledge.identifiers import GeneNames
from kgnn.knowledge.namespaces import has_form, plain_identifier
from kgnn.knowledge.string_names import STRING_CITATION, STRING_LICENCE
from kgnn.knowledge.text import read_lines

Path = str | PathLike[str]
GenesAndComments = tuple[list[GeneNames], list[str]]

_PROBE_LINES = 200
_IDMAPPING = MappingProxyType(
    {
        "Gene_Name": "symbol",
        "Gene_Synonym": "aliases",
        "GeneID": "entrez",
        "Ensembl": "ensembl_gene",
        "Ensembl_PRO": "ensembl_protein",
        "Gene_OrderedLocusName": "yeast_orf",
    }
)
_GAF_COLUMNS = (15, 17)
_SGD_FEATURES_COLUMNS = 16
_SGD_SLIM_COLUMNS = 7
_SGDID = re.compile(r"[SL]\d{9}")


def recognized_format(path: Path) -> str:
    """The format of a file by its first lines; ``""`` where it is none of those with a fixed layout."""
    lines = [line.rstrip("\n") for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    if not lines:
        return ""
    if lines[0].startswith(("#string_protein_id\talias", "## string_protein_id")):
        return "string_aliases"
    fields = next((line for line in lines if not line.startswith("!")), "").split("\t")
    if lines[0].startswith("!gaf-version") or len(fields) == _GAF_COLUMNS[1]:
        return "gaf"
    if len(fields) == 3 and has_form(fields[0], "uniprot") and re.fullmatch(r"[A-Z][\w-]+", fields[1]):
        return "idmapping"
    if len(fields) == _SGD_FEATURES_COLUMNS and _SGDID.fullmatch(fields[0]):
        return "sgd_features"
    if len(fields) == _SGD_SLIM_COLUMNS and fields[3] in ("C", "F", "P") and _SGDID.fullmatch(fields[2]):
        return "sgd_slim"
    return ""


def _rows(
    path: Path, comments: list[str], widths: tuple[int, ...], start: str = "!"
) -> Iterator[tuple[int, list[str]]]:
    """Cells of each line with its number; comment lines are put aside."""
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(start):
            comments.append(line)
            continue
        if not line.strip():
            continue
        fields = line.rstrip("\n").split("\t")
        if len(fields) not in widths:
            wanted = " or ".join(map(str, widths))
            raise FormatError(
                f"has {len(fields)} columns where this format has {wanted}. Was the file cut short?", path, number
            )
        yield number, fields


def read_idmapping(path: Path, taxon: int | None = None) -> GenesAndComments:
    """UniProt's ``*_idmapping.dat``: three columns, accession, kind and value; one gene an accession.

    Args:
        path: The file of one organism, plain or gzip.
        taxon: Keep the accessions of which the file says this organism (``NCBI_TaxID``).

    Returns:
        Genes and comment lines.

    Raises:
        FormatError: If a line has not three columns or does not begin with an accession, with the line.
    """
    found: dict[str, dict[str, dict[str, None]]] = {}
    taxa: dict[str, str] = {}
    for number, (written, kind, value) in _rows(path, [], (3,)):
        if not has_form(written, "uniprot"):
            raise FormatError(f"begins with {written!r}, which is no UniProt accession.", path, number)
        accession = plain_identifier(written, "uniprot")
        names = found.setdefault(accession, {})
        what = _IDMAPPING.get(kind)
        if kind == "NCBI_TaxID":
            taxa[accession] = value
        if what is None or not value:
            continue
        if what in ("symbol", "aliases"):
            names.setdefault(what, {})[value] = None
        elif has_form(value, what):
            names.setdefault(what, {})[plain_identifier(value, what)] = None
    return [
        GeneNames(uniprot=(accession,), **{what: tuple(values) for what, values in names.items()})
        for accession, names in found.items()
        if taxon is None or taxa.get(accession, str(taxon)) == str(taxon)
    ], []


def read_string_aliases(path: Path, taxon: int | None = None) -> GenesAndComments:
    """STRING's ``protein.aliases``: protein, alias and the sources that say so; one gene a protein.

    A symbol is what HGNC says, else UniProt's gene name; names that other databases use become aliases only where
    their source says so. Proteins of yeast are named by their ORF.

    Args:
        path: The file, plain or gzip.
        taxon: NCBI number of the organism to keep.

    Returns:
        Genes and comment lines.

    Raises:
        FormatError: If a line has not three columns, with the line.
    """
    found: dict[str, dict[str, dict[str, None]]] = {}
    comments: list[str] = []
    for _, (protein, alias, source) in _rows(path, comments, (3,), start="#"):
        if taxon is not None and not protein.startswith(f"{taxon}."):
            continue
        what = _string_content(alias, source)
        names = found.setdefault(protein, {})
        if what:
            names.setdefault(what, {})[plain_identifier(alias, what) if what in GeneNames._fields else alias] = None
    genes = []
    for protein, names in found.items():
        kind = next((kind for kind in ("ensembl_protein", "yeast_orf") if has_form(protein, kind)), "")
        second = names.pop("second symbol", {})
        names.setdefault("symbol", second)
        fields = {what: tuple(values) for what, values in names.items()}
        own = {kind: (plain_identifier(protein, kind),)} if kind else {}
        genes.append(GeneNames(**(fields | own)))
    return [gene for gene in genes if any(gene)], comments


def _string_content(alias: str, source: str) -> str:
    """What an alias is, by its source and, for ids, its form."""
    if re.search(r"HGNC_symbol|BioMart_HUGO|Ensembl_HGNC(\s|$)", source):
        return "symbol"
    if re.search(r"prev_symbol", source):
        return "previous"
    if re.search(r"alias_symbol|GN_Synonyms", source):
        return "aliases"
    if "GN_Name" in source:
        return "second symbol"
    if has_form(alias, "ensembl_gene"):
        return "ensembl_gene"
    if re.search(r"UniProt_AC|uniprot_ids", source) and has_form(alias, "uniprot"):
        return "uniprot"
    if re.search(r"(?i)entrez|DR_GeneID", source) and has_form(alias, "entrez"):
        return "entrez"
    return ""


def read_gaf_identifiers(path: Path, taxon: int | None = None) -> GenesAndComments:
    """Accession, symbol and synonyms of the gene products of a GAF.

    Synonyms that have the form of an ORF of yeast, and ids of other kinds, go to their namespace.

    Args:
        path: GAF 1 or 2, plain or gzip.
        taxon: NCBI number of the organism to keep.

    Returns:
        Genes and comment lines.

    Raises:
        FormatError: If a line has not 15 or 17 columns, with the line.
    """
    comments: list[str] = []
    products: dict[tuple[str, str, str], None] = {}
    for _, fields in _rows(path, comments, _GAF_COLUMNS):
        if taxon is None or fields[12].partition("|")[0].rpartition(":")[2] == str(taxon):
            products[fields[1], fields[2], fields[10]] = None
    return [_gene_product(*names) for names in products], comments


def _gene_product(product: str, symbol: str, synonyms: str) -> GeneNames:
    names: dict[str, dict[str, None]] = {"symbol": {symbol: None}} if symbol else {}
    for identifier in (product, *synonyms.split("|")):
        name = identifier.strip()
        kind = next((each for each in ("uniprot", "ensembl_gene", "yeast_orf") if has_form(name, each)), "")
        if kind and (kind != "uniprot" or identifier == product):
            names.setdefault(kind, {})[plain_identifier(name, kind)] = None
        elif name and name not in (product, symbol):
            names.setdefault("aliases", {})[name] = None
    return GeneNames(**{what: tuple(values) for what, values in names.items()})


def read_sgd_features(path: Path, taxon: int | None = None) -> GenesAndComments:
    """SGD's ``SGD_features.tab``: ORFs with their standard name and aliases.

    A gene without a standard name goes by its ORF. Parts of genes (CDS, introns) and features that are no gene are
    not used.

    Args:
        path: The file, plain or gzip.
        taxon: 559292 or 4932, or None; the file has yeast only.

    Returns:
        Genes and comment lines.

    Raises:
        FormatError: If a line has not 16 columns, with the line.
    """
    genes = []
    for _, fields in _rows(path, [], (_SGD_FEATURES_COLUMNS,)):
        orf, symbol, aliases = fields[3:6]
        if orf and has_form(orf, "yeast_orf"):
            others = tuple(dict.fromkeys(name for name in aliases.split("|") if name))
            genes.append(GeneNames(symbol=(symbol or orf,), yeast_orf=(orf,), aliases=others))
    return genes, []


def read_sgd_slim(path: Path, taxon: int | None = None) -> GenesAndComments:
    """SGD's ``go_slim_mapping.tab``: ORF and standard name of each gene; one without goes by its ORF.

    Args:
        path: The file, plain or gzip.
        taxon: 559292 or 4932, or None; the file has yeast only.

    Returns:
        Genes and comment lines.

    Raises:
        FormatError: If a line has not 7 columns, with the line.
    """
    genes: dict[GeneNames, None] = {}
    for _, fields in _rows(path, [], (_SGD_SLIM_COLUMNS,)):
        orf, symbol = fields[:2]
        if has_form(orf, "yeast_orf"):
            genes[GeneNames(symbol=(symbol or orf,), yeast_orf=(orf,))] = None
    return list(genes), []


TERMS_OF_USE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gaf": {"licence": GO_LICENCE, "citation": GO_CITATION},
        "sgd_slim": {"licence": GO_LICENCE, "citation": GO_CITATION},
        "string_aliases": {"licence": STRING_LICENCE, "citation": STRING_CITATION},
    }
)
"""Licence and citation of formats that one source alone has."""

FIXED_FORMATS: Mapping[str, Callable[[Path, int | None], GenesAndComments]] = MappingProxyType(
    {
        "idmapping": read_idmapping,
        "string_aliases": read_string_aliases,
        "gaf": read_gaf_identifiers,
        "sgd_features": read_sgd_features,
        "sgd_slim": read_sgd_slim,
    }
)
