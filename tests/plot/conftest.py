"""A run as small as can be: 5 terms, 7 genes, 3 outputs, and names that break careless HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kgnn.knowledge.provenance import Provenance, Source
from kgnn.structure.hierarchy import Hierarchy

OUTPUTS = ("B (CD19+)", "T/<NK> & $x_1$ $y$", "Größe_µ")
EVIL = "repair </script><script>alert(1)</script> & <b>co</b>"


def int32(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def make_hierarchy() -> Hierarchy:
    #        ROOT                 genes: HLA-DRA ⋯ at ROOT, the rest below
    #       /    \
    #   GO:2      GO:3            GO:2 has 3 genes in all, GO:3 has 5
    #       \    /    \
    #        GO:0      R_1(+)     GO:0 is a child of both: shown under GO:2
    return Hierarchy(
        terms=("GO:0", "R_1(+)", "GO:2", "GO:3", "ROOT"),
        term_names=(EVIL, "signalling by NOTCH.1 / β", "cell cycle", "B cell activation", "process"),
        genes=("TP53", "CD79A", "MS4A1", "LYZ", "GNLY", "NKG7", "HLA-DRA"),
        level_of_term=int32(0, 0, 1, 1, 2),
        relation_child=int32(0, 0, 1, 2, 3),
        relation_parent=int32(2, 3, 3, 4, 4),
        annotation_gene=int32(0, 1, 2, 3, 4, 5, 6),
        annotation_term=int32(0, 0, 1, 2, 3, 3, 4),
        provenance=Provenance(),
    )


def make_effects(hierarchy: Hierarchy) -> pd.DataFrame:
    """CD79A lowers the first output by 0.4; everything else is within 0.06."""
    rng = np.random.default_rng(0)
    rows = []
    for gene in hierarchy.genes:
        common = {"perturbation": gene, "kind": "gene", "dose": 1.0, "n_samples": 11, "epistasis": np.nan}
        for output in OUTPUTS:
            effect = -0.4 if (gene, output) == ("CD79A", OUTPUTS[0]) else rng.uniform(-0.06, 0.06)
            names = {"target": "output", "name": output, "label": output, "unit": "probability", "wild_type": 0.3}
            rows.append({**common, **names, "effect": effect, "effect_sd": 0.02})
        for term, name in zip(hierarchy.terms, hierarchy.term_names, strict=True):
            moved = 0.5 if (gene, term) == ("CD79A", "GO:3") else 0.1 if term == "ROOT" else 0.0
            names = {"target": "subsystem", "name": term, "label": name, "unit": "state", "wild_type": np.nan}
            rows.append({**common, **names, "effect": moved, "effect_sd": 0.0})
    return pd.DataFrame(rows)


def make_ranking(hierarchy: Hierarchy) -> pd.DataFrame:
    """For the first output GO:3 is most important, for the second GO:0; the third leaves R_1(+) out."""
    importance = {OUTPUTS[0]: (0.2, 0.1, 0.3, 0.9, 0.4), OUTPUTS[1]: (0.8, 0.1, 0.3, 0.2, 0.4)}
    importance[OUTPUTS[2]] = (0.05, np.nan, 0.04, 0.03, 0.02)
    tables = []
    for output, values in importance.items():
        table = pd.DataFrame(
            {
                "term": hierarchy.terms,
                "name": hierarchy.term_names,
                "level": hierarchy.level_of_term,
                "n_genes": hierarchy.n_genes_of_term,
                "output": output,
                "measure": "rlipp",
                "importance": values,
                "null_mean": 0.1,
                "null_sd": 0.05,
                "p_value": 0.01,
                "q_value": [0.2, 0.9, 0.06, 0.01, 0.04],
                "rho_parent": 0.5,
                "rho_children": 0.4,
            }
        )
        table["rank"] = table["importance"].rank(ascending=False)
        tables.append(table.dropna(subset="importance"))
    return pd.concat(tables, ignore_index=True)


@dataclass
class FittedRun:
    """What the report reads of a run."""

    hierarchy: Hierarchy
    history: pd.DataFrame
    metrics: dict[str, Any]
    provenance: Provenance
    output_names: tuple[str, ...] = OUTPUTS
    config: dict[str, Any] = field(default_factory=lambda: {"epochs": 4, "schedule": None, "note": "<i>fast</i>"})
    versions: dict[str, str] = field(default_factory=lambda: {"jax": "0.10.2"})
    seed: int = 17
    alignment: dict[str, Any] | None = None


def make_metrics() -> dict[str, Any]:
    return {
        "recipe": None,
        "task": "classes",
        "score": "accuracy",
        "best_epoch": 3,
        "seconds": 12.5,
        "n_parameters": 1234,
        "n_samples": {"train": 30, "valid": 9, "test": 11},
        "model": {
            "train": {"accuracy": 0.95, "auroc": 0.99},
            "valid": {"accuracy": 0.8, "auroc": 0.9},
            "test": {"auroc": 0.88, "accuracy": 0.7},
        },
        "baselines": {
            "mean": {"valid": {"accuracy": 0.4, "auroc": None}, "test": {"accuracy": 0.45, "auroc": None}},
            "ridge": {"valid": {"accuracy": 0.75, "auroc": 0.85}, "test": {"accuracy": 0.6, "auroc": 0.8}},
        },
    }


def make_run(hierarchy: Hierarchy, metrics: dict[str, Any]) -> FittedRun:
    history = pd.DataFrame(
        {"epoch": [1, 2, 3, 4], "loss": [2.0, 1.0, 0.5, 0.4], "valid_score": [0.3, np.nan, 0.8, 0.7]}
    )
    sources = (
        Source(
            "go<1>.obo", "ab12cd34ef56" * 5 + "0000", "2019-01-01", "CC BY 4.0", "GOC 2019, doi:10.1093/nar/gky1055"
        ),
        Source("mine & yours.txt", "9" * 64),
    )
    alignment = {"aligned genes": 7, "losses": [["gene", "no annotation <here>", 2113]]}
    provenance = Provenance(sources, ("read 5 terms", "pruned <hard>"))
    return FittedRun(hierarchy, history, metrics, provenance, alignment=alignment)


@pytest.fixture
def hierarchy() -> Hierarchy:
    return make_hierarchy()


@pytest.fixture
def effects(hierarchy: Hierarchy) -> pd.DataFrame:
    return make_effects(hierarchy)


@pytest.fixture
def ranking(hierarchy: Hierarchy) -> pd.DataFrame:
    return make_ranking(hierarchy)


@pytest.fixture
def metrics() -> dict[str, Any]:
    return make_metrics()


@pytest.fixture
def run(hierarchy: Hierarchy, metrics: dict[str, Any]) -> FittedRun:
    return make_run(hierarchy, metrics)
