"""Reactome's functional interactions (FI): pairs of genes, with arrows for what one does to the other."""

from __future__ import annotations

from os import PathLike

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.edge_columns import read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import Coded, build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.published_edges import published_layout
from kgnn.knowledge.text import source_of

NEEDED = ("gene1", "gene2", "annotation", "direction", "score")

_AT_SECOND = {"-": None, ">": 1, "|": -1}
_AT_FIRST = {"-": None, "<": 1, "|": -1}


def read_reactome_fi(path: str | PathLike[str]) -> Network:
    r"""Reactome's functional interaction network.

    ``->`` and ``-|`` are directed edges from the first gene to the second, with sign 1 and −1; ``<-`` and ``|-`` go the
    other way; ``-`` is undirected; an arrow with two heads, such as ``<->`` or ``|->``, is two directed edges.

    Args:
        path: ``FIsInGene_….txt`` with its header, plain, gzip or zip.

    Returns:
        The network, weighted by Reactome's score, with the annotation as evidence.

    Raises:
        FormatError: If a direction is no arrow or a score no number, with the line.

    References:
        Wu, Feng, Stein 2010, Genome Biology 11:R53, doi:10.1186/gb-2010-11-5-r53.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "FIs.txt"
        ...     size = path.write_text("Gene1\tGene2\tAnnotation\tDirection\tScore\nA\tB\tinhibit\t|-\t1.0\n")
        ...     list(read_reactome_fi(path).edges)
        [Edge(source='B', target='A', weight=1.0, sign=-1, directed=True, evidence='inhibit')]
    """
    layout = published_layout(path, "Reactome's functional interactions", NEEDED)
    columns = read_columns(path, layout, names=[*NEEDED[:2], "direction"], texts=["annotation"], numbers=["score"])
    names, first, second = joined(columns, "gene1", "gene2")
    codes, arrows = columns.texts["direction"]
    heads = np.array([_heads(arrow, path) for arrow in arrows], dtype=np.float64)[codes]
    annotation = columns.texts["annotation"]
    score = columns.numbers["score"]
    # Rows without a head, with one at the second gene, and with one at the first; those with two heads stand twice.
    headed = ~np.isnan(heads)
    parts = [np.flatnonzero(which) for which in (~headed.any(axis=1), headed[:, 1], headed[:, 0])]
    rows = np.concatenate(parts)
    backwards = np.repeat([False, False, True], [len(part) for part in parts])
    sign = [np.zeros(len(parts[0])), heads[parts[1], 1], heads[parts[2], 0]]
    return build_network(
        names,
        np.where(backwards, second[rows], first[rows]),
        np.where(backwards, first[rows], second[rows]),
        weight=score[rows],
        sign=np.concatenate(sign),
        directed=np.repeat([False, True, True], [len(part) for part in parts]),
        evidence=Coded(annotation.codes[rows], annotation.labels),
        node_types=["gene"] * len(names),
        keep_unconnected=False,
        provenance=Provenance(
            (source_of(path, {}, licence="CC BY 4.0", citation="Wu et al. 2010, doi:10.1186/gb-2010-11-5-r53"),),
            ("read as Reactome functional interactions",),
        ),
    )


def _heads(arrow: str, path: str | PathLike[str]) -> tuple[float, float]:
    """Sign at the first and at the second gene, NaN where there is no head."""
    body = arrow.strip()
    first, second = body[:1], body[-1:]
    if "-" not in body or len(body) > 3 or first not in _AT_FIRST or second not in _AT_SECOND:
        raise FormatError(
            f"column 'direction' holds {arrow!r}, no arrow. Use -, ->, -|, <-, |-, <->, |-|, |-> or <-|; were columns "
            "swapped?",
            path,
        )
    signs = (_AT_FIRST[first], _AT_SECOND[second])
    return tuple(np.nan if sign is None else float(sign) for sign in signs)  # type: ignore[return-value]
