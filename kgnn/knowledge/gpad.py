"""Gene product annotation data (GPAD 1.1, 1.2 and 2.0)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from os import PathLike

from kgnn.errors import FormatError
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE, AnnotationFile, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import header_facts, read_lines, source_of

_COLUMNS = 12


def read_gpad(path: str | PathLike[str], *, evidence: str | Collection[str] = "all") -> AnnotationFile:
    """Annotations of a GPAD file.

    GPAD states evidence as a class of the evidence ontology (ECO). It is turned into the evidence code of the Gene
    Ontology: the property ``go_evidence`` where the line has it, else goatools' table of 1,295 ECO classes; a class
    in neither is kept as it stands. GPAD holds no gene symbols: genes are named by the identifier of their database,
    without its prefix (``UniProtKB:P04637`` gives ``P04637``).

    Args:
        path: The file, plain or gzip; the version is read from its header, else recognized by the second column.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If a line has not 12 columns or names no gene or term, with the line; if nothing is left.
        KgnnError: If a choice is unknown.
    """
    comments: list[str] = []
    annotations, losses = collect(_rows(path, comments), evidence, path)
    facts = header_facts(comments)
    release = facts.get("date-generated", facts.get("generated", facts.get("go-version", "")))
    source = source_of(path, facts, release=release, licence=GO_LICENCE, citation=GO_CITATION)
    return AnnotationFile(annotations, losses, source, ("genes named by id (GPAD has no symbols)",))


def _rows(path: str | PathLike[str], comments: list[str]) -> Iterator[tuple[Annotation, str]]:
    from goatools.anno.eco2group import ECO2GRP

    second_version: bool | None = None
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("!"):
            comments.append(line)
            continue
        if not line.strip():
            continue
        fields = [field.strip() for field in line.rstrip("\n").split("\t")]
        if len(fields) != _COLUMNS:
            raise FormatError(
                f"has {len(fields)} columns where GPAD has {_COLUMNS}. Separate columns by tabs and keep empty ones.",
                path,
                number,
            )
        if second_version is None:
            second_version = _is_second_version(header_facts(comments), fields)
        if second_version:
            gene, negated = fields[0].partition(":")[2], fields[1].upper() == "NOT"
        else:
            gene, negated = fields[1], "NOT" in fields[2].upper().split("|")
        if not gene or not fields[3]:
            raise FormatError("names no gene or no term. Both are required in GPAD.", path, number)
        code = _property(fields[11], "go_evidence").upper() or ECO2GRP.get(fields[5], fields[5])
        yield Annotation(gene, fields[3], code), "qualifier NOT" if negated else ""


def _is_second_version(facts: dict[str, str], fields: list[str]) -> bool:
    version = facts.get("gpad-version", facts.get("gpa-version", ""))
    return version.startswith("2") if version else fields[1].upper() in ("", "NOT")


def _property(properties: str, name: str) -> str:
    for entry in properties.split("|"):
        key, _, value = entry.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""
