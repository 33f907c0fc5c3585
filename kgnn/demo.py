"""`kgnn demo`: the main job on the bundled default, from ontology file to report.

Ten kinds of blood cells (10x Genomics PBMC 68k, 700 cells; the file lies in the scanpy package) are told apart by a
visible network over the biological processes of the Gene Ontology. Then marker genes are knocked down and the
subsystems are ranked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data import Samples, folds, read_samples, write_table
from kgnn.errors import SourceError
from kgnn.interpret import importance
from kgnn.knowledge import Ontology, bundled_file, read_ontology
from kgnn.layers import StateRule
from kgnn.perturb import knockdown
from kgnn.structure import Alignment, Hierarchy, compile_hierarchy
from kgnn.train import Run, TrainConfig, fit
from kgnn.train.progress import Progress
from kgnn.zoo import build_model, recipe

if TYPE_CHECKING:
    import pandas

MARKERS = {
    "CD79A": "B cells",
    "MS4A1": "B cells",
    "CD3D": "T cells",
    "NKG7": "natural killer cells",
    "GNLY": "natural killer cells",
    "LYZ": "monocytes",
}
PRUNING = {"min_genes": 20, "max_genes": 200, "min_extra_genes": 15, "max_height": 3, "merge_identical": True}
MODEL = {"n_states": StateRule(8, 0.05), "dropout": 0.7, "heads": "linear", "heads_read": "state"}
CONFIG = TrainConfig(
    epochs=50,
    batch_size=128,
    optimizer="adamw",
    learning_rate=5e-3,
    weight_decay=0.3,
    auxiliary_weight=0.01,
    average=0.95,
    valid_fraction=0.0,
)
N_FOLDS = 5
FEWEST_CELLS = 10
"""Held-out cells of a type below which its subsystems are not listed: their rank would be that of a few cells."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes:
        summary: Numbers, for ``--json``.
        text: The same for a person.
        run: The run of the first fold, which the report shows.
        effects: Knockdowns of the marker genes in all cells, each in the network that has not seen it.
        ranking: Subsystems by RLIPP on the held-out cells.
    """

    summary: dict[str, Any]
    text: str
    run: Run
    effects: pandas.DataFrame
    ranking: pandas.DataFrame


def demo_samples() -> Samples:
    """The 700 cells with log-normalized expression (0 = absent) and their annotated types.

    Returns:
        Samples of 765 genes with the target ``bulk_labels``.

    Raises:
        SourceError: If scanpy is not installed.

    References:
        Zheng et al. 2017, Nature Communications 8:14049, doi:10.1038/ncomms14049.
    """
    found = find_spec("scanpy")
    if found is None or found.origin is None:
        raise SourceError(
            "the demo reads 10x_pbmc68k_reduced.h5ad, which lies in the scanpy package, and scanpy is not installed. "
            "Install it with pip install 'kgnn[demo]'."
        )
    path = Path(found.origin).parent / "datasets" / "10x_pbmc68k_reduced.h5ad"
    return read_samples(path, target="bulk_labels", layer="raw", meaning="abundance")


def demo_ontology() -> Ontology:
    """The bundled extract of the Gene Ontology's biological processes (release 2019-01), unpruned."""
    obo, table = bundled_file("go_bp_pbmc68k.obo"), bundled_file("go_bp_pbmc68k.tsv")
    return read_ontology(obo, table, root="GO:0008150", namespace="BP")


def demo_hierarchy(samples: Samples, ontology: Ontology | None = None) -> tuple[Hierarchy, Alignment]:
    """The hierarchy of the demo: terms of 20 to 200 of the measured genes; unannotated genes feed the root.

    Args:
        samples: Give the genes.
        ontology: The ontology; the bundled one where None.

    Returns:
        The hierarchy, and how data and knowledge met.
    """
    ontology = demo_ontology() if ontology is None else ontology
    pruned = ontology.prune(genes=samples.genes, **PRUNING)
    return compile_hierarchy(pruned, samples.genes, unannotated="root")


def run_demo(
    out: str | PathLike[str],
    *,
    epochs: int = CONFIG.epochs,
    n_folds: int = N_FOLDS,
    progress: Progress | None = None,
    seed: int = 0,
) -> DemoResult:
    """Do the main job and write run, tables, picture and report.

    Args:
        out: Folder; files of an earlier demo are replaced.
        epochs: Passes over the training cells; fewer for a quick look.
        n_folds: Folds of the cross-validation.
        progress: Told after every epoch.
        seed: Of weights and folds.

    Returns:
        What was found.
    """
    out = Path(out)
    samples = demo_samples()
    hierarchy, alignment = demo_hierarchy(samples)
    config = CONFIG.updated({"epochs": epochs, "seed": seed})
    scores, runs = _cross_validate(samples, hierarchy, alignment, config, n_folds, progress)
    run = replace(runs[0], recipe="dcell", metrics={**runs[0].metrics, "recipe": "dcell"}).save(out / "run")
    effects = _knock_markers_down(runs)
    ranking = importance(run, "rlipp", seed=seed)
    write_table(effects, out / "knockdowns.tsv")
    write_table(ranking, out / "importance.tsv")
    _draw(run, effects, ranking, out)
    summary = {
        "cells": len(samples),
        "folds": n_folds,
        "genes": hierarchy.n_genes,
        "terms": hierarchy.n_terms,
        "accuracy": scores,
        "knockdowns": {gene: _moved(effects, gene) for gene in MARKERS},
        "subsystems": _top(ranking, run),
        "report": str(out / "report.html"),
    }
    return DemoResult(summary, _text(summary, alignment), run, effects, ranking)


def _cross_validate(
    samples: Samples,
    hierarchy: Hierarchy,
    alignment: Alignment,
    config: TrainConfig,
    n_folds: int,
    progress: Progress | None,
) -> tuple[dict[str, float], list[Run]]:
    """Mean test accuracy over the folds, of the network and of each baseline; and the run of every fold."""
    model = build_model(recipe("dcell"), hierarchy, samples, seed=config.seed, **MODEL)
    accuracy: dict[str, list[float]] = {}
    runs = []
    for number, (train, test) in enumerate(folds(samples, n_folds, seed=config.seed)):
        run = fit(
            model,
            samples.take(train),
            config,
            test=samples.take(test),
            baselines=("mean", "linear"),
            progress=progress,
            recipe=f"fold {number + 1} of {n_folds}",
            alignment=alignment,
        )
        runs.append(run)
        found = {"visible network": run.metrics["model"], **run.metrics["baselines"]}
        for name, score in found.items():
            accuracy.setdefault(name, []).append(score["test"]["accuracy"])
    return {name: float(np.mean(values)) for name, values in accuracy.items()}, runs


def _knock_markers_down(runs: list[Run]) -> pandas.DataFrame:
    """Effects of the markers in all cells, each in the network that has not seen the cell, as mean log-odds."""
    parts = [knockdown(run, list(MARKERS), scale="log_odds", max_samples=len(run.samples)) for run in runs]
    effects = parts[0].copy()
    stacked = {name: np.stack([part[name] for part in parts]) for name in ("wild_type", "effect", "effect_sd")}
    effects["wild_type"] = stacked["wild_type"].mean(axis=0)
    effects["effect"] = stacked["effect"].mean(axis=0)
    # The folds are of one size: the variance over all cells is that within folds and that between their means.
    between = np.where(effects["target"] == "output", stacked["effect"].var(axis=0), np.nan)
    effects["effect_sd"] = np.sqrt(np.square(stacked["effect_sd"]).mean(axis=0) + between)
    return effects.assign(n_samples=sum(int(part["n_samples"].iloc[0]) for part in parts))


def _draw(run: Run, effects: pandas.DataFrame, ranking: pandas.DataFrame, out: Path) -> None:
    from kgnn.plot import knockdown_heatmap, report

    knockdown_heatmap(effects).savefig(out / "knockdowns.png", dpi=150, bbox_inches="tight")
    report(run, out / "report.html", effects=effects, ranking=ranking, title="Blood cell types over the Gene Ontology")


def _moved(effects: pandas.DataFrame, gene: str) -> dict[str, Any]:
    """The output that falls most and the subsystems that move most as a gene is knocked down."""
    of_gene = effects[effects["perturbation"] == gene]
    outputs = of_gene[of_gene["target"] == "output"].sort_values("effect")
    subsystems = of_gene[of_gene["target"] == "subsystem"].sort_values("effect", ascending=False)
    return {
        "marker_of": MARKERS[gene],
        "lowers_most": str(outputs["name"].iloc[0]),
        "effect": float(outputs["effect"].iloc[0]),
        "moves_most": subsystems["label"].head(2).tolist(),
    }


def _top(ranking: pandas.DataFrame, run: Run, n: int = 5) -> list[dict[str, Any]]:
    """Subsystems with the clearest importance for any cell type of which enough cells were held out, each once."""
    counts = np.bincount(run.samples.require_targets().values, minlength=len(run.output_names))
    common = [name for name, count in zip(run.output_names, counts, strict=True) if count >= FEWEST_CELLS]
    best = (
        ranking[ranking["output"].isin(common)]
        .sort_values(["q_value", "importance"], ascending=[True, False])
        .drop_duplicates("term")
        .head(n)
    )
    columns = ["term", "name", "output", "importance", "q_value"]
    return [dict(zip(columns, row, strict=True)) for row in best[columns].itertuples(index=False)]


def _text(summary: dict[str, Any], alignment: Alignment) -> str:
    lines = [
        f"{summary['cells']} blood cells, {summary['genes']} genes, {summary['terms']} terms of the Gene Ontology",
        str(alignment),
        "",
        f"accuracy over {summary['folds']} folds, ten cell types",
        *(f"  {name:<22} {score:.3f}" for name, score in summary["accuracy"].items()),
        "",
        "a marker knocked down (expression to 0) lowers most (log-odds), and moves these subsystems most",
    ]
    for gene, found in summary["knockdowns"].items():
        lines.append(
            f"  {gene:<6} {found['lowers_most']:<30} {found['effect']:+.3f}   {'; '.join(found['moves_most'])}"
        )
    lines += ["", "subsystems that say more than their parts (RLIPP on held-out cells)"]
    lines += [
        f"  {each['name'][:48]:<48} {each['output'][:24]:<24} {each['importance']:+.3f}  q {each['q_value']:.3f}"
        for each in summary["subsystems"]
    ]
    return "\n".join([*lines, "", f"report: {summary['report']}"])
