"""A migration as a table, one row a term, and as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.knowledge.ontology import Ontology
from kgnn.structure import Hierarchy
from kgnn.structure.carry import CarryPlan
from kgnn.structure.match import HOW, TermMatch
from kgnn.train.drift import Drift

if TYPE_CHECKING:
    import pandas

_COUNTS = ("annotations_kept", "annotations_new", "children_kept", "children_new")


def term_table(
    old: Hierarchy,
    new: Hierarchy,
    match: TermMatch,
    plan: CarryPlan,
    ontology: Ontology,
    n_states: np.ndarray,
    drift: Drift,
) -> pandas.DataFrame:
    """How each term was matched and what went over; the columns are those that `kgnn.migrate` promises.

    Args:
        old: The hierarchy of the run.
        new: The new one.
        match: Which term goes on from which.
        plan: Where each number comes from.
        ontology: The new release.
        n_states: int ``[term]``, states of the new network.
        drift: Change of the states.

    Returns:
        One row a new term, then one an old term that none goes on from.
    """
    import pandas

    below = {(int(c), int(p)) for c, p in zip(old.relation_child, old.relation_parent, strict=True)}
    ends = zip(plan.term[new.relation_child].tolist(), plan.term[new.relation_parent].tolist(), strict=True)
    kept = np.array([pair in below for pair in ends], bool)
    carried = plan.annotation >= 0
    edges = (new.annotation_term[carried], new.annotation_term[~carried])
    edges += (new.relation_parent[kept], new.relation_parent[~kept])
    counts = [np.bincount(terms, minlength=new.n_terms) for terms in edges]
    table = pandas.DataFrame(
        {
            "term": new.terms,
            "name": new.term_names,
            "level": new.level_of_term,
            "how": match.how,
            "from_term": [old.terms[position] if position >= 0 else "" for position in match.old_of_new],
            "jaccard": match.jaccard,
            "reason": "",
            "n_genes": new.n_genes_of_term,
            "n_states": n_states,
            **dict(zip(_COUNTS, counts, strict=True)),
            "unchanged": plan.unchanged,
            "state_change": drift.states,
            "largest_change": drift.largest,
        }
    )
    rows: list[Any] = table.to_dict("records")
    for position in np.flatnonzero(match.new_of_old(old.n_terms) < 0).tolist():
        rows.append(_old_term(old, position, match.merged_into.get(position), new, ontology))
    return pandas.DataFrame(rows, columns=table.columns)


def _old_term(old: Hierarchy, position: int, into: int | None, new: Hierarchy, ontology: Ontology) -> dict[str, Any]:
    """The row of an old term that no new one goes on from."""
    term = old.terms[position]
    if term in ontology.terms:
        reason = "none of its genes is in the data"
    else:
        reason = ontology.left_out.get(term, ontology.aliases.get(term, "not in the release"))
    return {
        "term": "" if into is None else new.terms[into],
        "name": old.term_names[position],
        "level": int(old.level_of_term[position]),
        "how": "lost" if into is None else "merged",
        "from_term": term,
        "jaccard": 0.0,
        "reason": reason,
        "n_genes": int(old.n_genes_of_term[position]),
        "n_states": 0,
        **dict.fromkeys(_COUNTS, 0),
        "unchanged": False,
        "state_change": np.nan,
        "largest_change": np.nan,
    }


def describe_migration(found: Mapping[str, Any], score: str | None) -> str:
    """A migration for a person: how terms were matched, what was carried, and the drift.

    Args:
        found: `Migration.summary`.
        score: Name of the score to show, before and after.

    Returns:
        Some lines.
    """
    order = (*HOW, "merged", "lost")
    listed = [f"{found['terms'][how]:,} {how}" for how in order if how in found["terms"]]
    weights, genes, drift = found["weights"], found["genes"], found["drift"]
    lines = [
        f"terms        {', '.join(listed)}; {found['unchanged']:,} unchanged with all below them",
        f"genes        {genes['kept']:,} kept, {genes['new']:,} new, {genes['lost']:,} lost",
        f"weights      {weights['carried']:,} carried over, {weights['new']:,} {found['fresh']}",
        f"drift        on {drift['n_samples']:,} samples"
        + (", statistics measured on them" if found["statistics_measured_on"] else ""),
    ]
    for name, output in drift["outputs"].items():
        alike = "undefined" if output["pearson"] is None else f"{output['pearson']:.4f}"
        lines.append(
            f"  {name:<10} mean change {output['mean_change']:.3g}, largest {output['largest_change']:.3g}, "
            f"correlation {alike}"
        )
    if drift["scores"] and score in drift["scores"]["before"]:
        before, after = (drift["scores"][when][score] for when in ("before", "after"))
        lines.append(f"{score:<12} {_number(before)} before, {_number(after)} after")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
