"""Do families of networks over knowledge tell blood cells apart as well as learners without it?

The 700 bundled cells (10x PBMC 68k, 765 genes, ten types, the rarest with 8 cells), in five stratified folds; every
cell is predicted once a seed, by networks and learners that have not seen it, and the score is the macro F1 of all 700
predictions together. A seed deals the cells out anew and starts every network anew; intervals are over seeds, and tell
nothing of other cells. Scalers and selected genes see the training cells of a fold alone. Learners and P-NET choose
their settings by four folds inside them. The other networks have one setting each, found on inner validation cells of
other deals of the same 700 cells, which flatters them a little. The number of epochs is fixed and the last one kept.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from measuring.result import Bar, Result, Row, run, say
from measuring.workloads import data_folder
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from kgnn.bakeoff import select_genes
from kgnn.data import Samples, folds
from kgnn.demo import MODEL, PRUNING, demo_ontology, demo_samples
from kgnn.knowledge import read_network
from kgnn.train import fit, predict
from kgnn.zoo import build_model, recipe
from kgnn.zoo.fit_recipe import recipe_settings

N_FOLDS, BEHIND = 5, 0.03
Classifier = Callable[[Samples, Samples, int], np.ndarray]
"""Codes of the second samples, learned from the first."""


class Family(NamedTuple):
    """A network of the table.

    Attributes:
        family: What it is an example of.
        recipe: Name of the recipe.
        settings: Settings of training and options, in place of those of the recipe.
        compiling: Arguments of the function that compiles its knowledge.
        pruning: How the ontology is pruned, in place of how the demo does it.
        genes: Genes selected on the training cells; 0 for all.
        version: Of the recipe.
        choices: Further settings, of which the training cells of a fold choose by four folds inside them.
    """

    family: str
    recipe: str
    settings: Mapping[str, Any]
    compiling: Mapping[str, Any] = {}
    pruning: Mapping[str, Any] = {}
    genes: int = 0
    version: str = ""
    choices: tuple[Mapping[str, Any], ...] = ()


BALANCED = {"class_weights": "balanced", "valid_fraction": 0.0}
VISIBLE = {"batch_size": 128, "learning_rate": 5e-3, "weight_decay": 0.3, "auxiliary_weight": 0.01, "average": 0.95}
ROOT = {"unannotated": "root"}
FEWER = {"min_genes": 40, "max_genes": 300, "min_extra_genes": 30}
REGULARIZED = tuple({"weight_decay": decay, "dropout": rate} for decay in (0.3, 1.0) for rate in (0.1, 0.3))
FAMILIES = (
    Family("visible network", "dcell", {"epochs": 40, "replicates": 1, **VISIBLE}, ROOT, FEWER),
    Family("pathway network", "pnet", {"epochs": 40, "replicates": 3}, ROOT, FEWER, choices=REGULARIZED),
    Family("graph network", "graph_network", {"epochs": 30, "average": 0.95, "weight_decay": 0.3}),
    Family("attention over genes", "gene_transformer", {"epochs": 8, "n_blocks": 1}, genes=256),
    Family(
        "attention over terms",
        "pathway_transformer",
        {"epochs": 30, "n_blocks": 1, "n_features": 16, "replicates": 3},
        ROOT,
        FEWER,
    ),
)


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, cache=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="deals of five folds (default 3)")


def measure(arguments: argparse.Namespace) -> Result:
    samples = demo_samples()
    seeds = range(1 if arguments.quick else arguments.seeds)
    changed = {"epochs": 2, "replicates": 1} if arguments.quick else {}
    result = Result(sizes={"cells": len(samples), "genes": len(samples.genes), "seeds": len(seeds)})
    table: list[Row] = []
    for name, classify in LEARNERS.items():
        table.append({"kind": "learner", "family": name, "recipe": "", **scored(name, classify, samples, seeds)})
    best = max(table, key=lambda row: row["macro F1"])
    for each in FAMILIES:
        classify = network(each, knowledge_of(each, samples), changed)
        row = scored(each.recipe, classify, samples, seeds)
        table.append({"kind": "network", "family": each.family, "recipe": each.recipe, **row})
        what = f"{each.recipe}: macro F1 behind the best learner ({best['family']})"
        result.bars.append(Bar(what, BEHIND, best["macro F1"] - row["macro F1"]))
    result.tables["macro F1 of pooled held-out predictions"] = sorted(table, key=lambda row: -row["macro F1"])
    return result


def knowledge_of(family: Family, samples: Samples) -> Any:
    """HumanNet, or the bundled extract of the Gene Ontology."""
    if recipe(family.recipe).knowledge == "network":
        return read_network(data_folder("networks") / "humannet90_symbol.txt.gz")
    return demo_ontology().prune(genes=samples.genes, **{**PRUNING, **family.pruning})


def network(family: Family, knowledge: Any, changed: Mapping[str, Any]) -> Classifier:
    """Compiles the knowledge over the genes of the training cells, trains and predicts."""
    chosen = recipe(family.recipe)
    version = family.version or chosen.default_version

    def classify(train: Samples, test: Samples, seed: int) -> np.ndarray:
        if family.choices:
            return network(chosen_inside(family, knowledge, train, seed, changed), knowledge, changed)(
                train, test, seed
            )
        if family.genes:
            train = select_genes(train, family.genes)
        settings = {**BALANCED, **family.settings, "seed": seed, **changed}
        config, options = recipe_settings(chosen, version, settings)
        if family.recipe == "dcell":
            options = {**MODEL, **options}
        structure, _ = chosen.compile(knowledge, train, **family.compiling)
        model = build_model(chosen, structure, train, version=version, seed=seed, **options)
        fitted = fit(model, train.with_genes(model.genes), config, baselines=())
        return predict(fitted.model, test.with_genes(model.genes)).argmax(axis=1)

    return classify


def chosen_inside(family: Family, knowledge: Any, train: Samples, seed: int, changed: Mapping[str, Any]) -> Family:
    """The family with those of its choices whose single network has the best macro F1 over four inner folds."""
    codes, scores = train.require_targets().values, []
    inner = list(StratifiedKFold(4, shuffle=True, random_state=seed).split(codes, codes))
    for choice in family.choices:
        settings = {**family.settings, **choice}
        classify = network(family._replace(settings=settings, choices=()), knowledge, {**changed, "replicates": 1})
        predicted = np.full(len(codes), -1)
        for fitted, held in inner:
            predicted[held] = classify(train.take(fitted), train.take(held), seed)
        scores.append(f1_score(codes, predicted, average="macro"))
    best = family.choices[int(np.argmax(scores))]
    return family._replace(settings={**family.settings, **best}, choices=())


def searched(estimator: Any, grid: Mapping[str, Any]) -> Classifier:
    """The setting with the best macro F1 over four folds inside the training cells."""

    def classify(train: Samples, test: Samples, seed: int) -> np.ndarray:
        inner = StratifiedKFold(4, shuffle=True, random_state=seed)
        search = GridSearchCV(estimator.set_params(**{_last(estimator): seed}), grid, cv=inner, scoring="f1_macro")
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # The dense network has a fixed number of rounds, which are enough for its score.
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(train.gene_values(), train.require_targets().values)
            return search.predict(test.gene_values())

    return classify


def _last(estimator: Any) -> str:
    return next(name for name in estimator.get_params() if name.endswith("random_state"))


LEARNERS: dict[str, Classifier] = {
    "logistic regression": searched(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        {"logisticregression__C": [1e-3, 1e-2, 1e-1], "logisticregression__class_weight": [None, "balanced"]},
    ),
    "random forest": searched(
        RandomForestClassifier(100), {"min_samples_leaf": [1, 3], "class_weight": [None, "balanced"]}
    ),
    "dense network": searched(
        make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=40)),
        {"mlpclassifier__alpha": [1e-3, 1.0], "mlpclassifier__learning_rate_init": [1e-3, 3e-3]},
    ),
}


def scored(name: str, classify: Classifier, samples: Samples, seeds: range) -> Row:
    """Macro F1 and accuracy of the predictions of all folds together, by seed."""
    codes, started = samples.require_targets().values, time.perf_counter()
    found, accuracy = [], []
    for seed in seeds:
        predicted = np.full(len(samples), -1)
        for train, test in folds(samples, N_FOLDS, seed=seed):
            predicted[test] = classify(samples.take(train), samples.take(test), seed)
        found.append(float(f1_score(codes, predicted, average="macro")))
        accuracy.append(float((predicted == codes).mean()))
        say(f"{name}, seed {seed}: macro F1 {found[-1]:.3f}, accuracy {accuracy[-1]:.3f}")
    seconds = (time.perf_counter() - started) / (len(seeds) * N_FOLDS)
    return {
        "macro F1": float(np.mean(found)),
        **interval(found),
        "accuracy": float(np.mean(accuracy)),
        "fold_s": seconds,
    }


def interval(values: list[float]) -> Row:
    """The 95 % t-interval of the mean over seeds."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return {"low": float("nan"), "high": float("nan")}
    half = float(stdtrit(len(values) - 1, 0.975)) * np.std(values, ddof=1) / np.sqrt(len(values))
    return {"low": float(np.mean(values) - half), "high": float(np.mean(values) + half)}


if __name__ == "__main__":
    main()
