"""A run folder: what comes back from it, bit for bit, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kgnn.data import Modality, Samples, Targets, toy
from kgnn.errors import FormatError, KgnnError, RunError
from kgnn.layers import Layout
from kgnn.layers.layout import keep_layout
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, load_run, predict
from kgnn.train.arrays import digest_arrays, load_arrays, save_arrays
from kgnn.train.run import write_json
from kgnn.train.stored_samples import load_samples, save_samples
from kgnn.train.summary import run_summary
from tests.train.conftest import Finished
from tests.train.small import assert_same, small_model, small_ontology


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Path:
    """A copy of the finished run, to be spoiled."""
    return Path(shutil.copytree(finished.run.folder, tmp_path / "run é"))


def test_everything_comes_back(finished: Finished) -> None:
    run, loaded = finished.run, load_run(finished.run.folder)
    assert_same(run.model, loaded.model)
    assert predict(run.model, finished.test).tobytes() == predict(loaded.model, finished.test).tobytes()
    assert run.history.equals(loaded.history)
    for name in ("metrics", "split", "settings", "config", "seed", "provenance", "recipe", "alignment", "versions"):
        assert getattr(run, name) == getattr(loaded, name), name
    assert loaded.hierarchy == run.hierarchy
    assert loaded.output_names == ("phenotype",)
    assert loaded.samples.fingerprint == run.samples.fingerprint == finished.test.fingerprint
    assert loaded.folder == run.folder
    assert "toy ontology of 23 genes" in loaded.provenance.transformations


def test_a_run_is_read_back_under_another_layout(finished: Finished, tmp_path: Path, monkeypatch) -> None:
    run, settings = finished.run, finished.run.model.arguments.settings
    with monkeypatch.context() as patch:
        patch.setenv("KGNN_CACHE", str(tmp_path))
        patch.delenv("KGNN_COMPILATION_CACHE", raising=False)
        keep_layout(run.hierarchy, settings.states_of_terms(run.hierarchy), Layout(1, 16))
        loaded = load_run(run.folder)
    before, after = run.model.subsystems, loaded.model.subsystems
    assert after.layout == Layout(1, 16, measured=True) and not before.layout.measured
    assert [each.shapes for each in after.wiring.genes] != [each.shapes for each in before.wiring.genes]
    np.testing.assert_array_equal(after.gene_weights[...], before.gene_weights[...])
    assert (run_summary(run)["layout"], run_summary(loaded)["layout"]) == ("default", "measured")
    np.testing.assert_allclose(
        predict(loaded.model, finished.test), predict(run.model, finished.test), rtol=0, atol=1e-6
    )


def test_the_right_ontology_and_hierarchy_are_accepted(finished: Finished) -> None:
    folder, ontology = finished.run.folder, finished.toy.ontology
    hierarchy, _ = compile_hierarchy(ontology, finished.train.genes)
    assert load_run(folder, ontology=ontology).hierarchy == load_run(folder, ontology=hierarchy).hierarchy


def test_another_ontology_is_refused(finished: Finished) -> None:
    folder, other = finished.run.folder, small_ontology()
    with pytest.raises(
        RunError, match=rf"the run was trained on ontology \w{{12}}, but this one is {other.fingerprint[:12]}"
    ):
        load_run(folder, ontology=other)
    with pytest.raises(RunError, match="the run was trained on hierarchy"):
        load_run(folder, ontology=compile_hierarchy(other)[0])


def test_a_folder_with_the_hierarchy_of_another_run_is_refused(copied: Path) -> None:
    example = toy(n_genes=24)
    compile_hierarchy(example.ontology)[0].save(copied / "hierarchy.npz")
    with pytest.raises(RunError, match=r"run é: hierarchy.npz has fingerprint \w{12}, but the run was trained on"):
        load_run(copied)


def test_weights_of_another_model_are_refused(copied: Path) -> None:
    from flax import nnx

    save_arrays(copied / "weights.safetensors", nnx.state(small_model()))
    with pytest.raises(RunError, match=r"weights.safetensors: \d+ arrays do not fit the model"):
        load_run(copied)


FILES = ("weights.safetensors", "samples.npz", "history.tsv", "run.json", "split.json", "metrics.json")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe garbage \x9c"], ids=["empty", "binary"])
def test_a_damaged_file_is_named(copied: Path, name: str, content: bytes) -> None:
    (copied / name).write_bytes(content)
    with pytest.raises(RunError, match=name):
        load_run(copied)


@pytest.mark.parametrize("name", [*FILES, "hierarchy.npz"])
def test_a_file_cut_in_half_is_named(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    if name == "history.tsv":
        # Text that is cut at the end of a number is still a table: the model is not touched by it.
        assert len(load_run(copied).history) < 40
        return
    with pytest.raises((RunError, FormatError), match=name):
        load_run(copied)


@pytest.mark.parametrize("name", [*FILES, "hierarchy.npz"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing, so this is not a complete run"):
        load_run(copied)


def test_a_record_of_something_else_is_refused(copied: Path) -> None:
    (copied / "run.json").write_text('{"recipe": "dcell"}')
    with pytest.raises(RunError, match="run.json is no record of a run, it lacks alignment, hierarchy, model"):
        load_run(copied)
    (copied / "run.json").write_text("[]")
    with pytest.raises(RunError, match="run.json is no record of a run"):
        load_run(copied)


@pytest.mark.parametrize("part", ["settings", "model", "provenance"])
def test_a_record_of_another_version_is_refused(copied: Path, part: str) -> None:
    record = json.loads((copied / "run.json").read_text())
    record[part] = {"unheard_of": 1}
    (copied / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="run.json does not fit this version of kgnn"):
        load_run(copied)


def test_no_folder_and_an_unfinished_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no such run folder"):
        load_run(tmp_path / "nowhere")
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(RunError, match="training has not ended: metrics.json is missing. Give kgnn train again"):
        load_run(tmp_path)


def test_scores_that_are_not_defined_are_null_in_the_file(finished: Finished, tmp_path: Path) -> None:
    metrics = {**finished.run.metrics, "model": {"test": {"pearson": float("nan"), "mse": float("inf")}}}
    saved = Run(**{**vars(finished.run), "metrics": metrics}).save(tmp_path / "again")
    assert load_run(saved.folder).metrics["model"] == {"test": {"pearson": None, "mse": None}}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"score": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_run_of_a_dense_network_has_no_hierarchy(finished: Finished) -> None:
    from flax import nnx

    from kgnn.models import DenseNetwork

    dense = DenseNetwork(("a", "b"), hidden=4, rngs=nnx.Rngs(0))
    with pytest.raises(RunError, match="has no hierarchy"):
        _ = replace(finished.run, model=dense).hierarchy


def test_samples_with_shared_rows_and_odd_names_come_back(tmp_path: Path) -> None:
    cells = Modality(np.eye(2, 3, dtype=np.uint8), ("TP53 (p53)", "a_b.c:d/e", "β"), ("cell+1", "cell 2"), "alteration")
    drugs = Modality(np.full((1, 2), 0.25, np.float32), ("bit_0", "bit_1"), ("drug|x",), "signal")
    samples = Samples(
        names=("s 1", "s/2", "s:3", "s+4"),
        modalities={"genotype": cells, "fingerprint": drugs},
        row_of_sample={"genotype": np.array([0, 1, 1, 0], np.int32), "fingerprint": np.zeros(4, np.int32)},
        targets=Targets(np.array([2, 0, 2, 1], np.int32), ("x", "y", "z"), "classes"),
        covariates={"cell": np.array(["c1", "c2", "c2", "c1"], dtype=object), "age": np.array([1.5, 2.0, 2.0, 1.5])},
    )
    save_samples(tmp_path / "samples.npz", samples)
    loaded = load_samples(tmp_path / "samples.npz")
    assert loaded.fingerprint == samples.fingerprint
    assert loaded.modalities["genotype"].values.dtype == np.uint8
    for name, column in samples.covariates.items():
        assert loaded.covariates[name].tolist() == column.tolist()
    without = replace(samples, targets=None)
    save_samples(tmp_path / "samples.npz", without)
    assert load_samples(tmp_path / "samples.npz").targets is None


def test_arrays_of_another_type_or_shape_are_refused(tmp_path: Path) -> None:
    tree = {"kernel (1)": np.arange(6, dtype=np.float32).reshape(2, 3), "used": np.array([True, False])}
    save_arrays(tmp_path / "a.safetensors", tree)
    back = load_arrays(tmp_path / "a.safetensors", tree)
    assert digest_arrays(back) == digest_arrays(tree)
    for other in (np.zeros((3, 2), np.float32), np.zeros((2, 3), np.int32)):
        with pytest.raises(RunError, match=r"1 arrays do not fit the model: \['kernel \(1\)'\]"):
            load_arrays(tmp_path / "a.safetensors", {**tree, "kernel (1)": other})
    with pytest.raises(RunError, match="2 arrays do not fit"):
        load_arrays(tmp_path / "a.safetensors", {"kernel (1)": tree["kernel (1)"], "other": tree["used"]})
    assert digest_arrays({**tree, "used": np.array([True, True])}) != digest_arrays(tree)


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    class Unwritable:
        dtype = np.dtype(np.float32)

        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise KgnnError("no values")

    with pytest.raises(KgnnError, match="no values"):
        save_arrays(tmp_path / "x.safetensors", {"x": Unwritable()})
    assert list(tmp_path.iterdir()) == []
