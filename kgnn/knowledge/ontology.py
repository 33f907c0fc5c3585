"""`Ontology`: terms, their relations and the genes annotated to them, as a reader found them.

Readers make it, `kgnn.knowledge.prune` cuts it, `kgnn.structure.compile_hierarchy` turns it into arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import networkx

from kgnn.errors import StructureError, name_some
from kgnn.knowledge.provenance import Provenance, content_fingerprint

_NAMED = 5


class Term(NamedTuple):
    """One entry of an ontology; ``name`` equals ``id`` and ``namespace`` is ``""`` where the file gives none."""

    id: str
    name: str
    namespace: str = ""


class Relation(NamedTuple):
    """``child`` is the more specific term; information flows from child to parent."""

    child: str
    parent: str
    type: str = "is_a"


class Annotation(NamedTuple):
    """A gene said to belong to a term; ``evidence`` is the code of the source, ``""`` where it gives none."""

    gene: str
    term: str
    evidence: str = ""


class Loss(NamedTuple):
    """Things that a step left out, kept so that no loss is silent.

    Attributes:
        what: ``"term"``, ``"relation"``, ``"annotation"``, ``"gene"``, ``"node"`` or ``"edge"``.
        reason: Why, in a few words; also names the step.
        names: Every one of them; of millions of edges, a sequence that spells a name when it is asked for.
    """

    what: str
    reason: str
    names: Sequence[str]


def losses_to_json(losses: Iterable[Loss]) -> list[dict[str, Any]]:
    """Losses by kind and reason, each with how many there are and the first of them, as `json` can write them.

    Example:
        >>> losses_to_json([Loss("term", "obsolete", ("GO:1", "GO:2"))])
        [{'what': 'term', 'reason': 'obsolete', 'count': 2, 'first': ['GO:1', 'GO:2']}]
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for what, reason, names in losses:
        row = found.setdefault((what, reason), {"what": what, "reason": reason, "count": 0, "first": []})
        row["count"] += len(names)
        row["first"] += islice(names, _NAMED - len(row["first"]))
    return list(found.values())


@dataclass(frozen=True)
class Ontology:
    """A frozen ontology with annotations.

    Attributes:
        terms: Every term by id.
        relations: Child to parent, each pair and type once.
        annotations: Gene to term as annotated directly, each (gene, term) once with one evidence code a row.
        provenance: Sources and transformations.
        losses: What reading and pruning left out, in order.
        aliases: Alternative and replaced ids of the release, each with the term that stands for it; not part of the
            content. The term may have been cut since.
    """

    terms: Mapping[str, Term]
    relations: tuple[Relation, ...]
    annotations: tuple[Annotation, ...]
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Parents of every term, each once whatever the number of relation types between the two."""
        return self._neighbours((relation.child, relation.parent) for relation in self.relations)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Children of every term, each once."""
        return self._neighbours((relation.parent, relation.child) for relation in self.relations)

    def _neighbours(self, pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {term: {} for term in self.terms}
        for term, neighbour in pairs:
            found[term][neighbour] = None
        return {term: tuple(neighbours) for term, neighbours in found.items()}

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Terms without a parent."""
        return tuple(term for term, parents in self.parents.items() if not parents)

    @cached_property
    def genes(self) -> tuple[str, ...]:
        """Every annotated gene, sorted."""
        return tuple(sorted({annotation.gene for annotation in self.annotations}))

    @cached_property
    def direct_genes(self) -> Mapping[str, frozenset[str]]:
        """Genes annotated to each term itself."""
        found: dict[str, set[str]] = {term: set() for term in self.terms}
        for annotation in self.annotations:
            found[annotation.term].add(annotation.gene)
        return {term: frozenset(genes) for term, genes in found.items()}

    @cached_property
    def gene_sets(self) -> Mapping[str, frozenset[str]]:
        """Genes annotated to each term or to any term below it (the true-path rule).

        Raises:
            StructureError: If the relations form a cycle.
        """
        found: dict[str, frozenset[str]] = {}
        for term in self.order:
            found[term] = self.direct_genes[term].union(*(found[child] for child in self.children[term]))
        return found

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Terms with every child before its parents.

        Raises:
            StructureError: If the relations form a cycle.
        """
        graph = self.to_networkx()
        try:
            return tuple(networkx.topological_sort(graph))
        except networkx.NetworkXUnfeasible:
            cycle = [child for child, _ in networkx.find_cycle(graph)]
            raise StructureError(
                f"{len(cycle)} terms form a cycle: {name_some(cycle)}. A visible network needs an acyclic hierarchy: "
                "leave out a relation type (relations='is_a'), or take a release without cycles such as go-basic.obo."
            ) from None

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Why each term that the file has is not here: the reason that its reader, or a rule, wrote down."""
        lost = ((name, loss.reason) for loss in self.losses if loss.what == "term" for name in loss.names)
        return {name.partition(" merged into ")[0]: reason for name, reason in lost}

    @cached_property
    def obsolete(self) -> frozenset[str]:
        """Ids that the release calls obsolete."""
        return frozenset(term for term, reason in self.left_out.items() if reason == "obsolete")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of terms, relations and annotations, independent of their order in the file."""
        return content_fingerprint(
            [*sorted(self.terms.values()), "|", *sorted(self.relations), "|", *sorted(self.annotations)]
        )

    def to_networkx(self) -> networkx.DiGraph:
        """The relations as a graph with an edge from child to parent (so `networkx.descendants` gives ancestors)."""
        graph = networkx.DiGraph()
        graph.add_nodes_from(self.terms)
        graph.add_edges_from((relation.child, relation.parent) for relation in self.relations)
        return graph

    def prune(self, **rules: Any) -> Ontology:
        """The ontology cut by named rules; see `kgnn.knowledge.prune.prune` for the rules and their order."""
        from kgnn.knowledge.prune import prune

        return prune(self, **rules)

    def changed(self, transformation: str, losses: Iterable[Loss] = (), **fields: Any) -> Ontology:
        """A copy with other fields, the transformation noted in its provenance and the losses appended."""
        kept = tuple(loss for loss in losses if loss.names)
        return replace(self, **fields, provenance=self.provenance.after(transformation), losses=(*self.losses, *kept))

    def joined(self, provenance: Provenance) -> Ontology:
        """A copy whose provenance holds another one as well, that of something it is going to be cut by."""
        return replace(self, provenance=self.provenance.join(provenance))
