"""How do time and memory of a training step grow with terms, genes, states and batch, up to the full human GO?

A visible network with an auxiliary head at every term, over random hierarchies, trained with Adam; every point runs in
a process of its own. Work is annotations + relations × states²; weights, those that exist, are annotations × states +
relations × states². An exponent is the slope of log time over log work (weights, batch); 1 is linear. The last point is
the Gene Ontology's biological process with the human annotations, of which only terms without any gene are left out.
"""

from __future__ import annotations

import argparse
from typing import Any

from flax import nnx
from measuring.exponents import fit_row
from measuring.fresh import in_fresh_process
from measuring.machine import device_peak_memory_gb, peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.training import Training
from measuring.workloads import data_folder, genotype_samples, structure_sizes

from kgnn.data import random_ontology
from kgnn.knowledge import prune, read_ontology
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import TrainConfig, count_parameters

BASE = {"terms": 1_000, "genes": 3_000, "states": 6, "batch": 256}
SERIES = {
    "terms": [{"terms": n, "genes": 3 * n} for n in (100, 300, 1_000, 3_000, 10_000)],
    "genes": [{"genes": n} for n in (1_000, 3_000, 10_000, 20_000)],
    "states": [{"states": n} for n in (2, 4, 8, 16, 32)],
    "batch": [{"batch": n} for n in (64, 128, 256, 512, 1_024, 2_048)],
}
QUICK_SERIES = {
    "terms": [{"terms": n, "genes": 3 * n} for n in (100, 300)],
    "genes": [{"genes": n} for n in (300, 900)],
    "states": [{"states": n} for n in (2, 8)],
    "batch": [{"batch": n} for n in (32, 128)],
}
QUICK_BASE = {"terms": 100, "genes": 300, "states": 6, "batch": 64}


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, parts={"random": random_point, "go": go_point})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-go", action="store_true", help="leave out the full human Gene Ontology")


def measure(arguments: argparse.Namespace) -> Result:
    series, base = (QUICK_SERIES, QUICK_BASE) if arguments.quick else (SERIES, BASE)
    result = Result(sizes={f"{name}, where it does not vary": value for name, value in base.items()})
    points: dict[str, list[Row]] = {}
    for name, changes in series.items():
        points[name] = []
        for change in changes:
            say(f"{name}: {change}")
            points[name].append(in_fresh_process(__file__, "random", **{**base, **change}))
        result.tables[f"growth with {name}"] = points[name]
    one_batch = [point for name in ("terms", "genes", "states") for point in points[name]]
    fits = [
        fit_row("work, all points of one batch size", one_batch, "work"),
        *(fit_row(f"work, as {name} grow", points[name], "work") for name in ("terms", "states")),
        fit_row("annotations, as genes grow", points["genes"], "annotations"),
        fit_row("batch", points["batch"], "batch"),
    ]
    result.tables["exponents of the time of a step"] = fits
    result.bars = [Bar(f"exponent of time over {fit['over']}", 1.1, fit["exponent"]) for fit in fits]
    # As genes grow, work hardly does: relations make up most of it, and their part stands still.
    fits.append(fit_row("work, as genes grow", points["genes"], "work"))
    fits += [fit_row(f"weights, as {name} grow", points[name], "weights") for name in ("terms", "genes", "states")]
    fits.append(fit_row("weights, all points of one batch size", one_batch, "weights"))
    if not (arguments.no_go or arguments.quick):
        say("the full human Gene Ontology, biological process")
        point = in_fresh_process(__file__, "go", states=base["states"], batch=base["batch"])
        result.tables["full human Gene Ontology, biological process"] = [point]
        result.bars += [
            Bar("terms of the full human GO", 10_000, point["terms"], at_least=True),
            Bar("genes of the full human GO", 15_000, point["genes"], at_least=True),
            Bar("peak memory in GB of a step on the full human GO", 8, point["peak_gb"]),
        ]
    result.notes += [
        "Small points spend their time on overhead that does not grow, which lowers the exponents.",
        "Work as genes grow has no bar: work counts an annotation once and a relation states² times, so that 18 times "
        "the annotations are 1.6 times the work; annotations and weights say how time grows there.",
    ]
    return result


def random_point(terms: int, genes: int, states: int, batch: int) -> Row:
    """One point on a random hierarchy."""
    return measure_point(compile_hierarchy(random_ontology(terms, genes))[0], states, batch)


def go_point(states: int, batch: int) -> Row:
    """The point on the full human Gene Ontology."""
    folder = data_folder("gene_ontology")
    (obo,), (gaf,) = (sorted(folder.glob(pattern)) for pattern in ("go-basic*.obo.gz", "goa_human*.gaf.gz"))
    return measure_point(compile_hierarchy(prune(read_ontology(obo, gaf, namespace="BP")))[0], states, batch)


def measure_point(hierarchy: Hierarchy, states: int, batch: int) -> Row:
    """Time and memory of a training step, in a process that does nothing else."""
    settings = SubsystemSettings(states, heads="tanh_linear")
    model = VisibleNetwork(hierarchy, settings, outputs=("phenotype",), rngs=nnx.Rngs(0))
    config = TrainConfig(epochs=1_000, batch_size=batch, standardize_targets=False)
    training = Training(model, genotype_samples(hierarchy, batch), config)
    compilation = training.compile()
    step = training.time(seconds=2.0)
    sizes: dict[str, Any] = structure_sizes(hierarchy)
    of_relations = sizes["relations"] * states**2
    sizes |= {"states": states, "batch": batch, "parameters": count_parameters(model)}
    sizes |= {
        "work": sizes["annotations"] + of_relations,
        "weights": sizes["annotations"] * states + of_relations,
    }
    times = {"compile_s": compilation.total, "step_s": step.median, "least_s": step.least}
    memory = {"peak_gb": peak_memory_gb(), "peak_on_device_gb": device_peak_memory_gb()}
    return {**sizes, **times, **memory}


if __name__ == "__main__":
    main()
