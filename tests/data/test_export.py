"""Samples to AnnData, MuData, pandas and files, and back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from kgnn.data import (
    Modality,
    Samples,
    Targets,
    from_anndata,
    from_mudata,
    read_samples,
    to_anndata,
    to_frame,
    to_mudata,
    write_samples,
)
from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import Provenance

mudata = pytest.importorskip("mudata", reason="the multimodal extra is not installed")


def one_modality(kind: str = "regression") -> Samples:
    rng = np.random.default_rng(0)
    targets = Targets(rng.normal(size=(5, 2)), ("growth", "size"), "regression")
    if kind == "classes":
        targets = Targets(np.array([0, 2, 1, 1, 0]), ("T cell", "B/β", "NK"), "classes")
    return Samples.from_values(
        rng.normal(size=(5, 3)).astype(np.float32),
        ["TP53", "HLA-A", "é (+)"],
        meaning="abundance",
        names=[f"s{number}" for number in range(5)],
        targets=targets,
        covariates={"batch": np.array(["a", "b", "a", "b", "a"], dtype=object), "age": np.arange(5.0)},
    )


def two_modalities() -> Samples:
    """Four samples of two cell lines and two drugs: rows are shared."""
    genotype = Modality(np.array([[0, 1, 0], [1, 1, 0]], np.uint8), ("A", "B", "C"), ("c1", "c2"), "alteration")
    drug = Modality(np.array([[0.5, 2.0], [1.5, 0.0]], np.float32), ("f1", "f2"), ("d1", "d2"), "signal")
    rows = {"genotype": np.array([0, 0, 1, 1], np.int32), "drug": np.array([0, 1, 0, 1], np.int32)}
    targets = Targets(np.arange(4.0)[:, None], ("response",), "regression")
    covariates = {"cell": np.array(["c1", "c1", "c2", "c2"], dtype=object)}
    return Samples(("s1", "s2", "s3", "s4"), {"genotype": genotype, "drug": drug}, rows, targets, covariates)


MEANINGS = {"genotype": "alteration", "drug": "signal"}


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_anndata_there_and_back(kind: str):
    samples = one_modality(kind)
    target = "target" if kind == "classes" else ["growth", "size"]
    data = to_anndata(samples)
    assert data.shape == (5, 3)
    assert data.uns["kgnn"]["meaning"] == "abundance"
    back = from_anndata(data, target=target, meaning="abundance", covariates=["batch", "age"])
    assert back.fingerprint == samples.fingerprint
    assert back.covariates["batch"].tolist() == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize("ending", [".h5ad", ".h5mu"])
def test_what_was_done_to_samples_is_kept(tmp_path: Path, ending: str):
    done = ("genes chosen, target growth, by hand", "scaled")
    samples = replace(one_modality(), provenance=Provenance((), done))
    path = write_samples(samples, tmp_path / f"samples{ending}")
    again = write_samples(read_samples(path, meaning="abundance"), tmp_path / f"again{ending}")
    steps = read_samples(again, meaning="abundance").provenance.transformations
    assert steps[:2] == done
    # Both readings follow, each once.
    assert len(steps) == 4 and all("read layer X, meaning abundance" in step for step in steps[2:])


@pytest.mark.parametrize("ending", [".h5ad", ".h5mu", ".tsv", ".csv", ".parquet"])
def test_files_there_and_back(tmp_path: Path, ending: str):
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    samples = one_modality()
    path = write_samples(samples, tmp_path / f"samples{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    back = read_samples(path, target=["growth", "size"], meaning="abundance", covariates=["batch", "age"])
    assert back.names == samples.names
    assert back.genes == samples.genes
    np.testing.assert_allclose(back.gene_values(), samples.gene_values(), rtol=1e-6)
    if ending.startswith(".h5"):
        assert list(back.modalities) == ["expression"]
        assert back.fingerprint == samples.fingerprint


def test_a_table_of_pandas():
    table = to_frame(one_modality("classes"))
    assert list(table) == ["sample", "target", "batch", "age", "TP53", "HLA-A", "é (+)"]
    assert table["target"].tolist() == ["T cell", "NK", "B/β", "B/β", "T cell"]


def test_mudata_there_and_back(tmp_path: Path):
    samples = two_modalities()
    data = to_mudata(samples)
    back = from_mudata(data, target="response", meaning=MEANINGS, covariates=["cell"])
    assert list(back.modalities) == ["genotype", "drug"]
    for name, values in samples.inputs().items():
        np.testing.assert_array_equal(back.inputs()[name], values)
    assert back.meaning == "alteration"
    assert back.require_targets().values[:, 0].tolist() == [0, 1, 2, 3]
    path = write_samples(samples, tmp_path / "screen.h5mu")
    assert read_samples(path, target="response", covariates="cell").inputs()["drug"].tolist() == [
        [0.5, 2.0],
        [1.5, 0.0],
        [0.5, 2.0],
        [1.5, 0.0],
    ]
    chosen = read_samples(path, modalities=["drug"], meaning="signal")
    assert (list(chosen.modalities), chosen.meaning) == (["drug"], "signal")


def ragged() -> Any:
    """Three cells with RNA, of which two have protein, in another order; one more has protein only."""
    rna = anndata.AnnData(
        np.arange(6, dtype=np.float32).reshape(3, 2) + 0.5,
        pd.DataFrame({"type": ["T", "B", "T"]}, index=["a", "b", "c"]),
        pd.DataFrame(index=["CD3D", "CD79A"]),
    )
    protein = anndata.AnnData(
        np.array([[9.5], [7.5], [5.5]], np.float32), pd.DataFrame(index=["c", "a", "d"]), pd.DataFrame(index=["CD3"])
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mudata.MuData({"rna": rna, "protein": protein})


def test_samples_that_are_not_in_every_modality():
    with pytest.raises(AlignmentError, match=r"of 4 samples 1 are not in rna: d; 2 are not in protein: b, d|1 are not"):
        from_mudata(ragged())
    samples = from_mudata(ragged(), incomplete="drop", target="rna:type")
    assert samples.names == ("a", "c")
    assert samples.inputs()["protein"].tolist() == [[7.5], [9.5]]
    assert samples.inputs()["rna"].tolist() == [[0.5, 1.5], [4.5, 5.5]]
    assert samples.require_targets().names == ("T",)
    assert "left out 2 samples that are not in every modality" in samples.provenance.transformations[-1]


def test_what_a_mudata_has_not(tmp_path: Path):
    with pytest.raises(FormatError, match="has no modality 'atac'. Choose among those there are: rna, protein"):
        from_mudata(ragged(), modalities=["atac"])
    with pytest.raises(FormatError, match="modality rna: has no layer 'counts'"):
        from_mudata(ragged(), layer="counts", modalities=["rna"])
    with pytest.raises(FormatError, match="has no column in obs 'kind'.*rna:type"):
        from_mudata(ragged(), target="kind", incomplete="drop")
    with pytest.raises(KgnnError, match="incomplete is 'keep'"):
        from_mudata(ragged(), incomplete="keep")
    path = tmp_path / "x.h5mu"
    path.write_bytes(b"rna,protein\n")
    with pytest.raises(FormatError, match=r"x.h5mu: is no HDF5 file, so not .h5mu"):
        read_samples(path)
    write_samples(one_modality(), tmp_path / "x.h5ad")
    shutil.copy(tmp_path / "x.h5ad", path)
    with pytest.raises(FormatError, match=r"x.h5mu: .*MuData|holds no modality"):
        read_samples(path)
    with pytest.raises(KgnnError, match="modalities cannot be given for the format 'h5ad'"):
        read_samples(tmp_path / "x.h5ad", modalities=["rna"])


def test_what_does_not_fit_into_a_file(tmp_path: Path):
    with pytest.raises(KgnnError, match="2 modalities .genotype, drug., which only .h5mu holds"):
        write_samples(two_modalities(), tmp_path / "x.h5ad")
    with pytest.raises(KgnnError, match="ending of the samples is '.xlsx'"):
        write_samples(one_modality(), tmp_path / "x.xlsx")
    with pytest.raises(KgnnError, match="modality is 'rna'"):
        to_anndata(one_modality(), "rna")
    twice = Samples.from_values(np.eye(2), ["a", "batch"], meaning="alteration", covariates={"batch": np.arange(2.0)})
    with pytest.raises(KgnnError, match="batch is the name of a feature and of another column"):
        to_frame(twice)
    assert list(tmp_path.iterdir()) == []
