"""Activities of the terms of a gene-set autoencoder, and which of them mark a group."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas
import pytest
from flax import nnx

from kgnn.data import planted_gene_sets
from kgnn.data.export import to_anndata
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.interpret import annotate, latent_enrichment, perturbed, rank_enriched, replicate_read, term_activity
from kgnn.interpret.term_activity import directions
from kgnn.layers import DecoderSettings
from kgnn.models import GeneSetAutoencoder, Replicates
from kgnn.perturb import knockdown
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, TrainConfig, fit, load_run, predict
from tests.commands import fail, succeed
from tests.train.small import quick, small_hierarchy, small_model, small_samples

PLANTED = planted_gene_sets(200, 4, 6, n_missing=0, n_superfluous=0, noise=0.5, seed=2)
CONFIG = TrainConfig(epochs=60, batch_size=50, learning_rate=5e-3, valid_fraction=0.0, score="r2")


@pytest.fixture(scope="module")
def run() -> Run:
    hierarchy, _ = compile_hierarchy(PLANTED.ontology, PLANTED.samples.genes)
    decoder = DecoderSettings(2, "top")
    model = GeneSetAutoencoder(hierarchy, decoder, hidden=(16,), dropout=0.0, kl_weight=0.1, rngs=nnx.Rngs(0))
    return fit(model, PLANTED.samples, CONFIG, baselines=())


def test_directions_are_those_of_the_weights():
    model = GeneSetAutoencoder(small_hierarchy(), DecoderSettings(2, "every"), rngs=nnx.Rngs(0))
    weights = np.asarray(model.decoder.weights_of_genes())
    expected = [weights[genes, term].mean(axis=0) for term, genes in enumerate(model.hierarchy.gene_sets)]
    np.testing.assert_allclose(directions(model), expected, atol=1e-6)


def test_activities_follow_what_made_the_samples(run: Run):
    found = term_activity(run, PLANTED.samples)
    assert found.shape == (200, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
    for term, name in enumerate(run.hierarchy.terms[:-1]):
        truth = PLANTED.activity[:, int(name[4:])]
        assert np.corrcoef(found[:, term], truth)[0, 1] > 0.9, name


def test_the_planted_set_marks_the_group_that_it_is_high_in(run: Run):
    groups = np.where(PLANTED.activity[:, 2] > 0.7, "high", "rest")
    table = latent_enrichment(run, PLANTED.samples, groups, draws=800, seed=1)
    assert table.columns.tolist() == [
        "group", "term", "name", "n_genes", "bayes_factor", "probability", "difference", "effect",
    ]  # fmt: skip
    best = table[table["group"] == "high"].iloc[0]
    assert best["term"] == "SET:02" and best["bayes_factor"] > 2 and best["difference"] > 0
    others = table[(table["group"] == "high") & (table["term"] != "SET:02") & (table["term"] != "ROOT")]
    assert others["bayes_factor"].abs().max() < 1
    mirrored = table[(table["group"] == "rest") & (table["term"] == "SET:02")].iloc[0]
    assert mirrored["bayes_factor"] < -2
    again = latent_enrichment(run, PLANTED.samples, groups, draws=800, seed=1)
    assert again.equals(table)


def test_of_sure_differences_the_largest_come_first():
    table = pandas.DataFrame(
        {"term": list("abcde"), "bayes_factor": [9.0, 2.3, -4.0, 2.2, 3.0], "difference": [0.1, 0.2, -1.0, 5.0, 0.3]}
    )
    assert rank_enriched(table)["term"].tolist() == ["e", "b", "a", "d", "c"]


def test_a_set_knocked_down_moves_its_own_genes(run: Run):
    effects = knockdown(run, subsystems=["SET:01"])
    outputs = effects[effects["target"] == "output"].set_index("name")["effect_sd"]
    inside = PLANTED.ontology.gene_sets["SET:01"]
    assert outputs[sorted(inside)].min() > 10 * outputs.drop(sorted(inside)).max()


def test_a_gene_knocked_down_moves_its_set_most(run: Run):
    gene = sorted(PLANTED.ontology.gene_sets["SET:03"])[0]
    effects = knockdown(run, gene)
    moved = effects[effects["target"] == "subsystem"].set_index("name")["effect"]
    assert moved.idxmax() == "SET:03"


def test_pathways_stand_beside_the_samples_without_a_column_for_every_gene(run: Run):
    data = annotate(to_anndata(PLANTED.samples), run)
    assert data.obsm["kgnn_subsystems"].shape == (200, 5)
    assert data.obsm["kgnn_states"].shape == (200, 10)
    assert data.obsm["kgnn_output"].shape == (200, 24)
    assert not [name for name in data.obs if name.startswith("kgnn_")]


def test_a_run_comes_back_from_its_folder(run: Run, tmp_path):
    run.save(tmp_path)
    loaded = load_run(tmp_path)
    assert predict(loaded.model, PLANTED.samples).tobytes() == predict(run.model, PLANTED.samples).tobytes()
    np.testing.assert_array_equal(term_activity(loaded, PLANTED.samples), term_activity(run, PLANTED.samples))


def test_of_replicates_one_is_read_and_named(run: Run, tmp_path):
    model = run.model
    config = replace(CONFIG, epochs=4, replicates=2, valid_fraction=0.2)
    both = fit(model, PLANTED.samples, config, baselines=())
    assert isinstance(both.model, Replicates)
    each = both.metrics["replicates"]["valid"]["r2"]["each"]
    best = int(np.argmax(each))
    assert each[0] != each[1] and replicate_read(both) == best and replicate_read(run) is None
    assert replicate_read(replace(both, metrics={"score": "r2"})) == 0
    alone = [replace(both, model=both.model.member(number)) for number in range(2)]
    expected = [term_activity(one, PLANTED.samples) for one in alone]
    np.testing.assert_array_equal(term_activity(both, PLANTED.samples), expected[best])
    cells = to_anndata(PLANTED.samples)
    cells.obs["kind"] = np.where(np.arange(200) % 2, "a", "b")
    for chosen in (None, 1 - best):
        number = best if chosen is None else chosen
        data = annotate(cells, both, groups="kind", replicate=chosen)
        assert data.uns["kgnn"]["replicate"] == number
        np.testing.assert_array_equal(data.obsm["kgnn_activity"], expected[number])
        enriched = latent_enrichment(alone[number], PLANTED.samples, cells.obs["kind"].tolist())
        assert data.uns["kgnn"]["enrichment"].equals(enriched.reset_index(drop=True))
        moved = perturbed(cells, both, subsystems=["SET:03"], replicate=chosen)
        change = perturbed(cells, alone[number], subsystems=["SET:03"]).obsm["kgnn_activity_change"]
        assert moved.uns["kgnn_perturbed"]["replicate"] == number
        assert moved.obsm["kgnn_activity_change"].equals(change)
    assert "replicate" not in annotate(cells, run).uns["kgnn"]
    both.save(tmp_path / "run")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    words = ("annotate", tmp_path / "run", "--samples", tmp_path / "cells.h5ad", "--groups", "kind")
    told = succeed(*words, "--out", tmp_path / "best.h5ad").out
    assert f"activities are those of replicate {best}" in told
    printed = succeed(*words, "--replicate", str(1 - best), "--out", tmp_path / "o.h5ad", "--json").json()
    assert printed["replicate"] == 1 - best
    written = anndata.read_h5ad(tmp_path / "o.h5ad")
    np.testing.assert_allclose(written.obsm["kgnn_activity"], expected[1 - best], rtol=1e-5, atol=1e-6)
    assert "there is no replicate 2. Choose one of 0 to 1" in fail(
        *words, "--replicate", "2", "--out", tmp_path / "no.h5ad"
    )
    with pytest.raises(RunError, match="replicate 0 is asked for, but the run holds one network"):
        annotate(cells, run, replicate=0)


def test_what_cannot_be_compared_is_refused(run: Run):
    with pytest.raises(AlignmentError, match="3 groups for 200 samples"):
        latent_enrichment(run, PLANTED.samples, ["a", "b", "c"])
    with pytest.raises(KgnnError, match="of one group"):
        latent_enrichment(run, PLANTED.samples, ["a"] * 200)
    other = fit(small_model(), small_samples(), quick(epochs=1), baselines=())
    with pytest.raises(RunError, match="VisibleNetwork"):
        term_activity(other, small_samples())
