"""How many edges of DCell's hierarchy for DNA repair can go before its predictions suffer?

Interactions of double mutants of yeast (dcell_yeast of the data), the recipe dcell without dropout and with twice its
epochs: validation wants this for the whole network and for smaller ones, which are not done learning after 150. Edges
are cut in two ways, and what is left is fitted anew by the same settings. By share: annotations of a gene but that to
its most specific term go first, then genes that a fitted network misses least. By price: training sets edges to 0 that
do not pay.

A table tells what a share or price costs, from one seed; another compares over seeds the whole hierarchy, the one
without 30 % of its edges, as the bar asks, one that lost as many at random, and one in which every gene has a single
annotation. Test pairs choose nothing in this script, but its settings were settled when test scores had been seen.
"""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import dna_repair

from kgnn.data import Samples
from kgnn.errors import StructureError
from kgnn.structure import Hierarchy, compile_hierarchy, cut_edges
from kgnn.structure.spare import count_edges, further_edges
from kgnn.train import Run, TrainConfig, fit, prune
from kgnn.zoo import dcell, recipe

SETTINGS = {"epochs": 300}
DROPOUT = 0.0
SHARES = (0.15, 0.3, 0.45)
PRICES = ((1e-4, 5e-5), (3e-4, 1.5e-4))
ROUNDS = 3
REMOVED = 0.3
TOLERANCE = 0.01


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, help="of the networks that are compared (default 3)")


def measure(arguments: argparse.Namespace) -> Result:
    ontology, parts = dna_repair()
    whole = compile_hierarchy(ontology, parts["train"].genes)[0]
    config = recipe("dcell").config().updated({"epochs": 2} if arguments.quick else SETTINGS)
    n_seeds = 1 if arguments.quick else arguments.seeds
    result = Result(sizes={"terms": whole.n_terms, "edges": count_edges(whole), "training pairs": len(parts["train"])})
    rows = [row_of("none", whole, fitted(whole, parts, config, 0), whole)]
    ways: list[tuple[str, dict[str, Any]]] = [
        *((f"share {share:g}", {"share": share, "rounds": ROUNDS}) for share in SHARES),
        *(
            (f"prices {of:g} / {to:g}", {"annotation_price": of, "relation_price": to, "pruning_epochs": 60})
            for of, to in PRICES
        ),
    ]
    if arguments.quick:
        ways = [(name, {**how, "pruning_epochs": 2}) for name, how in ways[1:2]]
    runs = {}
    for name, how in ways:
        network = dcell(whole, dropout=DROPOUT, rngs=nnx.Rngs(0))
        runs[name] = prune(network, parts["train"], config, valid=parts["valid"], test=parts["test"], **how).run
        rows.append(row_of(name, runs[name].hierarchy, runs[name], whole))
        say(str(rows[-1]))
    result.tables["what is cut, one seed"] = rows
    pruned = runs[name_of_bar := f"share {REMOVED:g}"].hierarchy
    known = {row["cut"]: row for row in rows}
    compared = {
        "whole": (whole, [known["none"]]),
        name_of_bar: (pruned, [known[name_of_bar]]),
        "as many edges cut at random": (cut_at_random(whole, pruned), []),
        "every gene once, at its most specific term": (every_gene_once(whole), []),
    }
    rows = []
    for name, (hierarchy, done) in compared.items():
        rest = range(len(done), n_seeds)
        more = [row_of(name, hierarchy, fitted(hierarchy, parts, config, seed), whole) for seed in rest]
        rows.append(over_seeds(name, [*done, *more]))
        say(str(rows[-1]))
    result.tables["over seeds"] = rows
    result.bars = [
        Bar("share of edges removed", REMOVED, rows[1]["removed"], at_least=True),
        Bar("test Pearson lost", TOLERANCE, rows[0]["test pearson"] - rows[1]["test pearson"]),
    ]
    return result


def fitted(hierarchy: Hierarchy, parts: dict[str, Samples], config: TrainConfig, seed: int) -> Run:
    """The recipe's network on a hierarchy, from a seed."""
    model = dcell(hierarchy, dropout=DROPOUT, rngs=nnx.Rngs(seed))
    config = config.updated({"seed": seed})
    return fit(model, parts["train"], config, valid=parts["valid"], test=parts["test"], baselines=())


def cut_at_random(whole: Hierarchy, like: Hierarchy) -> Hierarchy:
    """The whole hierarchy without as many annotations and relations as another one lost; of 500 draws that which loses
    the fewest further ones, because they hang in the air."""
    kinds, found = ("annotation_gene", "relation_child"), []
    for seed in range(500):
        random = np.random.default_rng(seed)
        kept = [random.permutation(len(getattr(whole, kind))) < len(getattr(like, kind)) for kind in kinds]
        with contextlib.suppress(StructureError):
            found.append(cut_edges(whole, *kept)[0])
    return max(found, key=count_edges)


def every_gene_once(whole: Hierarchy) -> Hierarchy:
    """The whole hierarchy without the annotations of a gene but that to the most specific of its terms."""
    kept = np.ones(len(whole.annotation_gene), bool)
    further = further_edges(whole)
    kept[further[further < len(kept)]] = False
    return cut_edges(whole, kept, np.ones(len(whole.relation_child), bool))[0]


def over_seeds(name: str, rows: list[Row]) -> Row:
    """Scores of fits of one hierarchy from several seeds."""
    row: Row = {"hierarchy": name, **{key: rows[0][key] for key in ("edges", "removed", "terms", "genes")}}
    for part in ("valid", "test"):
        scores = np.array([each[f"{part} pearson"] for each in rows])
        row[f"{part} pearson"] = float(scores.mean())
        row[f"sd of {part} pearson"] = float(scores.std(ddof=1)) if len(scores) > 1 else None
    return row


def row_of(cut: str, hierarchy: Hierarchy, found: Run, whole: Hierarchy) -> Row:
    scores: dict[str, Any] = found.metrics["model"]
    return {
        "cut": cut,
        "edges": count_edges(hierarchy),
        "removed": 1 - count_edges(hierarchy) / count_edges(whole),
        "annotations": len(hierarchy.annotation_gene),
        "relations": len(hierarchy.relation_child),
        "terms": hierarchy.n_terms,
        "genes": hierarchy.n_genes,
        **{f"{part} pearson": float(scores[part]["pearson"] or np.nan) for part in ("valid", "test")},
    }


if __name__ == "__main__":
    main()
