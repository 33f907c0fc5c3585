"""Cytoscape's simple interaction format (SIF): ``source interaction target [target …]``, and what it cannot hold.

A SIF line has room for two names and one word. The word carries direction and sign, or the evidence
(`kgnn.knowledge.interactions`); weights, types of nodes, and edges with both evidence and a sign need more, which
`write_sif` refuses to drop unless it is told to, or keeps in a second file, ``….sif.attributes.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.edge_columns import NO_LINE_END
from kgnn.knowledge.edges import Coded, EdgeNames, build_network
from kgnn.knowledge.interactions import interaction_of, meaning_of
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, file_digest
from kgnn.knowledge.text import read_lines, source_of
from kgnn.knowledge.writing import whole_file

ATTRIBUTES = ("error", "file", "drop")
ATTRIBUTES_ENDING = ".attributes.json"

_COLUMNS = ("weight", "sign", "directed", "evidence")


def read_sif(path: str | PathLike[str], *, directed: bool | None = None) -> Network:
    r"""A network from SIF.

    Columns are parted by tabs, or by blanks in a file without tabs. A line with one name is a node without an edge.
    ``pp`` is an undirected edge, ``pd`` a directed one, ``activates`` and ``inhibits`` are signed; the words of Pathway
    Commons have the direction that it gives them. Where `write_sif` left a second file, it is read too.

    Args:
        path: The file, plain or gzip.
        directed: Whether interactions of other words have a direction; they have none where None.

    Returns:
        The network, with the word of each interaction as evidence.

    Raises:
        FormatError: If a line has two columns or an empty one, or the second file belongs to another SIF.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "network.sif"
        ...     size = path.write_text("A\tpp\tB\tC\nD\n")
        ...     network = read_sif(path)
        >>> network.nodes, network.n_edges
        (('A', 'B', 'C', 'D'), 2)
    """
    position: dict[str, int] = {}
    words: dict[str, int] = {}
    rows: list[tuple[int, int, int]] = []
    tabs = any("\t" in line for line in read_lines(path))
    line, number = "\n", 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.rstrip("\n").split("\t")] if tabs else line.split()
        if len(cells) == 2 or "" in cells:
            raise FormatError(
                "has an empty column." if "" in cells else "has two columns where SIF has one name, or a name, an "
                "interaction and one or more names.", path, number,
            )  # fmt: skip
        source = position.setdefault(cells[0], len(position))
        for target in cells[2:]:
            word = words.setdefault(cells[1], len(words))
            rows.append((source, position.setdefault(target, len(position)), word))
    if not line.endswith("\n"):
        raise FormatError(NO_LINE_END, path, number)
    array = np.array(rows, dtype=np.int32).reshape(-1, 3)
    meanings = [meaning_of(word, directed) for word in words]
    columns: dict[str, Any] = {
        "sign": np.array([each.sign for each in meanings], dtype=np.int8)[array[:, 2]],
        "directed": np.array([each.directed for each in meanings], dtype=bool)[array[:, 2]],
        "evidence": Coded(array[:, 2], [each.evidence for each in meanings]),
    }
    provenance = Provenance((source_of(path, {}),), ("read as SIF",))
    beside = Path(f"{path}{ATTRIBUTES_ENDING}")
    if beside.exists():
        columns |= _read_attributes(beside, path, list(position), len(rows))
        provenance = provenance.join(Provenance((source_of(beside, {}),), ()))
    return build_network(list(position), array[:, 0], array[:, 1], provenance=provenance, **columns)


def write_sif(network: Network, path: str | PathLike[str], *, attributes: str = "error") -> tuple[Loss, ...]:
    """Write a network as SIF, at once or not at all.

    Args:
        network: The network.
        path: File to write.
        attributes: What to do where SIF cannot hold the network (weights, types of nodes, edges with evidence whose
            direction or sign do not follow from it): ``"error"``, ``"file"`` to keep those facts beside it in
            ``PATH.attributes.json``, from where `read_sif` takes them, or ``"drop"`` to lose them.

    Returns:
        What was dropped; nothing unless ``attributes="drop"``.

    Raises:
        KgnnError: If SIF cannot hold the network and ``attributes="error"``, or a name holds a tab or a line end.

    Example:
        >>> network = build_network(["A", "B"], np.array([0]), np.array([1]), weight=np.array([0.5]))
        >>> write_sif(network, "network.sif")
        Traceback (most recent call last):
        kgnn.errors.KgnnError: SIF cannot hold the weights of 1 edges: A -- B. Keep them in a second file with ...
    """
    if attributes not in ATTRIBUTES:
        raise unknown_choice("attributes", attributes, ATTRIBUTES)
    words = [interaction_of(edge.directed, edge.sign, edge.evidence) for edge in network.edges]
    # Without a tab in the file, blanks part the columns.
    forbidden = set("\t\n\r" if words else "\t\n\r ")
    unfit = [name for name in (*network.nodes, *words) if not name.strip() or forbidden & set(name)]
    if unfit:
        raise KgnnError(f"SIF cannot hold the names {name_some([repr(n) for n in unfit])}. Rename them, or write CX2.")
    lost = _not_in_sif(network, words)
    if lost and attributes == "error":
        what = "; ".join(f"{loss.reason} of {len(loss.names):,} {loss.what}s: {name_some(loss.names)}" for loss in lost)
        raise KgnnError(
            f"SIF cannot hold the {what}. Keep them in a second file with attributes='file', write CX2, or lose them "
            "with attributes='drop'."
        )
    connected = {position for column in (network.source, network.target) for position in column.tolist()}
    beside = Path(f"{path}{ATTRIBUTES_ENDING}")
    with whole_file(path) as unfinished:
        with unfinished.open("w", encoding="utf-8", newline="\n") as stream:
            for edge, word in zip(network.edges, words, strict=True):
                stream.write(f"{edge.source}\t{word}\t{edge.target}\n")
            stream.writelines(f"{node}\n" for index, node in enumerate(network.nodes) if index not in connected)
        if lost and attributes == "file":
            _write_attributes(network, beside, file_digest(unfinished))
        else:
            beside.unlink(missing_ok=True)
    return tuple(lost) if attributes == "drop" else ()


def _not_in_sif(network: Network, words: Sequence[str]) -> list[Loss]:
    meanings = {word: meaning_of(word) for word in set(words)}
    unlike = [
        index
        for index, (edge, word) in enumerate(zip(network.edges, words, strict=True))
        if (edge.directed, edge.sign, edge.evidence) != meanings[word]
    ]
    losses = (
        Loss("edge", "weights", EdgeNames.of(network, np.flatnonzero(network.weight != 1))),
        Loss("edge", "direction, sign and evidence together", EdgeNames.of(network, np.array(unlike, dtype=np.int64))),
        Loss("node", "types", tuple(n for n, kind in zip(network.nodes, network.node_types, strict=True) if kind)),
    )
    return [loss for loss in losses if len(loss.names)]


def _write_attributes(network: Network, path: Path, digest: str) -> None:
    facts = {
        "kind": "attributes of a SIF file, its edges line by line",
        "sif_sha256": digest,
        "weight": network.weight.tolist(),
        "sign": network.sign.tolist(),
        "directed": network.directed.tolist(),
        "evidence": network.evidence.tolist(),
        "evidence_names": network.evidence_names,
        "node_types": {node: kind for node, kind in zip(network.nodes, network.node_types, strict=True) if kind},
    }
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(facts), encoding="utf-8")


def _read_attributes(path: Path, sif: str | PathLike[str], names: list[str], n_rows: int) -> dict[str, Any]:
    try:
        facts = json.loads("".join(read_lines(path)))
        digest, kinds = facts["sif_sha256"], facts["node_types"]
        columns = {name: np.array(facts[name]) for name in _COLUMNS}
        evidence_names = list(facts["evidence_names"])
        fits = all(len(column) == n_rows for column in columns.values())
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"holds no attributes of a SIF ({error}). Remove it, or write both again.", path) from None
    if digest != file_digest(sif) or not fits:
        raise FormatError(f"belongs to another SIF than {Path(sif).name}. Remove it, or write both again.", path)
    return {
        **columns,
        "evidence": Coded(columns["evidence"].astype(np.int32), evidence_names),
        "node_types": [kinds.get(name, "") for name in names],
    }
