"""Knowledge and samples that each recipe can be built from: one of each kind, and an entry where one needs more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from kgnn.data import Modality, Samples, Targets, sequence_samples, toy, toy_contacts
from kgnn.knowledge import Motif, MotifSet, Network, build_network
from kgnn.models import Model
from kgnn.structure import Structure
from kgnn.train import TrainConfig
from kgnn.zoo import Recipe, build_model
from kgnn.zoo.fit_recipe import recipe_settings

N_SAMPLES = 43
TOY = toy("additive", n_samples=N_SAMPLES, n_genes=23)
CONTACTS = toy_contacts(1, N_SAMPLES)


@dataclass(frozen=True)
class Case:
    """What a recipe is tried on.

    Attributes:
        knowledge: What it is compiled from.
        samples: With targets of one of its tasks.
        settings: Options of the recipe and settings of training that keep it small.
        compiling: Arguments of the function that compiles its knowledge.
        silent: Terms whose gate need not act on the output, such as those that only an auxiliary head reads.
        still: Parameters, by the end of their names, whose gradient may be 0 at the start.
    """

    knowledge: Any
    samples: Samples
    settings: Mapping[str, Any] = field(default_factory=dict)
    compiling: Mapping[str, Any] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    still: tuple[str, ...] = ()


def expression(task: str = "regression") -> Samples:
    """Abundances of the toy's genes."""
    random = np.random.default_rng(1)
    values = random.normal(2.0, 1.0, (N_SAMPLES, len(TOY.samples.genes))).astype(np.float32)
    return Samples.from_values(values, TOY.samples.genes, meaning="abundance", targets=targets_of(values, task))


def targets_of(values: np.ndarray, task: str) -> Targets:
    """Targets of a kind that the first columns make."""
    score = values[:, :3].sum(axis=1) + 0.5 * values[:, 3] * values[:, 4]
    if task == "classes":
        return Targets((score > np.median(score)).astype(np.int32), ("low", "high"), task)
    if task == "labels":
        return Targets((values[:, :2] > np.median(values[:, :2], axis=0)).astype(np.float32), ("a", "b"), task)
    return Targets(score[:, None].astype(np.float32), ("phenotype",), task)


@cache
def toy_network() -> Network:
    """An undirected graph over the toy's genes in one piece."""
    genes = TOY.samples.genes
    random = np.random.default_rng(2)
    pairs = {(a, a + 1) for a in range(len(genes) - 1)}
    pairs |= {tuple(sorted(random.choice(len(genes), 2, replace=False).tolist())) for _ in range(30)}
    source, target = np.array(sorted(pairs)).T
    return build_network(list(genes), source, target, weight=random.uniform(0.2, 1.0, len(source)))


@cache
def toy_regulation(feedback: bool = False) -> Network:
    """A directed graph from the toy's genes to two outputs, with shortcuts and signs; with feedback, two loops too."""
    genes = [f"{gene}_gene" for gene in TOY.samples.genes]
    edges = [(gene, f"P{place % 5}") for place, gene in enumerate(genes)] + [(genes[0], "Q1"), (genes[3], "P2")]
    edges += [
        ("P0", "Q0"),
        ("P1", "Q0"),
        ("P2", "Q1"),
        ("P3", "Q1"),
        ("P4", "Q2"),
        ("P0", "Q2"),
        ("Q0", "R"),
        ("Q1", "R"),
    ]
    edges += [("R", "a"), ("Q2", "a"), ("R", "b"), ("P3", "b")]
    edges += [("R", "P0"), ("Q2", "P4")] if feedback else []
    names = sorted({name for edge in edges for name in edge})
    source, target = (np.array([names.index(edge[end]) for edge in edges]) for end in (0, 1))
    return build_network(names, source, target, sign=np.resize([1, -1, 0], len(edges)), directed=True)


@cache
def toy_motifs() -> MotifSet:
    """Three motifs of different widths."""
    random = np.random.default_rng(3)
    widths = {"MA1": 5, "MA2": 7, "MA3": 4}
    return MotifSet(
        tuple(
            Motif.from_counts(
                name, random.multinomial(40, random.dirichlet([0.2] * 4), width).tolist(), name=f"TF {name}"
            )
            for name, width in widths.items()
        )
    )


def sequences(task: str = "labels", length: int = 30) -> Samples:
    """One-hot sequences, flattened position by position."""
    random = np.random.default_rng(4)
    codes = random.integers(4, size=(N_SAMPLES, length))
    values = np.eye(4, dtype=np.uint8)[codes].reshape(N_SAMPLES, -1)
    names = tuple(f"{place}{base}" for place in range(1, length + 1) for base in "ACGT")
    counts = np.stack([(codes == base).sum(axis=1) for base in range(4)], axis=1).astype(np.float32)
    found = targets_of(np.concatenate([counts, counts[:, :1]], axis=1), task)
    if task == "labels":
        found = Targets(found.values[:, :1], ("bound",), task)
    return Samples.from_values(values, names, meaning="sequence", targets=found)


def pairs_of_cells_and_drugs(each: Recipe) -> Samples:
    """Seven cells and five drugs, in pairs."""
    genes = TOY.samples.modalities[TOY.samples.gene_modality]
    bits = (np.random.default_rng(0).random((5, 11)) < 0.4).astype(np.uint8)
    drugs = Modality(bits, tuple(f"bit {k}" for k in range(11)), tuple("vwxyz"), "signal")
    cell, drug = np.arange(N_SAMPLES, dtype=np.int32) % 7, np.arange(N_SAMPLES, dtype=np.int32) % 5
    genotype = Modality(genes.values[:7], genes.features, genes.rows[:7], "alteration")
    target = genes.values[cell].sum(axis=1) + bits[drug].sum(axis=1)
    return Samples(
        names=tuple(f"pair {k}" for k in range(N_SAMPLES)),
        modalities=dict(zip(each.modalities, (genotype, drugs), strict=True)),
        row_of_sample=dict(zip(each.modalities, (cell, drug), strict=True)),
        targets=Targets(target[:, None].astype(np.float32), ("response",), "regression"),
        covariates={"cell": cell.astype(str), "drug": drug.astype(str)},
    )


def tables_of_genes(names: tuple[str, ...], task: str, meaning: str = "alteration") -> Samples:
    """Several tables of the same genes, a row a sample each."""
    first = TOY.samples.modalities[TOY.samples.gene_modality]
    random = np.random.default_rng(5)
    tables = {
        name: replace(first, values=(random.random(first.values.shape) < 0.3).astype(np.uint8), meaning=meaning)
        for name in names
    }
    rows = {name: np.arange(N_SAMPLES, dtype=np.int32) for name in names}
    values = np.asarray(tables[names[0]].values[np.arange(N_SAMPLES)], np.float32)
    return Samples(TOY.samples.names, tables, rows, targets_of(values, task))


ALTERATIONS = ("mutation", "deletion", "amplification")


def promoters_and_factors() -> Samples:
    """Promoters that hold a site of every toy motif, and the expression of their factors."""
    random = np.random.default_rng(6)
    words = ["".join("ACGT"[base] for base in motif.frequencies.argmax(axis=1)) for motif in toy_motifs()]
    letters = ["".join(random.permutation([*words, *"ACGT"])) for _ in range(N_SAMPLES)]
    levels = random.random((N_SAMPLES, 4)).astype(np.float32)
    rows = tuple(f"sample_{number}" for number in range(N_SAMPLES))
    factors = (*toy_motifs().names, "another")
    every = np.arange(N_SAMPLES, dtype=np.int32)
    promoters = sequence_samples(letters).modalities["sequence"]
    return Samples(
        rows,
        {"sequence": promoters, "expression": Modality(levels, factors, rows, "abundance")},
        {"sequence": every, "expression": every},
        targets_of(np.concatenate([levels, levels[:, :1]], axis=1), "regression"),
    )


ENTRIES: dict[str, Callable[[Recipe], Case]] = {
    "chromegcn": lambda each: Case(CONTACTS.contacts, CONTACTS.samples),
    "drugcell": lambda each: Case(TOY.ontology, pairs_of_cells_and_drugs(each)),
    "kpnn": lambda each: Case(toy_regulation(), expression("labels")),
    "kpnn feedback": lambda each: Case(toy_regulation(feedback=True), expression("labels")),
    "sparsego": lambda each: Case(TOY.ontology, pairs_of_cells_and_drugs(each)),
    "pnet": lambda each: Case(TOY.ontology, tables_of_genes(("mutation", "deletion"), "labels")),
    "binn": lambda each: Case(TOY.ontology, tables_of_genes(("expression", "measured"), "classes")),
    "nest_vnn": lambda each: Case(TOY.ontology, tables_of_genes(ALTERATIONS, "regression")),
    # A rectified unit above these three is at 0 for all samples at the start.
    "dtox": lambda each: Case(TOY.ontology, TOY.samples, silent=("TOY:0002", "TOY:0003", "TOY:0004")),
    "danq": lambda each: Case(toy_motifs(), sequences(), {"recurrent": 3}),
    "site_attention": lambda each: Case(toy_motifs(), promoters_and_factors()),
}
"""Recipes, or one version, that the toys of their kind of knowledge do not suit."""


def case_for(each: Recipe, version: str = "") -> Case:
    """Its entry, else the toy of its kind of knowledge."""
    for name in (f"{each.card.name} {version}", each.card.name):
        if name in ENTRIES:
            return ENTRIES[name](each)
    if each.knowledge == "motifs":
        return Case(toy_motifs(), sequences("labels" if "labels" in each.tasks else each.tasks[0]))
    task = "regression" if "regression" in each.tasks else each.tasks[0]
    if each.knowledge == "network":
        return Case(toy_network(), expression(task))
    return Case(TOY.ontology, TOY.samples if task == "regression" else expression(task))


@dataclass(frozen=True)
class Built:
    """A model of a recipe on its toy, as `kgnn.zoo.fit_recipe` makes it."""

    structure: Structure
    samples: Samples
    model: Model
    config: TrainConfig


def built(each: Recipe, version: str = "") -> Built:
    """The model of a version and its settings, made small."""
    case, version = case_for(each, version), version or each.default_version
    small = {"epochs": 2, "batch_size": 16, "replicates": 1, "checkpoint_every": 0, "patience": 0}
    config, options = recipe_settings(each, version, {**small, **case.settings})
    structure, _ = each.compile(case.knowledge, case.samples, version=version, **case.compiling)
    samples = case.samples if each.prepare is None else each.prepare(case.samples, structure)
    model = build_model(each, structure, samples, version=version, **options)
    return Built(structure, samples.with_genes(model.genes), model, config)
