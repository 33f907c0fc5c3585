"""`transfer_annotations`: the annotations of one species on the genes of another, through their orthologs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kgnn.errors import AlignmentError, name_some, unknown_choice
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.identifier_mapping import POLICIES
from kgnn.knowledge.namespaces import explain_mismatch
from kgnn.knowledge.ontology import Annotation, Loss, Ontology
from kgnn.knowledge.orthologs import OrthologPair, OrthologTable


@dataclass(frozen=True)
class TransferReport:
    """What became of the annotations of one species on the genes of another.

    Attributes:
        species: From which, and to which.
        policy: What was done with orthologs that are not one to one.
        table: Names of the table's files.
        n_genes: Annotated genes.
        n_carried: How many of them have a counterpart now.
        n_targets: How many genes of the other species are annotated now.
        not_one_to_one: Annotated genes whose orthologs are not one to one, whatever became of them.
        lost: Genes without a counterpart, by reason.
        n_annotations: Annotations before.
        n_annotations_lost: How many of them belong to lost genes.
    """

    species: tuple[str, str]
    policy: str
    table: str
    n_genes: int
    n_carried: int
    n_targets: int
    not_one_to_one: tuple[str, ...]
    lost: Mapping[str, tuple[str, ...]]
    n_annotations: int
    n_annotations_lost: int

    @property
    def share_of_annotations_lost(self) -> float:
        """Share of the annotations that belong to lost genes; 0 where there are none."""
        return self.n_annotations_lost / self.n_annotations if self.n_annotations else 0.0

    def __str__(self) -> str:
        facts = [
            f"{self.n_carried:,} of {self.n_genes:,} genes of {self.species[0]} to {self.n_targets:,} of "
            f"{self.species[1]}, policy {self.policy}"
        ]
        if self.not_one_to_one:
            facts.append(f"{len(self.not_one_to_one):,} not one to one ({name_some(self.not_one_to_one, 3)})")
        facts += [f"{len(names):,} lost, {reason} ({name_some(names, 3)})" for reason, names in self.lost.items()]
        facts.append(
            f"{self.n_annotations_lost:,} of {self.n_annotations:,} annotations lost "
            f"({self.share_of_annotations_lost:.1%})"
        )
        return f"{'; '.join(facts)}; with {self.table}"

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write."""
        return {
            "from": self.species[0],
            "to": self.species[1],
            "policy": self.policy,
            "table": self.table,
            "genes": self.n_genes,
            "carried": self.n_carried,
            "targets": self.n_targets,
            "not_one_to_one": list(self.not_one_to_one),
            "lost": {reason: list(names) for reason, names in self.lost.items()},
            "annotations": self.n_annotations,
            "annotations_lost": self.n_annotations_lost,
            "share_of_annotations_lost": self.share_of_annotations_lost,
        }


def transfer_annotations(
    ontology: Ontology, orthologs: OrthologTable, *, to: str, policy: str = "error", evidence: str | None = "ISO"
) -> tuple[Ontology, TransferReport]:
    """The ontology with its annotations on the genes of another species.

    That genes descend from one does not show that they do the same: a carried annotation is an inference from
    sequence orthology, and its evidence code says so.

    Args:
        ontology: With annotations of one species.
        orthologs: Orthologs of that species and the other, in the ontology's kind of identifier.
        to: The species to carry them to; the other one of the table is that of the ontology.
        policy: For genes that are not one to one: ``"error"``, ``"drop"`` (one-to-one orthologs only), ``"first"``
            (the best supported ortholog, the first of the table among equals) or ``"all"`` (every ortholog).
        evidence: Evidence code of the carried annotations; None keeps that of the original.

    Returns:
        The ontology and the report; annotations of genes without an ortholog are in the losses.

    Raises:
        AlignmentError: If no annotated gene is in the table, or a gene is not one to one and the policy is
            ``"error"``.
        KgnnError: If a choice is unknown.

    Example:
        >>> from kgnn.knowledge.ontology import Term
        >>> human = Ontology({"t": Term("t", "t")}, (), (Annotation("TP53", "t", "IDA"),))
        >>> table = OrthologTable(("human", "mouse"), (OrthologPair("TP53", "Trp53"),))
        >>> transfer_annotations(human, table, to="mouse")[0].annotations
        (Annotation(gene='Trp53', term='t', evidence='ISO'),)
    """
    if policy not in POLICIES:
        raise unknown_choice("policy", policy, POLICIES)
    table = orthologs.towards(to)
    name = ", ".join(source.name for source in table.provenance.sources) or "the table"
    partners: dict[str, list[OrthologPair]] = {}
    several: set[str] = set()
    for pair, kind in zip(table.pairs, table.kind_of_pair, strict=True):
        partners.setdefault(pair.first, []).append(pair)
        if kind != "1:1":
            several.add(pair.first)
    known = [gene for gene in ontology.genes if gene in partners]
    if not known:
        raise AlignmentError(
            f"none of the {len(ontology.genes):,} annotated genes ({name_some(ontology.genes)}) is among those of "
            f"{table.species[0]} in {name} ({name_some(partners)}). "
            f"{explain_mismatch(list(partners), ontology.genes) or 'Is the ontology of this species?'}"
        )
    unclear = tuple(gene for gene in known if gene in several)
    if unclear and policy == "error":
        raise AlignmentError(
            f"{len(unclear):,} of {len(ontology.genes):,} annotated genes have orthologs in {to} that are not one to "
            f"one: {name_some(unclear)}. Choose a policy: 'first', 'all' or 'drop'."
        )
    targets = {gene: _chosen(partners[gene], gene in several, policy) for gene in known}
    return _carried(ontology, table, name, policy, evidence, targets, unclear)


def _chosen(pairs: list[OrthologPair], several: bool, policy: str) -> tuple[str, ...]:
    if policy == "drop" and several:
        return ()
    if policy == "first":
        return (max(pairs, key=lambda pair: pair.support).second,)
    return tuple(pair.second for pair in pairs)


def _carried(
    ontology: Ontology,
    table: OrthologTable,
    name: str,
    policy: str,
    evidence: str | None,
    targets: Mapping[str, tuple[str, ...]],
    unclear: tuple[str, ...],
) -> tuple[Ontology, TransferReport]:
    reasons = {gene: "not one to one" for gene, chosen in targets.items() if not chosen}
    reasons |= {gene: f"no ortholog in {name}" for gene in ontology.genes if gene not in targets}
    kept: dict[Annotation, None] = {}
    cut: dict[str, list[str]] = {}
    for annotation in ontology.annotations:
        code = annotation.evidence if evidence is None else evidence
        for gene in targets.get(annotation.gene, ()):
            kept[Annotation(gene, annotation.term, code)] = None
        if annotation.gene in reasons:
            cut.setdefault(reasons[annotation.gene], []).append(describe(annotation))
    lost: dict[str, list[str]] = {}
    for gene, reason in sorted(reasons.items()):
        lost.setdefault(reason, []).append(gene)
    report = TransferReport(
        table.species,
        policy,
        name,
        n_genes=len(ontology.genes),
        n_carried=len(ontology.genes) - len(reasons),
        n_targets=len({annotation.gene for annotation in kept}),
        not_one_to_one=unclear,
        lost={reason: tuple(genes) for reason, genes in lost.items()},
        n_annotations=len(ontology.annotations),
        n_annotations_lost=sum(map(len, cut.values())),
    )
    changed = replace(ontology, provenance=ontology.provenance.join(table.provenance)).changed(
        f"carried over {report}",
        [
            *(Loss("gene", reason, genes) for reason, genes in report.lost.items()),
            *(Loss("annotation", f"gene {reason}", tuple(names)) for reason, names in cut.items()),
        ],
        annotations=tuple(kept),
    )
    return changed, report
