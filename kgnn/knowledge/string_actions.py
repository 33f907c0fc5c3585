"""STRING's actions: how one protein acts on another, with direction and sign. Published up to release 11."""

from __future__ import annotations

from os import PathLike

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.edge_columns import Layout, head_of, read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import Coded, build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.string_names import STRING_CITATION, STRING_LICENCE, named
from kgnn.knowledge.text import source_of

HEADER = ("item_id_a", "item_id_b", "mode", "action", "is_directional", "a_is_acting", "score")

_TRUTH = {"t": True, "true": True, "f": False, "false": False}
_SIGNS = {"activation": 1, "inhibition": -1}


def read_string_actions(
    path: str | PathLike[str],
    *,
    names: str | PathLike[str] | None = None,
    alias_source: str | None = None,
    taxon: int | None = None,
) -> Network:
    r"""STRING's actions: binding, catalysis, reaction, activation, inhibition, modification, expression.

    The file lists each action twice, once from either protein; a directed one is taken from the protein that acts. The
    evidence of an edge is its mode, and the mode with the action where both are given and differ
    (``"expression: inhibition"``); activation has sign 1, inhibition −1, the others 0.

    Args:
        path: ``…protein.actions….txt``, plain or gzip.
        names: STRING's ``protein.info`` or ``protein.aliases`` file, to name proteins by gene symbol.
        alias_source: Which source of an aliases file.
        taxon: NCBI number of the organism, for a file of several.

    Returns:
        The network, weighted by STRING's score over 1,000.

    Raises:
        FormatError: If a line has another number of columns or a cell is not what its column promises.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> lines = ["\t".join(HEADER), "1.A\t1.B\tinhibition\tinhibition\tt\tf\t900"]
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "actions.txt"
        ...     size = path.write_text("".join(f"{line}\n" for line in lines))
        ...     list(read_string_actions(path).edges)
        [Edge(source='B', target='A', weight=0.9, sign=-1, directed=True, evidence='inhibition')]
    """
    header = tuple(head_of(path, 1)[0].split("\t"))
    if header[: len(HEADER)] != HEADER:
        raise FormatError(
            f"has not the header of STRING's actions, {' '.join(HEADER)}. Force another format with format=.", path, 1
        )
    layout = Layout(header, "\t", first_line=2)
    columns = read_columns(path, layout, names=HEADER[:3], texts=HEADER[3:6], numbers=HEADER[6:])
    score = columns.numbers["score"]
    if ((score < 0) | (score > 1000)).any():
        raise FormatError("column 'score' holds a number outside 0 to 1,000, so it is no score of STRING.", path)
    proteins, first, second = joined(columns, "item_id_a", "item_id_b")
    directed = _truth(columns.texts["is_directional"], "is_directional", path)
    first_acts = _truth(columns.texts["a_is_acting"], "a_is_acting", path)
    backwards = directed & ~first_acts
    evidence = _evidence(columns.texts["mode"], columns.texts["action"])
    sign = np.array([_SIGNS.get(label.rpartition(": ")[2], 0) for label in evidence.labels], dtype=np.int8)
    network = build_network(
        proteins,
        np.where(backwards, second, first),
        np.where(backwards, first, second),
        weight=score / 1000,
        sign=sign[evidence.codes],
        directed=directed,
        mirrored=backwards,
        evidence=evidence,
        node_types=["protein"] * len(proteins),
        provenance=Provenance(
            (source_of(path, {}, licence=STRING_LICENCE, citation=STRING_CITATION),), ("read as STRING actions",)
        ),
    )  # fmt: skip
    return named(network, path, names=names, alias_source=alias_source, taxon=taxon)


def _truth(cells: Coded, column: str, path: str | PathLike[str]) -> np.ndarray:
    unknown = [label for label in cells.labels if label.lower() not in _TRUTH]
    if unknown:
        raise FormatError(f"column {column!r} holds {unknown[0]!r} where t or f is expected.", path)
    return np.array([_TRUTH[label.lower()] for label in cells.labels], dtype=bool)[cells.codes]


def _evidence(mode: Coded, action: Coded) -> Coded:
    label_of: dict[str, int] = {}
    pairs = mode.codes.astype(np.int64) * len(action.labels) + action.codes
    used, codes = np.unique(pairs, return_inverse=True)
    look_up = []
    for pair in used.tolist():
        what, how = mode.labels[pair // len(action.labels)], action.labels[pair % len(action.labels)]
        look_up.append(label_of.setdefault(f"{what}: {how}" if how and how != what else what, len(label_of)))
    return Coded(np.array(look_up, dtype=np.int32)[codes], list(label_of))
