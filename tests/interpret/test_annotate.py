"""What a model says of samples, written into AnnData and MuData."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kgnn.data import from_anndata, read_samples, to_anndata, to_mudata, write_samples
from kgnn.data.export import new_mudata, write_annotated
from kgnn.data.h5ad import open_h5ad
from kgnn.errors import AlignmentError, KgnnError
from kgnn.interpret import annotate, importance, subsystem_activity, subsystem_data
from kgnn.perturb import knockdown
from kgnn.perturb.forward import wild_type
from kgnn.train import Run, load_run
from tests.commands import fail, succeed
from tests.conftest import Trained


@pytest.fixture(scope="module")
def run(trained: Trained) -> Run:
    return load_run(trained.run)


def test_predictions_states_and_terms(run: Run):
    data = to_anndata(run.samples)
    before = data.copy()
    effects = knockdown(run, ["G01", "G02"])
    found = annotate(data, run, ranking=importance(run, "sensitivity", n_null=0), effects=effects)
    assert (list(data.obs), list(data.uns), list(data.obsm)) == (list(before.obs), list(before.uns), list(before.obsm))
    output, states = wild_type(run.model, run.samples)
    np.testing.assert_allclose(found.obs["kgnn_growth"], output[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(found.obsm["kgnn_states"], states)
    record = found.uns["kgnn"]
    hierarchy = run.hierarchy
    assert record["terms"]["term"].tolist() == list(hierarchy.terms)
    # What had been done to the samples stays with them.
    assert from_anndata(found).provenance.transformations[:-1] == run.samples.provenance.transformations != ()
    assert record["states"] == [hierarchy.terms[term] for term in run.model.term_of_state]
    assert len(record["importance"]) == hierarchy.n_terms
    members = found.varm["kgnn_terms"].toarray()
    for term, genes in enumerate(hierarchy.gene_sets):
        assert {found.var_names[gene] for gene in np.flatnonzero(members[:, term])} == {
            hierarchy.genes[gene] for gene in genes
        }
    of_output = effects[effects["target"] == "output"].set_index("perturbation")["effect"]
    written = found.varm["kgnn_knockdown"]["growth"]
    np.testing.assert_allclose(written[["G01", "G02"]], of_output[["G01", "G02"]])
    assert written.drop(["G01", "G02"]).isna().all()


def test_the_number_of_a_subsystem(run: Run):
    """A single principal component by another way: the singular vectors of scikit-learn's kind."""
    _, states = wild_type(run.model, run.samples)
    activity = subsystem_activity(run, run.samples)
    of_term = np.asarray(run.model.term_of_state)
    for term in range(run.hierarchy.n_terms):
        own = states[:, of_term == term].astype(np.float64)
        own = own - own.mean(axis=0)
        left, scale, _ = np.linalg.svd(own, full_matrices=False)
        if not scale[0] > 0:
            assert not activity.values[:, term].any()
            continue
        assert activity.shown[term] == pytest.approx(scale[0] ** 2 / (scale**2).sum())
        agreement = np.corrcoef(left[:, 0], activity.values[:, term])[0, 1]
        assert abs(agreement) == pytest.approx(1, abs=1e-4)
        genes = run.samples.gene_values()[:, run.hierarchy.gene_sets[term]].astype(np.float64)
        spread = genes.std(axis=0)
        mean = (np.divide(genes - genes.mean(axis=0), spread, where=spread > 0, out=np.zeros_like(genes))).mean(axis=1)
        assert activity.values[:, term] @ mean >= -1e-3
    np.testing.assert_allclose(activity.values.mean(axis=0), 0, atol=1e-5)


def test_again_replaces_what_was_written(run: Run):
    once = annotate(to_anndata(run.samples), run)
    again = annotate(once, run)
    assert list(again.obs) == list(once.obs)
    assert "importance" not in again.uns["kgnn"]


def test_subsystems_as_variables(run: Run, tmp_path: Path):
    found = annotate(to_anndata(run.samples), run, ranking=importance(run, "sensitivity", n_null=0))
    path = write_annotated(found, tmp_path / "x.h5ad")
    subsystems = subsystem_data(open_h5ad(path))
    assert subsystems.var_names.tolist() == list(run.hierarchy.terms)
    np.testing.assert_array_equal(subsystems.X, found.obsm["kgnn_subsystems"])
    ranking = importance(run, "sensitivity", n_null=0).set_index("term")["importance"]
    np.testing.assert_allclose(subsystems.var["importance_growth"], ranking[subsystems.var_names])
    assert subsystems.obs["kgnn_growth"].tolist() == found.obs["kgnn_growth"].tolist()
    with pytest.raises(KgnnError, match="hold no subsystems of kgnn"):
        subsystem_data(to_anndata(run.samples))


def test_genes_of_another_kind(run: Run):
    data = to_anndata(run.samples)
    data.var_names = [f"ENSG{number:011d}" for number in range(data.n_vars)]
    with pytest.raises(AlignmentError, match="23 of 23 genes of the model are not in the samples.*Ensembl gene ids"):
        annotate(data, run)
    data.var["name"] = list(run.samples.genes)
    assert "kgnn_growth" in annotate(data, run, gene_names="name").obs


def test_a_modality_of_mudata(run: Run, tmp_path: Path):
    pytest.importorskip("mudata")
    data = to_mudata(run.samples)
    found = annotate(data, run)
    assert list(found.mod) == ["genotype", "kgnn"]
    assert found.mod["kgnn"].shape == (len(run.samples), run.hierarchy.n_terms)
    assert list(data.mod) == ["genotype"]
    write_annotated(found, tmp_path / "x.h5mu")
    again = read_samples(tmp_path / "x.h5mu", modalities=["genotype", "kgnn"], target="growth")
    assert again.fingerprint != run.samples.fingerprint
    np.testing.assert_array_equal(again.inputs()["genotype"], run.samples.gene_values())
    other = new_mudata({"kgnn": found.mod["kgnn"]}, found.obs[[]])
    with pytest.raises(AlignmentError, match=r"no modality of the MuData \(kgnn\) has the 23 genes"):
        annotate(other, run)


# --- the command


@pytest.mark.parametrize(("ending", "out"), [(".h5ad", "o.h5ad"), (".csv", "o.h5ad"), (".h5ad", "o.h5mu")])
def test_the_command(run: Run, trained: Trained, tmp_path: Path, ending: str, out: str):
    if out.endswith("h5mu"):
        pytest.importorskip("mudata")
    samples = write_samples(run.samples, tmp_path / f"s{ending}")
    found = succeed("annotate", trained.run, "--samples", samples, "--out", tmp_path / out, "--json").json()
    assert (found["samples"], found["terms"]) == (len(run.samples), run.hierarchy.n_terms)
    if out.endswith("h5ad"):
        np.testing.assert_allclose(
            open_h5ad(tmp_path / out).obsm["kgnn_output"], wild_type(run.model, run.samples)[0], rtol=1e-5
        )


def test_the_command_with_tables_of_other_commands(run: Run, trained: Trained, tmp_path: Path):
    samples = write_samples(run.samples, tmp_path / "s.h5ad")
    ranking, effects = tmp_path / "i.tsv", tmp_path / "k.csv"
    succeed("importance", trained.run, "--measure", "sensitivity", "--n-null", "0", "--out", ranking)
    succeed("knockdown", trained.run, "--genes", "G01", "--out", effects)
    words = ("annotate", trained.run, "--samples", samples, "--out", tmp_path / "o.h5ad")
    succeed(*words, "--importance", ranking, "--knockdown", effects)
    written = open_h5ad(tmp_path / "o.h5ad")
    assert written.uns["kgnn"]["importance"]["measure"].unique().tolist() == ["sensitivity"]
    assert written.varm["kgnn_knockdown"]["growth"].notna().sum() == 1
    assert "has no column term, output" in fail(*words, "--importance", effects)
    assert "no such file. Give a table of kgnn importance" in fail(*words, "--importance", "rlip")


def test_the_command_refuses(run: Run, trained: Trained, tmp_path: Path):
    samples = write_samples(run.samples, tmp_path / "s.h5ad")
    words = ("annotate", trained.run, "--samples", samples, "--out")
    assert "ending of the samples is '.csv'" in fail(*words, tmp_path / "o.csv")
    assert "this is a folder" in fail(*words, folder_named(tmp_path / "x.h5ad"))
    assert "target cannot be given for h5ad" in fail(*words, tmp_path / "o.h5ad", "--read", "target=growth")
    assert not (tmp_path / "o.h5ad").exists()


def folder_named(path: Path) -> Path:
    path.mkdir()
    return path


def test_scanpy_plots_it(run: Run):
    if find_spec("scanpy") is None or find_spec("numba") is None:
        pytest.skip("scanpy is not installed with what it needs")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import matplotlib
        import scanpy

        matplotlib.use("Agg")
        found = annotate(to_anndata(run.samples), run)
        scanpy.pl.embedding(found, "kgnn", color="kgnn_growth", show=False)
        found.obs["half"] = ["a", "b"] * (found.n_obs // 2)
        scanpy.pl.matrixplot(subsystem_data(found), list(run.hierarchy.terms[:2]), groupby="half", show=False)
        matplotlib.pyplot.close("all")


def test_the_rest_of_a_mudata_stays(run: Run):
    """Another modality with other cells, common columns and notes are kept; the cells need not be in every modality."""
    pytest.importorskip("mudata")
    import anndata
    import pandas as pd

    genes = to_anndata(run.samples)
    index = pd.Index([*run.samples.names[3:], "elsewhere"], dtype=object)
    protein = anndata.AnnData(
        np.ones((len(index), 1), np.float32), pd.DataFrame(index=index), pd.DataFrame(index=["P"])
    )
    data = new_mudata({"protein": protein, "genes": genes}, pd.DataFrame({"donor": "x"}, index=index))
    data.uns["note"] = "kept"
    found = annotate(data, run)
    assert set(found.mod) == {"protein", "genes", "kgnn"}
    assert found.mod["protein"].obs_names.tolist() == index.tolist()
    assert found.uns["note"] == "kept"
    assert found.obs.loc["elsewhere", "donor"] == "x"
    np.testing.assert_allclose(
        found.mod["genes"].obs["kgnn_growth"], wild_type(run.model, run.samples)[0][:, 0], rtol=1e-6
    )
