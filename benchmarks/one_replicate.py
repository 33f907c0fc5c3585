"""What does it buy to compute a single replicate as the network that it is, and not as a vmapped batch of one?

One epoch over the 700 bundled blood cells, compiled, for families whose products differ: a visible network, a graph
network and attention over terms. Both programs start from the same state, and must end at the same parameters to 1e-5.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import numpy as np
from measuring.result import Result, run, say
from measuring.timing import time_calls

from kgnn.demo import PRUNING, demo_ontology, demo_samples
from kgnn.knowledge import build_network
from kgnn.train.chunks import InChunks
from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.train.loop import start_model
from kgnn.train.memory import Chunking
from kgnn.zoo import build_model, recipe

NAMES = ("dcell", "graph_network", "pathway_transformer")
FEWER = {"min_genes": 40, "max_genes": 300, "min_extra_genes": 30}


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipes", nargs="+", default=list(NAMES), metavar="NAME", help="default: all three")


def measure(arguments: argparse.Namespace) -> Result:
    samples = demo_samples()
    if arguments.quick:
        samples = samples.take(range(64))
    result = Result(sizes={"cells": len(samples), "genes": len(samples.genes)})
    rows = []
    for name in arguments.recipes:
        chosen = recipe(name)
        structure, _ = chosen.compile(knowledge_of(chosen.knowledge, samples.genes), samples, **compiling_of(chosen))
        network = build_model(chosen, structure, samples, seed=0)
        config = chosen.config().updated({"replicates": 2, "epochs": 1})
        stacked = start_model(network, samples.with_genes(network.genes), config)
        engine, data = Engine(stacked, config, len(samples)), device_data(samples.with_genes(network.genes))
        state: Any = jax.tree.map(lambda leaf: leaf[:1], engine.start(stacked, 0))
        epoch = partial(engine._epoch, capacity=())
        as_batch, as_network = jax.jit(jax.vmap(epoch, in_axes=(0, None))), InChunks(epoch, 1, Chunking(1, 1))
        ends = [jax.tree.leaves(finished(each, state, data)[0].params) for each in (as_batch, as_network)]
        apart = max(float(np.abs(one - other).max()) for one, other in zip(*ends, strict=True))
        if apart > 1e-5:
            raise SystemExit(f"{name}: the parameters differ by {apart:.1e}")
        seconds = [
            time_calls(partial(finished, each, state, data), warm_up=0, least=3, seconds=5).least
            for each in (as_batch, as_network)
        ]
        row = {"recipe": name, "batch_of_one_s": seconds[0], "network_s": seconds[1], "ratio": seconds[0] / seconds[1]}
        rows.append({**row, "parameters_apart": apart})
        say(str(rows[-1]))
    result.tables["one epoch of one replicate"] = rows
    return result


def finished(program: Any, state: Any, data: Any) -> Any:
    return jax.block_until_ready(program(state, data))


def knowledge_of(kind: str, genes: Any) -> Any:
    """The bundled ontology, or a drawn network with ten edges a gene."""
    if kind != "network":
        return demo_ontology().prune(genes=genes, **{**PRUNING, **FEWER})
    random = np.random.default_rng(0)
    source, target = random.integers(0, len(genes), (2, 10 * len(genes)))
    return build_network(list(genes), source[source != target], target[source != target])


def compiling_of(chosen: Any) -> dict[str, Any]:
    return {} if chosen.knowledge == "network" else {"unannotated": "root"}


if __name__ == "__main__":
    main()
