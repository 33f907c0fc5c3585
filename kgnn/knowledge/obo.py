"""OBO ontologies (Gene Ontology, Pathway Ontology …), through obonet.

obonet takes stanzas as groups between blank lines, reads on past a file that was cut short and needs 2.7 s for the
texts of the whole Gene Ontology. `kgnn.knowledge.stanzas` therefore checks the lines first and hands on only the tags
that are used here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE
from kgnn.knowledge.obo_writing import RELATIONS_FACT
from kgnn.knowledge.ontology import Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.stanzas import Stanzas
from kgnn.knowledge.text import source_of

if TYPE_CHECKING:
    import networkx

DEFAULT_RELATIONS = ("is_a", "part_of")

logger = logging.getLogger(__name__)


def read_obo(
    path: str | PathLike[str],
    relations: str | Collection[str] | None = None,
    namespace: str | None = None,
    root: str | None = None,
) -> tuple[Ontology, dict[str, str]]:
    r"""Terms and relations of an OBO file.

    Obsolete terms are left out, also those that only say so in their name. Relations that point to an alternative or
    replaced id are taken to the term meant; those to a term that the file does not define are left out.

    Args:
        path: The file, plain or gzip.
        relations: Types of relations to keep. Where None, those that a comment line of the file states (as `write_obo`
            does), else ``is_a`` and ``part_of``: they hand genes up to the parent, which others (``regulates`` …) do
            not.
        namespace: Keep the terms of this namespace only (``"biological_process"``).
        root: Keep this term and everything below it. In the Gene Ontology a molecular function may be ``part_of`` a
            process: give `namespace` as well to keep processes only.

    Returns:
        The ontology, without annotations, and the aliases: alternative or replaced id to term.

    Raises:
        FormatError: If the file is no OBO or was cut short, with the line.
        StructureError: If namespace or root are not in the file.
        KgnnError: If a type of relation occurs nowhere in the file.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "tiny.obo"
        ...     size = path.write_text("[Term]\nid: A\n\n[Term]\nid: B\nalt_id: C\nis_a: A\n")
        ...     ontology, aliases = read_obo(path)
        >>> ontology.relations, aliases
        ((Relation(child='B', parent='A', type='is_a'),), {'C': 'B'})
    """
    import obonet

    from kgnn.knowledge.restrict import keep_below, keep_namespace

    stanzas = Stanzas(path)
    try:
        graph = obonet.read_obo(stanzas.text(), ignore_obsolete=False)
    except (ValueError, KeyError) as error:
        raise FormatError(f"is not OBO as obonet reads it: {' '.join(str(error).split())}", path) from error
    if relations is None:
        stated = stanzas.facts.get(RELATIONS_FACT)
        relations = DEFAULT_RELATIONS if stated is None else stated.split()
    ontology, aliases = _convert(graph, stanzas, (relations,) if isinstance(relations, str) else tuple(relations))
    ontology = _with_plain_ids(ontology)
    if namespace is not None:
        ontology = keep_namespace(ontology, namespace)
    if root is not None:
        ontology = keep_below(ontology, root)
    return ontology, aliases


def _convert(
    graph: networkx.MultiDiGraph, stanzas: Stanzas, chosen: tuple[str, ...]
) -> tuple[Ontology, dict[str, str]]:
    defined = {term: graph.nodes[term] for term in stanzas.line_of_term}
    obsolete = {
        term: data
        for term, data in defined.items()
        if data.get("is_obsolete") == "true" or data.get("name", "").lower().startswith("obsolete ")
    }
    default = stanzas.header.get("default-namespace", "")
    terms = {
        term: Term(term, _unescaped(data.get("name", term)), data.get("namespace", default))
        for term, data in defined.items()
        if term not in obsolete
    }
    aliases = _aliases(defined, terms)
    known = {*DEFAULT_RELATIONS, *(typedef["id"] for typedef in graph.graph["typedefs"])}
    known.update(kind for _, _, kind in graph.edges(keys=True))
    for kind in chosen:
        if kind not in known:
            raise unknown_choice("relation", kind, known)
    relations, losses = _relations(graph, terms, aliases, chosen)
    logger.info("%s: %d terms, %d relations", stanzas.path, len(terms), len(relations))
    is_go = stanzas.header.get("ontology", "").split("/")[0] == "go"
    source = source_of(
        stanzas.path,
        stanzas.facts,
        release=stanzas.header.get("data-version", stanzas.header.get("date", "")),
        licence=GO_LICENCE if is_go else "",
        citation=GO_CITATION if is_go else "",
    )
    provenance = Provenance((source,), (f"read {' and '.join(chosen)} of {Path(stanzas.path).name}",))
    lost = (Loss("term", "obsolete", tuple(obsolete)), *losses)
    return Ontology(terms, relations, (), provenance, tuple(loss for loss in lost if loss.names), aliases), aliases


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _plain(identifier: str) -> str:
    """An id without the escapes that OBO needs for blanks and the like."""
    return re.sub(r"\\(.)", lambda escaped: " " if escaped[1] == "W" else escaped[1], identifier)


def _with_plain_ids(ontology: Ontology) -> Ontology:
    if not any("\\" in term for term in ontology.terms) and not any("\\" in each.type for each in ontology.relations):
        return ontology
    return replace(
        ontology,
        terms={_plain(term): entry._replace(id=_plain(term)) for term, entry in ontology.terms.items()},
        relations=tuple(Relation(*map(_plain, relation)) for relation in ontology.relations),
    )


def _aliases(defined: Mapping[str, dict], terms: Mapping[str, Term]) -> dict[str, str]:
    """Alternative ids, and obsolete ids with exactly one replacement, to the term that they stand for."""
    steps: dict[str, str] = {}
    for term, data in defined.items():
        replacements = data.get("replaced_by", [])
        if term not in terms and len(replacements) == 1:
            steps[term] = replacements[0]
    for term, data in defined.items():
        for alternative in data.get("alt_id", []):
            if alternative not in terms:
                steps.setdefault(alternative, term)
    aliases: dict[str, str] = {}
    for start, first in steps.items():
        passed, term = {start}, first
        while term not in terms and term in steps and term not in passed:
            passed.add(term)
            term = steps[term]
        if term in terms:
            aliases[start] = term
    return aliases


def _relations(
    graph: networkx.MultiDiGraph, terms: Mapping[str, Term], aliases: Mapping[str, str], chosen: tuple[str, ...]
) -> tuple[tuple[Relation, ...], list[Loss]]:
    kept: dict[Relation, None] = {}
    lost: dict[str, list[str]] = {}
    for child, target, kind in graph.edges(keys=True):
        parent = aliases.get(target, target)
        if kind not in chosen:
            reason = f"type {kind} not chosen"
        elif child not in terms:
            reason = "from an obsolete term"
        elif parent not in terms:
            reason = "to a term that the file does not define or calls obsolete"
        else:
            kept[Relation(child, parent, kind)] = None
            continue
        lost.setdefault(reason, []).append(f"{child} {kind} {target}")
    return tuple(kept), [Loss("relation", reason, tuple(names)) for reason, names in lost.items()]
