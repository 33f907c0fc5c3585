"""A compiled hierarchy in numbers, for people and for ``--json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kgnn.structure.compile import Alignment
from kgnn.structure.compile_adjacency import NetworkAlignment
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
        "relations": len(hierarchy.relation_child),
        "annotations": len(hierarchy.annotation_gene),
        "genes": hierarchy.n_genes,
        "levels": hierarchy.n_levels,
        "root": hierarchy.root,
        "fingerprint": hierarchy.fingerprint,
        "ontology_fingerprint": hierarchy.ontology_fingerprint,
        "provenance": hierarchy.provenance.to_json(),
    }


def alignment_summary(alignment: Alignment | NetworkAlignment) -> dict[str, Any]:
    """How data and knowledge met, and everything dropped on the way from the files, by reason.

    Args:
        alignment: From `compile_hierarchy` or `compile_adjacency`.

    Returns:
        A value that `json` can write.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for loss in alignment.losses:
        counts[loss.what, loss.reason] += len(loss.names)
    return {
        "alignment": str(alignment),
        "dropped": [{"what": what, "reason": reason, "count": count} for (what, reason), count in counts.items()],
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
            lines += [f"  dropped    {each['count']:>9,} {each['what']}s: {each['reason']}" for each in value]
        elif isinstance(value, Mapping):
            lines.append(f"{name:<12} " + ", ".join(f"{key} {_text(item)}" for key, item in value.items()))
        else:
            lines.append(f"{name:<12} {_text(value)}")
    return "\n".join(lines)


def _provenance_lines(provenance: Mapping[str, Any]) -> list[str]:
    lines = []
    for source in provenance["sources"]:
        facts = [source["release"], source["licence"], f"sha256 {source['sha256'][:12]}", source["citation"]]
        lines.append(f"source       {source['name']}: " + "; ".join(fact for fact in facts if fact))
    return lines + [f"  then       {step}" for step in provenance["transformations"]]


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
