"""An ontology as an OBO file and a table of its genes, which `read_ontology` reads back with the same fingerprint."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from kgnn.errors import StructureError, name_some
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.writing import whole_file

RELATIONS_FACT = "relations"
"""Key of the comment line that states which types of relations make a parent."""


def write_obo(ontology: Ontology, path: str | PathLike[str], *, annotations: str | PathLike[str] | None = None) -> None:
    """Write terms and relations as OBO, and the annotations as a table; each file at once or not at all.

    Comment lines at the top state sources, release, licence, citation and the types of relations, which `read_ontology`
    reads back: an OBO file has no other place for them. Blanks and other characters with a meaning in OBO are escaped.

    Args:
        ontology: The ontology.
        path: OBO file to write.
        annotations: Table to write, with the columns gene, term and evidence; needed if the ontology has annotations.

    Raises:
        StructureError: If the ontology has annotations and `annotations` names no file for them; if a name holds a line
            end, or a term's name begins with ``obsolete``, which a reader would take for a retired term.
    """
    if ontology.annotations and annotations is None:
        raise StructureError(
            f"the ontology has {len(ontology.annotations):,} annotations, which OBO cannot hold. Name a table for "
            "them in annotations=."
        )
    unwritable = [term.id for term in ontology.terms.values() if _unwritable(term.id, term.name)]
    if unwritable:
        raise StructureError(
            f"{len(unwritable):,} terms have a name that OBO cannot hold (a line end, or 'obsolete' at its start): "
            f"{name_some(unwritable)}. Rename them."
        )
    facts = source_facts(ontology)
    types = " ".join(sorted({_one_word(relation.type) for relation in ontology.relations}))
    _write(Path(path), [*facts, *([f"! {RELATIONS_FACT}: {types}"] if types else []), *_stanzas(ontology)])
    if annotations is not None:
        release = f"! release: {ontology.provenance.sources[-1].release}" if ontology.provenance.sources else "!"
        rows = ("\t".join(annotation) for annotation in sorted(ontology.annotations))
        _write(Path(annotations), [*facts, release, "gene\tterm\tevidence", *rows])


def source_facts(ontology: Ontology) -> list[str]:
    """Comment lines that state where the knowledge came from.

    Args:
        ontology: The ontology.

    Returns:
        Lines that begin with ``!``.
    """
    sources = ontology.provenance.sources
    lines = [f"! extracted from: {source.name}, release {source.release}, sha256 {source.sha256}" for source in sources]
    for key in ("licence", "citation"):
        values = dict.fromkeys(getattr(source, key) for source in sources if getattr(source, key))
        lines += [f"! {key}: {'; '.join(values)}"] if values else []
    changes = "; ".join(ontology.provenance.transformations)
    return [*lines, f"! changes: {changes}"]


def _stanzas(ontology: Ontology) -> Iterable[str]:
    parents: dict[str, list[tuple[str, str]]] = {term: [] for term in ontology.terms}
    for relation in ontology.relations:
        parents[relation.child].append((relation.type, relation.parent))
    release = ontology.provenance.sources[0].release if ontology.provenance.sources else ""
    yield from ("format-version: 1.2", f"data-version: {release}")
    for identifier, term in sorted(ontology.terms.items()):
        yield from ("", "[Term]", f"id: {_one_word(identifier)}", f"name: {_escaped(term.name)}")
        if term.namespace:
            yield f"namespace: {term.namespace}"
        for kind, parent in sorted(parents[identifier]):
            yield (
                f"is_a: {_one_word(parent)}"
                if kind == "is_a"
                else f"relationship: {_one_word(kind)} {_one_word(parent)}"
            )
    for kind in sorted({relation.type for relation in ontology.relations} - {"is_a"}):
        yield from ("", "[Typedef]", f"id: {_one_word(kind)}", f"name: {_escaped(kind)}")


def _escaped(name: str) -> str:
    return "".join(f"\\{character}" if character in "\\!{}" else character for character in name)


def _one_word(identifier: str) -> str:
    return _escaped(identifier).replace(" ", "\\W")


def _unwritable(identifier: str, name: str) -> bool:
    odd = any(character.isspace() and character != " " for character in identifier + name)
    return odd or name != name.strip() or not name or name.lower().startswith("obsolete ")


def _write(path: Path, lines: Iterable[str]) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
