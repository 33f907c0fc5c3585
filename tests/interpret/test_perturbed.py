"""Genes and terms knocked down in every cell of an AnnData, by a gene-set autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flax import nnx

from kgnn.data import planted_gene_sets
from kgnn.data.export import to_anndata
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.interpret import annotate, perturbed
from kgnn.layers import DecoderSettings
from kgnn.models import GeneSetAutoencoder
from kgnn.perturb import knockdown
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, TrainConfig, fit
from tests.train.small import quick, small_model, small_samples

PLANTED = planted_gene_sets(60, 4, 6, n_missing=0, n_superfluous=0, noise=0.5, seed=2)
INSIDE = sorted(PLANTED.ontology.gene_sets["SET:01"])


@pytest.fixture(scope="module")
def run() -> Run:
    hierarchy, _ = compile_hierarchy(PLANTED.ontology, PLANTED.samples.genes)
    model = GeneSetAutoencoder(hierarchy, DecoderSettings(2, "top"), hidden=(16,), dropout=0.0, rngs=nnx.Rngs(0))
    config = TrainConfig(epochs=10, batch_size=20, learning_rate=5e-3, valid_fraction=0.0, score="r2")
    return fit(model, PLANTED.samples, config, baselines=())


@pytest.fixture
def data() -> Any:
    return to_anndata(PLANTED.samples)


def test_a_term_changes_its_own_genes_and_itself_alone(run: Run, data: Any):
    found = perturbed(data, run, subsystems=["SET:01"])
    change, activity = found.obsm["kgnn_change"], found.obsm["kgnn_activity_change"]
    assert change.shape == (60, 24) and activity.shape == (60, 5) and change.index.equals(data.obs_names)
    moved = set(change.columns[(change != 0).any()])
    assert moved == set(INSIDE) and set(activity.columns[(activity != 0).any()]) == {"SET:01"}
    # The table of a knockdown has the mean over the same cells.
    effects = knockdown(run, subsystems=["SET:01"], samples=PLANTED.samples)
    expected = effects[effects["target"] == "output"].set_index("name")["effect"]
    np.testing.assert_allclose(change.mean()[INSIDE], expected[INSIDE], rtol=1e-4, atol=1e-5)
    # The activity is the mean change of the genes of the term, in standard deviations of training.
    scale = np.asarray(run.model.output_scaling.scale[...])
    standard = (change / scale)[INSIDE].mean(axis=1)
    np.testing.assert_allclose(activity["SET:01"], standard, rtol=1e-4, atol=1e-4)
    assert "kgnn_change" not in data.obsm and dict(found.uns["kgnn_perturbed"]) == {
        "genes": [], "subsystems": ["SET:01"], "dose": 1.0,
    }  # fmt: skip


def test_a_gene_is_taken_toward_nothing_in_what_the_model_reads(run: Run, data: Any):
    found = perturbed(data, run, [INSIDE[0], INSIDE[2]], dose=0.25)
    by_hand = data.copy()
    for gene in (INSIDE[0], INSIDE[2]):
        by_hand.X[:, by_hand.var_names.get_loc(gene)] *= 0.75
    expected = annotate(by_hand, run).obsm["kgnn_output"] - annotate(data, run).obsm["kgnn_output"]
    np.testing.assert_allclose(found.obsm["kgnn_change"], expected, atol=1e-4)
    assert (perturbed(data, run, INSIDE, dose=0.0).obsm["kgnn_change"] == 0).all(axis=None)


def test_groups_are_compared_beside_the_samples(run: Run, data: Any):
    data.obs["kind"] = np.where(PLANTED.activity[:, 2] > 0.5, "high", "rest")
    found = annotate(data, run, groups="kind")
    table = found.uns["kgnn"]["enrichment"]
    assert set(table["group"]) == {"high", "rest"} and len(table) == 10
    assert found.obsm["kgnn_activity"].shape == (60, 5)
    with pytest.raises(KgnnError, match="no column 'type' of groups. It has G000, .* and 20 more"):
        annotate(data, run, groups="type")


def test_what_means_nothing_is_refused(run: Run, data: Any):
    with pytest.raises(AlignmentError, match="does not know 1 of 2 genes: nobody"):
        perturbed(data, run, [INSIDE[0], "nobody"])
    with pytest.raises(AlignmentError, match="does not know 1 of 1 terms: SET:99"):
        perturbed(data, run, subsystems=["SET:99"])
    with pytest.raises(KgnnError, match="dose is 2"):
        perturbed(data, run, INSIDE, dose=2)
    with pytest.raises(KgnnError, match="neither genes nor subsystems"):
        perturbed(data, run)
    other = fit(small_model(), small_samples(), quick(epochs=1), baselines=())
    with pytest.raises(RunError, match="VisibleNetwork"):
        perturbed(data, other, INSIDE)
