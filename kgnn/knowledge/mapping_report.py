"""`MappingReport`: what became of the identifiers of a map, for people and for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from kgnn.errors import name_some
from kgnn.knowledge.namespaces import NAMESPACES


@dataclass(frozen=True)
class MappingReport:
    """What became of the identifiers of a map.

    Attributes:
        namespace: What they were.
        to: What they became.
        policy: What was done with ambiguous ones.
        table: Names of the table's files.
        n_ids: How many different ones there were.
        n_mapped: How many have at least one target now.
        aliases: Those found only as another name of a gene.
        retired: Those found only as names given up: previous symbols, withdrawn numbers.
        versioned: Those, of either side, of which a version, isoform or organism was taken off to look them up.
        ambiguous: Those that stand for several targets, whatever became of them.
        merged: Targets that several identifiers have in common.
        lost: Those without a target, by reason.
        n_annotations: Annotations of an ontology that were to be carried over; 0 for a bare list.
        n_annotations_lost: How many of them belong to lost identifiers.
    """

    namespace: str
    to: str
    policy: str
    table: str
    n_ids: int
    n_mapped: int
    aliases: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    versioned: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    n_annotations: int = 0
    n_annotations_lost: int = 0

    @property
    def n_lost(self) -> int:
        """How many identifiers have no target."""
        return self.n_ids - self.n_mapped

    @property
    def share_of_annotations_lost(self) -> float:
        """Share of the annotations that belong to lost identifiers; 0 where there are none."""
        return self.n_annotations_lost / self.n_annotations if self.n_annotations else 0.0

    def __str__(self) -> str:
        facts = [f"{self.n_mapped:,} of {self.n_ids:,} {NAMESPACES[self.namespace]} to {NAMESPACES[self.to]}"]
        for names, what in (
            (self.aliases, "by an alias"),
            (self.retired, "retired"),
            (self.versioned, "with a version or prefix taken off"),
            (self.merged, "targets shared by several"),
        ):
            if names:
                facts.append(f"{len(names):,} {what} ({name_some(names, 3)})")
        if self.ambiguous:
            facts.append(f"{len(self.ambiguous):,} ambiguous, policy {self.policy} ({name_some(self.ambiguous, 3)})")
        facts += [f"{len(names):,} lost, {reason} ({name_some(names, 3)})" for reason, names in self.lost.items()]
        if self.n_annotations:
            facts.append(
                f"{self.n_annotations_lost:,} of {self.n_annotations:,} annotations lost "
                f"({self.share_of_annotations_lost:.1%})"
            )
        return f"{'; '.join(facts)}; with {self.table}"

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write: numbers, and the names of whatever is not plainly mapped."""
        return {
            "from": self.namespace,
            "to": self.to,
            "policy": self.policy,
            "table": self.table,
            "ids": self.n_ids,
            "mapped": self.n_mapped,
            "aliases": list(self.aliases),
            "retired": list(self.retired),
            "versioned": len(self.versioned),
            "ambiguous": list(self.ambiguous),
            "merged": list(self.merged),
            "lost": {reason: list(names) for reason, names in self.lost.items()},
            "annotations": self.n_annotations,
            "annotations_lost": self.n_annotations_lost,
            "share_of_annotations_lost": self.share_of_annotations_lost,
        }
