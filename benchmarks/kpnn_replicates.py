"""How long do 90 replicates of a KPNN take in one program, beside 90 runs of one compiled program?

The paper trains 3 x 30 networks one after the other. Here all of them are one call of `kgnn.fit`; on the other side one
network is fitted 90 times in turn, by a program that is compiled before the clock starts. Two measures: whole calls of
`kgnn.fit` (without baselines), and beside them the training steps alone, without anything that a run does around them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import jax
from measuring.result import Bar, Result, run, say

from kgnn.data import log_per_million, regulatory_toy
from kgnn.data.samples import Samples
from kgnn.models import Model
from kgnn.structure import Hierarchy
from kgnn.train import TrainConfig, count_parameters, fit
from kgnn.train.engine import Engine
from kgnn.train.loop import class_weights, start_model
from kgnn.train.stream import place_samples
from kgnn.zoo import build_model, recipe

REPLICATES = 90
ROUNDS, FITS = 3, 3
KPNN = recipe("kpnn")


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replicates", type=int, default=REPLICATES, metavar="N", help=f"default {REPLICATES}")
    parser.add_argument("--samples", type=int, default=600, metavar="N", help="default 600")
    parser.add_argument(
        "--epochs", type=int, metavar="N", help="epochs of every network (default: those of the recipe)"
    )


def measure(arguments: argparse.Namespace) -> Result:
    toy = regulatory_toy("hubs", n_samples=arguments.samples)
    samples = log_per_million(toy.samples)
    hierarchy, _ = KPNN.compile(toy.network, samples)
    n = 4 if arguments.quick else arguments.replicates
    epochs = arguments.epochs or (2 if arguments.quick else KPNN.config().epochs)
    config = KPNN.config().updated({"epochs": epochs, "replicates": n})
    assert isinstance(hierarchy, Hierarchy)
    say(f"whole fits of {epochs} epochs: {n} networks in one, and one by one")
    fits = {
        count: fit_seconds(build_model(KPNN, hierarchy, samples), samples, config.updated({"replicates": count}))
        for count in (n, 1)
    }
    say(f"steps alone: {n} networks in one program, {ROUNDS} times")
    together, compile_together = seconds(build_model(KPNN, hierarchy, samples), samples, config, ROUNDS)
    say(f"steps alone: one network by its own compiled program, {n} times in turn")
    alone, compile_alone = seconds(build_model(KPNN, hierarchy, samples), samples, config.updated({"replicates": 1}), n)
    in_turn, in_one = sum(alone), statistics.median(together)
    result = Result()
    result.sizes = {
        "nodes": hierarchy.n_terms,
        "edges": len(hierarchy.relation_child) + len(hierarchy.annotation_gene),
        "genes": hierarchy.n_genes,
        "samples": len(samples),
        "epochs": epochs,
        "replicates": n,
        "parameters of one": count_parameters(build_model(KPNN, hierarchy, samples)),
    }
    whole = {"in one program": fits[n], "in turn": n * fits[1]}
    steps = {"in one program": in_one, "in turn": in_turn}
    result.tables["seconds"] = [
        {
            "what": what,
            **{f"{n} {how}": value for how, value in each.items()},
            "faster": each["in turn"] / each["in one program"],
        }
        for what, each in (("whole fits", whole), ("training steps alone", steps))
    ]
    result.tables["first epoch with compilation"] = [
        {"networks": n, "seconds": compile_together},
        {"networks": 1, "seconds": compile_alone},
    ]
    faster = None if arguments.quick else whole["in turn"] / whole["in one program"]
    result.bars = [Bar(f"{n} networks in one fit, times faster than {n} fits", 4.0, faster, at_least=True)]
    result.notes.append(
        f"Whole fits in turn are extrapolated from the median of {FITS}; all programs are compiled before."
    )
    return result


def fit_seconds(model: Model, samples: Samples, config: TrainConfig) -> float:
    """Median seconds of whole fits, after one that compiles."""
    found = []
    for seed in range(FITS + 1):
        started = time.perf_counter()
        fit(model, samples, config.updated({"seed": seed}), baselines=())
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])


def seconds(model: Model, samples: Samples, config: TrainConfig, n_fits: int) -> tuple[list[float], float]:
    """Seconds of every fit, from its first step to its last, and of the first epoch with its compilation."""
    samples = samples.with_genes(model.genes)
    engine: Any = None
    found, compilation = [], 0.0
    data = place_samples(samples, config, class_weights(samples, config))
    for number in range(n_fits + 1):
        chosen = config.updated({"seed": number})
        fitted = start_model(model, samples, chosen)
        if engine is None:
            engine = Engine(fitted, chosen, len(samples))
        state = jax.block_until_ready(engine.start(fitted, number))
        started = time.perf_counter()
        # The first one compiles, and is not counted.
        for _ in range(config.epochs if number else 1):
            state, losses = engine.train_epoch(state, data)
        jax.block_until_ready((state, losses))
        elapsed = time.perf_counter() - started
        compilation = compilation if number else elapsed
        found += [elapsed] if number else []
    return found, compilation


if __name__ == "__main__":
    main()
