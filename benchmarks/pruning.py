"""How many edges of DCell's hierarchy for DNA repair can go before its predictions suffer?

Interactions of double mutants of yeast (dcell_yeast of the data), the recipe dcell in its default version. For
every pair of prices: a fit with prices, the edges at 0 cut out of the hierarchy, a new fit of what is left by the same
settings. Prices are chosen on validation pairs: the fewest edges whose validation Pearson is at most 0.01 below that
of the whole network. Test pairs choose nothing.
"""

from __future__ import annotations

import argparse

import numpy as np
from flax import nnx
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import data_folder

from kgnn.data import read_genotype_list, split_random
from kgnn.knowledge import read_ontology
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, fit, prune
from kgnn.zoo import dcell, recipe

PRICES = ((0.1, 0.1), (0.3, 0.3), (1.0, 1.0))
TOLERANCE = 0.01


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prices", nargs="*", help="annotation:relation, such as 3:0.2")
    parser.add_argument("--epochs", type=int, help="of the fits; those of the recipe without it")
    parser.add_argument("--pruning-epochs", type=int, default=60)


def measure(arguments: argparse.Namespace) -> Result:
    folder = data_folder("dcell_yeast")
    ontology = read_ontology(folder / "GO_0006281_topology.txt")
    train, test = (
        read_genotype_list(folder / f"GO_0006281_{part}_data.txt", genes=ontology.genes)
        for part in ("training", "testing")
    )
    hierarchy, _ = compile_hierarchy(ontology, train.genes)
    split = split_random(train, test_fraction=0.1, seed=0)
    parts = {"valid": train.take(split.test), "test": test}
    learn = train.take(split.train)
    epochs = 2 if arguments.quick else arguments.epochs
    config = recipe("dcell").config().updated({} if epochs is None else {"epochs": epochs})
    model = dcell(hierarchy, rngs=nnx.Rngs(0))
    say("the whole network")
    whole = fit(model, learn, config, baselines=(), **parts)
    edges = len(hierarchy.annotation_gene) + len(hierarchy.relation_child)
    rows = [row_of("none", whole, {"edges": (edges, edges)})]
    prices = [tuple(map(float, each.split(":"))) for each in arguments.prices] if arguments.prices else PRICES
    for annotation, relation in prices[: 1 if arguments.quick else None]:
        say(f"prices {annotation:g} an annotation, {relation:g} a relation")
        found = prune(
            model, learn, config, annotation_price=annotation, relation_price=relation,
            pruning_epochs=epochs or arguments.pruning_epochs, **parts,
        )  # fmt: skip
        rows.append(row_of(f"{annotation:g} / {relation:g}", found.run, found.edges))
        say(f"  {rows[-1]}")
    result = Result(sizes={"terms": hierarchy.n_terms, "edges": edges, "training pairs": len(learn)})
    result.tables["prices of an annotation / a relation"] = rows
    allowed = [row for row in rows if row["valid pearson"] >= rows[0]["valid pearson"] - TOLERANCE]
    chosen = min(allowed, key=lambda row: row["edges"])
    result.sizes["chosen on validation pairs"] = chosen["prices"]
    lost = rows[0]["test pearson"] - chosen["test pearson"]
    result.bars = [
        Bar("share of edges removed", 0.3, 1 - chosen["edges"] / edges, at_least=True),
        Bar("test Pearson lost", TOLERANCE, lost),
    ]
    return result


def row_of(name: str, fitted: Run, edges: dict[str, tuple[int, int]]) -> Row:
    scores = fitted.metrics["model"]
    row: Row = {"prices": name, "edges": edges["edges"][1], "removed": 1 - edges["edges"][1] / edges["edges"][0]}
    for what in ("annotations", "relations", "terms", "genes"):
        row[what] = edges[what][1] if what in edges else None
    row |= {f"{part} pearson": float(scores[part]["pearson"] or np.nan) for part in ("valid", "test")}
    return row


if __name__ == "__main__":
    main()
