"""KPNN's edge lists: ``parent,child`` with the genes that are measured as children named ``…_gene``."""

from __future__ import annotations

from os import PathLike

from kgnn.knowledge.edge_columns import read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.published_edges import published_layout
from kgnn.knowledge.text import source_of

GENE_ENDING = "_gene"


def read_kpnn(path: str | PathLike[str]) -> Network:
    r"""A network from the edge list of a KPNN: information flows from child to parent, so each edge does.

    Nodes have the type ``"gene"`` if they are no parent and their name ends in ``_gene`` (an input), ``"output"`` if
    they are no child, else ``"node"``. A measured gene and the protein that it encodes stay two nodes, ``TP53_gene``
    and ``TP53``, as in the file.

    Args:
        path: Table with the columns ``parent`` and ``child``, parted by commas or tabs, plain or gzip.

    Returns:
        The network, directed.

    Raises:
        FormatError: If a column is missing or a line has another number of columns, with the line.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "edges.csv"
        ...     size = path.write_text("parent,child\nTCR,LAT\nLAT,LAT_gene\n")
        ...     network = read_kpnn(path)
        >>> dict(zip(network.nodes, network.node_types))
        {'LAT': 'node', 'LAT_gene': 'gene', 'TCR': 'output'}
    """
    layout = published_layout(path, "an edge list of a KPNN", ("parent", "child"), delimiters=",\t")
    columns = read_columns(path, layout, names=["parent", "child"])
    names, parent, child = joined(columns, "parent", "child")
    parents, children = set(parent.tolist()), set(child.tolist())

    def kind(node: int) -> str:
        if node not in children:
            return "output"
        return "gene" if node not in parents and names[node].endswith(GENE_ENDING) else "node"

    return build_network(
        names,
        child,
        parent,
        directed=True,
        node_types=[kind(node) for node in range(len(names))],
        provenance=Provenance((source_of(path, {}),), ("read as KPNN edge list, edges from child to parent",)),
    )
