"""`compile_hierarchy`: an `Ontology` and the genes of the data become a `Hierarchy` and an `Alignment`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kgnn.errors import AlignmentError, StructureError, name_some, unknown_choice
from kgnn.knowledge.identifier_mapping import translate_genes
from kgnn.knowledge.identifiers import IdentifierTable
from kgnn.knowledge.mapping_report import MappingReport
from kgnn.knowledge.namespaces import explain_mismatch
from kgnn.knowledge.ontology import Loss, Ontology
from kgnn.knowledge.restrict import NOT_MEASURED
from kgnn.structure.copies import copy_over_skips
from kgnn.structure.hierarchy import Hierarchy

UNANNOTATED = ("error", "drop", "root")
SKIPS = ("direct", "copy")
_FATE = {"error": "refused", "drop": "left out", "root": "fed to the root directly"}
_MAP = "Map them to the identifiers of the ontology (such as {}; identifiers= takes a table)."


@dataclass(frozen=True)
class Alignment:
    """How the genes of the data met the genes of the ontology.

    Attributes:
        genes: The input of a model, in the order of the data: genes that both have, and with
            ``unannotated="root"`` those of the data that the ontology does not know.
        unannotated: Genes of the data that the ontology does not know.
        unmeasured: Genes of the ontology that the data do not have, those left out by pruning first.
        emptied: Terms left out because none of their genes is measured.
        losses: The same losses, and those of reading and pruning before them, as records.
        identifiers: How the genes of the ontology were mapped to those of the data, where they were.
    """

    genes: tuple[str, ...]
    unannotated: tuple[str, ...]
    unmeasured: tuple[str, ...]
    emptied: tuple[str, ...]
    losses: tuple[Loss, ...]
    identifiers: MappingReport | None = None

    def __str__(self) -> str:
        emptied = f"{len(self.emptied):,} terms" + ("" if self.identifiers is None else f"; mapped {self.identifiers}")
        return (
            f"{len(self.genes):,} genes aligned; {len(self.unannotated):,} of the data are not annotated; "
            f"{len(self.unmeasured):,} of the ontology are not measured, which empties {emptied}"
        )


def compile_hierarchy(
    ontology: Ontology,
    genes: Sequence[str] | None = None,
    *,
    unannotated: str = "error",
    skips: str = "direct",
    identifiers: IdentifierTable | None = None,
    policy: str = "error",
) -> tuple[Hierarchy, Alignment]:
    """Turn an ontology into level order and arrays, over the genes that were measured.

    Genes of the ontology that the data do not have are left out of their terms, and terms without any measured gene
    are left out as well; both are named in the alignment. Nothing else is changed: prune before.

    Args:
        ontology: With annotations and a single root; see `Ontology.prune` (``super_root`` joins several).
        genes: Genes of the data, in their order; all genes of the ontology where None.
        unannotated: What to do with genes of the data that no term holds: ``"error"``, ``"drop"``, or ``"root"`` to
            let them feed the root directly, where no subsystem stands between them and the output.
        skips: What to do with relations and annotations that skip levels. ``"direct"`` keeps them as they are.
            ``"copy"`` lays copies of terms along them, so that genes enter at level 0 only and every relation joins two
            neighboring levels: the layers of fixed depth of P-NET and BINN. A copy is a subsystem with weights of its
            own; `Hierarchy.copy_of` tells whose. Choose the depth with ``prune(max_depth=...)``.
        identifiers: Where data and ontology name genes differently, a table with both kinds of names: the ontology's
            genes take the names that the data use (see `kgnn.knowledge.translate_genes`).
        policy: With `identifiers`, what to do with a gene that the data have under several names: ``"error"``,
            ``"first"``, ``"all"`` or ``"drop"``.

    Returns:
        The hierarchy, and how data and knowledge met.

    Raises:
        StructureError: If the relations form a cycle, several roots or none are left, or there are no annotations.
        AlignmentError: If a gene of the data has no annotation and ``unannotated="error"``, no gene is shared, or a
            gene comes twice.
        KgnnError: If a choice is unknown.

    Example:
        >>> from kgnn.data import toy
        >>> hierarchy, alignment = compile_hierarchy(toy().ontology)
        >>> hierarchy.root
        'TOY:0000'

    References:
        Elmarakeby et al. 2021 (P-NET), Nature 598:348, doi:10.1038/s41586-021-03922-4; Hartman et al. 2023 (BINN),
        Nature Communications 14:5359, doi:10.1038/s41467-023-41146-4.

    Differs from the papers:
        Both count levels from the root by the shortest way and drop relations between terms that end up in one layer;
        here levels are counted from the genes by the longest way, so that every relation is kept. Both feed genes only
        to terms without children; here a term's own genes reach it through its copies.
    """
    for name, value, known in (("unannotated", unannotated, UNANNOTATED), ("skips", skips, SKIPS)):
        if value not in known:
            raise unknown_choice(name, value, known)
    if not ontology.annotations:
        raise StructureError("the ontology has no annotations. Read it with annotations= (GAF, GPAD or a table).")
    report = None
    # As plain text: names in an array of NumPy are equal to it but are written otherwise in a fingerprint.
    measured = None if genes is None else tuple(map(str, genes))
    if identifiers is not None and measured is not None:
        ontology, report = translate_genes(ontology, identifiers, policy=policy, measured=measured)
    alignment = _align(ontology, ontology.genes if measured is None else measured, unannotated, report)
    emptied = frozenset(alignment.emptied)
    kept = [term for term in ontology.order if term not in emptied]
    _require_one_root([term for term in kept if not ontology.parents[term]])
    level = _levels(kept, ontology)
    relations = {(child, term) for term in kept for child in ontology.children[term] if child in level}
    measured = frozenset(alignment.genes)
    annotations = {(gene, term) for gene, term, _ in ontology.annotations if gene in measured and term in level}
    if unannotated == "root":
        annotations |= {(gene, kept[-1]) for gene in alignment.unannotated}
    copied: dict[str, str] = {}
    if skips == "copy":
        level, relations, annotations, copied = copy_over_skips(level, relations, annotations)
    return _arrays(ontology, alignment.genes, level, relations, annotations, copied), alignment


def _arrays(
    ontology: Ontology,
    genes: tuple[str, ...],
    level: Mapping[str, int],
    relations: Collection[tuple[str, str]],
    annotations: Collection[tuple[str, str]],
    copied: Mapping[str, str],
) -> Hierarchy:
    n_children = Counter(parent for _, parent in relations)
    terms = tuple(sorted(level, key=lambda term: (level[term], n_children[term], term)))
    position = {term: index for index, term in enumerate(terms)}
    gene_position = {gene: index for index, gene in enumerate(genes)}
    child, parent = _sorted_pairs((position[child], position[parent]) for child, parent in relations)
    gene, term_of_gene = _sorted_pairs((gene_position[gene], position[term]) for gene, term in annotations)
    step = f"compiled to {len(terms) - len(copied):,} terms over {len(genes):,} genes"
    if copied:
        step += f", with {len(copied):,} copies of terms where relations or annotations skip levels"
    return Hierarchy(
        terms=terms,
        term_names=tuple(_name(term, ontology, copied, level) for term in terms),
        genes=genes,
        level_of_term=np.array([level[term] for term in terms], dtype=np.int32),
        relation_child=child,
        relation_parent=parent,
        annotation_gene=gene,
        annotation_term=term_of_gene,
        ontology_fingerprint=ontology.fingerprint,
        provenance=ontology.provenance.after(step),
        copy_of=np.array([position[copied.get(term, term)] for term in terms], np.int32) if copied else None,
    )


def _name(term: str, ontology: Ontology, copied: Mapping[str, str], level: Mapping[str, int]) -> str:
    if term in copied:
        return f"{ontology.terms[copied[term]].name} (copy at level {level[term]})"
    return ontology.terms[term].name


def _align(ontology: Ontology, genes: Sequence[str], unannotated: str, report: MappingReport | None) -> Alignment:
    known, measured = frozenset(ontology.genes), frozenset(genes)
    if len(measured) < len(genes):
        repeated = [gene for gene, count in Counter(genes).items() if count > 1]
        raise AlignmentError(
            f"{len(repeated):,} of {len(measured):,} genes in the data come more than once: {name_some(repeated)}. "
            "Keep one column of each, or combine them."
        )
    missing = tuple(gene for gene in genes if gene not in known)
    shared = tuple(gene for gene in genes if gene in known)
    used = tuple(genes) if unannotated == "root" else shared
    if not shared:
        raise AlignmentError(
            f"none of the {len(measured):,} genes of the data is among the {len(known):,} annotated ones. The data "
            f"have {name_some(genes)}; the ontology has {name_some(ontology.genes)}. "
            f"{explain_mismatch(genes, ontology.genes) or 'Use the same kind of identifier.'}"
        )
    if missing and unannotated == "error":
        raise AlignmentError(
            f"{len(missing):,} of {len(measured):,} genes in the data have no annotation under "
            f"{name_some(ontology.roots)}: {name_some(missing)}. "
            f"{explain_mismatch(missing, ontology.genes) or _MAP.format(name_some(ontology.genes, 3))} Or pass "
            "unannotated='drop' to leave them out, or 'root' to feed them to the root directly."
        )
    pruned = [gene for loss in ontology.losses if loss[:2] == ("gene", NOT_MEASURED) for gene in loss.names]
    unmeasured = tuple(gene for gene in ontology.genes if gene not in measured)
    emptied = tuple(term for term, below in ontology.gene_sets.items() if measured.isdisjoint(below))
    losses = (
        *ontology.losses,
        *(
            Loss(what, reason, names)
            for what, reason, names in (
                ("gene", f"in the data but not annotated: {_FATE[unannotated]}", missing),
                ("gene", "annotated but not in the data", unmeasured),
                ("term", "none of its genes is in the data", emptied),
            )
            if names
        ),
    )
    return Alignment(used, missing, (*pruned, *unmeasured), emptied, losses, report)


def _require_one_root(roots: list[str]) -> None:
    if len(roots) != 1:
        raise StructureError(
            f"the hierarchy has {len(roots)} roots: {name_some(roots)}. Choose one with root=, keep them all with "
            "prune(super_root='ROOT'), or choose a namespace."
        )


def _levels(order: Iterable[str], ontology: Ontology) -> dict[str, int]:
    level: dict[str, int] = {}
    for term in order:
        level[term] = 1 + max((level[child] for child in ontology.children[term] if child in level), default=-1)
    return level


def _sorted_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (below, above) as two arrays sorted by above, then below."""
    array = np.array(sorted((above, below) for below, above in pairs), dtype=np.int32).reshape(-1, 2)
    return np.ascontiguousarray(array[:, 1]), np.ascontiguousarray(array[:, 0])
