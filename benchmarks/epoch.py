"""How long does an epoch over real (cell line, drug) pairs take, beside the published design?

The 10,000 published pairs with their responses and fingerprints at batch 5,000. Pairs share 1,225 cell lines and 684
drugs, whose branches kgnn runs once a batch, with weighted batch statistics: the same numbers. The published design
runs them once a pair. The genotypes are drawn, in the shape and density of the published ones, which are not to be had.
"""

from __future__ import annotations

import argparse

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, run, say
from measuring.timing import time_calls
from measuring.training import Training
from measuring.workloads import as_float_arrays, distinct_samples, drugcell_hierarchy, real_pairs, structure_sizes
from peers.timing import CHECK_DENSITY, CHECK_SAMPLES, checked_peers, has_torch

from kgnn.train import count_parameters
from kgnn.zoo import drugcell

BATCH = 5_000


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--peer-steps", type=int, default=1, metavar="N", help="steps of the published design to time, 0 for none"
    )
    parser.add_argument("--batch", type=int, metavar="N", help=f"pairs a step (default {BATCH:,})")


def measure(arguments: argparse.Namespace) -> Result:
    batch = arguments.batch or (500 if arguments.quick else BATCH)
    hierarchy, samples = drugcell_hierarchy(), real_pairs().with_genes(drugcell_hierarchy().genes)
    if arguments.quick:
        samples = samples.take(range(4 * batch))
    model = drugcell(hierarchy, rngs=nnx.Rngs(0), version="paper", outputs=samples.require_targets().names)
    config = drugcell.config("paper").updated({"batch_size": batch, "epochs": 1_000})
    say("kgnn")
    training = Training(model, samples, config)
    compilation = training.compile()
    ours = training.time(seconds=2.0 if arguments.quick else 10.0)
    n_steps = training.engine.n_batches
    del training
    row = {"program": "kgnn", "epoch_s": ours.median, "least_s": ours.least, "steps_timed": ours.calls * n_steps}
    rows = [{**row, "pairs_a_second": len(samples) / ours.median, "compile_s": compilation.total}]
    result = Result(
        sizes={
            **structure_sizes(hierarchy),
            "pairs": len(samples),
            "cell lines": len(np.unique(samples.row_of_sample["genotype"])),
            "drugs": len(np.unique(samples.row_of_sample["fingerprint"])),
            "batch": batch,
            "steps an epoch": n_steps,
            "parameters": count_parameters(model),
        }
    )
    ratio = None
    if arguments.peer_steps and has_torch():
        say("the published design: checking, then timing")
        check_samples = distinct_samples(hierarchy, CHECK_SAMPLES, seed=1, density=CHECK_DENSITY)
        peer = checked_peers(model, check_samples, ("published",))["published"]
        # A small step first: the optimizer makes its memory in it, which is no part of an epoch.
        peer.training_step(as_float_arrays(distinct_samples(hierarchy, 64)))()
        step = peer.training_step(as_float_arrays(samples.take(range(batch))))
        taken = time_calls(step, warm_up=0, least=arguments.peer_steps, most=arguments.peer_steps)
        theirs = taken.times(n_steps)
        ratio = theirs.median / ours.median
        row = {"program": "published design", "epoch_s": theirs.median, "least_s": theirs.least}
        rows.append({**row, "steps_timed": taken.calls, "pairs_a_second": len(samples) / theirs.median})
        result.notes.append(f"The epoch of the published design is {n_steps} times its median step.")
        result.tables["largest differences from kgnn on the same weights"] = [peer.agreement]
    elif arguments.peer_steps:
        result.notes.append("PyTorch is not installed (pip install '.[bench]'): no peer was timed.")
    result.tables = {"an epoch over real pairs": rows, **result.tables}
    bar = None if arguments.quick or batch != BATCH else ratio
    result.bars = [Bar("epoch, times faster than the published design", 150, bar, at_least=True)]
    return result


if __name__ == "__main__":
    main()
