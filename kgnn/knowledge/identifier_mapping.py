"""Mapping identifiers from one namespace to another, with a report that names every loss.

`map_identifiers` maps a list; `translate_genes` renames the genes of an ontology, so that they meet those of the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kgnn.errors import AlignmentError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.identifiers import Found, IdentifierTable
from kgnn.knowledge.mapping_report import MappingReport
from kgnn.knowledge.namespaces import NAMESPACES, check_namespace, guess_namespace, plain_identifier
from kgnn.knowledge.ontology import Annotation, Loss, Ontology

POLICIES = ("error", "first", "all", "drop")
"""What to do with an identifier that stands for several: refuse, take the first of the table, all, or none."""


def map_identifiers(
    ids: Iterable[str], *, to: str, table: IdentifierTable, namespace: str | None = None, policy: str = "error"
) -> tuple[dict[str, tuple[str, ...]], MappingReport]:
    """The identifiers of genes in another namespace.

    Mapping symbols to ``"symbol"`` brings aliases and previous symbols up to date.

    Args:
        ids: Identifiers; one that comes again counts once.
        to: Namespace to map to, one of `NAMESPACES`.
        table: Names of genes, from `read_identifiers` or `ncbi_genes`.
        namespace: What the identifiers are; guessed from their form where None.
        policy: For one that stands for several: ``"error"``, ``"first"`` (in the order of the table), ``"all"`` or
            ``"drop"``.

    Returns:
        Targets by identifier as it was written, without those that are lost; and the report.

    Raises:
        AlignmentError: If the namespace cannot be guessed, the table has nothing of it or of the target, nothing can
            be mapped, or an identifier is ambiguous and the policy is ``"error"``.
        KgnnError: If a choice is unknown.

    Example:
        >>> from kgnn.knowledge.identifiers import GeneNames
        >>> table = IdentifierTable((GeneNames(symbol=("TP53",), ensembl_gene=("ENSG00000141510",)),))
        >>> mapping, report = map_identifiers(["ENSG00000141510.17"], to="symbol", table=table)
        >>> mapping
        {'ENSG00000141510.17': ('TP53',)}
    """
    listed = tuple(dict.fromkeys(ids))
    namespace = known_namespace(listed, namespace, "identifiers")
    _check(table, namespace, to, policy)
    maker = _Maker(table, namespace, to, policy)
    for identifier in listed:
        found = table.find(identifier, namespace)
        maker.add(identifier, _targets(table, identifier, found, namespace, to), found.how)
    return maker.mapping, maker.report()


def translate_genes(
    ontology: Ontology,
    table: IdentifierTable,
    *,
    to: str | None = None,
    namespace: str | None = None,
    policy: str = "error",
    measured: Sequence[str] | None = None,
) -> tuple[Ontology, MappingReport]:
    """The ontology with its genes named in another namespace.

    With `measured`, a gene takes the name by which the data know it, with its version if it has one there: both sides
    are looked up in the table, so that aliases and previous symbols meet on either. A gene that is measured under its
    own name keeps it. An annotation whose gene has no target is in the losses of the ontology.

    Args:
        ontology: With annotations.
        table: Names of genes, from `read_identifiers` or `ncbi_genes`.
        to: Namespace to map to; that of `measured`, guessed from its form, where None.
        namespace: What names the ontology's genes; guessed where None.
        policy: See `map_identifiers`. With ``"all"`` each target gets the annotations.
        measured: Genes of the data.

    Returns:
        The ontology and the report, which counts annotations as well.

    Raises:
        AlignmentError: See `map_identifiers`.
        KgnnError: If a choice is unknown, or neither `to` nor `measured` is given.
    """
    if to is None and measured is None:
        raise KgnnError("it is not said how the genes are to be named. Give to=, or measured= with genes of the data.")
    namespace = known_namespace(ontology.genes, namespace, "genes of the ontology")
    to = known_namespace(measured or (), to, "genes of the data")
    _check(table, namespace, to, policy)
    maker = _Maker(table, namespace, to, policy)
    by_gene: dict[int, list[str]] = {}
    own = frozenset(measured or ())
    for name in measured or ():
        for gene in table.find(name, to).genes:
            by_gene.setdefault(gene, []).append(name)
        maker.note_version(name, to)
    for name in ontology.genes:
        if name in own:
            maker.add(name, (name,), "exact")
            continue
        found = table.find(name, namespace)
        targets = tuple(dict.fromkeys(known for gene in found.genes for known in by_gene.get(gene, ())))
        if not targets:
            # Where there are data, a gene that they do not have needs a name to be listed by, and one is enough.
            targets = _targets(table, name, found, namespace, to)[: None if measured is None else 1]
        maker.add(name, targets, found.how)
    return _renamed(ontology, maker, table)


def known_namespace(ids: Sequence[str], namespace: str | None, what: str) -> str:
    """The namespace given, or else the one that identifiers look like.

    Args:
        ids: Identifiers.
        namespace: One of `NAMESPACES`, or None to guess.
        what: What they are, in the plural, for the message.

    Raises:
        AlignmentError: If there is nothing to guess from, or they look like no namespace.
        KgnnError: If the namespace is unknown.
    """
    if namespace is not None:
        return check_namespace(namespace)
    guessed = guess_namespace(ids)
    if not guessed:
        shown = f" ({name_some(ids)})" if len(ids) else ""
        raise AlignmentError(
            f"the {len(ids):,} {what}{shown} look like no known kind of identifier. Say what they are: one of "
            f"{', '.join(NAMESPACES)}."
        )
    return guessed


def _targets(table: IdentifierTable, identifier: str, found: Found, namespace: str, to: str) -> tuple[str, ...]:
    """Names in the other namespace; one that is in use stands for itself in its own."""
    if namespace == to and found.how == "exact":
        return (plain_identifier(identifier, namespace),)
    return table.names(found.genes, to)


def _check(table: IdentifierTable, namespace: str, to: str, policy: str) -> None:
    if policy not in POLICIES:
        raise unknown_choice("policy", policy, POLICIES)
    for wanted in dict.fromkeys((namespace, check_namespace(to, "to"))):
        if wanted not in table.namespaces:
            raise AlignmentError(
                f"{table.name} has no {NAMESPACES[wanted]}; it has {', '.join(table.namespaces) or 'nothing'}. Give a "
                "table with both, or say which column holds them (columns=)."
            )


class _Maker:
    """Collects what becomes of each identifier."""

    def __init__(self, table: IdentifierTable, namespace: str, to: str, policy: str):
        self.mapping: dict[str, tuple[str, ...]] = {}
        self.lost: dict[str, str] = {}
        self._table = table
        self._settings = (namespace, to, policy)
        self._found: dict[str, list[str]] = {"alias": [], "previous": [], "withdrawn": [], "versioned": []}
        self._ambiguous: dict[str, tuple[str, ...]] = {}
        self._ids: list[str] = []

    def add(self, identifier: str, targets: tuple[str, ...], how: str) -> None:
        namespace, to, policy = self._settings
        self._ids.append(identifier)
        if how in self._found:
            self._found[how].append(identifier)
        self.note_version(identifier, namespace)
        if len(targets) > 1:
            self._ambiguous[identifier] = targets
            targets = {"first": targets[:1], "all": targets}.get(policy, ())
            if not targets:
                self.lost[identifier] = f"stands for several {NAMESPACES[to]}"
                return
        if targets:
            self.mapping[identifier] = targets
        elif how == "unknown":
            self.lost[identifier] = f"not in {self._table.name}"
        elif how == "withdrawn":
            self.lost[identifier] = "withdrawn without a successor"
        else:
            self.lost[identifier] = f"has no counterpart among the {NAMESPACES[to]}"

    def note_version(self, identifier: str, namespace: str) -> None:
        """Note an identifier of either side that was looked up in another form than it was written."""
        if plain_identifier(identifier, namespace) != identifier:
            self._found["versioned"].append(identifier)

    def report(self) -> MappingReport:
        namespace, to, policy = self._settings
        if self._ambiguous and policy == "error":
            shown = name_some(f"{name} ({' or '.join(targets[:3])})" for name, targets in self._ambiguous.items())
            raise AlignmentError(
                f"{len(self._ambiguous):,} of {len(self._ids):,} {NAMESPACES[namespace]} stand for several "
                f"{NAMESPACES[to]}: {shown}. Choose a policy: 'first', 'all' or 'drop'."
            )
        if self._ids and not self.mapping:
            raise AlignmentError(
                f"none of the {len(self._ids):,} {NAMESPACES[namespace]} ({name_some(self._ids)}) could be mapped to "
                f"{NAMESPACES[to]} with {self._table.name}. Is it of the same species, and are they what was said?"
            )
        counts = Counter(target for targets in self.mapping.values() for target in targets)
        by_reason: dict[str, list[str]] = {}
        for identifier, reason in self.lost.items():
            by_reason.setdefault(reason, []).append(identifier)
        return MappingReport(
            namespace,
            to,
            policy,
            self._table.name,
            n_ids=len(self._ids),
            n_mapped=len(self.mapping),
            aliases=tuple(self._found["alias"]),
            retired=tuple(self._found["previous"] + self._found["withdrawn"]),
            versioned=tuple(self._found["versioned"]),
            ambiguous=tuple(self._ambiguous),
            merged=tuple(target for target, count in counts.items() if count > 1),
            lost={reason: tuple(names) for reason, names in by_reason.items()},
        )


def _renamed(ontology: Ontology, maker: _Maker, table: IdentifierTable) -> tuple[Ontology, MappingReport]:
    report = maker.report()
    kept: dict[Annotation, None] = {}
    cut: dict[str, list[str]] = {}
    for annotation in ontology.annotations:
        for name in maker.mapping.get(annotation.gene, ()):
            kept[annotation._replace(gene=name)] = None
        if annotation.gene in maker.lost:
            cut.setdefault(maker.lost[annotation.gene], []).append(describe(annotation))
    n_cut = sum(map(len, cut.values()))
    report = replace(report, n_annotations=len(ontology.annotations), n_annotations_lost=n_cut)
    changed = replace(ontology, provenance=ontology.provenance.join(table.provenance)).changed(
        f"mapped {report}",
        [
            *(Loss("gene", reason, names) for reason, names in report.lost.items()),
            *(Loss("annotation", f"gene {reason}", tuple(names)) for reason, names in cut.items()),
        ],
        annotations=tuple(kept),
    )
    return changed, report
