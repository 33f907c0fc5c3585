"""When is a replicate better computed as the network that it is, and when in a vmapped batch?

One epoch on one core, compiled, for families whose products differ. First one replicate, as a batch of one and as a
network; then six, one, two and six in a program. After a step in proportion to the gradient all programs must have the
same parameters to 1e-5. Most have the 700 bundled blood cells; the KPNN is tiny.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import numpy as np
from measuring.result import Result, run, say
from measuring.timing import time_calls

from kgnn.data import Samples, log_per_million, regulatory_toy
from kgnn.demo import PRUNING, demo_ontology, demo_samples
from kgnn.knowledge import build_network
from kgnn.train.chunks import InChunks
from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.train.loop import start_model
from kgnn.train.memory import Chunking, here
from kgnn.zoo import build_model, recipe

NAMES = ("kpnn", "nest_vnn", "dcell", "graph_network", "gene_transformer", "pathway_transformer", "pathway_attention")
TRANSFORMED_GENES = 256
"""Attention over genes costs the square of their number."""
REPLICATES, SIZES = 6, (1, 2, 6)
FEWER = {"min_genes": 40, "max_genes": 300, "min_extra_genes": 30}


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipes", nargs="+", default=list(NAMES), metavar="NAME", help="default: all")


def measure(arguments: argparse.Namespace) -> Result:
    result = Result()
    alone, several = [], []
    for name in arguments.recipes:
        same_after_a_step(name, arguments.quick)
        engine, state, data = beginning(name, arguments.quick)
        first = jax.tree.map(lambda leaf: leaf[:1], state)
        seconds = [seconds_of_epoch(each, first, data) for each in of_one(engine)]
        alone.append(
            {"recipe": name, "batch_of_one_s": seconds[0], "network_s": seconds[1], "ratio": seconds[0] / seconds[1]}
        )
        say(str(alone[-1]))
        by_size = {
            f"{size}_in_a_program_s": seconds_of_epoch(each, state, data) for size, each in in_chunks_of(engine).items()
        }
        each = engine.replicate_bytes(state, data)
        several.append(
            {"recipe": name, "one_takes_mb": each / 1e6, **by_size, "kgnn_takes": here(REPLICATES, each).size}
        )
        say(str(several[-1]))
    result.tables["one epoch of one replicate"] = alone
    result.tables[f"one epoch of {REPLICATES} replicates"] = several
    return result


def of_one(engine: Engine) -> tuple[Any, InChunks]:
    """A replicate in a batch of one, and as a network."""
    epoch = partial(engine._epoch, capacity=())
    return jax.jit(jax.vmap(epoch, in_axes=(0, None))), InChunks(epoch, 1, Chunking(1, 1))


def in_chunks_of(engine: Engine) -> dict[int, InChunks]:
    """All replicates, by the number in a program."""
    return {size: InChunks(partial(engine._epoch, capacity=()), REPLICATES, Chunking(size, 1)) for size in SIZES}


def same_after_a_step(name: str, quick: bool) -> None:
    """Stops where the parameters of two programs differ by more than 1e-5 after a single batch."""
    engine, state, data = beginning(name, quick, one_batch=True)
    ends = [jax.tree.leaves(each(state, data)[0].params) for each in in_chunks_of(engine).values()]
    first = jax.tree.map(lambda leaf: leaf[:1], state)
    ends += [jax.tree.leaves(each(first, data)[0].params) for each in of_one(engine)]
    for end in ends[1:]:
        for left, right in zip(ends[0], end, strict=True):
            apart = float(np.abs(left[: len(right)] - right).max())
            if apart > 1e-5:
                raise SystemExit(f"{name}: the parameters differ by {apart:.1e} after a step")


def beginning(name: str, quick: bool, *, one_batch: bool = False) -> tuple[Engine, Any, Any]:
    """The programs of a fit, its replicates before the first epoch, and the samples on the device."""
    chosen = recipe(name)
    knowledge, samples = example(name, chosen.knowledge, quick)
    options = {"unannotated": "root"} if chosen.knowledge == "ontology" else {}
    structure, _ = chosen.compile(knowledge, samples, **options)
    network = build_model(chosen, structure, samples, seed=0)
    samples = samples.with_genes(network.genes)
    config = chosen.config().updated({"replicates": REPLICATES, "epochs": 1})
    if one_batch:
        # Adam with an epsilon far above the gradient steps in proportion to it, and does not blow rounding up.
        config = config.updated({"epsilon": 1.0, "learning_rate": 0.1})
        samples = samples.take(range(min(config.batch_size, len(samples))))
    stacked = start_model(network, samples, config)
    engine = Engine(stacked, config, len(samples))
    return engine, engine.start(stacked, 0), device_data(samples)


def example(name: str, kind: str, quick: bool) -> tuple[Any, Samples]:
    """The bundled cells with the bundled ontology, or with a drawn network of ten edges a gene; a toy for the KPNN."""
    if name == "kpnn":
        toy = regulatory_toy("hubs", n_samples=64 if quick else 1_000)
        return toy.network, log_per_million(toy.samples)
    samples = demo_samples()
    samples = samples.take(range(64)) if quick else samples
    genes = samples.genes[:TRANSFORMED_GENES] if name == "gene_transformer" else samples.genes
    samples = samples.with_genes(genes)
    if kind != "network":
        return demo_ontology().prune(genes=genes, **{**PRUNING, **FEWER}), samples
    random = np.random.default_rng(0)
    source, target = random.integers(0, len(genes), (2, 10 * len(genes)))
    return build_network(list(genes), source[source != target], target[source != target]), samples


def seconds_of_epoch(program: Any, state: Any, data: Any) -> float:
    return time_calls(lambda: program(state, data), least=3, seconds=3).least


if __name__ == "__main__":
    main()
