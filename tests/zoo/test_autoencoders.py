"""The gene-set autoencoders of the zoo, from an ontology and samples without targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgnn.data import planted_gene_sets
from kgnn.errors import AlignmentError
from kgnn.zoo import build_model, fit_recipe, recipe
from kgnn.zoo.reconstruct import own_targets

NAMES = ("vega", "ontovae", "expimap")
PLANTED = planted_gene_sets(120, 3, 6, n_missing=0, n_superfluous=0, noise=0.5, seed=2)
SAMPLES = replace(PLANTED.samples, targets=None)
COUNTS = SAMPLES.with_gene_values(np.random.default_rng(0).poisson(np.exp(PLANTED.samples.gene_values() - 4)) + 0.0)
QUICK = {"epochs": 40, "batch_size": 40, "learning_rate": 0.01, "checkpoint_every": 0}


@pytest.mark.parametrize("name", NAMES)
def test_reconstructs_better_than_the_mean_and_than_shuffled_sets(name: str):
    samples = COUNTS if name == "expimap" else SAMPLES
    run = fit_recipe(recipe(name), PLANTED.ontology, samples, settings=QUICK)
    assert run.output_names == run.hierarchy.genes
    assert set(run.metrics["baselines"]) == {"mean", "shuffled"}
    found, shuffled = run.metrics["model"]["valid"], run.metrics["baselines"]["shuffled"]["valid"]
    assert found["r2"] > max(0.1, shuffled["r2"])


@pytest.mark.parametrize(("name", "version"), [(name, version) for name in NAMES for version in ("robust", "paper")])
def test_options_go_where_they_belong(name: str, version: str):
    each = recipe(name)
    structure, _ = each.compile(PLANTED.ontology, SAMPLES)
    samples = own_targets(SAMPLES, structure)
    model = build_model(each, structure, samples, version=version, soft=0.2, kl_weight=0.3)
    assert model.decoder.settings.soft == 0.2 and model.kl_weight == 0.3
    assert model.genes == structure.genes == model.output_names
    assert model.decoder.settings.non_negative == (name == "vega" or (name, version) == ("ontovae", "paper"))
    with pytest.raises(AlignmentError, match="reconstructs its 18 genes"):
        each(structure, rngs=None, outputs=("growth",))
