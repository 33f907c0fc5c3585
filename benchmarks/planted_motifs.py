"""Does learnMotifs keep the planted motifs, discard decoys and find the motif that nobody knows?

Synthetic sequences: two JASPAR motifs and one made-up motif make a sequence bound, four JASPAR motifs are planted in
both classes. The network is told of the six JASPAR motifs. Known motifs are kept or discarded by their effect, then new
filters are learned under the information constraint, and the sites they fire at are compared with the made-up motif.
"""

from __future__ import annotations

import argparse

import numpy as np
from measuring.result import Bar, Result, Row, run, say
from measuring.sequences import interval
from measuring.workloads import data_folder

from kgnn.data import plant_motifs
from kgnn.interpret import compare_motifs, learned_motifs
from kgnn.knowledge import Motif, MotifSet, read_motifs
from kgnn.models import MotifNetwork
from kgnn.structure import compile_kernels
from kgnn.train.compilation import enable_compilation_cache
from kgnn.zoo import learn_motifs, learnmotifs

CAUSAL, DECOYS = ("MA0083.3", "MA0050.4"), ("MA0035.5", "MA0080.7", "MA0108.3", "MA0506.3")
NOVEL = "GAACGATTGC"
ALIKE = 0.9


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sequences", type=int, default=2_000)


def measure(arguments: argparse.Namespace) -> Result:
    enable_compilation_cache()
    seeds, sequences = (1, 400) if arguments.quick else (arguments.seeds, arguments.sequences)
    jaspar = read_motifs(data_folder("jaspar") / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    rows = [one_seed(jaspar, seed, sequences) for seed in range(seeds)]
    similarity, half = interval([row["similarity"] for row in rows])
    return Result(
        sizes={"sequences": sequences, "known motifs": len(CAUSAL + DECOYS), "seeds": seeds},
        tables={"by seed": rows},
        bars=[
            Bar("planted motifs kept, least over seeds", len(CAUSAL), min(row["kept"] for row in rows), at_least=True),
            Bar("decoys kept, most over seeds", 0, max(row["decoys_kept"] for row in rows)),
            Bar("similarity of the motif nobody knew, mean over seeds", ALIKE, similarity, at_least=True),
            Bar("bits of a position, most over seeds", 2.00001, max(row["most_bits"] for row in rows)),
        ],
        notes=[f"similarity: half width of the 95 % interval over seeds {half:.3f}"],
    )


def one_seed(jaspar: MotifSet, seed: int, sequences: int) -> Row:
    """What one draw of sequences and weights gives."""
    frequencies = np.full((len(NOVEL), 4), 0.05)
    frequencies[np.arange(len(NOVEL)), ["ACGT".index(letter) for letter in NOVEL]] = 0.85
    novel = Motif("novel", frequencies, np.full(len(NOVEL), 100.0))
    causal, decoys = jaspar.select(CAUSAL), jaspar.select(DECOYS)
    everything = MotifSet((*causal, novel))
    planted = plant_motifs(everything, decoys, n_samples=sequences, length=200, seed=seed)
    kernels = compile_kernels(MotifSet((*causal, *decoys)), both_strands=True, kind="information")
    config = learnmotifs.config("both").updated({"seed": seed, "checkpoint_every": 0})
    found = learn_motifs(kernels, planted.samples, config)
    bound = planted.samples.take(planted.samples.require_targets().values[:, 0] == 1)
    model = found.run.model
    if not isinstance(model, MotifNetwork) or model.new is None:
        raise SystemExit("learn_motifs returned a network without new filters")
    motifs = learned_motifs(model, bound)
    new = [motif for motif in found.new if motif in motifs]
    alike = compare_motifs(motifs.select(new).trim(0.25), MotifSet((novel,))) if new else None
    filters = np.asarray(model.new.filters[...])
    row = {
        "seed": seed,
        "kept": len(set(found.kept) & set(CAUSAL)),
        "decoys_kept": len(set(found.kept) & set(DECOYS)),
        "new": len(found.new),
        "consensus": "" if alike is None else alike["consensus"][0],
        "similarity": 0.0 if alike is None else float(alike["similarity"][0]),
        "most_bits": float(filters.sum(axis=-1).max()),
        "auroc_known": found.known.metrics["model"]["valid"]["auroc"],
        "auroc_with_new": found.run.metrics["model"]["valid"]["auroc"],
    }
    say(str(row))
    return row


if __name__ == "__main__":
    main()
