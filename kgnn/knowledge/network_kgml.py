"""KEGG's relations between genes, from a pathway in KGML, through Biopython."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from os import PathLike
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.edges import Coded, build_network
from kgnn.knowledge.extras import require
from kgnn.knowledge.kegg import KEGG_CITATION, KEGG_LICENCE
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import read_lines, source_of

GENE_IDS = ("id", "label")
UP = frozenset(["activation", "expression"])
DOWN = frozenset(["inhibition", "repression"])
UNDIRECTED = frozenset(["binding/association", "dissociation"])
NODE_KINDS = ("gene", "ortholog", "compound")


def read_kgml_network(path: str | PathLike[str], *, gene_id: str = "id") -> Network:
    """The relations of a KEGG pathway, those of protein complexes spread over their members.

    An entry that stands for several genes is joined with each of them, as KEGG means it. Activation and expression have
    sign 1, inhibition and repression −1, a relation that is both has 0; binding and dissociation have no direction. The
    evidence names relation and subtypes, such as ``"PPrel: activation, phosphorylation"``.

    Args:
        path: KGML file, plain or gzip.
        gene_id: What names a node: ``"id"``, KEGG's identifiers without the organism (Entrez numbers for human genes),
            or ``"label"``, one node an entry under the first name that KEGG draws.

    Returns:
        The network; relations with maps of other pathways are in its losses.

    Raises:
        FormatError: If the file is no KGML.
        KgnnError: If Biopython is missing or a choice is unknown.

    References:
        Kanehisa et al. 2023, Nucleic Acids Research 51:D587, doi:10.1093/nar/gkac963.
    """
    if gene_id not in GENE_IDS:
        raise unknown_choice("gene_id", gene_id, GENE_IDS)
    pathway = _parsed(path)
    position: dict[str, int] = {}
    types: list[str] = []
    rows: dict[tuple[int, int, int, bool, str], None] = {}
    lost: list[str] = []
    for relation in pathway.relations:
        subtypes = sorted({name for name, _ in relation.subtypes})
        evidence = f"{relation.type}: {', '.join(subtypes)}" if subtypes else relation.type
        ends = [list(_members(entry, pathway, gene_id)) for entry in (relation.entry1, relation.entry2)]
        if not all(ends):
            lost.append(f"{relation.entry1.name} {relation.type} {relation.entry2.name}")
            continue
        up, down = bool(UP.intersection(subtypes)), bool(DOWN.intersection(subtypes))
        directed = not subtypes or not UNDIRECTED.issuperset(subtypes)
        for pair in product(*ends):
            codes = []
            for name, kind in pair:
                if name not in position:
                    types.append(kind)
                codes.append(position.setdefault(name, len(position)))
            rows[codes[0], codes[1], up - down, directed, evidence] = None
    kinds = {row[4]: None for row in rows}
    place = {kind: index for index, kind in enumerate(kinds)}
    source, target, sign, directed = (np.array([row[column] for row in rows], dtype=np.int32) for column in range(4))
    title = str(pathway.title or pathway.name)
    return build_network(
        list(position),
        source,
        target,
        sign=sign,
        directed=directed.astype(bool),
        evidence=Coded(np.array([place[row[4]] for row in rows], dtype=np.int32), list(place)),
        node_types=types,
        provenance=Provenance(
            (source_of(path, {}, licence=KEGG_LICENCE, citation=KEGG_CITATION),),
            (f"read as KGML, the relations of {title}",),
        ),
        losses=[Loss("edge", "a relation with the map of another pathway", tuple(lost))] if lost else [],
    )


def _parsed(path: str | PathLike[str]) -> Any:
    require("Bio", "kegg", f"{path}: reading KGML", "biopython")
    parser = import_module("Bio.KEGG.KGML.KGML_parser")
    text = "".join(read_lines(path))
    try:
        pathway = parser.read(io.StringIO(text))
        # Relations name entries by number: one that does not exist shows when it is looked up.
        for relation in pathway.relations:
            _ = relation.entry1, relation.entry2
    except ParseError as error:
        raise FormatError(f"is no whole XML ({error}). Was the file cut short? Download it again.", path) from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise FormatError(f"is XML, but no KGML of KEGG ({error}). Download it again.", path) from None
    if not pathway.relations:
        raise FormatError("holds no relation between genes. Choose a pathway that has some.", path)
    return pathway


def _members(entry: Any, pathway: Any, gene_id: str) -> Iterator[tuple[str, str]]:
    """Names and types of the nodes that an entry stands for; none for the map of a pathway."""
    if entry.type == "group":
        for component in entry.components:
            yield from _members(pathway.entries[component.id], pathway, gene_id)
    elif entry.type in NODE_KINDS:
        if gene_id == "label" and entry.graphics:
            yield entry.graphics[0].name.split(",")[0].removesuffix("...").strip(), entry.type
        else:
            for name in entry.name.split():
                yield name.partition(":")[2] or name, entry.type
