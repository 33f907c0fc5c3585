"""Do node weights of a KPNN find planted nodes: raw, and corrected by networks on control inputs?

Three simulated regimes (`kgnn.data.regulatory_toy`), each with graphs and counts of several seeds. A node is ranked by
its mean absolute weight over replicates, and by the moderated t-statistic against the control networks; AUROC of the
planted regulators against all nodes that no signal passes through.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from measuring.result import Bar, Result, Row, run, say
from sklearn.metrics import roc_auc_score

from kgnn.data import control_samples, log_per_million, regulatory_toy
from kgnn.data.regulatory_toy import RegulatoryToy
from kgnn.data.samples import Samples
from kgnn.interpret import compare_with_controls, node_weights
from kgnn.train import Run
from kgnn.zoo import fit_recipe, recipe

KINDS = ("planted", "hubs", "redundant")
N_SAMPLES, N_TEST = 600, 150
KPNN = recipe("kpnn")


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="graphs a regime (default 3)")
    parser.add_argument("--replicates", type=int, default=30, metavar="N", help="networks of each kind (default 30)")


def measure(arguments: argparse.Namespace) -> Result:
    settings = {"replicates": 2 if arguments.quick else arguments.replicates}
    seeds = range(1 if arguments.quick else arguments.seeds)
    rows = [ranked(kind, seed, settings) for kind in KINDS for seed in seeds]
    result = Result(sizes={"samples": N_SAMPLES, **settings})
    result.tables["AUROC of planted nodes"] = rows
    for kind in KINDS:
        for how, at_least in (("corrected", True), ("raw", False)):
            found = statistics.mean(row[how] for row in rows if row["regime"] == kind)
            result.bars.append(Bar(f"{kind}: {how}", 0.9, None if arguments.quick else found, at_least=at_least))
    return result


def ranked(kind: str, seed: int, settings: Row) -> Row:
    """AUROC of both rankings on one graph."""
    say(f"{kind}, seed {seed}")
    toy = regulatory_toy(kind, n_samples=N_SAMPLES, seed=seed)
    settings = {**settings, "seed": seed}
    real, weights = fitted(toy, toy.samples, settings)
    control, controls = fitted(toy, control_samples(toy.samples, seed=seed), settings)
    nodes = real.model.terms[:-1]
    table = compare_with_controls(weights[:, :-1], controls[:, :-1], nodes).set_index("node")
    chosen = [*toy.planted, *toy.others]
    truth = [node in toy.planted for node in chosen]
    found = {
        how: roc_auc_score(truth, table.loc[chosen, column]) for how, column in (("raw", "weight"), ("corrected", "t"))
    }
    auroc = {name: each.metrics["model"]["test"]["auroc"] for name, each in (("real", real), ("control", control))}
    return {"regime": kind, "seed": seed, **found, "test_auroc": auroc["real"], "control_test_auroc": auroc["control"]}


def fitted(toy: RegulatoryToy, samples: Samples, settings: Row) -> tuple[Run, np.ndarray]:
    """A run on most samples, and its node weights on the others."""
    samples = log_per_million(samples)
    train, test = samples.take(range(N_SAMPLES - N_TEST)), samples.take(range(N_SAMPLES - N_TEST, N_SAMPLES))
    found = fit_recipe(
        KPNN, toy.network, train, test=test, settings=settings, compiling={"unconnected": "drop"}, baselines=()
    )
    return found, node_weights(found.model, test.with_genes(found.model.genes).gene_values())


if __name__ == "__main__":
    main()
