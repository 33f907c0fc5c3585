"""NCBI's genes of human, mouse and fly as an identifier table without a file or a network: goatools carries them."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from kgnn.errors import SourceError, unknown_choice
from kgnn.knowledge.identifiers import GeneNames, IdentifierTable
from kgnn.knowledge.namespaces import has_form, plain_identifier
from kgnn.knowledge.provenance import Provenance, Source, file_digest

_MODULE = "goatools.test_data.genes_NCBI_{taxon}_{which}"
# The fly's table has protein-coding genes only.
_TABLES = MappingProxyType({9606: ("All", "ProteinCoding"), 10090: ("All", "ProteinCoding"), 7227: ("ProteinCoding",)})
_LICENCE = "NCBI places no restrictions on use"
_CITATION = "Klopfenstein et al. 2018, Scientific Reports 8:10872, doi:10.1038/s41598-018-28948-z"


def ncbi_genes(taxon: int = 9606, *, protein_coding: bool = False) -> IdentifierTable:
    """Entrez numbers, symbols and aliases of an organism as NCBI had them in early 2016.

    The tables lie in the goatools package and are as old as they are: genes that were renamed since are found by
    their old symbol only. A current table from HGNC or NCBI (`read_identifiers`) is better where there is one.

    Args:
        taxon: NCBI number of the organism: 9606 (human), 10090 (mouse) or 7227 (fly, protein-coding only).
        protein_coding: Whether to take the table of protein-coding genes, which is smaller and loads faster.

    Returns:
        The table, with the date of the download as its release.

    Raises:
        KgnnError: If goatools has no table of the organism.
        SourceError: If this goatools comes without the table.

    References:
        Klopfenstein et al. 2018, doi:10.1038/s41598-018-28948-z (goatools).
    """
    if taxon not in _TABLES:
        raise unknown_choice("taxon", taxon, map(str, _TABLES))
    which = _TABLES[taxon][-1 if protein_coding else 0]
    name = _MODULE.format(taxon=taxon, which=which)
    found = find_spec(name)
    if found is None or found.origin is None:
        raise SourceError(f"goatools is installed without {name}. Install goatools 1.6, or give a file of identifiers.")
    module = import_module(name)
    genes, withdrawn = [], set()
    for number, row in module.GENEID2NT.items():
        if row.CurrentID:
            genes.append(GeneNames(entrez=(str(row.CurrentID),), previous=(str(number),)))
        elif row.Status == "live":
            genes.append(_names(row))
        else:
            withdrawn.add(str(number))
    source = Source(f"{name.rpartition('.')[2]}.py", file_digest(found.origin), module.downloaded, _LICENCE, _CITATION)
    step = f"read {len(genes):,} genes of NCBI (organism {taxon}) from goatools"
    return IdentifierTable(tuple(genes), frozenset(withdrawn), Provenance((source,), (step,)))


def _names(row: object) -> GeneNames:
    symbol, number, aliases = (str(getattr(row, name)) for name in ("Symbol", "GeneID", "Aliases"))
    others = [name for name in re.split(r",\s*", aliases) if name and name != symbol]
    ensembl = [name for name in others if has_form(name, "ensembl_gene")]
    return GeneNames(
        symbol=(symbol,) if symbol else (),
        entrez=(number,),
        ensembl_gene=tuple(plain_identifier(name, "ensembl_gene") for name in ensembl),
        aliases=tuple(name for name in others if name not in ensembl),
    )
