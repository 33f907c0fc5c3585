"""How long do 30 replicates of DCell take in one fit, beside 30 fits one after the other?

DCell on the published DNA-repair example: yeast double mutants, genotype to growth. Both sides are whole calls of
`kgnn.fit` without baselines. A cold fit compiles its program; a warm one finds it in JAX's cache on disk, as any second
run of the same program does. Some fits are timed one after the other, and 30 are extrapolated from their median.
"""

from __future__ import annotations

import argparse
import statistics
from tempfile import TemporaryDirectory
from typing import Any

from measuring.fresh import in_fresh_process
from measuring.machine import peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import seconds_of
from measuring.workloads import data_folder, structure_sizes

from kgnn.data import read_samples
from kgnn.knowledge import read_ontology
from kgnn.structure import compile_hierarchy
from kgnn.train import count_parameters, fit
from kgnn.train.compilation import enable_compilation_cache
from kgnn.zoo.dcell import DCELL
from kgnn.zoo.fit_recipe import build_model

REPLICATES = 30
FITS = 3


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, parts={"fit": fit_in_turn}, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of every fit (default: those of the recipe)")
    parser.add_argument("--replicates", type=int, default=REPLICATES, metavar="N", help=f"default {REPLICATES}")


def measure(arguments: argparse.Namespace) -> Result:
    epochs = arguments.epochs or (2 if arguments.quick else DCELL.config("robust").epochs)
    n = 4 if arguments.quick else arguments.replicates
    result = Result()
    with TemporaryDirectory() as folder:
        say(f"1 cold and {FITS} warm fits, {epochs} epochs each")
        single = in_fresh_process(__file__, "fit", folder=folder, replicates=1, fits=1 + FITS, epochs=epochs)
        say(f"{n} replicates in one fit, cold")
        cold = in_fresh_process(__file__, "fit", folder=folder, replicates=n, fits=1, epochs=epochs)
        say(f"{n} replicates in one fit, warm")
        warm = in_fresh_process(__file__, "fit", folder=folder, replicates=n, fits=1, epochs=epochs)
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
    result.tables["peak memory"] = [
        {"replicates": count, "peak_gb": part["peak_gb"]} for count, part in ((1, single), (n, warm))
    ]
    # The strictest of the comparisons: all together with a compilation, against fits that have none.
    share = None if arguments.quick else together["cold"] / in_turn["warm"]
    result.bars = [Bar(f"{n} replicates together (cold), share of the time of {n} in turn (warm)", 0.25, share)]
    result.notes.append(f"Fits in turn are extrapolated from {FITS} warm ones (cold: from 1).")
    return result


def fit_in_turn(folder: str, replicates: int, fits: int, epochs: int) -> Row:
    """Fit several times in this process with its compilation cache in a folder."""
    enable_compilation_cache(folder)
    data = data_folder("dcell_yeast")
    ontology = read_ontology(data / "GO_0006281_topology.txt")
    samples = read_samples(data / "GO_0006281_training_data.txt", genes=ontology.genes)
    hierarchy, _ = compile_hierarchy(ontology, samples.genes)
    config = DCELL.config("robust").updated({"epochs": epochs, "replicates": replicates})
    model = build_model(DCELL, hierarchy, samples)

    def one(seed: int) -> Any:
        return fit(model, samples, config.updated({"seed": seed}), baselines=())

    seconds = [seconds_of(lambda seed=seed: one(seed).metrics["seconds"])[0] for seed in range(fits)]
    sizes = {**structure_sizes(hierarchy), "samples": len(samples), "parameters of one": count_parameters(model)}
    return {"seconds": seconds, "sizes": sizes, "peak_gb": peak_memory_gb()}


if __name__ == "__main__":
    main()
