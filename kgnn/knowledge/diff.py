"""`diff`: what changed between two releases of an ontology, a network or a motif set.

Every kind of knowledge is first turned into plain sets of keys (`Content`), which are compared alike; what only an
ontology has (a term that goes on under another id, or under other parents) is added by `kgnn.knowledge.diff_ontology`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kgnn.errors import KgnnError
from kgnn.knowledge.provenance import Provenance

if TYPE_CHECKING:
    import pandas

Key = tuple[str, ...]


class Change(NamedTuple):
    """One thing that is not the same in both releases.

    Attributes:
        what: ``"term"``, ``"relation"``, ``"annotation"``; of a network ``"node"``, ``"edge"``; ``"motif"``.
        change: ``"added"``, ``"removed"``, or a word of its kind: of a term ``"obsolete"``, ``"merged"``, ``"split"``,
            ``"renamed"``, ``"moved"``.
        key: What names it: a term's id; child, type and parent; gene and term; …
        was: Of the older release: a name, parents, a value.
        now: The same of the newer one; of a merged term the id that took its place.
        reason: What a release says about it, such as ``"replaced_by"`` or why a reader or a rule left it out.
    """

    what: str
    change: str
    key: Key
    was: str = ""
    now: str = ""
    reason: str = ""


class Content(NamedTuple):
    """Knowledge as plain sets of keys.

    Attributes:
        kind: ``"ontology"``, ``"network"`` or ``"motifs"``.
        items: For each sort of thing, its keys, each with a value as text (``""`` where there is none).
        value_changes: For each sort of thing, what a change of the value is called.
    """

    kind: str
    items: Mapping[str, Mapping[Key, str]]
    value_changes: Mapping[str, str]


@dataclass(frozen=True)
class ReleaseDiff:
    """The changes from release `a` to release `b`.

    Attributes:
        kind: ``"ontology"``, ``"network"`` or ``"motifs"``.
        a: Provenance of the older release.
        b: Provenance of the newer one.
        sizes: How many of each sort there are: in a, in b, and with the same key in both.
        changes: Everything that changed, by sort, then change, then key.
    """

    kind: str
    a: Provenance
    b: Provenance
    sizes: Mapping[str, tuple[int, int, int]]
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Number of changes by sort and change."""
        found = Counter((change.what, change.change) for change in self.changes)
        return {what: {name: n for (sort, name), n in sorted(found.items()) if sort == what} for what in self.sizes}

    def of(self, what: str, change: str | None = None) -> tuple[Change, ...]:
        """The changes of one sort of thing, or of one kind among them.

        Args:
            what: Such as ``"term"``.
            change: Such as ``"merged"``; all where None.
        """
        return tuple(each for each in self.changes if each.what == what and change in (None, each.change))

    def table(self) -> pandas.DataFrame:
        """One row a change: what, change, name (the parts of its key), was, now, reason."""
        import pandas

        rows = [(c.what, c.change, " ".join(c.key), c.was, c.now, c.reason) for c in self.changes]
        return pandas.DataFrame(rows, columns=["what", "change", "name", "was", "now", "reason"])

    def summary(self) -> dict[str, Any]:
        """Sizes and counts, as a value that `json` can write."""
        return {
            "kind": self.kind,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "sizes": {what: dict(zip(("a", "b", "both"), sizes, strict=True)) for what, sizes in self.sizes.items()},
            "changes": self.counts,
        }

    def __str__(self) -> str:
        lines = []
        for what, (in_a, in_b, both) in self.sizes.items():
            lines.append(f"{what + 's':<12} {in_a:>9,} in A, {in_b:>9,} in B, {both:>9,} in both")
            lines += [f"  {change:<18} {count:>9,}" for change, count in self.counts[what].items()]
        return "\n".join(lines)


def diff(a: Any, b: Any) -> ReleaseDiff:
    """Compare two releases.

    Terms, relations and annotations are compared by their ids. Where the newer ontology says that a term goes on under
    another id (``alt_id``, ``replaced_by``), the relations and annotations of the old id are compared under the new
    one, so that a merge is one change and not hundreds; a relation that a merge closes to a loop is not counted. Give
    both releases the same treatment (root, namespace, evidence codes, pruning): what only one of them was cut by shows
    as a change, with the reason beside it.

    Args:
        a: The older release: an `Ontology`, `Network` or `MotifSet`.
        b: The newer release, of the same kind.

    Returns:
        The changes.

    Raises:
        KgnnError: If the two are not of one kind that can be compared.

    Example:
        >>> from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
        >>> old = Ontology({"A": Term("A", "all"), "B": Term("B", "b")}, (Relation("B", "A"),), (Annotation("g", "B"),))
        >>> new = Ontology({"A": Term("A", "all"), "C": Term("C", "b")}, (Relation("C", "A"),), (), aliases={"B": "C"})
        >>> for change in diff(old, new).changes:
        ...     print(change.what, change.change, change.key, change.now or '-', change.reason or '-')
        term added ('C',) b -
        term merged ('B',) C alt_id
        annotation removed ('g', 'C') - -
    """
    from kgnn.knowledge.diff_motifs import motif_diff
    from kgnn.knowledge.diff_network import network_diff
    from kgnn.knowledge.diff_ontology import ontology_diff
    from kgnn.knowledge.motif_set import MotifSet
    from kgnn.knowledge.network import Network
    from kgnn.knowledge.ontology import Ontology

    if isinstance(a, Ontology) and isinstance(b, Ontology):
        return ontology_diff(a, b)
    if isinstance(a, MotifSet) and isinstance(b, MotifSet):
        return motif_diff(a, b)
    if isinstance(a, Network) and isinstance(b, Network):
        return network_diff(a, b)
    names = " and a ".join(type(each).__name__ for each in (a, b))
    raise KgnnError(f"a {names} cannot be compared. Give two of one kind: Ontology, Network or MotifSet.")


def compare(a: Content, b: Content) -> tuple[Change, ...]:
    """What was added, removed or given another value, sorted.

    Args:
        a: The older release.
        b: The newer release.

    Returns:
        The changes.

    Example:
        >>> words = {"edge": "reweighted"}
        >>> old = Content("network", {"edge": {("TP53", "MDM2"): "0.9", ("TP53", "ATM"): "0.4"}}, words)
        >>> new = Content("network", {"edge": {("TP53", "MDM2"): "0.7"}}, words)
        >>> [(change.change, change.key, change.was, change.now) for change in compare(old, new)]
        [('removed', ('TP53', 'ATM'), '0.4', ''), ('reweighted', ('TP53', 'MDM2'), '0.9', '0.7')]
    """
    found: list[Change] = []
    for what, before in a.items.items():
        after = b.items[what]
        found += (Change(what, "added", key, now=after[key]) for key in after.keys() - before.keys())
        found += (Change(what, "removed", key, was=before[key]) for key in before.keys() - after.keys())
        found += (
            Change(what, a.value_changes[what], key, before[key], after[key])
            for key in before.keys() & after.keys()
            if before[key] != after[key]
        )
    return in_order(found, a.items)


def in_order(changes: Iterable[Change], sorts: Iterable[str]) -> tuple[Change, ...]:
    """Changes by sort of thing, then by what happened, then by key.

    Args:
        changes: Some changes.
        sorts: The sorts of things, in order.
    """
    rank = {what: position for position, what in enumerate(sorts)}
    return tuple(sorted(changes, key=lambda change: (rank[change.what], change.change, change.key)))


def sizes(a: Content, b: Content) -> dict[str, tuple[int, int, int]]:
    """How many things of each sort there are in one, in the other, and under one key in both.

    Args:
        a: The older release.
        b: The newer release.
    """
    return {
        what: (len(before), len(b.items[what]), len(before.keys() & b.items[what].keys()))
        for what, before in a.items.items()
    }
