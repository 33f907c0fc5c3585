"""BioGRID's table of interactions (TAB3, and TAB2 before it)."""

from __future__ import annotations

from os import PathLike

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.edge_columns import Columns, Layout, read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import Coded, build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.published_edges import first_column, kind_and_detail, published_layout, spelled
from kgnn.knowledge.text import source_of

GENE_IDS = {"symbol": "official symbol", "systematic": "systematic name", "entrez": "entrez gene"}

_LICENCE = "MIT"
_CITATION = "Oughtred et al. 2021, Protein Science 30:187, doi:10.1002/pro.3978"
_EVIDENCE = ("experimental system type", "experimental system")


def read_biogrid(path: str | PathLike[str], *, gene_id: str = "symbol", taxon: int | None = None) -> Network:
    """BioGRID's interactions: undirected, with ``"physical: Two-hybrid"`` and the like as evidence.

    One interaction stands in as many lines as papers and directions report it; those of equal evidence become one edge,
    and the others are counted in the losses. Scores of single experiments have no common unit and are not read.

    Args:
        path: ``BIOGRID-….tab3.txt``, plain, gzip or zip.
        gene_id: What names a gene: ``"symbol"``, ``"systematic"`` (such as yeast ORFs) or ``"entrez"``.
        taxon: NCBI number of the organism of both genes; needed where the file holds several.

    Returns:
        The network.

    Raises:
        FormatError: If a column is missing or a line has another number of columns, with the line.
        KgnnError: If organisms must be told apart, or a choice is unknown.

    References:
        Oughtred et al. 2021, Protein Science 30:187, doi:10.1002/pro.3978.
    """
    if gene_id not in GENE_IDS:
        raise unknown_choice("gene_id", gene_id, GENE_IDS)
    name = GENE_IDS[gene_id]
    pair = [f"{name} interactor {side}" for side in "ab"]
    layout = published_layout(path, "a BioGRID table (TAB3 or TAB2)", [*pair, *_EVIDENCE])
    organisms = [_organism_column(layout, side, path) for side in "ab"]
    columns = read_columns(path, layout, names=[*pair, *organisms, *_EVIDENCE])
    names, first, second = joined(columns, pair[0], pair[1])
    keep, losses = _rows_of_organism(columns, organisms, taxon, path)
    unnamed = {index for index, label in enumerate(names) if label == "-"}
    if unnamed:
        named = ~np.isin(first, list(unnamed)) & ~np.isin(second, list(unnamed))
        lines = tuple(f"row {row + 1}" for row in np.flatnonzero(keep & ~named).tolist())
        losses += [Loss("edge", f"a gene without a {name}", lines)] if lines else []
        keep &= named
    evidence = spelled([columns.texts[column] for column in _EVIDENCE], kind_and_detail)
    return build_network(
        names,
        first[keep],
        second[keep],
        evidence=Coded(evidence.codes[keep], evidence.labels),
        node_types=["gene"] * len(names),
        keep_unconnected=False,
        provenance=Provenance(
            (source_of(path, {}, licence=_LICENCE, citation=_CITATION),), ("read as BioGRID table, scores not read",)
        ),
        losses=losses,
    )


def _organism_column(layout: Layout, side: str, path: str | PathLike[str]) -> str:
    column = first_column(layout, f"organism id interactor {side}", f"organism interactor {side}")
    if column is None:
        raise FormatError(f"has no column with the organism of interactor {side.upper()}. Download it again.", path, 1)
    return column


def _rows_of_organism(
    columns: Columns, organisms: list[str], taxon: int | None, path: str | PathLike[str]
) -> tuple[np.ndarray, list[Loss]]:
    """The rows in which both genes are of an organism, and how many are not."""
    taxa, first, second = joined(columns, organisms[0], organisms[1])
    if taxon is None:
        if len(taxa) > 1:
            raise KgnnError(
                f"{path}: holds genes of {len(taxa):,} organisms: {name_some(sorted(taxa))}. Their symbols may be the "
                "same; choose one organism with taxon=."
            )
        return np.ones(len(first), dtype=bool), []
    if str(taxon) not in taxa:
        raise KgnnError(f"{path}: holds no gene of the organism {taxon}, only of {name_some(sorted(taxa))}.")
    chosen = taxa.index(str(taxon))
    keep = np.logical_and(first == chosen, second == chosen)
    lines = tuple(f"row {row + 1}" for row in np.flatnonzero(~keep).tolist())
    return keep, [Loss("edge", f"a gene of another organism than {taxon}", lines)] if lines else []
