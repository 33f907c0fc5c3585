"""What do the variants of visible networks reach where DCell and DrugCell are at home?

DNA repair of yeast (dcell_yeast of the data; double mutants) for recipes of one table, the drug screen of the NCI-60
(drugcell_nci60) for those of two, both with the split that they come with. All recipes as they are, beside the same
network over shuffled genes; the other baselines stand beside the first recipe of every data set.
The split of the screen is by pair: every cell and drug was seen, and nothing is said of new ones.
"""

from __future__ import annotations

import argparse

from measuring.result import Result, Row, run, say
from measuring.workloads import data_folder, dna_repair

from kgnn.data import Samples, read_drugcell
from kgnn.knowledge import Ontology, read_ontology
from kgnn.zoo import fit_recipe, recipe

DATA = {"DNA repair": ("dcell", "dtox", "parsvnn"), "NCI-60": ("drugcell", "sparsego")}
BASELINES = ("mean", "linear", "dense", "shuffled")


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=list(DATA), help="one of the data sets")


def measure(arguments: argparse.Namespace) -> Result:
    result = Result()
    for data, names in DATA.items():
        if arguments.only not in (None, data):
            continue
        ontology, parts = READERS[data]()
        result.sizes[f"{data}: training samples"] = len(parts["train"])
        rows: list[Row] = []
        for name in names:
            baselines = ("shuffled",) if rows else BASELINES
            settings = {"epochs": 2, "replicates": 1} if arguments.quick else {}
            found = fit_recipe(
                recipe(name), ontology, parts["train"], valid=parts["valid"], test=parts["test"], settings=settings,
                baselines=baselines,
            ).metrics  # fmt: skip
            rows.append({"who": name, "epoch": found["best_epoch"], **scores(found["model"])})
            rows += [
                {"who": f"{name}, shuffled genes" if other == "shuffled" else other, **scores(each)}
                for other, each in found["baselines"].items()
            ]
            say(f"{data}: {rows[-len(found['baselines']) - 1 :]}")
        result.tables[data] = rows
    return result


def read_screen() -> tuple[Ontology, dict[str, Samples]]:
    folder = data_folder("drugcell_nci60")
    parts = {part: read_drugcell(folder, part) for part in ("train", "valid", "test")}
    return read_ontology(folder / "go.txt.gz"), parts


READERS = {"DNA repair": dna_repair, "NCI-60": read_screen}


def scores(of_parts: dict[str, dict[str, float]]) -> Row:
    return {f"{part} pearson": of_parts[part]["pearson"] for part in ("valid", "test")}


if __name__ == "__main__":
    main()
