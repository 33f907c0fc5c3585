"""Packed folders: what was written comes back, a bit for a 0 or 1, and a folder that is not whole is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest
import scipy.sparse

from kgnn.data import Samples, StoredTable, Targets, read_packed, read_parts, read_samples, toy, write_packed
from kgnn.errors import FormatError, KgnnError
from tests.commands import fail, succeed

RNG = np.random.default_rng(6)


def screen(task: str = "regression") -> Samples:
    """Nine samples of two modalities; the genes are packed, the signal is not."""
    from kgnn.data import Modality

    names = tuple(f"sample {number} µ" for number in range(9))
    genes = Modality((RNG.random((4, 11)) < 0.5).astype(np.float32), tuple("abcdefghijk"), tuple("wxyz"), "alteration")
    signal = Modality(RNG.normal(size=(9, 3)), ("s1", "s2", "s3"), names, "signal")
    targets = Targets(RNG.normal(size=(9, 2)), ("growth", "size"), "regression")
    if task == "classes":
        targets = Targets(RNG.integers(0, 3, 9), ("low", "mid", "high"), "classes")
    return Samples(
        names, {"genotype": genes, "signal": signal},
        {"genotype": RNG.integers(0, 4, 9).astype(np.int32), "signal": np.arange(9, dtype=np.int32)},
        targets if task else None, {"batch": np.array(["A", "B", "C"] * 3), "dose": np.arange(9) / 2},
    )  # fmt: skip


@pytest.mark.parametrize("task", ["regression", "classes", ""])
def test_what_is_written_comes_back(tmp_path: Path, task: str) -> None:
    samples = screen(task)
    folder = write_packed(samples, tmp_path / "packed (1)")
    found = read_samples(folder)
    assert found.names == samples.names
    for name, table in samples.modalities.items():
        again = found.modalities[name]
        assert isinstance(again.values, StoredTable)
        assert isinstance(again.values.base, np.memmap)
        assert (again.features, again.rows, again.meaning) == (table.features, table.rows, table.meaning)
        np.testing.assert_array_equal(again.values, table.values)
        np.testing.assert_array_equal(found.row_of_sample[name], samples.row_of_sample[name])
    assert found.modalities["genotype"].values.base.shape == (4, 2)
    for name, column in samples.covariates.items():
        np.testing.assert_array_equal(found.covariates[name], column)
    assert found.provenance == samples.provenance
    if samples.targets is None:
        assert found.targets is None
    else:
        targets = found.require_targets()
        np.testing.assert_array_equal(targets.values, samples.targets.values)
        assert (targets.names, targets.kind) == (samples.targets.names, samples.targets.kind)


def test_a_folder_is_not_written_twice_and_nothing_unfinished_is_read(tmp_path: Path) -> None:
    folder = write_packed(screen(), tmp_path)
    with pytest.raises(KgnnError, match="samples are here already. Choose another folder"):
        write_packed(screen(), folder)
    (folder / "samples.json").unlink()
    with pytest.raises(FormatError, match="not DrugCell's folder"):
        read_samples(folder)
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]
    (tmp_path / "file").write_text("")
    with pytest.raises(KgnnError, match="this is a file, not a folder"):
        write_packed(screen(), tmp_path / "file")


@pytest.mark.parametrize("damage", ["cut", "shape", "kind", "json", "absent", "list"])
def test_a_damaged_folder_is_named(tmp_path: Path, damage: str) -> None:
    folder = write_packed(screen(), tmp_path / "packed")
    values, manifest = folder / "values_0.npy", folder / "samples.json"
    if damage == "cut":
        values.write_bytes(values.read_bytes()[:-3])
    elif damage == "shape":
        np.save(values, np.zeros((4, 3), np.uint8))
    elif damage == "absent":
        values.unlink()
    elif damage == "kind":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"kind": "other"}))
    else:
        manifest.write_text("{" if damage == "json" else "[]")
    with pytest.raises(FormatError, match="packed: no whole folder of packed samples .* Write it anew with kgnn pack"):
        read_packed(folder)


def test_what_a_folder_was_packed_with_cannot_be_changed(tmp_path: Path) -> None:
    folder = write_packed(screen(), tmp_path / "packed")
    assert len(read_samples(folder, target=["growth", "size"], meaning="alteration", covariates=["dose"])) == 9
    for options, message in (
        ({"target": "growth"}, "target is growth, but the samples were packed with growth, size"),
        ({"meaning": "abundance"}, "meaning is 'abundance', but the samples were packed with 'alteration'"),
        ({"kind": "classes"}, "kind is 'classes', but the samples were packed with 'regression'"),
        ({"covariates": ["cell"]}, "packed with the covariates batch, dose. Pack anew"),
        ({"layer": "raw"}, "layer cannot be given for the format 'packed'"),
    ):
        with pytest.raises(KgnnError, match=message):
            read_samples(folder, **options)
    assert read_samples(folder, genes=["c", "a"]).gene_values().shape == (9, 2)
    parts = read_parts(folder, test=folder, genes=["a"])
    assert parts.test is not None
    assert parts.test.fingerprint == parts.train.fingerprint


@pytest.mark.parametrize("form", ["dense", "csr", "csc"])
@pytest.mark.parametrize("binary", [True, False])
def test_an_anndata_file_is_read_as_it_is_used(tmp_path: Path, form: str, binary: bool) -> None:
    values = (RNG.random((17, 21)) < 0.4) * (1.0 if binary else RNG.normal(2, 1, size=(17, 21)))
    matrix = {"dense": np.asarray, "csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_matrix}[form](
        values.astype(np.float32)
    )
    obs = pandas.DataFrame({"growth": np.arange(17.0)}, index=[f"cell {number}" for number in range(17)])
    var = pandas.DataFrame(index=[f"gene {number}" for number in range(21)])
    anndata.AnnData(matrix, obs, var).write_h5ad(tmp_path / "cells.h5ad")
    whole = read_samples(tmp_path / "cells.h5ad", target="growth")
    backed = read_samples(tmp_path / "cells.h5ad", target="growth", backed=True)
    assert isinstance(backed.modalities[backed.gene_modality].values, StoredTable)
    assert backed.meaning == ("alteration" if binary else "abundance")
    assert backed.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(backed.gene_values([9, 2, 2, 16]), whole.gene_values([9, 2, 2, 16]))
    packed = read_packed(write_packed(backed, tmp_path / "packed"))
    np.testing.assert_array_equal(packed.gene_values(), whole.gene_values())
    values_on_disk = packed.modalities[packed.gene_modality].values
    assert values_on_disk.packed is binary


def test_only_anndata_files_can_be_backed(tmp_path: Path) -> None:
    (tmp_path / "table.tsv").write_text("sample\ta\ns\t1\n")
    with pytest.raises(KgnnError, match="backed cannot be given for the format 'table'"):
        read_samples(tmp_path / "table.tsv", backed=True)


def test_the_command_packs_any_samples(tmp_path: Path, own_cache: Path) -> None:
    from tests.written import write_samples

    samples = toy("additive", n_samples=12, n_genes=23).samples
    write_samples(samples, tmp_path / "toy.tsv")
    printed = succeed("pack", tmp_path / "toy.tsv", "--target", "growth", "--out", tmp_path / "packed", "--json").json()
    assert (printed["samples"], printed["genes"]) == (12, 23)
    assert printed["bytes"] == sum(file.stat().st_size for file in (tmp_path / "packed").iterdir())
    found = read_samples(tmp_path / "packed", target="growth")
    np.testing.assert_array_equal(found.gene_values(), samples.gene_values())
    assert "samples are here already" in fail("pack", tmp_path / "toy.tsv", "--out", tmp_path / "packed")


def test_a_packed_folder_is_trained_on_in_chunks(tmp_path: Path, own_cache: Path) -> None:
    from tests.written import small_toy, write_drugcell_text

    ontology, samples = small_toy(60)
    write_drugcell_text(ontology, tmp_path / "ontology.txt")
    write_packed(samples, tmp_path / "packed")
    printed = succeed(
        "train", "--ontology", tmp_path / "ontology.txt", "--train", tmp_path / "packed", "--out", tmp_path / "run",
        "--epochs", 2, "--batch-size", 8, "--no-baselines", "--leave-out", "none", "--set", "data_memory=1e-7",
        "--json",
    ).json()  # fmt: skip
    assert printed["n_samples"] == {"train": 54, "valid": 6}
    assert np.isfinite(printed["model"]["train"]["mse"])
    words = ("predict", tmp_path / "run", "--samples", tmp_path / "packed", "--out", tmp_path / "out.tsv", "--json")
    assert succeed(*words).json()["rows"] == 60
