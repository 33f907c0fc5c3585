"""How long do 30 replicates of DCell take in one fit, beside 30 fits one after the other?

DCell on the published DNA-repair example: yeast double mutants, genotype to growth. Both sides are whole calls of
`kgnn.fit` without baselines. A cold fit compiles its program; a warm one finds it in JAX's cache on disk, as any second
run of the same program does. Some fits are timed one after the other, and 30 are extrapolated from their median.

The matrix products of all replicates are also timed alone, half of the replicates on each of two threads: no fit of
these products can take less.
"""

from __future__ import annotations

import argparse
import statistics
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Any

from measuring.fresh import in_fresh_process
from measuring.machine import peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import seconds_of, time_calls, wait
from measuring.workloads import data_folder, structure_sizes

from kgnn.data import Samples, read_samples
from kgnn.knowledge import read_ontology
from kgnn.structure import compile_hierarchy
from kgnn.train import count_parameters, fit
from kgnn.train.compilation import enable_compilation_cache
from kgnn.zoo import dcell
from kgnn.zoo.fit_recipe import build_model

REPLICATES = 30
FITS = 3


def main() -> None:
    run(
        __file__,
        __doc__,
        measure,
        add_arguments=add_arguments,
        parts={"fit": fit_in_turn, "products": products_alone},
        cache=True,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of every fit (default: those of the recipe)")
    parser.add_argument("--replicates", type=int, default=REPLICATES, metavar="N", help=f"default {REPLICATES}")


def measure(arguments: argparse.Namespace) -> Result:
    epochs = arguments.epochs or (2 if arguments.quick else dcell.config("robust").epochs)
    n = 4 if arguments.quick else arguments.replicates
    result = Result()
    with TemporaryDirectory() as folder:
        say(f"1 cold and {FITS} warm fits, {epochs} epochs each")
        single = in_fresh_process(__file__, "fit", folder=folder, replicates=1, fits=1 + FITS, epochs=epochs)
        say(f"{n} replicates in one fit, cold")
        cold = in_fresh_process(__file__, "fit", folder=folder, replicates=n, fits=1, epochs=epochs)
        say(f"{n} replicates in one fit, warm")
        warm = in_fresh_process(__file__, "fit", folder=folder, replicates=n, fits=1, epochs=epochs)
        say(f"the products of {n} replicates alone")
        alone = in_fresh_process(__file__, "products", replicates=n, epochs=epochs)
    result.sizes = {**single["sizes"], "epochs": epochs, "replicates": n}
    in_turn = {"cold": n * single["seconds"][0], "warm": n * statistics.median(single["seconds"][1:])}
    together = {"cold": cold["seconds"][0], "warm": warm["seconds"][0]}
    result.tables["seconds of all fits"] = [
        {
            "compilation": how,
            "one_fit_s": in_turn[how] / n,
            f"{n}_in_turn_s": in_turn[how],
            f"{n}_together_s": together[how],
            "share": together[how] / in_turn[how],
        }
        for how in ("cold", "warm")
    ]
    result.tables["of the products alone"] = [{**alone, "share_of_in_turn": alone["products_s"] / in_turn["warm"]}]
    result.tables["peak memory"] = [
        {"replicates": count, "peak_gb": part["peak_gb"]} for count, part in ((1, single), (n, warm))
    ]
    # The strictest of the comparisons: all together with a compilation, against fits that have none.
    share = None if arguments.quick else together["cold"] / in_turn["warm"]
    result.bars = [Bar(f"{n} replicates together (cold), share of the time of {n} in turn (warm)", 0.25, share)]
    result.notes.append(f"Fits in turn are extrapolated from {FITS} warm ones (cold: from 1).")
    return result


def example() -> tuple[Samples, Any]:
    """The training samples of the DNA-repair example, and an untrained DCell for them."""
    data = data_folder("dcell_yeast")
    ontology = read_ontology(data / "GO_0006281_topology.txt")
    samples = read_samples(data / "GO_0006281_training_data.txt", genes=ontology.genes)
    hierarchy, _ = compile_hierarchy(ontology, samples.genes)
    return samples, build_model(dcell, hierarchy, samples)


def fit_in_turn(folder: str, replicates: int, fits: int, epochs: int) -> Row:
    """Fit several times in this process with its compilation cache in a folder."""
    enable_compilation_cache(folder)
    samples, model = example()
    config = dcell.config("robust").updated({"epochs": epochs, "replicates": replicates})

    def one(seed: int) -> Any:
        return fit(model, samples, config.updated({"seed": seed}), baselines=())

    seconds = [seconds_of(lambda seed=seed: one(seed).metrics["seconds"])[0] for seed in range(fits)]
    sizes = {**structure_sizes(model.hierarchy), "samples": len(samples), "parameters of one": count_parameters(model)}
    return {"seconds": seconds, "sizes": sizes, "peak_gb": peak_memory_gb()}


def products_alone(replicates: int, epochs: int) -> Row:
    """Seconds of all matrix products of a fit of replicates, as padded as kgnn has them, and of nothing else."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    samples, model = example()
    config = dcell.config("robust").updated({"epochs": epochs})
    wiring = model.subsystems.wiring
    n_samples = round(len(samples) * (1 - config.valid_fraction))
    n_batches = max(1, round(n_samples / config.batch_size))
    batch, half = -(-n_samples // n_batches), -(-replicates // 2)
    random, threads = np.random.default_rng(0), ThreadPoolExecutor(2)

    def seconds_of_product(equation: str, first: tuple[int, ...], second: tuple[int, ...]) -> float:
        """One product of all replicates, half of them on each of two threads, as `fit` runs its chunks."""
        product = jax.jit(lambda left, right: jnp.einsum(equation, left, right))
        halves = [
            tuple(jnp.asarray(random.standard_normal((half, *shape)).astype(np.float32)) for shape in (first, second))
            for _ in range(2)
        ]
        return time_calls(lambda: list(threads.map(lambda pair: wait(product(*pair)), halves)), warm_up=2).least

    seconds = operations = 0.0
    for is_child, levels in ((False, wiring.genes), (True, wiring.children)):
        for blocks, outputs, slots in (shape for products in levels if products for shape in products.shapes):
            weights, inputs, rows = (blocks, outputs, slots), (blocks, slots, batch), (blocks, outputs, batch)
            each = [("rbos,rbsn->rbon", weights, inputs), ("rbon,rbsn->rbos", rows, inputs)]
            each += [("rbos,rbon->rbsn", weights, rows)] * is_child
            seconds += sum(seconds_of_product(*product) for product in each)
            operations += 4.0 * half * blocks * outputs * slots * batch * len(each)
    threads.shutdown()
    steps = n_batches * epochs
    return {
        "products_s": seconds * steps,
        "products_gflops": operations / seconds / 1e9,
        "steps": steps,
        "batch": batch,
    }


if __name__ == "__main__":
    main()
