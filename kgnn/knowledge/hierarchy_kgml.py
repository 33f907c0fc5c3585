"""KEGG's KGML: one pathway, the complexes drawn in it, and its genes.

Read with the standard library: Biopython's parser takes what it does not know without a word, and four attributes are
all that a hierarchy needs.
"""

from __future__ import annotations

from os import PathLike
from xml.etree.ElementTree import Element

from kgnn.errors import FormatError
from kgnn.knowledge.kegg import KEGG_CITATION, KEGG_LICENCE
from kgnn.knowledge.markup import elements
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import source_of

RELATION = "part_of"


def read_kgml_hierarchy(path: str | PathLike[str]) -> Ontology:
    r"""A pathway from KGML as a hierarchy: the pathway, its complexes, and the genes in either.

    Reactions and relations among genes are edges of a network and not read here. Linked pathways are no parts; they
    are counted as lost.

    Args:
        path: The file, plain or gzip.

    Returns:
        The ontology. Genes are named by their ids without the organism: NCBI's number or a systematic name.

    Raises:
        FormatError: If the file is no KGML, is cut short, or a complex names an entry that it does not define.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> text = '<pathway name="path:hsa04010" org="hsa" title="MAPK signaling pathway">\n'
        >>> text += '<entry id="1" name="hsa:5594 hsa:5595" type="gene"/>\n</pathway>\n'
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "hsa04010.xml"
        ...     size = path.write_text(text)
        ...     read_kgml_hierarchy(path).annotations
        (Annotation(gene='5594', term='hsa04010', evidence=''), Annotation(gene='5595', term='hsa04010', evidence=''))
    """
    root = next(iter(elements(path, "pathway")), None)
    if root is None:
        raise FormatError("holds no <pathway>, so it is no KGML.", path)
    pathway = root.get("name", "").removeprefix("path:")
    if not pathway:
        raise FormatError("its <pathway> has no name.", path)
    entries = _entries(root, path)
    terms = {pathway: Term(pathway, root.get("title") or pathway)}
    relations: list[Relation] = []
    annotations: dict[Annotation, None] = {}
    complexes, inside = _complexes(entries, path)
    for number, components in complexes.items():
        identifier = f"{pathway}:{number}"
        genes = [gene for each in components for gene in _genes(entries[each])]
        terms[identifier] = Term(identifier, f"complex of {', '.join(genes) or 'no gene'}")
        relations.append(Relation(identifier, pathway, RELATION))
        annotations |= dict.fromkeys(Annotation(gene, identifier) for gene in genes)
    for number, entry in entries.items():
        if entry.get("type") == "gene" and number not in inside:
            annotations |= dict.fromkeys(Annotation(gene, pathway) for gene in _genes(entry))
    if not annotations:
        raise FormatError("holds no entry of type gene. Take the KGML of an organism, such as hsa04010.", path)
    maps = tuple(entry.get("name", "") for entry in entries.values() if entry.get("type") == "map")
    linked = tuple(dict.fromkeys(name for name in maps if name != f"path:{pathway}"))
    return Ontology(
        terms,
        tuple(relations),
        tuple(annotations),
        Provenance((source_of(path, {}, licence=KEGG_LICENCE, citation=KEGG_CITATION),), (f"read {pathway} as KGML",)),
        (Loss("term", "a linked pathway, no part of this one", linked),) if linked else (),
    )


def _entries(root: Element, path: str | PathLike[str]) -> dict[str, Element]:
    entries: dict[str, Element] = {}
    for entry in root.iter("entry"):
        number = entry.get("id", "")
        if not number or not entry.get("type") or "name" not in entry.attrib:
            raise FormatError(f"entry {number or 'without id'} lacks id, name or type.", path)
        if number in entries:
            raise FormatError(f"entry {number} is defined twice.", path)
        entries[number] = entry
    return entries


def _complexes(entries: dict[str, Element], path: str | PathLike[str]) -> tuple[dict[str, list[str]], set[str]]:
    """Components of every group, and all of them."""
    found: dict[str, list[str]] = {}
    for number, entry in entries.items():
        if entry.get("type") != "group":
            continue
        found[number] = [component.get("id", "") for component in entry.iter("component")]
        unknown = [component for component in found[number] if component not in entries]
        if unknown:
            raise FormatError(f"complex {number} names entry {unknown[0]!r}, which is not defined.", path)
    return found, {component for components in found.values() for component in components}


def _genes(entry: Element) -> list[str]:
    names = entry.get("name", "").split() if entry.get("type") == "gene" else []
    return [name.partition(":")[2] or name for name in names]
