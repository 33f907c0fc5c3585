"""How long do whole knockdown screens take, beside running the network again for every knockdown?

Every gene of the DrugCell hierarchy in each of 1,225 cell lines (genotypes drawn in the published shape and density,
one drug), with the change of the output and the subsystems that change most; and all pairs of 500 genes in one cell
line. `kgnn.perturb.screen` follows differences up the hierarchy. The naive loop sets one gene and runs the whole
network for all samples, gene after gene; some genes are timed and the rest extrapolated, and what it finds is compared.
It is timed as a compiled call of kgnn's own network and, where PyTorch is there, of the published design.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import seconds_of, time_calls
from measuring.workloads import (
    DENSITY,
    FINGERPRINT_BITS,
    FINGERPRINT_DENSITY,
    distinct_samples,
    draw_bits,
    drugcell_hierarchy,
    structure_sizes,
)
from peers.timing import CHECK_DENSITY, CHECK_SAMPLES, checked_peers, has_torch
from peers.weights import lively_model

from kgnn.data import Modality, Samples
from kgnn.knowledge import Provenance
from kgnn.perturb import screen
from kgnn.train import Run, TrainConfig
from kgnn.zoo import drugcell

CELL_LINES = 1_225
PAIR_GENES = 500
NAIVE_GENES = 5
PEER_PASSES = 3
TOP_K = 5
SAME = 1e-5


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-peer", action="store_true", help="leave out the naive loop over the published design")


def measure(arguments: argparse.Namespace) -> Result:
    hierarchy = drugcell_hierarchy()
    genes = hierarchy.genes[:64] if arguments.quick else hierarchy.genes
    n_cells = 32 if arguments.quick else CELL_LINES
    plain = drugcell(hierarchy, rngs=nnx.Rngs(0), version="paper", outputs=("response",))
    model, samples = lively_model(plain), cell_lines(n_cells)
    fitted = as_run(model, samples)
    result = Result(sizes={**structure_sizes(hierarchy), "cell lines": n_cells, "genes knocked down": len(genes)})
    say("single knockdowns")
    cold, warm, found = time_singles(fitted, genes)
    say("the naive loop")
    naive, effects = naive_loop(model, samples, genes[:NAIVE_GENES])
    furthest = float(np.abs(effects - found).max())
    if not furthest <= SAME:
        raise SystemExit(f"the screen and the naive loop differ by {furthest:g}, which is above {SAME:g}")
    ways = {"kgnn.perturb.screen, compilation included": cold, "kgnn.perturb.screen, compiled": warm}
    ways["naive loop, kgnn's network"] = naive * len(genes)
    published = None
    if not arguments.no_peer and has_torch():
        say("the naive loop over the published design: checking, then timing")
        published = ways["naive loop, published design"] = published_seconds(plain, samples) * len(genes)
    result.tables["every single knockdown in every cell line"] = [
        {"way": way, "total_s": seconds, "knockdowns_a_second": len(genes) * n_cells / seconds, "ratio": seconds / warm}
        for way, seconds in ways.items()
    ]
    say("pairs")
    pairs = time_pairs(fitted, hierarchy.genes[: 20 if arguments.quick else PAIR_GENES])
    result.tables["all pairs in one cell line"] = [pairs]
    row: Row = {"genes compared": NAIVE_GENES, "largest": furthest, "largest effect": float(np.abs(effects).max())}
    result.tables["difference from the naive loop"] = [row]
    result.bars = bars() if arguments.quick else bars(cold, warm, published, pairs["cold_s"])
    result.notes += [
        f"Naive loops are extrapolated from {NAIVE_GENES} genes (the published design: from {PEER_PASSES} passes), and "
        "look for no subsystems.",
        f"The screen reports the {TOP_K} subsystems that change most, and writes a Parquet file.",
    ]
    return result


def bars(
    cold: float | None = None, warm: float | None = None, published: float | None = None, pairs: float | None = None
) -> list[Bar]:
    """The bars of acceptance that this benchmark decides: seconds with compilation, the ratio without on both sides."""
    ratio = None if warm is None or published is None else published / warm
    return [
        Bar("seconds of the single-knockdown screen, compilation included", 60, cold),
        Bar("times faster than the naive loop over the published design", 1_000, ratio, at_least=True),
        Bar("seconds of the pair screen, compilation included", 30, pairs),
    ]


def cell_lines(n: int) -> Samples:
    """Different genotypes that all meet one drug."""
    rng = np.random.default_rng(0)
    genotypes = draw_bits(rng, n, drugcell_hierarchy().n_genes, DENSITY)
    drug = draw_bits(rng, 1, FINGERPRINT_BITS, FINGERPRINT_DENSITY)
    names = tuple(f"cell_{number}" for number in range(n))
    bits = tuple(f"bit_{number}" for number in range(FINGERPRINT_BITS))
    return Samples(
        names,
        {
            "genotype": Modality(genotypes, drugcell_hierarchy().genes, names, "alteration"),
            "fingerprint": Modality(drug, bits, ("drug",), "signal"),
        },
        {"genotype": np.arange(n, dtype=np.int32), "fingerprint": np.zeros(n, dtype=np.int32)},
    )


def as_run(model: Any, samples: Samples) -> Run:
    """A run that was never trained: how long a screen takes does not depend on the weights."""
    return Run(model, samples, TrainConfig(), pandas.DataFrame(), {}, {}, Provenance())


def time_singles(fitted: Run, genes: Sequence[str]) -> tuple[float, float, np.ndarray]:
    """Seconds of a screen with and without its compilation, and the effects ``[gene, sample]`` of the first genes."""
    with TemporaryDirectory() as folder:
        seconds = []
        for name in ("cold.parquet", "warm.parquet"):
            out = Path(folder) / name
            taken, _ = seconds_of(lambda out=out: screen(fitted, genes, samples=fitted.samples, top_k=TOP_K, out=out))
            seconds.append(taken)
        wanted = list(genes[:NAIVE_GENES])
        columns = ["perturbation", "sample", "effect_response"]
        table = pandas.read_parquet(out, columns=columns, filters=[("perturbation", "in", wanted)])
    table = table.astype({"perturbation": str, "sample": str})
    by_gene = table.pivot(index="perturbation", columns="sample", values="effect_response")
    return seconds[0], seconds[1], by_gene.loc[wanted, list(fitted.samples.names)].to_numpy()


def time_pairs(fitted: Run, genes: Sequence[str]) -> Row:
    """Seconds of all pairs of some genes in the first cell line."""
    sample = fitted.samples.take([0])
    (cold, table), (warm, _) = (
        seconds_of(lambda: screen(fitted, genes, pairs="all", samples=sample)) for _ in range(2)
    )
    row: Row = {"genes": len(genes), "pairs": len(genes) * (len(genes) - 1) // 2, "rows": len(table)}
    return {**row, "cold_s": cold, "warm_s": warm}


def naive_loop(model: Any, samples: Samples, genes: Sequence[str]) -> tuple[float, np.ndarray]:
    """Median seconds a gene of running the whole network again, and the effects ``[gene, sample]``."""
    graph, arrays = nnx.split(model)
    inputs = samples.inputs()

    @jax.jit
    def forward(arrays: Any, genotype: Any) -> Any:
        prediction = nnx.merge(graph, arrays)({"genotype": genotype, "fingerprint": inputs["fingerprint"]})
        return prediction.output[:, 0], prediction.states

    genotype = jnp.asarray(inputs["genotype"])
    # States belong to the result, since the screen looks at all of them.
    wild_type = forward(arrays, genotype)
    columns = [model.genes.index(gene) for gene in genes]
    one_gene = time_calls(lambda: forward(arrays, genotype.at[:, columns[0]].set(1)), least=NAIVE_GENES)
    outputs = [forward(arrays, genotype.at[:, column].set(1))[0] - wild_type[0] for column in columns]
    return one_gene.median, np.asarray(jnp.stack(outputs))


def published_seconds(plain: Any, samples: Samples) -> float:
    """Median seconds a forward pass of the published design over all samples; it has no call that knows a gene."""
    check_samples = distinct_samples(drugcell_hierarchy(), CHECK_SAMPLES, seed=1, density=CHECK_DENSITY)
    peer = checked_peers(plain, check_samples, ("published",))["published"]
    arrays = {name: np.asarray(values, np.float32) for name, values in samples.inputs().items()}
    arrays["target"] = np.zeros((len(samples), 1), np.float32)
    return time_calls(peer.forward(arrays), least=PEER_PASSES, most=PEER_PASSES).median


if __name__ == "__main__":
    main()
