"""OmniPath's table of interactions: signed and directed, with CollecTRI and DoRothEA among its data sets."""

from __future__ import annotations

from os import PathLike

import numpy as np

from kgnn.errors import unknown_choice
from kgnn.knowledge.edge_columns import Columns, read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.published_edges import first_column, published_layout, truth
from kgnn.knowledge.text import source_of

NEEDED = ("source", "target", "is_directed", "is_stimulation", "is_inhibition")
GENE_IDS = ("symbol", "uniprot")

_CITATION = "Türei et al. 2021, Molecular Systems Biology 17:e9923, doi:10.15252/msb.20209923"


def read_omnipath(path: str | PathLike[str], *, gene_id: str | None = None) -> Network:
    r"""OmniPath's interactions, as its web service and its clients give them.

    An interaction that is only stimulation has sign 1, one that is only inhibition −1; where sources disagree, the
    consensus of OmniPath decides if the table has it, else the sign is 0. Complexes (``COMPLEX:…``) are nodes of type
    ``"complex"``.

    Args:
        path: Table with a header, columns parted by tabs or commas, plain or gzip.
        gene_id: What names a node: ``"symbol"`` (if the table has symbols; then it is the default) or ``"uniprot"``.

    Returns:
        The network, of equal weights, with the type of interaction as evidence where the table states it.

    Raises:
        FormatError: If a column is missing or holds what it should not.
        KgnnError: If a choice is unknown.

    References:
        Türei et al. 2021, Molecular Systems Biology 17:e9923, doi:10.15252/msb.20209923.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "omnipath.tsv"
        ...     size = path.write_text("\t".join(NEEDED) + "\nP04637\tQ00987\t1\t1\t0\n")
        ...     list(read_omnipath(path).edges)
        [Edge(source='P04637', target='Q00987', weight=1.0, sign=1, directed=True, evidence='')]
    """
    layout = published_layout(path, "a table of OmniPath", NEEDED, delimiters="\t,")
    symbols = ("source_genesymbol", "target_genesymbol")
    has_symbols = all(column in layout.columns for column in symbols)
    if gene_id is not None and gene_id not in GENE_IDS:
        raise unknown_choice("gene_id", gene_id, GENE_IDS)
    if gene_id == "symbol" and not has_symbols:
        raise unknown_choice("gene_id", gene_id, ("uniprot",))
    pair = symbols if has_symbols and gene_id != "uniprot" else ("source", "target")
    kind = first_column(layout, "type", "dorothea_level")
    consensus = [c for c in ("consensus_stimulation", "consensus_inhibition") if c in layout.columns]
    texts = [*NEEDED[2:], *consensus, *([kind] if kind else [])]
    columns = read_columns(path, layout, names=pair, texts=texts)
    names, source, target = joined(columns, pair[0], pair[1])
    return build_network(
        names,
        source,
        target,
        sign=_signs(columns, consensus, path),
        directed=truth(columns.texts["is_directed"], "is_directed", path),
        evidence=columns.texts[kind] if kind else None,
        node_types=["complex" if name.startswith("COMPLEX:") else "protein" for name in names],
        keep_unconnected=False,
        provenance=Provenance((source_of(path, {}, citation=_CITATION),), ("read as OmniPath table",)),
    )


def _signs(columns: Columns, consensus: list[str], path: str | PathLike[str]) -> np.ndarray:
    def sign(up: str, down: str) -> np.ndarray:
        stimulates, inhibits = (truth(columns.texts[column], column, path) for column in (up, down))
        return stimulates.astype(np.int8) - inhibits

    stated = sign("is_stimulation", "is_inhibition")
    return np.where(stated == 0, sign(*consensus), stated) if len(consensus) == 2 else stated
