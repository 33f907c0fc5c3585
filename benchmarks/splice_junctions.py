"""Does a network that begins with the splice sites of JASPAR err less than KBANN on the splice junctions of UCI?

Ten-fold cross-validation on the 3,005 different sequences of 60 letters (exon to intron, intron to exon, neither), once
on all of them and once on 1,000 drawn at random, as the published figures are. The filters begin as the six motifs of
JASPAR 2020's SPLICE collection, beside new ones; pairs of places are pooled and read with their position. A tenth of
the training sequences of a fold chooses the epoch. The error of a class is the share of its sequences that are given
another one, over all folds.
"""

from __future__ import annotations

import argparse
import csv

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import data_folder
from sklearn.linear_model import LogisticRegression

from kgnn.data import Samples, Targets, folds, sequence_samples, split_random
from kgnn.knowledge import read_motifs
from kgnn.models import MotifNetwork, MotifSettings
from kgnn.structure import Kernels, compile_kernels
from kgnn.train import TrainConfig, predict, train_model

CLASSES = ("N", "EI", "IE")
KBANN = (4.62, 7.56, 8.47)
PUBLISHED = {
    "KBANN (published)": KBANN,
    "backpropagation (published)": (5.29, 5.74, 10.75),
    "PEBLS (published)": (6.86, 8.18, 7.55),
    "nearest neighbor (published)": (31.11, 11.65, 9.09),
}
FOLDS = 10
SETTINGS = MotifSettings(n_new=16, new_width=9, window=2, hidden=(32,), dropout=0.3)
CONFIG = TrainConfig(
    epochs=25, batch_size=64, optimizer="adamw", learning_rate=3e-3, weight_decay=0.01, checkpoint_every=0
)


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=1, help="repetitions of the cross-validation")
    parser.add_argument("--epochs", type=int, default=CONFIG.epochs)


def measure(arguments: argparse.Namespace) -> Result:
    samples = read_junctions()
    kernels = compile_kernels(read_motifs("JASPAR2020", collection="SPLICE"))
    config = CONFIG.updated({"epochs": 2 if arguments.quick else arguments.epochs})
    drawn = samples.take(np.sort(np.random.default_rng(0).choice(len(samples), 1_000, replace=False)))
    rows: list[Row] = [{"method": name, **by_class(errors)} for name, errors in PUBLISHED.items()]
    motifs: dict[str, np.ndarray] = {}
    for what, part in (("1,000 sequences", drawn), ("all sequences", samples)):
        ways = {"linear": ("linear",), "random filters": ("random",), "splice motifs": ("motifs",)}
        for name, (way,) in ways.items():
            found = np.mean([errors_of(part, kernels, way, config, seed) for seed in range(arguments.seeds)], axis=0)
            rows.append({"method": f"{name}, {what}", **by_class(found)})
            say(str(rows[-1]))
            if way == "motifs":
                motifs[what] = found
    bars = [
        Bar(f"{name}: error %, {what}", KBANN[number], float(found[number]))
        for what, found in motifs.items()
        for number, name in enumerate(CLASSES)
    ]
    return Result(
        sizes={"different sequences": len(samples), "folds": FOLDS, "repetitions": arguments.seeds},
        tables={"error % by class": rows},
        bars=bars,
        notes=["the published figures are of ten folds on 1,000 random examples, from which repeats were not removed"],
    )


def read_junctions() -> Samples:
    """The sequences of UCI, each once; where two differ in the label, the first counts."""
    first: dict[str, str] = {}
    with (data_folder("uci_splice") / "splice.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            first.setdefault(row["sequence"].strip(), row["label"].strip())
    codes = np.array([CLASSES.index(label) for label in first.values()], np.int32)
    return sequence_samples(list(first), targets=Targets(codes, CLASSES, "classes"))


def errors_of(samples: Samples, kernels: Kernels, way: str, config: TrainConfig, seed: int) -> np.ndarray:
    """Error in percent of every class, over all folds."""
    truth = samples.require_targets().values
    found = np.empty(len(samples), np.int64)
    for train, test in folds(samples, FOLDS, seed=seed):
        learned, judged = samples.take(train), samples.take(test)
        if way == "linear":
            linear = LogisticRegression(C=0.1, max_iter=1000)
            linear.fit(learned.gene_values(), learned.require_targets().values)
            found[test] = linear.predict(judged.gene_values())
            continue
        split = split_random(learned, test_fraction=0.1, seed=seed)
        model = MotifNetwork(
            kernels, SETTINGS._replace(initial=way), n_positions=60, outputs=CLASSES, task="classes",
            rngs=nnx.Rngs(seed),
        )  # fmt: skip
        fitted, _, _ = train_model(
            model, learned.take(split.train), learned.take(split.test), config.updated({"seed": seed})
        )
        found[test] = predict(fitted, judged).argmax(axis=1)
    return np.array([100 * float((found[truth == code] != code).mean()) for code in range(len(CLASSES))])


def by_class(errors: object) -> Row:
    values = np.asarray(errors, np.float64)
    return {f"{name}_%": float(value) for name, value in zip(CLASSES, values, strict=True)}


if __name__ == "__main__":
    main()
