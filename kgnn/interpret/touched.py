"""`touched_subsystems`: what a new release of the knowledge means for a trained run, before anything is migrated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import KgnnError, name_some
from kgnn.interpret.importance import importance
from kgnn.knowledge.diff_ontology import successors_of
from kgnn.knowledge.ontology import Ontology
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

GONE = ("obsolete", "removed")


def touched_subsystems(
    run: Run, a: Ontology, b: Ontology, *, measure: str = "rlipp", ranking: pandas.DataFrame | None = None
) -> pandas.DataFrame:
    """Which subsystems of a run a new release touches, and how much of the run's importance they carry.

    A subsystem is touched where what it computes would change: its term is gone, or its genes (of those that the run
    measures, its own and those below it) or its child terms (of those that hold such a gene) are others. A change of
    name or of parents leaves it as it is. A subsystem above a touched one computes from changed states even where it
    is not touched itself; ``above_touched`` says so.

    Importance speaks of the trained network and scatters between fits: a touched subsystem of small importance is a
    reason not to worry, no proof that a network trained on the new release would not use it.

    Args:
        run: A run that was trained on release `a`, pruned or not.
        a: The release that the run was trained on.
        b: The newer release, read in the same way.
        measure: See `kgnn.importance`, which is computed without a null.
        ranking: What `kgnn.importance` returned, in place of computing it.

    Returns:
        One row a subsystem, the most important first: term, name, level, n_genes, change (words, separated by commas:
        ``"obsolete"``, ``"removed"``, ``"merged"``, ``"genes"``, ``"children"``, ``"moved"``, ``"renamed"``, or
        ``"not in either release"`` for a term that pruning made), now (the id in `b`), genes_gained, genes_lost,
        children_gained, children_lost, touched, above_touched, importance_share (of all positive importance, mean over
        the outputs).

    Raises:
        KgnnError: If no subsystem of the run is a term of `a`.
    """
    import pandas

    hierarchy = run.hierarchy
    known = [term for term in hierarchy.terms if term in a.terms]
    if not known:
        raise KgnnError(
            f"none of the {hierarchy.n_terms:,} subsystems of the run ({name_some(hierarchy.terms)}) is a term of the "
            f"older release ({name_some(a.terms)}). Give the release that the run was trained on first."
        )
    compared = _Compared(a, b, frozenset(hierarchy.genes))
    rows = [compared.row(term) for term in hierarchy.terms]
    touched = np.array([row["touched"] for row in rows])
    above = np.zeros(hierarchy.n_terms, bool)
    for child, parent in sorted(zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)):
        above[parent] |= touched[child] | above[child]
    table = pandas.DataFrame(
        {
            "term": hierarchy.terms,
            "name": hierarchy.term_names,
            "level": hierarchy.level_of_term,
            "n_genes": hierarchy.n_genes_of_term,
            **{name: [row[name] for row in rows] for name in rows[0]},
            "above_touched": above,
            "importance_share": _shares(run, measure, ranking),
        }
    )
    return table.sort_values("importance_share", ascending=False, kind="stable", ignore_index=True)


def touched_summary(touched: pandas.DataFrame) -> dict[str, Any]:
    """The table of `touched_subsystems` in numbers.

    Args:
        touched: The table.

    Returns:
        Number of subsystems, of touched ones and of those above them, and the share of importance that each carries.
    """
    direct, above = touched["touched"], ~touched["touched"] & touched["above_touched"]
    share = touched["importance_share"]
    return {
        "subsystems": len(touched),
        "touched": int(direct.sum()),
        "only_above_touched": int(above.sum()),
        "untouched": int((~direct & ~above).sum()),
        "importance_of_touched": float(share[direct].sum()),
        "importance_of_only_above_touched": float(share[above].sum()),
    }


class _Compared:
    """Terms of two releases over the genes of a run."""

    def __init__(self, a: Ontology, b: Ontology, measured: frozenset[str]):
        self.a, self.b, self.measured = a, b, measured
        self.successors = successors_of(a, b)

    def row(self, term: str) -> dict[str, Any]:
        """What happened to a term."""
        now = term if term in self.b.terms else self.successors.get(term, "")
        row: dict[str, Any] = {"change": "", "now": now}
        row |= dict.fromkeys(("genes_gained", "genes_lost", "children_gained", "children_lost"), 0)
        if term not in self.a.terms:
            return row | {"change": "" if now else "not in either release", "touched": False}
        if not now:
            return row | {"change": GONE[term not in self.b.obsolete], "touched": True}
        before = self._resolved(self.a.children[term], self.a) - {now}
        after = self._resolved(self.b.children[now], self.b)
        genes, genes_now = (o.gene_sets[t] & self.measured for o, t in ((self.a, term), (self.b, now)))
        row |= {"genes_gained": len(genes_now - genes), "genes_lost": len(genes - genes_now)}
        row |= {"children_gained": len(after - before), "children_lost": len(before - after)}
        parents = {self.successors.get(parent, parent) for parent in self.a.parents[term]}
        words = {
            "merged": now != term,
            "genes": genes != genes_now,
            "children": before != after,
            "moved": parents - {now} != set(self.b.parents[now]),
            "renamed": self.a.terms[term].name != self.b.terms[now].name,
        }
        touched = words["genes"] or words["children"]
        return row | {"change": ",".join(word for word, true in words.items() if true), "touched": touched}

    def _resolved(self, terms: tuple[str, ...], release: Ontology) -> set[str]:
        """Those that hold a gene of the run, under the ids of the newer release."""
        return {self.successors.get(term, term) for term in terms if release.gene_sets[term] & self.measured}


def _shares(run: Run, measure: str, ranking: pandas.DataFrame | None) -> np.ndarray:
    """Share of every subsystem in the positive importance, in the order of the hierarchy."""
    table = importance(run, measure, n_null=0) if ranking is None else ranking
    missing = sorted({"term", "output", "importance"}.difference(table.columns))
    kept = table if missing else table[table["term"].isin(run.hierarchy.terms)]
    if missing or kept.empty or kept.duplicated(["term", "output"]).any():
        wrong = f"lacks {name_some(missing)}" if missing else "names no subsystem of the run, or one several times"
        raise KgnnError(f"the ranking {wrong}. Give what kgnn.importance returned for the run, by one measure.")
    values = kept.pivot(index="term", columns="output", values="importance").reindex(list(run.hierarchy.terms))
    positive = np.maximum(values.fillna(0.0).to_numpy(), 0.0)
    total = positive.sum(axis=0)
    return (positive / np.where(total > 0, total, 1.0)).mean(axis=1)
