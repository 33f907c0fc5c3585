"""How many edges of DCell's hierarchy for DNA repair can go before its predictions suffer?

Interactions of double mutants of yeast (dcell_yeast of the data), the recipe dcell in its default version. For
every pair of prices: fits with prices, the edges that most replicates do without cut out of the hierarchy, a new fit of
what is left by the same settings. By validation, the fewest edges whose Pearson is at most 0.01 below that of the
whole network would be chosen. What is compared over seeds is the least pruned hierarchy without 30 % of its edges, as
the bar asks, beside the whole one, one that lost as many edges at random, and one in which every gene has a single
annotation: is what looks redundant really so? Test pairs choose nothing.
"""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import data_folder

from kgnn.data import Samples, read_genotype_list, split_random
from kgnn.errors import StructureError
from kgnn.knowledge import read_ontology
from kgnn.models import build
from kgnn.structure import Hierarchy, compile_hierarchy, cut_edges
from kgnn.train import Run, TrainConfig, fit, prune
from kgnn.zoo import dcell, recipe

PRICES = ((1e-4, 5e-5), (2.5e-4, 1.25e-4), (4.5e-4, 2.25e-4))
REMOVED = 0.3
TOLERANCE = 0.01


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prices", nargs="*", help="annotation:relation, such as 3e-4:1e-4")
    parser.add_argument("--epochs", type=int, help="of the fits; those of the recipe without it")
    parser.add_argument("--pruning-epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2, help="of the networks that are compared in the end")


def measure(arguments: argparse.Namespace) -> Result:
    whole, parts = read_all()
    epochs = 2 if arguments.quick else arguments.epochs
    config = recipe("dcell").config().updated({} if epochs is None else {"epochs": epochs})
    prices = [tuple(map(float, each.split(":"))) for each in arguments.prices] if arguments.prices else PRICES
    n_seeds = 1 if arguments.quick else arguments.seeds
    result = Result(sizes={"terms": whole.n_terms, "edges": n_edges(whole), "training pairs": len(parts["train"])})
    hierarchies, rows = {"none": whole}, [row_of("none", whole, fitted(whole, parts, config, 0), whole)]
    for annotation, relation in prices[: 1 if arguments.quick else None]:
        found = prune(
            dcell(whole, rngs=nnx.Rngs(0)), parts["train"], config, annotation_price=annotation,
            relation_price=relation, pruning_epochs=epochs or arguments.pruning_epochs, valid=parts["valid"],
            test=parts["test"],
        )  # fmt: skip
        name = f"{annotation:g} / {relation:g}"
        hierarchies[name] = found.run.hierarchy
        rows.append(row_of(name, found.run.hierarchy, found.run, whole))
        say(str(rows[-1]))
    result.tables["prices of an annotation / a relation, one seed"] = rows
    allowed = [row for row in rows if row["valid pearson"] >= rows[0]["valid pearson"] - TOLERANCE]
    result.sizes["chosen by validation"] = min(allowed, key=lambda row: row["edges"])["prices"]
    least = max((row for row in rows if row["removed"] >= REMOVED), key=lambda row: row["edges"], default=rows[-1])
    pruned = hierarchies[least["prices"]]
    compared = {"whole": (whole, [rows[0]]), f"prices {least['prices']}": (pruned, [least])}
    compared["as many edges cut at random"] = (cut_at_random(whole, pruned), [])
    compared["every gene once, at its most specific term"] = (every_gene_once(whole), [])
    rows = []
    for name, (hierarchy, known) in compared.items():
        rest = range(len(known), n_seeds)
        more = [row_of(name, hierarchy, fitted(hierarchy, parts, config, seed), whole) for seed in rest]
        rows.append(over_seeds(name, [*known, *more]))
        say(str(rows[-1]))
    result.tables["over seeds"] = rows
    result.bars = [
        Bar("share of edges removed", REMOVED, rows[1]["removed"], at_least=True),
        Bar("test Pearson lost", TOLERANCE, rows[0]["test pearson"] - rows[1]["test pearson"]),
    ]
    return result


def read_all() -> tuple[Hierarchy, dict[str, Samples]]:
    """The hierarchy, and training, validation and test pairs."""
    folder = data_folder("dcell_yeast")
    ontology = read_ontology(folder / "GO_0006281_topology.txt")
    train, test = (
        read_genotype_list(folder / f"GO_0006281_{part}_data.txt", genes=ontology.genes)
        for part in ("training", "testing")
    )
    split = split_random(train, test_fraction=0.1, seed=0)
    parts = {"train": train.take(split.train), "valid": train.take(split.test), "test": test}
    return compile_hierarchy(ontology, train.genes)[0], parts


def n_edges(hierarchy: Hierarchy) -> int:
    return len(hierarchy.annotation_gene) + len(hierarchy.relation_child)


def fitted(hierarchy: Hierarchy, parts: dict[str, Samples], config: TrainConfig, seed: int) -> Run:
    """The recipe's network on a hierarchy, from a seed."""
    model = build(dcell(hierarchy, rngs=nnx.Rngs(0)).arguments, hierarchy, seed=seed)
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
    return max(found, key=n_edges)


def every_gene_once(whole: Hierarchy) -> Hierarchy:
    """The whole hierarchy without the annotations of a gene but that to the lowest of its terms."""
    level = whole.level_of_term[whole.annotation_term]
    order = np.lexsort((level, whole.annotation_gene))
    kept = np.zeros(len(level), bool)
    kept[order[np.unique(whole.annotation_gene[order], return_index=True)[1]]] = True
    return cut_edges(whole, kept, np.ones(len(whole.relation_child), bool))[0]


def over_seeds(name: str, rows: list[Row]) -> Row:
    """Scores of fits of one hierarchy from several seeds."""
    row: Row = {"hierarchy": name, **{key: rows[0][key] for key in ("edges", "removed", "terms", "genes")}}
    for part in ("valid", "test"):
        scores = np.array([each[f"{part} pearson"] for each in rows])
        row[f"{part} pearson"] = float(scores.mean())
        row[f"sd of {part} pearson"] = float(scores.std(ddof=1)) if len(scores) > 1 else None
    return row


def row_of(prices: str, hierarchy: Hierarchy, found: Run, whole: Hierarchy) -> Row:
    scores: dict[str, Any] = found.metrics["model"]
    return {
        "prices": prices,
        "edges": n_edges(hierarchy),
        "removed": 1 - n_edges(hierarchy) / n_edges(whole),
        "annotations": len(hierarchy.annotation_gene),
        "relations": len(hierarchy.relation_child),
        "terms": hierarchy.n_terms,
        "genes": hierarchy.n_genes,
        **{f"{part} pearson": float(scores[part]["pearson"] or np.nan) for part in ("valid", "test")},
    }


if __name__ == "__main__":
    main()
