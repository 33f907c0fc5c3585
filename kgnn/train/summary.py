"""A run for people and for ``--json``: scores beside those of the baselines, and what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgnn.models import Replicates
from kgnn.structure import Adjacency, Kernels, adjacency_summary, hierarchy_summary, kernels_summary
from kgnn.train.run import Run

NAMES = {
    "mean": "mean of the training samples",
    "ridge": "ridge regression",
    "logistic": "logistic regression",
    "dense": "dense network of equal size",
    "shuffled": "same network, shuffled",
}


FEWEST_TO_CHOOSE = 50
"""Validation samples below which the choice of an epoch is told to be little more than chance."""


def score_table(metrics: Mapping[str, Any]) -> str:
    """Scores as aligned text.

    Args:
        metrics: `Run.metrics`.

    Returns:
        Some lines: one a model, one column a split, in the headline score; of replicates also the mean over the
        networks by themselves with its 95 % t-interval; then the groups left out; then a word where so few validation
        samples chose the epoch that chance did.
    """
    splits = [name for name in ("valid", "test") if name in metrics["model"]] or ["train"]
    score = metrics["score"]
    rows = {metrics["recipe"] or "model": metrics["model"]}
    rows |= _replicate_rows(metrics, splits)
    rows |= {NAMES.get(name, name): scores for name, scores in metrics["baselines"].items()}
    lines = [f"{score:<32}" + "".join(f"{split:>10}" for split in splits)]
    for name, scores in rows.items():
        lines.append(f"  {name:<30}" + "".join(_number(scores.get(split, {}).get(score)) for split in splits))
    for covariate, found in metrics.get("leave_out", {}).items():
        lines.append(
            f"{score}, {found['n_groups']} {covariate}s never seen in training ({found['n_samples']:,} samples)"
        )
        lines.append(f"  {metrics['recipe']:<30}" + _number(found["model"].get(score)))
        lines += [f"  {NAMES.get(b, b):<30}" + _number(s.get(score)) for b, s in found["baselines"].items()]
    n_valid = metrics.get("n_samples", {}).get("valid", FEWEST_TO_CHOOSE)
    if n_valid < FEWEST_TO_CHOOSE and metrics.get("keep") != "last":
        lines.append(
            f"{n_valid} validation samples chose the epoch, which is much chance. To keep the last one instead, set "
            "keep=last"
        )
    lines.append(
        f"epoch {metrics['best_epoch']}, {metrics['n_parameters']:,} parameters, {metrics['seconds']:.0f} s in all"
    )
    return "\n".join(lines)


def run_summary(run: Run) -> dict[str, Any]:
    """What a run was made of: recipe, settings, sizes, versions, and the hierarchy where the model has one.

    With a hierarchy comes ``layout``: ``"measured"`` where `kgnn.tune` has chosen one for this network and device, else
    ``"default"``.

    Args:
        run: The run.

    Returns:
        A value that `json` can write.
    """
    summary = {
        "kind": "run",
        "recipe": run.recipe,
        "settings": run.config,
        "versions": run.versions,
        "n_samples": run.metrics["n_samples"],
        "n_parameters": run.metrics["n_parameters"],
    }
    if run.model.hierarchy is not None:
        summary |= hierarchy_summary(run.model.hierarchy)
        one: Any = run.model.stacked if isinstance(run.model, Replicates) else run.model
        if hasattr(one, "subsystems"):
            summary["layout"] = "measured" if one.subsystems.layout.measured else "default"
    elif isinstance(run.model.structure, Adjacency):
        summary |= adjacency_summary(run.model.structure)
    elif isinstance(run.model.structure, Kernels):
        summary |= kernels_summary(run.model.structure)
    return summary | {"provenance": run.provenance.to_json()}


def _replicate_rows(metrics: Mapping[str, Any], splits: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Mean, interval and standard deviation over the networks, each in the place of a model."""
    found, score = metrics.get("replicates"), metrics["score"]
    if not found:
        return {}
    n = len(found[splits[0]][score]["each"])
    labels = {
        "mean": f"  each of its {n} networks: mean",
        "low": "    95 % interval from",
        "high": "    to",
        "sd": "    sd",
    }
    return {label: {split: {score: found[split][score][name]} for split in splits} for name, label in labels.items()}


def _number(value: float | None) -> str:
    return f"{'–':>10}" if value is None or value != value else f"{value:>10.3f}"
