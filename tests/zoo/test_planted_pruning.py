"""The recipe parsvnn finds the annotations that planted data do not need, by its own rule and its own prices."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, Targets
from kgnn.knowledge import Annotation, Ontology, Relation, Term
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import prune
from kgnn.train.prune import kept_edges
from kgnn.zoo import fit_recipe, recipe

#   R ── U ── T0: a0 ... f0    T1: a1 ... f1
#     ── V ── T2: a2 ... f2    T3: a3 ... f3
SETS = {f"T{n}": [f"{letter}{n}" for letter in "abcdef"] for n in range(4)}
PARENTS = {"T0": "U", "T1": "U", "T2": "V", "T3": "V", "U": "R", "V": "R"}
GENES = [gene for genes in SETS.values() for gene in genes]
NEEDED = {"a0", "b0", "a1", "b1", "a2"}


def planted_ontology() -> Ontology:
    terms = {name: Term(name, name) for name in ("R", "U", "V", *SETS)}
    annotations = tuple(Annotation(gene, term) for term, genes in SETS.items() for gene in genes)
    return Ontology(terms, tuple(Relation(*pair) for pair in PARENTS.items()), annotations)


def planted(n: int, seed: int) -> Samples:
    """Growth is a sum over two terms that saturate, and one gene of a third; nothing else says anything."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, len(GENES))).astype(np.float32)
    of = dict(zip(GENES, values.T, strict=True))
    growth = np.tanh(of["a0"] - of["b0"]) + np.tanh(of["a1"] + of["b1"]) + of["a2"] + 0.3 * random.normal(size=n)
    targets = Targets(np.asarray(growth, np.float32)[:, None], ("growth",), "regression")
    return Samples.from_values(values, GENES, meaning="abundance", targets=targets)


def kept_genes(hierarchy: Hierarchy, kept: np.ndarray) -> set[str]:
    return {hierarchy.genes[gene] for gene in hierarchy.annotation_gene[kept > 0]}


@pytest.mark.slow
def test_annotations_that_nothing_needs_go_and_the_others_stay():
    parsvnn, (train, valid, test) = recipe("parsvnn"), (planted(n, k) for k, n in enumerate((1500, 200, 300)))
    run = fit_recipe(parsvnn, planted_ontology(), train, valid=valid, test=test, baselines=())
    found = prune(run.model, train, run.settings, valid=valid, test=test)
    assert found.run.metrics["pruned"]["price_rule"] == "lasso"
    left = set(found.run.hierarchy.genes)
    assert left >= NEEDED and len(left - NEEDED) <= len(set(GENES) - NEEDED) / 2
    score, before = (each.metrics["model"]["test"]["pearson"] for each in (found.run, run))
    assert score > 0.96 and score > before - 0.005
    # The fit by itself has set edges to 0 as well, and none that it needs.
    by_fit = kept_genes(run.hierarchy, kept_edges(run.model)[0])
    assert by_fit >= NEEDED and len(by_fit) < 0.8 * len(GENES)


def test_the_paper_version_has_the_published_thresholds():
    parsvnn, hierarchy = recipe("parsvnn"), compile_hierarchy(planted_ontology(), GENES)[0]
    rate = parsvnn.config("paper").learning_rate
    subsystems = parsvnn(hierarchy, rngs=nnx.Rngs(0), version="paper").subsystems
    threshold = np.sqrt(2 * 1e-3 * 1e-3)
    values = np.linspace(0, 2 * threshold, len(hierarchy.annotation_gene)).astype(np.float32)
    of_genes = subsystems.gene_layer.weight.get_metadata("proximal")  # type: ignore[union-attr]
    np.testing.assert_array_equal(np.asarray(of_genes(values, rate)), np.where(values > threshold, values, 0))
    blocks = np.zeros((len(hierarchy.relation_child), 36), np.float32)
    blocks[:, 0] = np.linspace(0, 1e-2, len(blocks))
    found = subsystems.child_weights.get_metadata("proximal")(blocks.reshape(-1), rate).reshape(blocks.shape)
    np.testing.assert_allclose(found[:, 0], np.maximum(0, blocks[:, 0] - 0.5 * 1e-3), atol=1e-7)


def test_the_rule_is_an_option():
    short = {"price_rule": "l0", "epochs": "1"}
    run = fit_recipe(recipe("parsvnn"), planted_ontology(), planted(40, 0), baselines=(), settings=short)
    assert run.model.arguments.settings.price_rule == "l0"
