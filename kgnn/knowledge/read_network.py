"""`read_network`: one door for every file that holds a network, recognized by its content."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from os import PathLike
from typing import Any, NamedTuple

from kgnn.errors import FormatError, KgnnError, StructureError, unknown_choice
from kgnn.knowledge.biogrid import read_biogrid
from kgnn.knowledge.edge_columns import head_of
from kgnn.knowledge.edge_table import is_header, read_edge_table
from kgnn.knowledge.gml import read_gml
from kgnn.knowledge.interactions import KNOWN_WORDS
from kgnn.knowledge.kpnn import read_kpnn
from kgnn.knowledge.network import Network
from kgnn.knowledge.network_cx2 import read_cx2_network
from kgnn.knowledge.network_kgml import read_kgml_network
from kgnn.knowledge.omnipath import read_omnipath
from kgnn.knowledge.reactome_fi import read_reactome_fi
from kgnn.knowledge.sif import read_sif
from kgnn.knowledge.signor import read_signor
from kgnn.knowledge.string_actions import read_string_actions
from kgnn.knowledge.string_links import read_string

STRING_UNIT = 1000.0


class NetworkFormat(NamedTuple):
    """A format: what reads it, which arguments of `read_network` it takes, and what its threshold is divided by."""

    read: Callable[..., Network]
    options: frozenset[str] = frozenset()
    unit: float = 1.0


_FORMATS = {
    "string": NetworkFormat(read_string, frozenset(["names", "alias_source", "channels", "taxon"]), STRING_UNIT),
    "string-actions": NetworkFormat(read_string_actions, frozenset(["names", "alias_source", "taxon"]), STRING_UNIT),
    "biogrid": NetworkFormat(read_biogrid, frozenset(["gene_id", "taxon"])),
    "reactome-fi": NetworkFormat(read_reactome_fi),
    "signor": NetworkFormat(read_signor, frozenset(["gene_id", "taxon"])),
    "omnipath": NetworkFormat(read_omnipath, frozenset(["gene_id"])),
    "kgml": NetworkFormat(read_kgml_network, frozenset(["gene_id"])),
    "kpnn": NetworkFormat(read_kpnn),
    "gml": NetworkFormat(read_gml, frozenset(["gene_id"])),
    "cx2": NetworkFormat(read_cx2_network, frozenset(["gene_id", "directed"])),
    "sif": NetworkFormat(read_sif, frozenset(["directed"])),
    "table": NetworkFormat(read_edge_table, frozenset(["directed", "signed"])),
}
NETWORK_FORMATS = tuple(_FORMATS)


def read_network(
    path: str | PathLike[str],
    format: str | None = None,
    *,
    threshold: float | None = None,
    evidence: str | Collection[str] | None = None,
    names: str | PathLike[str] | None = None,
    alias_source: str | None = None,
    channels: str | Collection[str] | None = None,
    taxon: int | None = None,
    gene_id: str | None = None,
    directed: bool | None = None,
    signed: bool | None = None,
) -> Network:
    r"""A network of genes or proteins, from any of the formats of the field.

    Formats are recognized by content: STRING (links with or without channels, actions), BioGRID, Reactome functional
    interactions, SIGNOR, OmniPath, KEGG's KGML, KPNN edge lists, GML, CX2, SIF, and plain tables of edges, such as
    those of HumanNet and CollecTRI. Nothing is lost silently: `Network.losses` names what was left out, and why.

    Args:
        path: The file, plain or gzip.
        format: One of `NETWORK_FORMATS` to force the format.
        threshold: Least weight of an edge, in the unit of the file: 0 to 1,000 for STRING, 0 to 1 for SIGNOR.
        evidence: Kinds of evidence to keep, such as ``"physical"``; see `Network.with_evidence`.
        names: A file that names the nodes by gene symbol (STRING).
        alias_source: Which source of that file (STRING's aliases).
        channels: Channels to combine (STRING's detailed and full files).
        taxon: NCBI number of the organism (STRING, BioGRID, SIGNOR).
        gene_id: What names a node; the readers say what each can offer.
        directed: Whether edges have a direction of which the file says nothing (tables, SIF, CX2).
        signed: Whether the signs of weights are those of the edges (tables).

    Returns:
        The network.

    Raises:
        FormatError: If the file is not what its format promises, with the line.
        StructureError: If no edge is left.
        KgnnError: If a choice is unknown, or does not apply to the format.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "humannet.tsv"
        ...     size = path.write_text("GTF2E1\tTAF9\t2.46\nGTF2E1\tTAF6\t2.62\n")
        ...     network = read_network(path, threshold=2.5)
        >>> network.nodes, network.losses[1].names[0]
        (('GTF2E1', 'TAF6'), 'GTF2E1 -- TAF9')
    """
    kind = format or recognize_network(path)
    if kind not in _FORMATS:
        raise unknown_choice("format", kind, NETWORK_FORMATS)
    chosen = _FORMATS[kind]
    given = {
        "names": names, "alias_source": alias_source, "channels": channels, "taxon": taxon, "gene_id": gene_id,
        "directed": directed, "signed": signed,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in chosen.options:
            raise KgnnError(f"{path}: {name}= does not apply to the format {kind}. Leave it out.")
    if threshold is not None and chosen.unit != 1 and 0 < threshold <= 1:
        raise KgnnError(
            f"threshold is {threshold:g}, and STRING's scores go up to 1,000: it would keep every edge. Give "
            f"{threshold * chosen.unit:g}."
        )
    network = chosen.read(path, **options)
    try:
        if evidence is not None:
            network = network.with_evidence(*([evidence] if isinstance(evidence, str) else evidence))
        return network if threshold is None else network.threshold(threshold / chosen.unit)
    except (StructureError, KgnnError) as error:
        raise type(error)(f"{path}: {error}") from None


def recognize_network(path: str | PathLike[str]) -> str:
    """The format of a file of edges, by its first lines.

    Args:
        path: The file.

    Returns:
        One of `NETWORK_FORMATS`.

    Raises:
        FormatError: If it is in none of them, or holds something else.
    """
    lines = [line for line in head_of(path) if line.strip()]
    first = lines[0].strip()
    kind = _by_mark(lines) or _by_header(first)
    if kind is not None:
        return kind
    if first.startswith(("format-version:", "!gaf-version", "!gpa", "ROOT:", "[Term]", "#tax_id")):
        raise FormatError("holds an ontology or annotations, not a network. Read it with kgnn.read_ontology.", path)
    body = [line for line in lines if not line.startswith(("#", "!"))]
    if not body:
        raise FormatError("holds comments only, no edge.", path)
    delimiter = next((each for each in "\t,;" if each in body[0]), None)
    rows = [line.split(delimiter) for line in body]
    if len(rows[0]) == 3 and {row[-1].strip() for row in rows} <= {"default", "gene"}:
        raise FormatError("holds a hierarchy in DrugCell's text, not a network. Read it with kgnn.read_ontology.", path)
    if _looks_like_gmt(rows):
        raise FormatError("holds gene sets (GMT), not a network. Read them with kgnn.read_ontology.", path)
    headed = is_header([cell.strip().lower() for cell in rows[0]], rows[1:3])
    if delimiter in (None, "\t") and not headed and _looks_like_sif(rows):
        return "sif"
    if len(rows[0]) > 1:
        return "table"
    raise FormatError(
        f"is in none of the formats {', '.join(NETWORK_FORMATS)} (it begins with {first[:60]!r}). Check the file, or "
        "force one with format=.",
        path,
    )


def _by_mark(lines: Sequence[str]) -> str | None:
    start = "".join(lines[:5]).replace(" ", "")
    if start.startswith(("[", "{")):
        return "cx2"
    if start.startswith("<"):
        return "kgml"
    words = [line.split() for line in lines if not line.lstrip().startswith("#")]
    opens = [row for row in words if row[:1] == ["graph"]]
    if opens and words[0][0] in ("graph", "Creator", "Version", "comment") and len(words[0]) < 9:
        return "gml" if opens[0][1:2] in ([], ["["]) else None
    return None


def _by_header(first: str) -> str | None:
    small = first.lower().lstrip("#").strip()
    cells = [cell.strip().strip('"') for cell in small.replace(",", "\t").split("\t")]
    if small.split()[:2] == ["protein1", "protein2"] and small.endswith("combined_score"):
        return "string"
    if cells[:2] == ["item_id_a", "item_id_b"]:
        return "string-actions"
    if cells[0] == "biogrid interaction id":
        return "biogrid"
    marks = {
        "reactome-fi": {"gene1", "gene2", "annotation", "direction"},
        "signor": {"entitya", "entityb", "effect", "mechanism"},
        "omnipath": {"source", "target", "is_directed", "is_stimulation"},
        "kpnn": {"parent", "child"},
    }
    return next((kind for kind, needed in marks.items() if needed <= set(cells)), None)


def _looks_like_gmt(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each line is a name, a remark, and a set of genes that holds no such name."""
    first = {row[0] for row in rows}
    members = {cell for row in rows for cell in row[2:]}
    return min(map(len, rows)) > 4 and len(first) == len(rows) and first.isdisjoint(members)


def _looks_like_sif(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the second column holds words for interactions: few, and never a node; no third one is a number."""
    edges = [row for row in rows if len(row) > 2]
    if not edges or any(len(row) == 2 for row in rows):
        return False
    words = {row[1] for row in edges}
    nodes = {cell for row in edges for cell in (row[0], *row[2:])}
    if words <= KNOWN_WORDS:
        return True
    # The first line may be a header.
    numeric = all(row[2].strip().lstrip("+-").replace(".", "", 1).isdigit() for row in edges[1:] or edges)
    return not numeric and words.isdisjoint(nodes) and len(words) <= max(1, len(nodes) / 2)


def networks(value: Any) -> Any:
    """Networks from the names of their files, separated by commas; what is no text, such as a `Network`, as it is."""
    return tuple(read_network(file.strip()) for file in value.split(",")) if isinstance(value, str) else value
