"""What does training in bfloat16 cost in accuracy and give in time?

DCell on the published DNA-repair example, yeast double mutants, fitted with the recipe's settings in either precision
from the same seeds and scored on its test samples. Statistics, heads and the fitted network stay in float32; only
matrix products multiply in bfloat16. Processors without such products emulate them.
"""

from __future__ import annotations

import argparse
import statistics

from measuring.result import Result, Row, run, say
from measuring.workloads import data_folder, structure_sizes

from kgnn.data import read_samples
from kgnn.knowledge import read_ontology
from kgnn.structure import compile_hierarchy
from kgnn.train import fit
from kgnn.zoo import dcell
from kgnn.zoo.fit_recipe import build_model

PRECISIONS = ("float32", "bfloat16")
SEEDS = (0, 1, 2)


def main() -> None:
    run(__file__, __doc__, measure, cache=True)


def measure(arguments: argparse.Namespace) -> Result:
    folder = data_folder("dcell_yeast")
    ontology = read_ontology(folder / "GO_0006281_topology.txt")
    samples, test = (
        read_samples(folder / f"GO_0006281_{part}_data.txt", genes=ontology.genes) for part in ("training", "testing")
    )
    hierarchy, _ = compile_hierarchy(ontology, samples.genes)
    model = build_model(dcell, hierarchy, samples)
    settings = {"epochs": 2, "replicates": 1} if arguments.quick else {}
    config = dcell.config("robust").updated(settings)
    rows: list[Row] = []
    for precision in PRECISIONS:
        for seed in SEEDS[:1] if arguments.quick else SEEDS:
            say(f"{precision}, seed {seed}")
            found = fit(
                model, samples, config.updated({"precision": precision, "seed": seed}), test=test, baselines=()
            ).metrics
            rows.append(
                {
                    "precision": precision,
                    "seed": seed,
                    "test_pearson": found["model"]["test"]["pearson"],
                    "fit_s": found["seconds"],
                }
            )
    scores = {name: [row["test_pearson"] for row in rows if row["precision"] == name] for name in PRECISIONS}
    means = {name: statistics.mean(of) for name, of in scores.items()}
    differences = [b - a for a, b in zip(*scores.values(), strict=True)]
    summary: list[Row] = [
        {"precision": name, "mean": means[name], "least": min(of), "most": max(of)} for name, of in scores.items()
    ]
    cost: Row = {"mean_difference": statistics.mean(differences), "largest": max(differences, key=abs)}
    return Result(
        sizes={**structure_sizes(hierarchy), "samples": len(samples), "test samples": len(test)},
        tables={"fits": rows, "test Pearson over seeds": summary, "bfloat16 less float32, test Pearson": [cost]},
        notes=["The first fit of each precision includes its compilation, unless it lay in JAX's cache."],
    )


if __name__ == "__main__":
    main()
