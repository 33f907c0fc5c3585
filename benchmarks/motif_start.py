"""Does a network whose filters begin as JASPAR motifs beat the motif alone, and the same network begun at random?

Five ChIP-seq sets of DeepBind. A thousand training sequences, then 200: bound ones, and a dinucleotide shuffle of each.
Peaks are in the order of their strength, and the published test file holds every second one of the thousand strongest:
the bound training sequences are drawn from the first thousand of the training file. `--positives any` draws from all of
them, most of which are weak. (That strong ones teach more about strong ones was measured on further training peaks
first.)

Of JASPAR 2024, the factor's own motif and others are taken whose best hits tell the training sequences apart and are
not alike (correlation below 0.6); no test sequence takes part in that. Both networks have the same shape, settings
and batches, and are stopped by the same validation sequences (a seventh of the training sequences). Scores are AUROCs
on the published test file; the interval is over seeds, which draw the sequences, the shuffles and the weights.
"""

from __future__ import annotations

import argparse

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.sequences import interval, read_peaks, with_label
from measuring.workloads import data_folder
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from kgnn.data import Samples, dinucleotide_shuffle
from kgnn.interpret import best_motif_scores, motif_scanner
from kgnn.knowledge import MotifSet, read_motifs
from kgnn.structure import Kernels, compile_kernels, one_hot
from kgnn.train import predict, train_model
from kgnn.train.compilation import enable_compilation_cache
from kgnn.zoo import deepbind

FACTORS = {
    "SRF": ("SRF_H1-hESC_SRF_HudsonAlpha", "MA0083.3"),
    "YY1": ("YY1_H1-hESC_YY1_SC-281_HudsonAlpha", "MA0095.4"),
    "TCF12": ("TCF12_H1-hESC_TCF12_HudsonAlpha", "MA1648.2"),
    "ZNF143": ("ZNF143_H1-hESC_Znf143_16618-1-AP_Stanford", "MA0088.2"),
    "TBP": ("TBP_H1-hESC_TBP_Stanford", "MA0108.3"),
}
STRONGEST = 1_000
TABLE = "AUROC on the test file, mean and half width of the 95 % interval over seeds:"
MOST_ALIKE = 0.6


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--factors", default=",".join(FACTORS), help="factors, separated by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sequences", type=int, default=1_000, help="training sequences, bound and shuffled")
    parser.add_argument("--fewer", type=int, default=200, help="a second table of fewer sequences; 0 for none")
    parser.add_argument(
        "--positives", choices=("strongest", "any"), default="strongest", help="which peaks to draw from"
    )
    parser.add_argument("--motifs", type=int, default=16, help="filters")
    parser.add_argument("--epochs", type=int, default=20)


def measure(arguments: argparse.Namespace) -> Result:
    enable_compilation_cache()
    factors = arguments.factors.split(",")
    seeds, epochs = (2, 3) if arguments.quick else (arguments.seeds, arguments.epochs)
    jaspar = read_motifs(data_folder("jaspar") / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    rows: list[Row] = []
    bars: list[Bar] = []
    for factor in factors:
        row = row_of(factor, jaspar, arguments, seeds, epochs)
        rows.append(row)
        lowest = row["gain"] - row["gain_±"]
        bars += [
            Bar(f"{factor}: AUROC above the best hit of its motif", row["motif_hit"], row["motifs"], at_least=True),
            Bar(f"{factor}: gain over a random start, lower end of the interval", 0.0, lowest, at_least=True),
        ]
    tables = {f"{TABLE} {arguments.sequences} sequences": rows}
    if arguments.fewer:
        few = argparse.Namespace(**{**vars(arguments), "sequences": arguments.fewer})
        tables[f"{TABLE} {few.sequences} sequences"] = [
            row_of(factor, jaspar, few, seeds, epochs) for factor in factors
        ]
    return Result(
        sizes={"positives": arguments.positives, "filters": arguments.motifs, "seeds": seeds},
        tables=tables,
        bars=bars,
        notes=[
            "hits_logistic is a logistic regression on the best hits of the same motifs: knowledge without a network.",
            "random is the same network with random filters of the same number and width.",
        ],
    )


def row_of(factor: str, jaspar: MotifSet, arguments: argparse.Namespace, seeds: int, epochs: int) -> Row:
    """Means and intervals over seeds of all ways."""
    found = [one_seed(factor, jaspar, seed, arguments, epochs) for seed in range(seeds)]
    row: Row = {"factor": factor, "motif": FACTORS[factor][1], "motif_hit": found[0]["motif_hit"]}
    for way in ("hits_logistic", "random", "motifs"):
        row[way], row[f"{way}_±"] = interval([each[way] for each in found])
    row["gain"], row["gain_±"] = interval([each["motifs"] - each["random"] for each in found])
    return row


def one_seed(factor: str, jaspar: MotifSet, seed: int, arguments: argparse.Namespace, epochs: int) -> Row:
    """AUROCs of all ways on one draw of training sequences."""
    name, own = FACTORS[factor]
    test_letters, test_bound = read_peaks(f"{name}_B")
    random = np.random.default_rng(seed)
    positives, _ = read_peaks(f"{name}_AC")
    n_drawn_from = STRONGEST if arguments.positives == "strongest" else len(positives)
    drawn = [positives[each] for each in random.choice(n_drawn_from, arguments.sequences // 2, replace=False)]
    letters = [*drawn, *dinucleotide_shuffle(drawn, seed)]
    bound = np.repeat([1, 0], len(drawn))
    hits = best_motif_scores(motif_scanner(jaspar), one_hot(letters))
    chosen = choose_motifs(jaspar, own, hits, bound, arguments.motifs)
    motifs = jaspar.select(chosen)
    column = [jaspar.ids.index(each) for each in motifs.ids]
    test_hits = best_motif_scores(motif_scanner(motifs), one_hot(test_letters))
    center, scale = hits[:, column].mean(axis=0), hits[:, column].std(axis=0)
    linear = LogisticRegression(C=0.1, max_iter=1000).fit((hits[:, column] - center) / scale, bound)
    order = random.permutation(len(letters))
    samples, held = with_label(letters, bound), len(letters) // 7
    parts = samples.take(order[held:]), samples.take(order[:held]), with_label(test_letters, test_bound)
    kernels = compile_kernels(motifs, 24, both_strands=True, crop=True)
    found = {
        "motif_hit": float(roc_auc_score(test_bound, test_hits[:, motifs.ids.index(own)])),
        "hits_logistic": float(roc_auc_score(test_bound, linear.predict_proba((test_hits - center) / scale)[:, 1])),
        **{initial: network_auroc(kernels, parts, initial, seed, epochs) for initial in ("random", "motifs")},
    }
    say(f"{factor} {seed}: " + ", ".join(f"{way} {value:.3f}" for way, value in found.items()))
    return found


def choose_motifs(jaspar: MotifSet, own: str, hits: np.ndarray, bound: np.ndarray, n: int) -> list[str]:
    """The factor's own motif, then those that tell training sequences apart best and are not alike."""
    auroc = np.array([roc_auc_score(bound, column) for column in hits.T])
    scaled = (hits - hits.mean(axis=0)) / np.maximum(hits.std(axis=0), 1e-9)
    chosen = [jaspar.ids.index(own)]
    for candidate in np.argsort(-auroc, kind="stable").tolist():
        if len(chosen) == n:
            break
        alike = np.abs(scaled[:, candidate] @ scaled[:, chosen]).max() / len(hits)
        if alike < MOST_ALIKE:
            chosen.append(candidate)
    return [jaspar.ids[each] for each in chosen]


def network_auroc(
    kernels: Kernels, parts: tuple[Samples, Samples, Samples], initial: str, seed: int, epochs: int
) -> float:
    """Test AUROC of a network from motifs, or from random filters of the same shape."""
    train, valid, test = parts
    model = deepbind(kernels, n_positions=101, outputs=("bound",), initial=initial, rngs=nnx.Rngs(seed))
    config = deepbind.config("motifs").updated({"epochs": epochs, "seed": seed, "checkpoint_every": 0})
    fitted, _, _ = train_model(model, train, valid, config)
    return float(roc_auc_score(test.require_targets().values[:, 0], predict(fitted, test)[:, 0]))


if __name__ == "__main__":
    main()
