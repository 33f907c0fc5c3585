"""Every format of a hierarchy and of annotations that kgnn reads, and how each is told by its first lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from os import PathLike, fspath
from typing import Any

from kgnn.errors import FormatError, KgnnError, unknown_choice
from kgnn.knowledge.annotations import AnnotationFile
from kgnn.knowledge.dcell import read_dcell
from kgnn.knowledge.drugcell import read_drugcell
from kgnn.knowledge.gaf import read_gaf
from kgnn.knowledge.gene2go import read_gene2go
from kgnn.knowledge.gene_sets import read_gmt, read_gmt_annotations
from kgnn.knowledge.gpad import read_gpad
from kgnn.knowledge.hierarchy_cx2 import read_cx2_hierarchy
from kgnn.knowledge.hierarchy_kgml import read_kgml_hierarchy
from kgnn.knowledge.hpo_genes import read_hpo_genes
from kgnn.knowledge.kegg import read_kegg
from kgnn.knowledge.mesh import read_mesh
from kgnn.knowledge.obo import read_obo
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.reactome import STABLE_ID, read_reactome, read_reactome_members
from kgnn.knowledge.sgd_slim import read_sgd_slim
from kgnn.knowledge.tables import read_gene_table
from kgnn.knowledge.text import read_lines

_PROBE_LINES = 200
_DRUGCELL_COLUMNS = 3
_LEAST_GMT_WIDTH = 3


@dataclass(frozen=True)
class KnowledgeFormat:
    """One format.

    Attributes:
        name: What ``format=`` and ``--format`` call it.
        title: What such a file is.
        read: Its reader. For a hierarchy, called with the path and the choices in `takes`; it returns the ontology, or
            the ontology and its aliases. For annotations, called with the path, the known terms and the choices.
        takes: Choices of `read_ontology` that apply to it.
    """

    name: str
    title: str
    read: Callable[..., Any]
    takes: frozenset[str] = frozenset()


_OBO = frozenset({"annotations", "relations", "namespace", "taxon", "evidence"})

HIERARCHIES = {
    each.name: each
    for each in (
        KnowledgeFormat("obo", "OBO ontology: GO, HPO, Disease Ontology, Pathway Ontology ...", read_obo, _OBO),
        KnowledgeFormat(
            "reactome",
            "ReactomePathwaysRelation.txt: parent and child, no header",
            read_reactome,
            frozenset({"annotations", "names", "species", "evidence"}),
        ),
        KnowledgeFormat(
            "kegg", "KEGG BRITE text (.keg)", read_kegg, frozenset({"annotations", "species", "evidence", "gene_id"})
        ),
        KnowledgeFormat("kgml", "one KEGG pathway as KGML", read_kgml_hierarchy),
        KnowledgeFormat("mesh", "MeSH descriptors, XML or ASCII", read_mesh, frozenset({"annotations", "evidence"})),
        KnowledgeFormat("gmt", "gene sets (MSigDB, KEGG, Reactome) below a made root", read_gmt),
        KnowledgeFormat("drugcell", "DrugCell's three columns, also those of NeST-VNN and XMR", read_drugcell),
        KnowledgeFormat("dcell", "DCell's topology text", read_dcell),
        KnowledgeFormat("cx2", "Cytoscape CX2 hierarchy with members", read_cx2_hierarchy),
    )
}
"""Hierarchies by name of their format."""


def _without_terms(read: Callable[..., AnnotationFile]) -> Callable[..., AnnotationFile]:
    return lambda path, terms, **choices: read(path, **choices)


ANNOTATIONS = {
    each.name: each
    for each in (
        KnowledgeFormat("gaf", "GAF 2", _without_terms(read_gaf), frozenset({"evidence", "gene_id", "taxon"})),
        KnowledgeFormat("gpad", "GPAD", _without_terms(read_gpad), frozenset({"evidence"})),
        KnowledgeFormat("gene2go", "NCBI's gene2go", _without_terms(read_gene2go), frozenset({"evidence", "taxon"})),
        KnowledgeFormat(
            "reactome",
            "UniProt2Reactome, NCBI2Reactome, Ensembl2Reactome",
            _without_terms(read_reactome_members),
            frozenset({"evidence", "species"}),
        ),
        KnowledgeFormat("gmt", "gene sets named by terms", read_gmt_annotations),
        KnowledgeFormat("hpo", "genes_to_phenotype.txt of HPO", _without_terms(read_hpo_genes), frozenset({"gene_id"})),
        KnowledgeFormat("sgd_slim", "SGD's go_slim_mapping.tab", _without_terms(read_sgd_slim), frozenset({"gene_id"})),
        KnowledgeFormat("table", "genes and terms (and evidence codes)", read_gene_table, frozenset({"evidence"})),
    )
}
"""Annotations by name of their format."""


def recognized_hierarchy(path: str | PathLike[str]) -> str:
    """The format of a hierarchy by its first lines.

    Args:
        path: The file.

    Returns:
        A key of `HIERARCHIES`.

    Raises:
        FormatError: If it is none of them, or holds something else that belongs to one.
    """
    lines = [line.strip("\n") for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    content = [line for line in lines if not line.startswith("!")] or [""]
    _refuse_companions(path, lines, content)
    for name, is_it in _SIGNS.items():
        if is_it(path, content):
            return name
    raise FormatError(
        f"is in none of the formats {', '.join(HIERARCHIES)} (it begins with {lines[0][:60]!r}). "
        "Check the file, or force one with format=.",
        path,
    )


def _refuse_companions(path: str | PathLike[str], lines: list[str], content: list[str]) -> None:
    """Files that belong to a hierarchy, but not in its place."""
    cells = content[0].split("\t")
    starts = ("!gaf-version", "!gpa-version", "!gpad-version", "#tax_id", "ncbi_gene_id\t", "hpo_id\t")
    if lines[0].startswith(starts) or (len(cells) in (4, 6) and STABLE_ID.fullmatch(cells[1])):
        raise FormatError("holds annotations, not an ontology. Give the ontology first and this as annotations=.", path)
    if len(cells) == 3 and STABLE_ID.fullmatch(cells[0]) and cells[2].strip() not in ("default", "gene"):
        raise FormatError(
            "holds names of pathways, not their relations. Give ReactomePathwaysRelation.txt as the ontology and this "
            "as names=.",
            path,
        )


def _is_obo(_: str | PathLike[str], content: Sequence[str]) -> bool:
    return any(line.startswith(("format-version:", "[Term]")) for line in content)


def _is_drugcell(_: str | PathLike[str], content: Sequence[str]) -> bool:
    columns = content[0].split("\t") if "\t" in content[0] else content[0].split()
    return len(columns) == _DRUGCELL_COLUMNS and columns[-1].strip() in ("default", "gene")


def _is_mesh(_: str | PathLike[str], content: Sequence[str]) -> bool:
    return content[0].strip() == "*NEWRECORD" or (
        content[0].lstrip().startswith("<") and any("DescriptorRecord" in line for line in content)
    )


def _is_kgml(_: str | PathLike[str], content: Sequence[str]) -> bool:
    return content[0].lstrip().startswith("<") and any(re.search(r"<pathway\b", line) for line in content)


def _is_reactome(_: str | PathLike[str], content: Sequence[str]) -> bool:
    cells = content[0].split("\t")
    return len(cells) == 2 and any(STABLE_ID.fullmatch(cell.strip()) for cell in cells)


def _is_gmt(path: str | PathLike[str], content: Sequence[str]) -> bool:
    """Tabs, at least a name, a description and a gene; and lines of different lengths, or the ending of the file."""
    widths = [line.count("\t") + 1 for line in content if not line.startswith("#")]
    named = fspath(path).lower().removesuffix(".gz").endswith(".gmt")
    long = [width for width in widths if width >= _LEAST_GMT_WIDTH]
    return bool(long) and (named or (len(set(widths)) > 2 and 2 * len(long) > len(widths)))


_SIGNS: dict[str, Callable[[str | PathLike[str], Sequence[str]], bool]] = {
    "obo": _is_obo,
    "dcell": lambda _, content: content[0].startswith("ROOT:"),
    "drugcell": _is_drugcell,
    "mesh": _is_mesh,
    "kgml": _is_kgml,
    "kegg": lambda _, content: re.match(r"\+[A-J](\t|$)", content[0]) is not None,
    "cx2": lambda _, content: content[0].lstrip().startswith("[") and any("CXVersion" in line for line in content),
    "reactome": _is_reactome,
    "gmt": _is_gmt,
}


def recognized_annotations(path: str | PathLike[str]) -> str:
    """The format of annotations by its first lines.

    Args:
        path: The file.

    Returns:
        A key of `ANNOTATIONS`.

    Raises:
        FormatError: If it is none of them.
    """
    lines = [line.strip("\n") for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    for start, kind in _FIRST_WORDS:
        if any(line.startswith(start) for line in lines):
            return kind
    content = [line for line in lines if not line.startswith(("!", "#"))] or [""]
    cells = content[0].split("\t")
    if len(cells) in (4, 6) and STABLE_ID.fullmatch(cells[1].strip()):
        return "reactome"
    if len(cells) == 7 and cells[3] in ("C", "F", "P"):
        return "sgd_slim"
    if _is_gmt(path, content):
        return "gmt"
    width = len(cells) if "\t" in content[0] else len(content[0].split(","))
    if width in _FORMAT_OF_COLUMNS:
        return _FORMAT_OF_COLUMNS[width]
    raise FormatError(
        f"is in none of the formats {', '.join(ANNOTATIONS)} ({width} columns in {content[0][:60]!r}). "
        "Check the file, or force one with annotation_format=.",
        path,
    )


_FIRST_WORDS = (
    ("!gaf-version", "gaf"),
    ("!gpa", "gpad"),
    ("#tax_id", "gene2go"),
    ("ncbi_gene_id\t", "hpo"),
    ("hpo_id\t", "hpo"),
)
_FORMAT_OF_COLUMNS = {17: "gaf", 15: "gaf", 12: "gpad", 8: "gene2go", 3: "table", 2: "table"}


def read_hierarchy(
    path: str | PathLike[str], kind: str | None, choices: dict[str, Any], gene_id: str = "symbol"
) -> tuple[Ontology, dict[str, str]]:
    """The hierarchy of a file by the reader of its format.

    Args:
        path: The file.
        kind: Name of the format; recognized where None.
        choices: Choices of `read_ontology`, None where not made.
        gene_id: What names a gene, where the file has several names of one.

    Returns:
        The ontology, and its aliases.

    Raises:
        KgnnError: If a choice does not apply to the format, or the format is unknown.
        FormatError: If the file is not what its format promises.
    """
    kind = kind or recognized_hierarchy(path)
    if kind not in HIERARCHIES:
        raise unknown_choice("format", kind, HIERARCHIES)
    chosen = HIERARCHIES[kind]
    for name, value in choices.items():
        if value is not None and name not in chosen.takes:
            why = "holds its genes already and nothing" if "annotations" not in chosen.takes else "has nothing"
            raise KgnnError(f"{path}: {kind} text {why} for {name}=. Leave it out.")
    choices = choices | {"gene_id": gene_id}
    arguments = {name: choices[name] for name in chosen.takes & _OF_HIERARCHY if choices.get(name) is not None}
    found = chosen.read(path, **arguments)
    return found if isinstance(found, tuple) else (found, {})


_OF_HIERARCHY = frozenset({"relations", "names", "species", "gene_id"})


def read_annotations(
    path: str | PathLike[str], kind: str | None, terms: Collection[str], choices: dict[str, Any]
) -> AnnotationFile:
    """The annotations of a file by the reader of its format.

    Args:
        path: The file.
        kind: Name of the format; recognized where None.
        terms: Ids of the ontology, with alternative ones.
        choices: Choices of `read_ontology`, None where not made.

    Returns:
        What the reader found.

    Raises:
        KgnnError: If a choice does not apply to the format, or the format is unknown.
        FormatError: If the file is not what its format promises.
    """
    kind = kind or recognized_annotations(path)
    if kind not in ANNOTATIONS:
        raise unknown_choice("annotation_format", kind, ANNOTATIONS)
    chosen = ANNOTATIONS[kind]
    for name in ("taxon", "evidence"):
        if choices.get(name) is not None and name not in chosen.takes:
            where = ", ".join(sorted(each.name for each in ANNOTATIONS.values() if name in each.takes))
            raise KgnnError(f"{path}: {name}= applies to {where}; this file does not state it. Leave it out.")
    arguments = {name: choices[name] for name in chosen.takes if choices.get(name) is not None}
    return chosen.read(path, terms, **arguments)
