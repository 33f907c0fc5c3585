"""MeSH descriptors, as XML (``desc2025.xml``) or ASCII (``d2025.bin``): a heading may stand at several tree numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from os import PathLike
from typing import NamedTuple

import networkx

from kgnn.errors import FormatError
from kgnn.knowledge.markup import elements
from kgnn.knowledge.ontology import Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import complete_lines, read_lines, source_of

MESH_LICENCE = "U.S. National Library of Medicine terms and conditions"
MESH_CITATION = "Lipscomb 2000, Medical Subject Headings (MeSH), Bulletin of the Medical Library Association 88:265"
RELATION = "broader"
CATEGORIES = {
    "A": "Anatomy", "B": "Organisms", "C": "Diseases", "D": "Chemicals and Drugs",
    "E": "Analytical, Diagnostic and Therapeutic Techniques, and Equipment", "F": "Psychiatry and Psychology",
    "G": "Phenomena and Processes", "H": "Disciplines and Occupations",
    "I": "Anthropology, Education, Sociology, and Social Phenomena", "J": "Technology, Industry, and Agriculture",
    "K": "Humanities", "L": "Information Science", "M": "Named Groups", "N": "Health Care",
    "V": "Publication Characteristics", "Z": "Geographicals",
}  # fmt: skip
"""The top of MeSH, which has no descriptor of its own."""

_TREE_NUMBER = re.compile(r"[A-Z]\d{2}(\.\d+)*")
_DESCRIPTOR = re.compile(r"D\d{6,9}")


class _Descriptor(NamedTuple):
    id: str
    name: str
    tree_numbers: tuple[str, ...]


def read_mesh(path: str | PathLike[str]) -> tuple[Ontology, dict[str, str]]:
    r"""The hierarchy of MeSH descriptors.

    A descriptor stands below the descriptor of the next shorter tree number; the categories (``C``: Diseases) are made
    above them, one root each. MeSH as a graph of descriptors has a few circles, because a heading may be broader than
    another in one tree and narrower in a second: of each circle the relations at the longest tree numbers are left out
    and named. Descriptors without a tree number (``Female``, ``Male``) are left out as well.

    Args:
        path: Descriptors as XML or ASCII, plain or gzip.

    Returns:
        The ontology, without annotations, and the aliases: tree numbers and ids with the prefix ``MESH:`` (as the
        Comparative Toxicogenomics Database has them), to descriptors.

    Raises:
        FormatError: If the file holds no descriptors, one is not as published, or a tree number is given twice, with
            the line where there is one.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> text = "*NEWRECORD\nRECTYPE = D\nMH = Neoplasms\nMN = C04\nUI = D009369\n\n"
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "d2025.bin"
        ...     size = path.write_text(text)
        ...     read_mesh(path)[0].relations
        (Relation(child='D009369', parent='C', type='broader'),)

    References:
        Bodenreider 2001, Circular hierarchical relationships in the UMLS, AMIA Annual Symposium Proceedings: 57.
    """
    is_xml = next((line for line in islice(read_lines(path), 50) if line.strip()), "").lstrip().startswith("<")
    descriptors = list(_from_xml(path) if is_xml else _from_ascii(path))
    if not descriptors:
        raise FormatError("holds no descriptor. Take the descriptors of MeSH: desc2025.xml or d2025.bin.", path)
    at, names = _places(descriptors, path)
    found: dict[tuple[str, str], str] = {}
    lost: dict[str, list[str]] = {}
    for tree_number in sorted(at, key=lambda number: (number.count("."), number)):
        above, dot, _ = tree_number.rpartition(".")
        parent = at.get(above) if dot else tree_number[0]
        if parent is None:
            lost.setdefault("no descriptor has the tree number above", []).append(tree_number)
        elif parent == at[tree_number]:
            lost.setdefault("a descriptor above itself", []).append(f"{parent} at {tree_number}")
        else:
            found.setdefault((at[tree_number], parent), tree_number)
    kept = _without_circles(found)
    circles = [
        f"{child} {RELATION} {parent} at {found[child, parent]}"
        for child, parent in found
        if (child, parent) not in kept
    ]
    categories = dict.fromkeys(parent for _, parent in kept if parent in CATEGORIES)
    terms = {letter: Term(letter, CATEGORIES[letter], "MeSH") for letter in categories}
    terms |= {each: Term(each, names[each], "MeSH") for each in dict.fromkeys(at.values())}
    losses = (
        Loss("term", "has no tree number", tuple(each.id for each in descriptors if not each.tree_numbers)),
        *(Loss("relation", reason, tuple(numbers)) for reason, numbers in lost.items()),
        Loss("relation", "would close a circle", tuple(circles)),
    )
    source = source_of(path, {}, licence=MESH_LICENCE, citation=MESH_CITATION)
    provenance = Provenance((source,), (f"read as MeSH descriptors ({'XML' if is_xml else 'ASCII'})",))
    relations = tuple(Relation(child, parent, RELATION) for child, parent in kept)
    aliases = at | {f"MESH:{each}": each for each in terms if each not in CATEGORIES}
    return Ontology(terms, relations, (), provenance, tuple(loss for loss in losses if loss.names)), aliases


def _places(descriptors: list[_Descriptor], path: str | PathLike[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Descriptor of every tree number, and name of every descriptor."""
    at: dict[str, str] = {}
    names: dict[str, str] = {}
    for each in descriptors:
        if not _DESCRIPTOR.fullmatch(each.id) or not each.name:
            raise FormatError(f"the descriptor {each.id or each.name!r} lacks its id (such as D009369) or name.", path)
        if each.id in names:
            raise FormatError(f"{each.id} ({each.name}) is defined twice.", path)
        names[each.id] = each.name
        for tree_number in each.tree_numbers:
            if not _TREE_NUMBER.fullmatch(tree_number) or tree_number[0] not in CATEGORIES:
                raise FormatError(f"{tree_number[:40]!r} of {each.id} is no tree number such as C04.588.", path)
            if at.setdefault(tree_number, each.id) != each.id:
                raise FormatError(f"{tree_number} is the tree number of {at[tree_number]} and of {each.id}.", path)
    return at, names


def _without_circles(found: dict[tuple[str, str], str]) -> dict[tuple[str, str], None]:
    """The relations, without those that close a circle when they are added from the shortest tree number on."""
    graph = networkx.DiGraph(list(found))
    component = {
        term: index for index, group in enumerate(networkx.strongly_connected_components(graph)) for term in group
    }
    kept: dict[tuple[str, str], None] = {}
    circular = networkx.DiGraph()
    for child, parent in found:
        if component[child] == component[parent]:
            if circular.has_node(child) and circular.has_node(parent) and networkx.has_path(circular, parent, child):
                continue
            circular.add_edge(child, parent)
        kept[child, parent] = None
    return kept


def _from_xml(path: str | PathLike[str]) -> Iterator[_Descriptor]:
    for element in elements(path, "DescriptorRecord"):
        numbers = tuple((each.text or "").strip() for each in element.iterfind("TreeNumberList/TreeNumber"))
        identifier = element.findtext("DescriptorUI", "").strip()
        yield _Descriptor(identifier, element.findtext("DescriptorName/String", "").strip(), numbers)


def _from_ascii(path: str | PathLike[str]) -> Iterator[_Descriptor]:
    record: dict[str, list[str]] = {}
    start, number = 0, 0
    for number, line in enumerate(complete_lines(path), 1):
        text = line.strip()
        if text == "*NEWRECORD":
            if start:
                yield _finished(record, path, start)
            record, start = {}, number
        elif text:
            tag, equals, value = text.partition(" = ")
            if not equals and not text.endswith(" ="):
                raise FormatError(f"{text[:40]!r} is no 'TAG = value' of MeSH's ASCII format.", path, number)
            if not start:
                raise FormatError("stands before the first *NEWRECORD.", path, number)
            record.setdefault(tag, []).append(value.strip())
    if start:
        yield _finished(record, path, start)


def _finished(record: dict[str, list[str]], path: str | PathLike[str], start: int) -> _Descriptor:
    if record.get("RECTYPE") != ["D"]:
        raise FormatError("is no record of a descriptor (RECTYPE = D). Take d2025.bin, not qualifiers.", path, start)
    if len(record.get("UI", ())) != 1 or len(record.get("MH", ())) != 1:
        raise FormatError("its record has not one UI and one MH. The file seems to be cut short.", path, start)
    return _Descriptor(record["UI"][0], record["MH"][0], tuple(record.get("MN", ())))
