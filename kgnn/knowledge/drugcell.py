"""DrugCell's three-column text: ``term child default`` and ``term gene gene``. NeST's hierarchy has the same form."""

from __future__ import annotations

from os import PathLike

from kgnn.errors import FormatError
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.direction import refuse_reversed
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, read_lines, source_of

_COLUMNS = 3
RELATION = "default"


def read_drugcell(path: str | PathLike[str]) -> Ontology:
    r"""A hierarchy with its genes from DrugCell's three-column text.

    Args:
        path: The file, plain or gzip, columns separated by tabs (or by blanks, where no tab is used).

    Returns:
        The ontology; relations have the type ``"default"``.

    Raises:
        FormatError: If a line has not three columns or an unknown kind, with the line; if parents and children changed
            places.

    References:
        Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "ontology.txt"
        ...     size = path.write_text("root\tDNA repair\tdefault\nDNA repair\tBRCA1\tgene\n")
        ...     read_drugcell(path).roots
        ('root',)
    """
    terms: dict[str, Term] = {}
    relations: dict[Relation, None] = {}
    annotations: dict[Annotation, None] = {}
    repeated: list[tuple[str, str]] = []
    comments: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("!"):
            comments.append(line)
            continue
        if not line.strip():
            continue
        parent, other, kind = _columns(line, path, number)
        terms.setdefault(parent, Term(parent, parent))
        if kind == "gene":
            annotation = Annotation(other, parent)
            if annotation in annotations:
                repeated.append(("annotation", describe(annotation)))
            annotations[annotation] = None
        else:
            terms.setdefault(other, Term(other, other))
            relation = Relation(other, parent, RELATION)
            if relation in relations:
                repeated.append(("relation", f"{other} {RELATION} {parent}"))
            relations[relation] = None
    if not terms:
        raise FormatError("holds comments only, no term.", path)
    losses = (Loss(what, "repeated in the file", tuple(n for w, n in repeated if w == what)) for what in _KINDS)
    provenance = Provenance((source_of(path, header_facts(comments)),), ("read as DrugCell text",))
    kept = tuple(loss for loss in losses if loss.names)
    ontology = Ontology(terms, tuple(relations), tuple(annotations), provenance, kept)
    refuse_reversed(ontology, path, "parent, then child or gene, then kind")
    return ontology


_KINDS = ("relation", "annotation")


def _columns(line: str, path: str | PathLike[str], number: int) -> tuple[str, str, str]:
    text = line.strip("\n")
    fields = [field.strip() for field in (text.split("\t") if "\t" in text else text.split())]
    if len(fields) != _COLUMNS:
        raise FormatError(
            f"has {len(fields)} columns where DrugCell's text has {_COLUMNS} (parent, child or gene, kind). "
            "Separate columns by tabs.",
            path,
            number,
        )
    if fields[2] not in ("default", "gene"):
        raise FormatError(f"kind is {fields[2]!r}. Use 'default' (child term) or 'gene'.", path, number)
    if not fields[0] or not fields[1]:
        raise FormatError("names no term or no child.", path, number)
    return fields[0], fields[1], fields[2]
