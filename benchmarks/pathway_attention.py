"""Does attention over KEGG pathways foresee recurrence in breast cancer, and what does its score owe to leaks?

TCGA-BRCA as DeepKEGG prepared it (deepkegg of the data): 211 patients, 1,000 expressed and 1,000 mutated genes and 100
miRNAs, chosen by its authors before any fold was made; 297 pathways. A pathway's members are its genes' expression and
mutations and its miRNAs; inside a pathway, edges are those of HumanNet between expressed genes, and each gene's
expression with its own mutations. Five folds a repeat; scalers and all choices see four of them. The last epoch is
kept, for a tenth of the patients, as few as 17, cannot choose one (a row shows what becomes of it); how many epochs was
found on other deals of the same patients, where 60 and 120 hardly differ. The authors' notebook has AUC 0.885 (one run
of one split), the notes of the data 0.727 for logistic regression.

Three looks at leaks. The mutated genes were chosen upstream: what does their mere number say, and whose are those that
few patients carry? Does a choice by the labels of all patients make such a score from labels that mean nothing (other
patients' mutations, tcga_hnsc_mutation, and labels dealt out at random)? And the hospital that sent a tumor, the second
part of a patient's barcode: what does it say alone, and what is left where hospitals are held out whole?
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import data_folder
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold

from kgnn.bakeoff import corrected_interval
from kgnn.data import Samples, Targets
from kgnn.knowledge import build_network, read_network, read_ontology
from kgnn.structure import Hierarchy, PathwayEdges, compile_hierarchy, edges_inside, shuffle_genes
from kgnn.train import fit, predict
from kgnn.zoo import build_model, recipe

RECIPE = recipe("pathway_attention")
OMICS = {"mRNA": "BRCA_mRNA_data.csv.gz", "snv": "BRCA_snv_data.csv", "miRNA": "BRCA_miRNA_data.csv"}
FLOOR, AUTHORS = 0.727, 0.885
SETTINGS = {"epochs": 120, "valid_fraction": 0.0}
N_FOLDS, FEWEST_MEMBERS, CHOSEN = 5, 3, 1_000
PENALTIES = {"C": [1e-3, 1e-2, 1e-1, 1.0]}
Score = Callable[[Samples, Samples, int], np.ndarray]
"""Scores of recurrence of the second samples, learned from the first."""


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="deals of five folds (default 2)")
    parser.add_argument("--replicates", type=int, default=1, metavar="N", help="networks a fit (default 1)")


def measure(arguments: argparse.Namespace) -> Result:
    samples = read_patients()
    unmutated = samples.with_genes([name for name in samples.genes if not name.startswith("snv:")])
    changed = {
        **SETTINGS,
        **({"epochs": 2, "replicates": 1} if arguments.quick else {"replicates": arguments.replicates}),
    }
    repeats = 1 if arguments.quick else arguments.repeats
    result = Result(sizes={"patients": len(samples), "features": len(samples.genes), "repeats": repeats, **changed})
    rows: list[tuple[str, Score, str, Samples, bool]] = []
    for what, data in (("all", samples), ("without mutations", unmutated)):
        hierarchy = compile_pathways(data)
        result.sizes |= {f"pathways, {what}": hierarchy.n_terms - 1, f"features in them, {what}": hierarchy.n_genes}
        rows += [
            ("pathway attention", network(hierarchy, changed), what, data, False),
            ("pathway attention, members shuffled", network(shuffle_genes(hierarchy, 0), changed), what, data, False),
            ("logistic regression", logistic, what, data, False),
            ("logistic regression", logistic, what, data, True),
        ]
    by_few = network(compile_pathways(samples), {**changed, "valid_fraction": 0.1})
    rows.append(("pathway attention, epoch chosen by a tenth", by_few, "all", samples, False))
    rows.append(("number of mutated genes", n_mutated, "all", samples, False))
    rows.append(("hospital", recurred_in_hospital, "none", samples, False))
    table = []
    for who, score, what, data, by_hospital in rows:
        aucs, precisions = cross_validated(score, data, repeats, by_hospital)
        folds = "hospitals" if by_hospital else "patients"
        table.append({"who": who, "features": what, "folds of": folds, **interval(aucs), "AUPR": np.mean(precisions)})
        say(f"{who}, {what}, {folds}: {np.mean(aucs):.3f} {np.round(aucs, 3).tolist()}")
    result.tables["recurrence on held-out patients"] = table
    result.tables["mutated genes by how many patients carry them"] = carriers(samples)
    result.tables["labels at random, mutations of other patients"] = chosen_by_labels(3 if arguments.quick else 20)
    result.bars = [Bar("AUC of pathway attention, above the floor", FLOOR, table[0]["AUC"], at_least=True)]
    result.notes.append(f"Authors' notebook: AUC {AUTHORS}, from one run of one split, on features chosen upstream.")
    result.notes.append("Intervals are over folds and repeats, corrected for the training patients that folds share.")
    return result


def read_patients() -> Samples:
    """All tables side by side, with the hospital of every patient."""
    folder = data_folder("deepkegg")
    response = pandas.read_csv(folder / "BRCA_response.csv", index_col=0).iloc[:, 0]
    tables = {name: pandas.read_csv(folder / file, index_col=0).loc[response.index] for name, file in OMICS.items()}
    joined = pandas.concat([table.add_prefix(f"{name}:") for name, table in tables.items()], axis=1)
    targets = Targets(response.to_numpy().astype(np.int32), ("no recurrence", "recurrence"), "classes")
    names = list(map(str, joined.index))
    return Samples.from_values(
        joined.to_numpy(np.float32), list(joined.columns), meaning="abundance", names=names, targets=targets,
        covariates={"hospital": np.array([name.split("-")[1] for name in names])},
    )  # fmt: skip


def compile_pathways(samples: Samples) -> Hierarchy:
    """KEGG pathways over the features of all tables; pathways with fewer than three of them are left out."""
    folder, present = data_folder("deepkegg"), set(samples.genes)
    with gzip.open(folder / "kegg_anano.txt.gz", "rt") as file:
        rows = [line.strip().split(",") for line in file]
    regulators = {row[0].rsplit("|", 1)[-1]: row[1:] for row in rows}
    lines = []
    for line in (folder / "20230205_kegg_hsa.gmt").read_text().splitlines():
        name, _, *genes = line.split("\t")
        members = dict.fromkeys([*genes, *regulators.get(name.split("_")[0], [])])
        kept = [feature for each in members for omic in OMICS if (feature := f"{omic}:{each}") in present]
        if len(kept) >= FEWEST_MEMBERS:
            lines.append("\t".join([name, "NA", *kept]))
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "pathways.gmt"
        file.write_text("\n".join(lines) + "\n")
        return compile_hierarchy(read_ontology(file), samples.genes, unannotated="drop")[0]


def edges(hierarchy: Hierarchy) -> PathwayEdges:
    """HumanNet among expressed genes, and every gene's expression with its own mutations."""
    network = read_network(data_folder("networks") / "humannet90_symbol.txt.gz")
    expressed = network.renamed({gene: f"mRNA:{gene}" for gene in network.nodes})
    both = [name for name in hierarchy.genes if name.startswith("mRNA:")]
    mutations = [name.replace("mRNA:", "snv:") for name in both]
    every = np.arange(len(both))
    own = build_network([*both, *mutations], every, every + len(both))
    return edges_inside((expressed, own), hierarchy)


def network(hierarchy: Hierarchy, changed: Row) -> Score:
    """The recipe with some settings of training changed."""
    senders, receivers = edges(hierarchy)

    def score(train: Samples, test: Samples, seed: int) -> np.ndarray:
        train, test = train.with_genes(hierarchy.genes), test.with_genes(hierarchy.genes)
        model = build_model(RECIPE, hierarchy, train, seed=seed, senders=senders, receivers=receivers)
        fitted = fit(model, train, RECIPE.config().updated({"seed": seed, **changed}), baselines=())
        return np.diff(predict(fitted.model, test))[:, 0]

    return score


def logistic(train: Samples, test: Samples, seed: int) -> np.ndarray:
    """The penalty is chosen by four folds inside the training patients."""
    inner = StratifiedKFold(4, shuffle=True, random_state=seed)
    search = GridSearchCV(LogisticRegression(max_iter=2_000), PENALTIES, cv=inner, scoring="roc_auc")
    return search.fit(train.gene_values(), train.require_targets().values).decision_function(test.gene_values())


def n_mutated(train: Samples, test: Samples, seed: int) -> np.ndarray:
    """Nothing is learned."""
    return test.gene_values()[:, [name.startswith("snv:") for name in test.genes]].sum(axis=1)


def recurred_in_hospital(train: Samples, test: Samples, seed: int) -> np.ndarray:
    """Share of a hospital's training patients that recurred, drawn to the mean by one patient."""
    where, codes = np.asarray(train.covariates["hospital"]), train.require_targets().values
    mean = codes.mean()
    share = {name: (codes[where == name].sum() + mean) / ((where == name).sum() + 1) for name in set(where)}
    return np.array([share.get(name, mean) for name in np.asarray(test.covariates["hospital"])])


def cross_validated(score: Score, samples: Samples, repeats: int, by_hospital: bool) -> tuple[list[float], list[float]]:
    """AUC and AUPR of every fold of every repeat; patients are dealt out alone, or with their hospital."""
    codes, hospital = samples.require_targets().values, np.asarray(samples.covariates["hospital"])
    aucs, precisions = [], []
    for seed in range(repeats):
        dealer = (StratifiedGroupKFold if by_hospital else StratifiedKFold)(N_FOLDS, shuffle=True, random_state=seed)
        for train, test in dealer.split(codes, codes, hospital if by_hospital else None):
            found = score(samples.take(train), samples.take(test), seed)
            aucs.append(float(roc_auc_score(codes[test], found)))
            precisions.append(float(average_precision_score(codes[test], found)))
    return aucs, precisions


def interval(values: list[float]) -> Row:
    found = corrected_interval(np.array(values), 1 / (N_FOLDS - 1))
    return {"AUC": found.mean, "low": found.low, "high": found.high, "sd over folds": found.sd}


def carriers(samples: Samples) -> list[Row]:
    """How often carriers of rare mutations recurred; without a choice by labels it is the share of all patients."""
    mutated = samples.gene_values()[:, [name.startswith("snv:") for name in samples.genes]] > 0
    codes, n = samples.require_targets().values, mutated.sum(axis=0)
    return [
        {
            "carriers": f"{few} to {many}" if many > few else str(few),
            "genes": int((here := (n >= few) & (n <= many)).sum()),
            "recurred": float(mutated[codes == 1][:, here].sum() / mutated[:, here].sum()),
            "of all patients": float(codes.mean()),
        }
        for few, many in ((1, 1), (2, 2), (3, 3), (4, 4), (5, len(samples)))
    ]


def chosen_by_labels(n: int) -> list[Row]:
    """AUC of logistic regression on random labels of another cohort, by where 1,000 mutated genes are chosen."""
    pairs = pandas.read_csv(data_folder("tcga_hnsc_mutation") / "HNSC_sm_data.txt.gz", sep="\t", header=None)
    cohort = pandas.crosstab(pairs[0], pairs[1]).clip(upper=1).to_numpy(np.float32)
    wanted = read_patients().require_targets().values
    found: dict[str, list[float]] = {}
    for seed in range(n):
        random = np.random.default_rng(seed)
        values, codes = cohort[random.choice(len(cohort), len(wanted), replace=False)], random.permutation(wanted)
        outside = best_of(values, codes)
        for train, test in StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(values, codes):
            for where, best in (
                ("on all patients", outside),
                ("inside the fold", best_of(values[train], codes[train])),
            ):
                model = LogisticRegression(max_iter=2_000).fit(values[train][:, best], codes[train])
                scores = model.decision_function(values[test][:, best])
                found.setdefault(where, []).append(float(roc_auc_score(codes[test], scores)))
    return [{"genes chosen": how, "deals": n, **interval(each)} for how, each in found.items()]


def best_of(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # of genes that nobody carries here
        return np.asarray(SelectKBest(chi2, k=CHOSEN).fit(values, codes).get_support())


if __name__ == "__main__":
    main()
