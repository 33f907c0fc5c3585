"""Commands that read a trained network in ways of its kind: soft links, activities of terms, node weights, doses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest
from sklearn.metrics import roc_auc_score

from kgnn.data import planted_gene_sets, regulatory_toy
from kgnn.data.export import to_anndata
from kgnn.interpret import importance, perturbed, selected_edges, term_activity
from kgnn.perturb import dose_response
from kgnn.train import load_run
from tests.commands import fail, succeed
from tests.conftest import Trained
from tests.written import write_drugcell_text

SETS = planted_gene_sets(30, 3, 5, n_missing=2, n_superfluous=2, noise=0.5, seed=2)
REGULATION = regulatory_toy(n_samples=24, seed=1)


@pytest.fixture(scope="module")
def cells(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cells of two kinds, and a gene-set autoencoder with prices trained on them."""
    folder = tmp_path_factory.mktemp("cells")
    data = to_anndata(replace(SETS.samples, targets=None))
    data.obs["kind"] = np.where(SETS.activity[:, 1] > 0, "high", "low")
    data.write_h5ad(folder / "cells.h5ad")
    write_drugcell_text(SETS.ontology, folder / "sets.txt")
    succeed(
        "train", "--recipe", "vega", "--ontology", folder / "sets.txt", "--train", folder / "cells.h5ad",
        "--meaning", "abundance", "--epochs", "3", "--no-baselines", "--set", "soft=0.05", "--set", "edge_price=0.05",
        "--out", folder / "run",
    )  # fmt: skip
    return folder


def test_edges_of_a_run(cells: Path):
    out = cells / "edges.tsv"
    found = succeed("edges", cells / "run", "--out", out, "--json").json()
    table, expected = pandas.read_csv(out, sep="\t"), selected_edges(load_run(cells / "run"))
    assert table["gene"].tolist() == expected["gene"].tolist() and found["n_fits"] == 1
    beyond = expected[~expected["in_prior"] & (expected["selected"] >= 0.8)]
    assert len(found["beyond_prior"]) == len(beyond) and 0 <= found["prior_not_needed"] <= 1
    text = succeed("edges", cells / "run", "--out", out, "--at-least", "0.5").out
    assert f"{len(beyond):,} links beyond the prior in at least 50% of 1 fits" in text
    again = succeed("edges", cells / "run", "--samples", cells / "cells.h5ad", "--fits", "2", "--out", out, "--json")
    assert again.json()["n_fits"] == 2


def test_edges_that_cannot_be_counted(cells: Path, trained: Trained):
    out = ("--out", cells / "e.tsv")
    assert "--fits and --samples go together" in fail("edges", cells / "run", "--fits", "2", *out)
    words = ("--fits", "2", "--samples", cells / "cells.h5ad")
    assert "2 runs are given with --fits" in fail("edges", cells / "run", cells / "run", *words, *out)
    assert "links are read off gene-set autoencoders" in fail("edges", trained.run, *out)
    assert "--soft needs --samples and --fits" in fail("edges", trained.run, "--soft", "0.1", *out)


def test_edges_of_a_visible_network(cells: Path, trained: Trained):
    words = ("--samples", trained.folder / "train.csv", "--read", "target=growth", "--fits", "1", "--soft", "1e-9")
    found = succeed("edges", trained.run, *words, "--out", cells / "v.tsv", "--json").json()
    table = pandas.read_csv(cells / "v.tsv", sep="\t")
    assert found["n_fits"] == 1 and len(found["beyond_prior"]) == (~table["in_prior"]).sum() > 0
    assert found["prior_not_needed"] is None
    text = succeed("edges", trained.run, *words, "--out", cells / "v.tsv").out
    assert (
        "the prior's links had no price, so that every fit kept them: kgnn prune tells" in text
        and "%" not in (text.splitlines()[1])
    )


def test_help_says_which_samples_are_taken():
    edges = " ".join(succeed("edges", "--help").out.replace("│", " ").split())
    assert "{RUN}..." in edges and "…" not in edges and "that every fit sees a half of" in edges
    for command in ("knockdown", "screen"):
        text = " ".join(succeed(command, "--help").out.replace("│", " ").split())
        assert "else the wild type for alterations alone, else those that the run held out" in text


def test_activities_enrichment_and_a_perturbation_beside_cells(cells: Path):
    gene = sorted(SETS.ontology.gene_sets["SET:00"])[0]
    words = ("--samples", cells / "cells.h5ad", "--groups", "kind", "--perturb", f"{gene},SET:01")
    succeed("annotate", cells / "run", *words, "--out", cells / "annotated.h5ad")
    found, run = anndata.read_h5ad(cells / "annotated.h5ad"), load_run(cells / "run")
    samples = SETS.samples.with_genes(run.model.genes)
    np.testing.assert_allclose(found.obsm["kgnn_activity"], term_activity(run, samples), rtol=1e-5, atol=1e-5)
    assert set(found.uns["kgnn"]["enrichment"]["group"]) == {"high", "low"}
    expected = perturbed(anndata.read_h5ad(cells / "cells.h5ad"), run, [gene], ["SET:01"]).obsm["kgnn_change"]
    np.testing.assert_allclose(found.obsm["kgnn_change"], expected, rtol=1e-5, atol=1e-6)
    assert "does not know 1 of 1 terms: SET:77" in fail(
        "annotate", cells / "run", *words[:2], "--perturb", "SET:77", "--out", cells / "no.h5ad"
    )
    assert not (cells / "no.h5ad").exists()


@pytest.fixture(scope="module")
def regulated(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A KPNN and one on control inputs, both from a file of counts."""
    folder = tmp_path_factory.mktemp("kpnn")
    edges = [f"{edge.target},{edge.source}\n" for edge in REGULATION.network.edges]
    (folder / "edges.csv").write_text("parent,child\n" + "".join(edges))
    samples = REGULATION.samples
    (output,) = samples.require_targets().names
    to_anndata(samples).write_h5ad(folder / "counts.h5ad")
    for counts in ("log", "control"):
        succeed(
            "pack", folder / "counts.h5ad", "--target", output, "--meaning", "abundance", "--read", "kind=labels",
            "--counts", counts, "--out", folder / counts,
        )  # fmt: skip
        succeed(
            "train", "--recipe", "kpnn", "--network", folder / "edges.csv", "--train", folder / counts, "--epochs", "2",
            "--no-baselines", "--set", "replicates=2", "--out", folder / f"run_{counts}",
        )  # fmt: skip
    return folder


def test_node_weights_beside_controls(regulated: Path):
    out = regulated / "nodes.tsv"
    words = ("importance", regulated / "run_log", "--measure", "node_weights", "--out", out)
    succeed(*words, "--controls", regulated / "run_control")
    table = pandas.read_csv(out, sep="\t")
    run, controls = (load_run(regulated / name) for name in ("run_log", "run_control"))
    expected = importance(run, "node_weights", controls=controls)
    assert table["term"].tolist() == expected["term"].tolist() and table["q_value"].notna().all()
    np.testing.assert_allclose(table["t"], expected["t"], rtol=1e-6)
    assert any("control inputs" in step for step in controls.provenance.transformations)
    assert not any("control inputs" in step for step in run.provenance.transformations)
    more = ("--normalize", "quantile", "--step", "0.001", "--least-score", "0")
    succeed(*words, "--controls", regulated / "run_control", *more)
    expected = importance(run, "node_weights", controls=controls, normalize="quantile", step=0.001)
    np.testing.assert_allclose(pandas.read_csv(out, sep="\t")["t"], expected["t"], rtol=1e-4)
    assert "2 of 2 replicates do not reach auroc 1.1" in fail(*words, "--least-score", "1.1")
    succeed(*words)
    assert pandas.read_csv(out, sep="\t")["q_value"].isna().all()
    assert "--counts is 'raw'" in fail("pack", regulated / "counts.h5ad", "--counts", "raw", "--out", regulated / "x")


@pytest.mark.slow
def test_planted_nodes_are_found_by_commands_alone(own_cache: Path, tmp_path: Path):
    example = regulatory_toy("planted", n_samples=600, seed=0)
    edges = [f"{edge.target},{edge.source}\n" for edge in example.network.edges]
    (tmp_path / "edges.csv").write_text("parent,child\n" + "".join(edges))
    to_anndata(example.samples).write_h5ad(tmp_path / "counts.h5ad")
    for counts in ("log", "control"):
        succeed(
            "pack", tmp_path / "counts.h5ad", "--target", "output", "--meaning", "abundance", "--read", "kind=labels",
            "--counts", counts, "--out", tmp_path / counts,
        )  # fmt: skip
        succeed(
            "train", "--recipe", "kpnn", "--network", tmp_path / "edges.csv", "--unannotated", "drop", "--train",
            tmp_path / counts, "--valid-fraction", "0.2", "--replicates", "5", "--no-baselines",
            "--out", tmp_path / f"run_{counts}",
        )  # fmt: skip
    run = load_run(tmp_path / "run_control")
    # Control inputs are told apart after an epoch; the weights of nodes settle long after.
    assert run.metrics["best_epoch"] == run.settings.epochs == 40
    assert run.metrics["n_samples"] == {"train": 480, "valid": 120} and len(run.samples) == 120
    out = tmp_path / "nodes.tsv"
    succeed(
        "importance", tmp_path / "run_log", "--measure", "node_weights", "--controls", tmp_path / "run_control",
        "--out", out,
    )  # fmt: skip
    chosen = [*example.planted, *example.others]
    found = pandas.read_csv(out, sep="\t").set_index("term").loc[chosen, "t"]
    assert roc_auc_score([node in example.planted for node in chosen], found) >= 0.9


def test_doses(trained: Trained, tmp_path: Path):
    out = tmp_path / "doses.tsv"
    succeed("knockdown", trained.run, "--genes", "G03,G05", "--doses", "0.5,1", "--out", out)
    table, expected = (
        pandas.read_csv(out, sep="\t"),
        dose_response(load_run(trained.run), ["G03", "G05"], doses=[0.5, 1]),
    )
    assert list(table) == list(expected) and len(table) == len(expected)
    np.testing.assert_allclose(table["effect"], expected["effect"], rtol=1e-5, atol=1e-7)
    words = ("knockdown", trained.run, "--doses", "0.5,1", "--out", out)
    assert "--pairs cannot be given with --doses" in fail(*words, "--pairs", "G03:G05")
    assert "no gene is named" in fail(*words)
    assert "--doses '0.5,half' holds what is no number" in fail(
        "knockdown", trained.run, "--doses", "0.5,half", *words[4:]
    )
