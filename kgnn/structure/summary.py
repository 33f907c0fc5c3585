"""A compiled hierarchy in numbers, for people and for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kgnn.knowledge.ontology import losses_to_json
from kgnn.structure.compile import Alignment
from kgnn.structure.compile_adjacency import NetworkAlignment
from kgnn.structure.compile_files import CompiledFiles
from kgnn.structure.cost import hierarchy_cost
from kgnn.structure.hierarchy import Hierarchy


def hierarchy_summary(hierarchy: Hierarchy) -> dict[str, Any]:
    """Sizes, fingerprints and provenance of a hierarchy.

    Args:
        hierarchy: The hierarchy.

    Returns:
        A value that `json` can write.
    """
    return {
        "terms": hierarchy.n_terms,
        **({} if hierarchy.copy_of is None else {"copies": n_copies(hierarchy)}),
        "relations": len(hierarchy.relation_child),
        "annotations": len(hierarchy.annotation_gene),
        "genes": hierarchy.n_genes,
        "levels": hierarchy.n_levels,
        "root": hierarchy.root,
        "fingerprint": hierarchy.fingerprint,
        "ontology_fingerprint": hierarchy.ontology_fingerprint,
        "provenance": hierarchy.provenance.to_json(),
    }


def n_copies(hierarchy: Hierarchy) -> int:
    """How many of the terms are copies of others."""
    if hierarchy.copy_of is None:
        return 0
    return int((hierarchy.copy_of != np.arange(hierarchy.n_terms)).sum())


def alignment_summary(alignment: Alignment | NetworkAlignment) -> dict[str, Any]:
    """How data and knowledge met, and everything dropped on the way from the files, by reason.

    Args:
        alignment: From `compile_hierarchy` or `compile_adjacency`.

    Returns:
        A value that `json` can write.
    """
    return {"alignment": str(alignment), "dropped": losses_to_json(alignment.losses)}


def compiled_summary(compiled: CompiledFiles, *, n_states: int, batch_size: int) -> dict[str, Any]:
    """What ``kgnn compile`` reports of its work.

    Args:
        compiled: From `compile_files`.
        n_states: States a term, for the predicted cost of training.
        batch_size: Samples a step, for the predicted cost of training.

    Returns:
        A value that `json` can write.
    """
    cost = hierarchy_cost(compiled.hierarchy, n_states=n_states, batch_size=batch_size)
    return {
        **hierarchy_summary(compiled.hierarchy),
        **alignment_summary(compiled.alignment),
        "read": dict(compiled.read),
        **{name: report.to_json() for name, report in compiled.reports.items()},
        "from_cache": compiled.from_cache,
        "training_step": {"states": n_states, "batch_size": batch_size, **cost.to_json()},
    }


def describe(summary: Mapping[str, Any]) -> str:
    """A summary as text, one fact a line.

    Args:
        summary: From the functions above, or any other with numbers, text and flat mappings.

    Returns:
        Some lines.

    Example:
        >>> print(describe({"terms": 2086, "n_samples": {"train": 9, "test": 3}}))
        terms        2,086
        n_samples    train 9, test 3
    """
    lines = []
    for name, value in summary.items():
        if name == "provenance":
            lines += _provenance_lines(value)
        elif name == "dropped":
            lines += [_dropped(each) for each in value]
        elif isinstance(value, Mapping):
            lines.append(f"{name:<12} " + ", ".join(f"{key} {_text(item)}" for key, item in value.items()))
        else:
            lines.append(f"{name:<12} {_text(value)}")
    return "\n".join(lines)


def _dropped(loss: Mapping[str, Any]) -> str:
    more = ", …" if loss["count"] > len(loss["first"]) else ""
    return f"  dropped    {loss['count']:>9,} {loss['what']}s: {loss['reason']} ({', '.join(loss['first'])}{more})"


def _provenance_lines(provenance: Mapping[str, Any]) -> list[str]:
    lines = []
    for source in provenance["sources"]:
        facts = [source["release"], source["licence"], f"sha256 {source['sha256'][:12]}", source["citation"]]
        lines.append(f"source       {source['name']}: " + "; ".join(fact for fact in facts if fact))
    return lines + [f"  then       {step}" for step in provenance["transformations"]]


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
