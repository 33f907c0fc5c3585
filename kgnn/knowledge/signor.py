"""SIGNOR: causal relations between proteins, complexes, chemicals and phenotypes, with direction and sign."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.edge_columns import Columns, read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import Coded, build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.published_edges import kind_and_detail, mapped, published_layout, spelled
from kgnn.knowledge.text import source_of

NEEDED = ("entitya", "typea", "ida", "entityb", "typeb", "idb", "effect", "mechanism")
GENE_IDS = {"symbol": "entity", "id": "id"}

_CITATION = "Lo Surdo et al. 2023, Nucleic Acids Research 51:D631, doi:10.1093/nar/gkac883"


def read_signor(path: str | PathLike[str], *, gene_id: str = "symbol", taxon: int | None = None) -> Network:
    """SIGNOR's causal relations: directed, with 1 for up-regulation and −1 for down-regulation.

    The evidence of an edge is effect and mechanism, such as ``"down-regulates activity: phosphorylation"``. Nodes have
    the types of SIGNOR: protein, complex, chemical, phenotype and so on.

    Args:
        path: SIGNOR's tab-separated download with its header, plain or gzip.
        gene_id: What names a node: ``"symbol"`` (SIGNOR's entity name) or ``"id"`` (UniProt, SIGNOR, ChEBI id).
        taxon: NCBI number of the organism; relations that SIGNOR states for others are left out.

    Returns:
        The network, weighted by SIGNOR's score; a relation without one has the lowest score of the file.

    Raises:
        FormatError: If a column is missing or an effect is unknown, with the file.
        KgnnError: If a choice is unknown.

    References:
        Lo Surdo et al. 2023, Nucleic Acids Research 51:D631, doi:10.1093/nar/gkac883.
    """
    if gene_id not in GENE_IDS:
        raise unknown_choice("gene_id", gene_id, GENE_IDS)
    pair = [f"{GENE_IDS[gene_id]}{side}" for side in "ab"]
    layout = published_layout(path, "a table of SIGNOR", NEEDED)
    others = [column for column in ("tax_id", "score") if column in layout.columns]
    columns = read_columns(path, layout, names=[*pair, "effect"], texts=["typea", "typeb", "mechanism", *others])
    names, first, second = joined(columns, pair[0], pair[1])
    keep, losses = _rows_of_organism(columns, taxon, path)
    weight, note = _scores(columns, keep, path)
    evidence = spelled([columns.texts["effect"], columns.texts["mechanism"]], kind_and_detail)
    return build_network(
        names,
        first[keep],
        second[keep],
        weight=weight,
        sign=mapped(columns.texts["effect"], lambda effect: _sign(effect, path))[keep],
        directed=True,
        evidence=Coded(evidence.codes[keep], evidence.labels),
        node_types=node_types(len(names), (first, columns.texts["typea"]), (second, columns.texts["typeb"])),
        keep_unconnected=False,
        provenance=Provenance(
            (source_of(path, {}, licence="CC BY 4.0", citation=_CITATION),), ("read as SIGNOR table", *note)
        ),
        losses=losses,
    )


def node_types(n_names: int, *columns: tuple[np.ndarray, Coded]) -> list[str]:
    """Types of nodes from columns that state them row by row.

    Args:
        n_names: Number of nodes.
        *columns: Position of the node in each row, and its type there.

    Returns:
        A type for each node, the last one that is stated.
    """
    found = [""] * n_names
    for nodes, kinds in columns:
        for node, kind in np.unique(np.stack([nodes, kinds.codes]), axis=1).T.tolist():
            found[node] = kinds.labels[kind] or found[node]
    return found


def _sign(effect: str, path: str | PathLike[str]) -> int:
    small = effect.lower()
    if small.startswith("up-regulates"):
        return 1
    if small.startswith("down-regulates"):
        return -1
    if small in ("form complex", "unknown", "binding"):
        return 0
    raise FormatError(
        f"column 'EFFECT' holds {effect!r}, which is none of SIGNOR's effects (up-regulates …, down-regulates …, form "
        "complex, unknown). Were columns swapped?",
        path,
    )


def _scores(columns: Columns, keep: np.ndarray, path: str | PathLike[str]) -> tuple[np.ndarray | None, Sequence[str]]:
    if "score" not in columns.texts or not any(columns.texts["score"].labels):
        return None, ()
    cells = columns.texts["score"]

    def number(label: str) -> float:
        try:
            return float(label) if label else np.nan
        except ValueError:
            raise FormatError(f"column 'SCORE' holds {label!r}, no number. Were columns swapped?", path) from None

    scores = mapped(cells, number)[keep]
    absent = np.isnan(scores)
    if not absent.any():
        return scores, ()
    lowest = float(np.nanmin(scores)) if not absent.all() else 1.0
    return np.where(absent, lowest, scores), (f"{int(absent.sum()):,} relations have no score: taken as {lowest:g}",)


def _rows_of_organism(columns: Columns, taxon: int | None, path: str | PathLike[str]) -> tuple[np.ndarray, list[Loss]]:
    n_rows = len(columns.texts["effect"].codes)
    if taxon is None:
        return np.ones(n_rows, dtype=bool), []
    if "tax_id" not in columns.texts:
        raise KgnnError(f"{path}: states no organisms, so taxon= has nothing to choose from. Leave it out.")
    codes, labels = columns.texts["tax_id"]
    if str(taxon) not in labels:
        raise KgnnError(f"{path}: holds no relation of the organism {taxon}, only of {name_some(sorted(labels))}.")
    keep = codes == labels.index(str(taxon))
    lines = tuple(f"row {row + 1}" for row in np.flatnonzero(~keep).tolist())
    return keep, [Loss("edge", f"stated for another organism than {taxon}", lines)] if lines else []
