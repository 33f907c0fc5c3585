"""P-NET, BINN and GenNet find a planted pathway by importance, and do not where genes are shuffled.

The phenotype is made below `TOY:0001` (see `kgnn.data.toy`), as each system reads it: of mutations and deletions, of
abundances with gaps that say nothing, of allele counts of two variants a gene.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import pytest

from kgnn.data import Samples, Targets, mask_missing, toy
from kgnn.interpret import importance
from kgnn.knowledge import Ontology, annotate_variants
from kgnn.structure import shuffle_genes
from kgnn.train import Run, fit
from kgnn.zoo import build_model, recipe

pytestmark = pytest.mark.slow

EXAMPLE = toy(n_samples=2)
GENES, CAUSAL = EXAMPLE.samples.genes, EXAMPLE.causal_genes
BRANCH = {"TOY:0001", "TOY:0002", "TOY:0003", "TOY:0004"}
N_TRAIN, N_TEST = 480, 120
IS_CAUSAL = np.isin(GENES, CAUSAL)


def halves(score: np.ndarray, names: tuple[str, ...]) -> Targets:
    codes = (score > np.median(score)).astype(np.int32)
    if len(names) == 1:
        return Targets(codes[:, None].astype(np.float32), names, "labels")
    return Targets(codes, names, "classes")


def altered(random: np.random.Generator) -> Samples:
    """A mutation and a deletion weigh alike."""
    tables = {name: (random.random((N_TRAIN + N_TEST, len(GENES))) < 0.25) for name in ("mutation", "deletion")}
    score = sum(table[:, IS_CAUSAL].sum(axis=1) for table in tables.values())
    score = score + 0.3 * random.normal(size=N_TRAIN + N_TEST)
    first = Samples.from_values(tables["mutation"], GENES, meaning="alteration", targets=halves(score, ("progresses",)))
    own, rows = first.modalities[first.gene_modality], next(iter(first.row_of_sample.values()))
    both = {name: replace(own, values=table.astype(np.uint8)) for name, table in tables.items()}
    return replace(first, modalities=both, row_of_sample=dict.fromkeys(both, rows))


def measured(random: np.random.Generator) -> Samples:
    """A fifth of the abundances are gaps, whatever the class."""
    values = random.normal(20.0, 2.0, (N_TRAIN + N_TEST, len(GENES)))
    score = values[:, IS_CAUSAL].sum(axis=1)
    values[random.random(values.shape) < 0.2] = np.nan
    return mask_missing(values, GENES, targets=halves(score, ("one", "two")))


def of_leaves(random: np.random.Generator) -> Samples:
    """Five classes: which of five pathways without children is highest."""
    values = random.normal(size=(N_TRAIN + N_TEST, len(GENES))).astype(np.float32)
    leaves = ("TOY:0008", "TOY:0009", "TOY:0010", "TOY:0003", "TOY:0013")
    own = [np.isin(GENES, list(EXAMPLE.ontology.direct_genes[leaf])) for leaf in leaves]
    highest = np.stack([values[:, each].mean(axis=1) * np.sqrt(each.sum()) for each in own]).argmax(axis=0)
    return Samples.from_values(
        values, GENES, meaning="abundance", targets=Targets(highest.astype(np.int32), leaves, "classes")
    )


def genotyped(random: np.random.Generator) -> tuple[Ontology, Samples]:
    """Two variants a gene, with 0, 1 or 2 alleles."""
    pairs = [(f"rs{number}", GENES[number // 2]) for number in range(2 * len(GENES))]
    counts = random.binomial(2, 0.3, (N_TRAIN + N_TEST, len(pairs))).astype(np.float32)
    score = counts[:, np.repeat(IS_CAUSAL, 2)].sum(axis=1) + 0.3 * random.normal(size=N_TRAIN + N_TEST)
    ontology = annotate_variants(EXAMPLE.ontology, pairs)
    targets = halves(score, ("ill",))
    return ontology, Samples.from_values(counts, [name for name, _ in pairs], meaning="abundance", targets=targets)


def fitted(name: str, ontology: Ontology, samples: Samples, *, shuffled: bool = False, **options: Any) -> Run:
    each = recipe(name)
    hierarchy, _ = each.compile(ontology, samples)
    hierarchy = shuffle_genes(hierarchy, 1) if shuffled else hierarchy
    samples = samples.with_genes(hierarchy.genes)
    train, test = samples.take(range(N_TRAIN)), samples.take(range(N_TRAIN, N_TRAIN + N_TEST))
    config = each.config().updated({"epochs": 60, "batch_size": 32, "replicates": 1, "valid_fraction": 0.0})
    return fit(build_model(each, hierarchy, train, **options), train, config, test=test, baselines=())


def by_pathway(run: Run, measure: str) -> pandas.Series:
    """Importance of every pathway below the root, the largest of its copies, falling."""
    table, hierarchy = importance(run, measure, n_null=0), run.hierarchy
    copied = np.arange(hierarchy.n_terms) if hierarchy.copy_of is None else hierarchy.copy_of
    original = {term: hierarchy.terms[place] for term, place in zip(hierarchy.terms, copied, strict=True)}
    of_pathway = table.assign(pathway=table["term"].map(original)).groupby("pathway")["importance"].max()
    return of_pathway.drop(hierarchy.root).sort_values(ascending=False)


@pytest.mark.parametrize(
    ("name", "make", "options"), [("pnet", altered, {"gene_dropout": 0.1}), ("binn", measured, {})]
)
def test_pnet_and_binn_find_the_planted_pathway(name: str, make: Any, options: dict[str, Any]):
    run = fitted(name, EXAMPLE.ontology, make(np.random.default_rng(7)), **options)
    assert run.metrics["model"]["test"]["accuracy"] > 0.75
    for measure in ("knockdown", "sensitivity"):
        found = by_pathway(run, measure)
        assert found.index[0] in BRANCH, measure
        assert found[list(BRANCH)].max() > 2 * found.drop(list(BRANCH)).max(), measure


@pytest.mark.parametrize("name", ["binn", "gennet"])
def test_pathways_of_one_unit_below_the_root_tell_five_classes_apart(name: str):
    run = fitted(name, EXAMPLE.ontology, of_leaves(np.random.default_rng(7)))
    assert run.metrics["model"]["test"]["accuracy"] > 0.6


def test_gennet_finds_the_planted_pathway_and_its_genes():
    ontology, samples = genotyped(np.random.default_rng(7))
    run = fitted("gennet", ontology, samples)
    assert run.metrics["model"]["test"]["accuracy"] > 0.75
    found = by_pathway(run, "knockdown")
    pathways, genes = found[~found.index.isin(GENES)], found[found.index.isin(GENES)]
    assert pathways.index[0] in BRANCH
    assert pathways[list(BRANCH)].max() > 2 * pathways.drop(list(BRANCH)).max()
    assert set(genes.index[: len(CAUSAL)]) == set(CAUSAL)


def test_under_shuffled_genes_no_pathway_stands_out():
    run = fitted("binn", EXAMPLE.ontology, measured(np.random.default_rng(7)), shuffled=True)
    found = by_pathway(run, "knockdown")
    assert found.drop(list(BRANCH)).max() > 0.5 * found[list(BRANCH)].max()
