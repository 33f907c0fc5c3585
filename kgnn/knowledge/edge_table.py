"""Plain tables of edges (two names a line, with or without weight), HumanNet's among them, and CollecTRI's form.

HumanNet publishes ``gene, gene, log-likelihood score`` without a header; CollecTRI and DoRothEA are handed around as
``source,target,weight`` with the sign of regulation in the weight. Both are ordinary tables here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.edge_columns import Columns, Layout, head_of, read_columns, split_line
from kgnn.knowledge.edges import Coded, build_network, signed_weights
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, source_of

DIRECTED_PAIRS = (
    ("source", "target"), ("from", "to"), ("tf", "target"), ("tf", "gene"), ("regulator", "target"),
    ("regulator", "gene"), ("sender", "receiver"), ("ligand", "receptor"), ("source_genesymbol", "target_genesymbol"),
)  # fmt: skip
# Not "id1" and "id2", which are genes.
UNDIRECTED_PAIRS = tuple(
    (f"{word}{joint}{first}", f"{word}{joint}{second}")
    for word in ("gene", "node", "protein", "interactor", "symbol", "name", "entrez", "orf")
    for joint in ("", "_", " ", "-")
    for first, second in (("1", "2"), ("a", "b"))
)
WEIGHT_WORDS = ("weight", "score", "combined_score", "confidence", "mor", "lls", "likelihood", "probability")
SIGN_WORDS = ("sign", "effect", "mode_of_regulation")
EVIDENCE_WORDS = ("evidence", "interaction", "interaction_type", "type", "method", "source_db", "database", "channel")

_COLUMN_NOUNS = {
    "gene", "genes", "protein", "node", "symbol", "name", "interactor", "entrez", "uniprot", "ensembl", "hgnc",
    "source", "target", "regulator", "factor", "ligand", "receptor", "sender", "receiver",
}  # fmt: skip
_COLUMN_WORDS = _COLUMN_NOUNS | {"a", "b", "of", "the", "id", "ids", "official", "systematic", "transcription"}
_SIGNS = {
    "1": 1, "+1": 1, "+": 1, "activation": 1, "activates": 1, "stimulation": 1, "up": 1,
    "-1": -1, "-": -1, "inhibition": -1, "inhibits": -1, "repression": -1, "down": -1,
    "0": 0, "": 0, "unknown": 0,
}  # fmt: skip


def read_edge_table(path: str | PathLike[str], *, directed: bool | None = None, signed: bool | None = None) -> Network:
    r"""A network from a plain table: two names a line, and perhaps weight, sign and evidence.

    Columns are parted by tabs, commas or blanks. A header names them: ``source``, ``target`` or ``gene1``, ``gene2``
    and the like; ``weight`` or ``score``; ``sign``; ``evidence`` or ``interaction``. Without a header, the first two
    columns are the nodes, and a third is the weight if it holds numbers, else the evidence. Where any weight is
    negative, the signs of weights are those of the edges.

    Args:
        path: The file, plain or gzip; lines that begin with ``#`` at its top are comments.
        directed: Whether the first node acts on the second. Where None, the header decides: ``source``, ``target`` or
            ``tf``, ``gene`` are directed, ``gene1``, ``gene2`` are not, and without a header edges are undirected.
        signed: Whether the signs of weights are those of the edges; where None, only if any weight is negative.

    Returns:
        The network.

    Raises:
        FormatError: If a line has another number of columns than the first or a weight is no number, with the line.

    References:
        HumanNet: Kim et al. 2022, Nucleic Acids Research 50:D632, doi:10.1093/nar/gkab1048.
        CollecTRI: Müller-Dott et al. 2023, Nucleic Acids Research 51:10934, doi:10.1093/nar/gkad841.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "regulons.csv"
        ...     size = path.write_text("source,target,weight\nMYC,TERT,1\nTP53,IGF1R,-1\n")
        ...     list(read_edge_table(path).edges)[1]
        Edge(source='TP53', target='IGF1R', weight=1.0, sign=-1, directed=True, evidence='')
    """
    layout, comments = table_layout(path)
    roles, headed_direction = roles_of(layout, path)
    directed = headed_direction if directed is None else directed
    numbers = [roles["weight"]] if "weight" in roles else []
    texts = [roles[role] for role in ("sign", "evidence") if role in roles]
    columns = read_columns(path, layout, names=[roles["source"], roles["target"]], texts=texts, numbers=numbers)
    for column in (roles["source"], roles["target"]):
        decimals = [label for label in columns.texts[column].labels if "." in label and _is_number(label)]
        if 2 * len(decimals) > len(columns.texts[column].labels):
            raise FormatError(
                f"column {column!r} should name nodes; it holds {decimals[0]}. Were columns swapped?", path
            )
    names, source, target = joined(columns, roles["source"], roles["target"])
    weights = signed_weights(columns.numbers[roles["weight"]]) if numbers else {}
    if signed is not None and numbers:
        weights["sign"] = np.sign(columns.numbers[roles["weight"]]) * signed
    if "sign" in roles:
        weights["sign"] = _signs(columns.texts[roles["sign"]], roles["sign"], path)
    unread = [column for column in layout.columns if column not in roles.values()]
    steps = ["read as a table of " + ("directed" if directed else "undirected") + " edges"]
    steps += [f"columns not read: {', '.join(unread)}"] if unread else []
    return build_network(
        names,
        source,
        target,
        directed=directed,
        evidence=columns.texts[roles["evidence"]] if "evidence" in roles else None,
        keep_unconnected=False,
        provenance=Provenance((source_of(path, header_facts(comments)),), tuple(steps)),
        **weights,
    )


def joined(columns: Columns, first: str, second: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Two columns of names as one list of names, and each column as positions in it.

    Args:
        columns: What was read.
        first: One column.
        second: The other one.

    Returns:
        The list, and the positions of the first and of the second column.
    """
    position: dict[str, int] = {}
    found: list[np.ndarray] = []
    for column in (first, second):
        codes, labels = columns.texts[column]
        look_up = np.array([position.setdefault(label, len(position)) for label in labels], dtype=np.int32)
        found.append(look_up[codes])
    return list(position), found[0], found[1]


def table_layout(path: str | PathLike[str]) -> tuple[Layout, list[str]]:
    """The layout of a plain table, its columns named as in the header or by numbers from 1.

    Args:
        path: The file.

    Returns:
        The layout, and the comments above it.

    Raises:
        FormatError: If it has fewer than two columns.
    """
    lines = head_of(path)
    n_comments = next((index for index, line in enumerate(lines) if line.strip() and line[:1] not in "#!"), len(lines))
    comments, body = lines[:n_comments], [line for line in lines[n_comments:] if line.strip()]
    if not body:
        raise FormatError("holds comments only, no edge.", path)
    delimiter = next((each for each in ("\t", ",", ";") if each in body[0]), " ")
    loose = delimiter == " " or any('"' in line for line in body)
    layout = Layout(("",), delimiter, n_comments + 1, loose)
    first, *others = (split_line(line, layout, path, n_comments + 1) for line in body[:3])
    if len(first) < 2:
        raise FormatError(f"has one column ({body[0][:60]!r}), and an edge needs two names.", path, n_comments + 1)
    headed = is_header([cell.lower() for cell in first], others)
    columns = tuple(first) if headed else tuple(str(number) for number in range(1, len(first) + 1))
    repeated = {column for column in columns if columns.count(column) > 1}
    if repeated:
        raise FormatError(f"the header names {min(repeated)!r} twice. Rename one of the columns.", path, n_comments + 1)
    return Layout(columns, delimiter, n_comments + 1 + headed, loose), comments


def is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first line of a table names its columns.

    Args:
        first: Its cells, in lower case.
        others: The cells of some lines below it.
    """
    if any(a in first and b in first for a, b in (*DIRECTED_PAIRS, *UNDIRECTED_PAIRS)):
        return True
    words = [set(re.findall("[a-z]+", cell)) for cell in first[:2]]
    if all(each <= _COLUMN_WORDS and each & _COLUMN_NOUNS for each in words):
        return True
    # A cell above a number that is none itself is the name of a column.
    return any(
        _is_number(below[index]) and not _is_number(cell) and first[index]
        for below in others
        if len(below) == len(first)
        for index, cell in enumerate(first[2:], 2)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def roles_of(layout: Layout, path: str | PathLike[str]) -> tuple[dict[str, str], bool]:
    """Which column is what, and whether the header says that edges have a direction.

    Args:
        layout: From `table_layout`.
        path: The file.

    Returns:
        Column by role, and the direction.

    Raises:
        FormatError: If a table of more than three columns has no header.
    """
    lower = {column.lower(): column for column in layout.columns}
    roles: dict[str, str] = {}
    directed = False
    for pairs, direction in ((DIRECTED_PAIRS, True), (UNDIRECTED_PAIRS, False)):
        for first, second in pairs:
            if not roles and first in lower and second in lower:
                roles, directed = {"source": lower[first], "target": lower[second]}, direction
    headless = layout.columns == tuple(str(number) for number in range(1, len(layout.columns) + 1))
    if headless and len(layout.columns) > 3:
        raise FormatError(
            f"has {len(layout.columns)} columns and no header that names two of them as nodes, such as source and "
            "target. Add one, or force a format with format=.",
            path,
            layout.first_line,
        )
    first_two = layout.columns[:2]
    roles = roles or dict(zip(("source", "target"), first_two, strict=True))
    for role, words in (("weight", WEIGHT_WORDS), ("sign", SIGN_WORDS), ("evidence", EVIDENCE_WORDS)):
        column = next((lower[word] for word in words if word in lower), None)
        if column is not None and column not in roles.values():
            roles[role] = column
    if headless and len(layout.columns) > 2:
        third = next(iter(_first_rows(path, layout)), [""] * 3)[2]
        roles["weight" if _is_number(third) else "evidence"] = layout.columns[2]
    elif "weight" not in roles and len(layout.columns) == 3 and roles.keys() == {"source", "target"}:
        (rest,) = (column for column in layout.columns if column not in roles.values())
        cell = next(iter(_first_rows(path, layout)), [""] * 3)[layout.columns.index(rest)]
        roles["weight" if _is_number(cell) else "evidence"] = rest
    return roles, directed


def _first_rows(path: str | PathLike[str], layout: Layout) -> Sequence[Sequence[str]]:
    lines = head_of(path)[layout.first_line - 1 :]
    rows = [split_line(line, layout, path, layout.first_line) for line in lines if line.strip()]
    return [row for row in rows if len(row) == len(layout.columns)]


def _signs(cells: Coded, column: str, path: str | PathLike[str]) -> np.ndarray:
    unknown = [label for label in cells.labels if label.lower() not in _SIGNS]
    if unknown:
        raise FormatError(
            f"column {column!r} holds {unknown[0]!r}, no sign. Use one of: {', '.join(filter(None, _SIGNS))}.", path
        )
    return np.array([_SIGNS[label.lower()] for label in cells.labels], dtype=np.int8)[cells.codes]
