"""The command line on files as people bring them: every command, with and without --json."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pandas
import pytest

import kgnn
from kgnn.errors import SourceError
from kgnn.knowledge import cache_folder
from kgnn.layers.layout import layout_here
from kgnn.structure import Hierarchy
from kgnn.train import EpochReport, RichProgress
from kgnn.train.compilation import enable_compilation_cache
from tests.commands import fail, run_command, succeed
from tests.conftest import REPOSITORY, Trained
from tests.written import (
    small_toy,
    write_drugcell_folder,
    write_drugcell_text,
    write_gaf,
    write_gene_table,
    write_genotypes,
    write_obo,
    write_samples,
)

GENES = ("G03", "G07", "G11")


@pytest.fixture
def run(trained: Trained) -> Path:
    return trained.run


# --- the command itself


def test_without_a_command_it_lists_the_commands():
    shown = succeed()
    for command in (
        "demo",
        "fetch",
        "compile",
        "train",
        "predict",
        "knockdown",
        "screen",
        "importance",
        "edges",
        "report",
        "diff",
        "migrate",
        "zoo",
        "info",
    ):
        assert f"\n  {command} " in shown.out


def test_version():
    assert succeed("--version").out.startswith("kgnn")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("foo",), "No such command 'foo'"),
        (("zoo", "--bla"), "No such option: --bla"),
        (("compile", "--out", "h.npz"), "Missing option '--ontology'"),
        (("info",), "Missing argument 'PATH'"),
        (("train", "--epochs", "many"), "Invalid value for '--epochs'"),
        (
            ("zoo", "dcel"),
            "recipe is 'dcel', which is not known. Choose one of: binn, chromegcn, danq, dcell",
        ),
        (("fetch", "nothing"), "source is 'nothing', which is not known"),
        (("info", "nowhere.npz"), "nowhere.npz: there is no such file"),
        (("predict", "nowhere", "--samples", "s.csv", "--out", "p.tsv"), "nowhere: there is no such run folder"),
        (("predict", "nowhere", "--samples", "s.csv", "--out", "p.xlsx"), "Choose one of: .csv, .parquet, .tsv"),
    ],
)
def test_a_mistake_in_the_words_is_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert message in fail(*words)
    assert list(tmp_path.iterdir()) == []


def test_as_a_process_of_its_own(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", "from kgnn.cli import main; main()", "compile", "--ontology", "none.obo"]
    finished = subprocess.run(
        [*command, "--out", "h.npz"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    message = "error: none.obo: there is no such file. Check the path.\n"
    assert (finished.returncode, finished.stdout, finished.stderr) == (2, "", message)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path):
    ontology, _ = small_toy()
    (tmp_path / "file").touch()
    words = ("compile", "--ontology", write_drugcell_text(ontology, tmp_path / "o.txt"))
    assert "file: " in fail(*words, "--out", tmp_path / "file" / "h.npz")


# --- zoo, fetch


def test_zoo():
    listed = [line.split()[:2] for line in succeed("zoo").out.splitlines()]
    assert len(listed) >= 22 and listed[:2] == [["dcell", "2018"], ["drugcell", "2020"]]
    assert [card["name"] for card in succeed("zoo", "--json").json()["recipes"]] == [name for name, _ in listed]


def test_zoo_of_one_recipe():
    assert succeed("zoo", "dcell").out.startswith("dcell (2018, doi:10.1038/nmeth.4627)")
    assert succeed("zoo", "dcell", "--json").json()["doi"] == "10.1038/nmeth.4627"


def test_fetch_lists_the_sources():
    assert "go-basic " in succeed("fetch", "--list").out
    assert "go-basic" in {source["name"] for source in succeed("fetch", "--list", "--json").json()["sources"]}


# --- compile, info


def test_compile_the_same_hierarchy_from_two_formats(tmp_path: Path):
    ontology, _ = small_toy()
    text = write_drugcell_text(ontology, tmp_path / "o.txt")
    obo, table = write_obo(ontology, tmp_path / "o.obo", end="\r\n"), write_gene_table(ontology, tmp_path / "g.tsv")
    succeed("compile", "--ontology", text, "--out", tmp_path / "text.npz")
    shown = succeed("compile", "--ontology", obo, "--annotations", table, "--out", tmp_path / "obo.npz")
    assert "terms        14\nrelations    16\nannotations  26\ngenes        23\nlevels       4\n" in shown.out
    assert "source       o.obo: releases/2026-01-01; sha256 " in shown.out
    assert Hierarchy.load(tmp_path / "text.npz") == Hierarchy.load(tmp_path / "obo.npz")


def test_compile_counts_what_was_dropped_by_reason(tmp_path: Path):
    ontology, _ = small_toy()
    obo, gaf = write_obo(ontology, tmp_path / "o.obo"), write_gaf(ontology, tmp_path / "o.gaf")
    measured = [gene for gene in ontology.genes if gene not in ("G00", "G01")]
    (tmp_path / "genes.txt").write_text("".join(f"{gene}\n" for gene in [*measured, "NEW1", "NEW2", "NEW3"]))
    found = succeed(
        "compile", "--ontology", obo, "--annotations", gaf, "--relations", "is_a", "--min-genes", "3",
        "--genes", tmp_path / "genes.txt", "--out", tmp_path / "h.npz", "--json",
    ).json()  # fmt: skip
    dropped = {(each["what"], each["reason"]): each["count"] for each in found["dropped"]}
    assert dropped["gene", "in the data but not annotated: left out"] == 3
    assert ("term", "fewer than 3 genes") in dropped
    assert (found["genes"], found["read"]["terms"]) == (21, 14)
    assert Hierarchy.load(tmp_path / "h.npz").fingerprint == found["fingerprint"]


def test_compile_measures_the_layout_when_asked(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", str(tmp_path / "cache"))
    ontology, _ = small_toy()
    words = ("compile", "--ontology", write_drugcell_text(ontology, tmp_path / "o.txt"), "--out", tmp_path / "h.npz")
    words += ("--states", "2", "--batch-size", "40")
    assert not {"layout", "tuning"} & succeed(*words, "--json").json().keys()
    assert not (tmp_path / "cache").exists()
    finished = succeed(*words, "--tune", "--json")
    found = finished.json()
    assert finished.err == "" and found["layout"] == "measured"
    tuning = found["tuning"]
    assert (tuning["batch_size"], tuning["layout"]["measured"]) == (40, True)
    assert {each["stage"] for each in tuning["candidates"]} == {"price", "tile"}
    assert Path(tuning["path"]).parent == tmp_path / "cache" / "layouts"
    hierarchy = Hierarchy.load(tmp_path / "h.npz")
    kept = layout_here(hierarchy, np.full(hierarchy.n_terms, 2))
    assert kept.measured and kept.price == tuning["layout"]["price"]
    shown = succeed(*words, "--tune").out
    assert "\nstage    price  tile" in shown and "  chosen\n" in shown and f"kept in {tuning['path']}" in shown


def test_info_of_a_hierarchy(tmp_path: Path):
    ontology, _ = small_toy()
    compiled = succeed(
        "compile",
        "--ontology",
        write_drugcell_text(ontology, tmp_path / "o.txt"),
        "--out",
        tmp_path / "h.npz",
        "--json",
    ).json()
    found = succeed("info", tmp_path / "h.npz", "--json").json()
    assert found["kind"] == "hierarchy"
    assert found["fingerprint"] == compiled["fingerprint"]
    assert f"fingerprint  {found['fingerprint']}" in succeed("info", tmp_path / "h.npz").out


# --- train


def test_train_prints_its_metrics_as_json(trained: Trained):
    printed = json.loads(trained.printed)
    stored = json.loads((trained.run / "metrics.json").read_text())
    assert printed == stored | {"out": str(trained.run)}
    assert printed["n_samples"] == {"train": 36, "valid": 4, "test": 20}


def test_an_interrupted_training_is_resumed_to_the_same_weights(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(self: RichProgress, report: EpochReport) -> None:
        if report.epoch == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RichProgress, "__call__", interrupt)
        stopped = run_command(*trained.words, "--out", tmp_path / "run")
    assert stopped.code == 130
    assert stopped.err.endswith("interrupted; give the same command to go on from the last checkpoint\n")
    assert "training has not ended" in fail("info", tmp_path / "run")
    shown = succeed(*trained.words, "--out", tmp_path / "run")
    assert shown.out.splitlines()[0].split() == ["pearson", "valid", "test"]
    assert not (tmp_path / "run" / "checkpoint").exists()
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (tmp_path / "run", trained.run)]
    assert weights[0] == weights[1]


def test_a_finished_run_is_not_overwritten(trained: Trained):
    assert "a finished run is here already" in fail(*trained.words, "--out", trained.run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "epochs"), "--set 'epochs' is not of the form key=value"),
        (("--set", "epochs=2", "--set", "epochs=3"), "--set gives epochs twice, as '2' and '3'"),
        (("--set", "speed=9"), "unknown setting speed. Known: epochs, batch_size"),
        (("--set", "epochs=lots"), "epochs is 'lots', but must be of type int"),
        (("--version", "other"), "version of dcell is 'other'"),
        (("--prune", "other"), "prune is 'other'"),
        (("--read", "colour=red"), "--read is 'colour'"),
        (("--leave-out", "batch"), "batch"),
        (("--set", "learning_rate=1e30"), "became infinite or not a number in epoch 1"),
        (("--recipe", "drugcell"), "drugcell takes 2 tables (genotype, fingerprint)"),
    ],
)
def test_a_wrong_setting_stops_before_anything_is_written(
    trained: Trained, tmp_path: Path, words: tuple[str, ...], message: str
):
    assert message in fail(*trained.words, *words, "--out", tmp_path / "run", "--json")
    assert list(tmp_path.iterdir()) == []


def test_train_on_a_genotype_list(trained: Trained, tmp_path: Path):
    """As table and as list, the same samples give the same weights."""
    parts = {"train": trained.samples.take(range(40)), "test": trained.samples.take(range(40, 60))}
    files = {name: write_genotypes(part, tmp_path / f"{name}.txt") for name, part in parts.items()}
    words = ["train", "--ontology", trained.words[2], "--train", files["train"], "--test", files["test"]]
    words += [*trained.words[words.index("--test") + 4 :], "--out", tmp_path / "run", "--json"]
    found = succeed(*words).json()
    assert found["n_samples"] == {"train": 36, "valid": 4, "test": 20}
    assert found["model"]["test"].keys() == json.loads(trained.printed)["model"]["test"].keys()


def test_train_on_classes_of_an_h5ad_beside_the_baselines(own_cache: Path, tmp_path: Path):
    ontology, samples = small_toy(50, "classes")
    obo, gaf = write_obo(ontology, tmp_path / "o.obo"), write_gaf(ontology, tmp_path / "o.gaf")
    train = write_samples(samples, tmp_path / "s.h5ad", "type")
    words = ["train", "--ontology", obo, "--annotations", gaf, "--train", train, "--target", "type"]
    words += ["--meaning", "alteration", "--valid-fraction", "0.2", "--epochs", "2", "--set", "replicates=1"]
    shown = succeed(*words, "--min-genes", "4", "--out", tmp_path / "run")
    names = [line[:32].strip() for line in shown.out.splitlines()]
    assert names[:2] == ["accuracy", "dcell"]
    assert "logistic regression" in names
    assert "same network, shuffled" in names
    assert "dense baseline" in shown.err
    table = write_samples(samples.take(range(7)), tmp_path / "new.tsv", "type")
    out = tmp_path / "deep" / "predicted.tsv"
    assert "column 'type' holds" in fail("predict", tmp_path / "run", "--samples", table, "--out", out)
    assert not out.parent.exists()
    succeed("predict", tmp_path / "run", "--samples", table, "--read", "target=type", "--out", out)
    predicted = pandas.read_csv(out, sep="\t")
    assert list(predicted) == ["sample", "high", "low", "predicted"] or list(predicted) == [
        "sample", "low", "high", "predicted",
    ]  # fmt: skip
    np.testing.assert_allclose(predicted["high"] + predicted["low"], 1.0, rtol=1e-5)


def test_train_replicates_and_see_their_intervals(trained: Trained, tmp_path: Path):
    words = [word for word in trained.words if word not in ("--set", "replicates=1", "checkpoint_every=1")]
    words[words.index("--epochs") + 1] = "1"
    shown = succeed(*words, "--replicates", "3", "--out", tmp_path / "run")
    assert "each of its 3 networks: mean" in shown.out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert len(metrics["replicates"]["test"]["pearson"]["each"]) == 3
    succeed("knockdown", tmp_path / "run", "--genes", "G03", "--out", tmp_path / "k.tsv")
    effects = pandas.read_csv(tmp_path / "k.tsv", sep="\t")
    assert (effects["effect_low"] <= effects["effect"]).all() and (effects["effect"] <= effects["effect_high"]).all()
    assert set(effects["n_replicates"]) == {3} and effects["same_sign"].between(1, 3).all()
    assert "replicates is 0, but must be at least 1" in fail(*words, "--replicates", "0", "--out", tmp_path / "none")


def test_train_drugcell_on_its_folder(own_cache: Path, tmp_path: Path):
    ontology, _ = small_toy()
    folder = write_drugcell_folder(ontology.genes, tmp_path / "screen")
    words = ["train", "--recipe", "drugcell", "--ontology", write_drugcell_text(ontology, tmp_path / "o.txt")]
    words += ["--train", folder, "--epochs", "2", "--no-baselines", "--leave-out", "none"]
    found = succeed(*words, "--out", tmp_path / "run", "--json").json()
    assert found["n_samples"] == {"train": 45, "valid": 12, "test": 20}
    assert found["recipe"] == "drugcell"
    pairs = folder / "drugcell_test.txt"
    succeed("predict", tmp_path / "run", "--samples", pairs, "--out", tmp_path / "p.csv")
    assert pandas.read_csv(tmp_path / "p.csv")["sample"].is_unique
    other = write_drugcell_folder(ontology.genes, tmp_path / "other", n_bits=17)
    message = fail("predict", tmp_path / "run", "--samples", other, "--out", tmp_path / "q.csv")
    assert "the fingerprints have 17 bits, but the model takes 13" in message


# --- what is asked of a run


def test_info_of_a_run(trained: Trained):
    found = succeed("info", trained.run, "--json").json()
    assert (found["kind"], found["recipe"], found["terms"], found["genes"]) == ("run", "dcell", 14, 23)
    assert found["layout"] == "default"
    assert [source["name"] for source in found["provenance"]["sources"]] == ["ontology.txt", "train.csv", "test.tsv"]
    assert "n_samples    train 36, valid 4, test 20" in succeed("info", trained.run).out


def test_predict(trained: Trained, tmp_path: Path):
    table = trained.folder / "test.tsv"
    shown = succeed("predict", trained.run, "--samples", table, "--out", tmp_path / "p.csv")
    assert shown.out == f"wrote 20 rows to {tmp_path / 'p.csv'}\n"
    found = pandas.read_csv(tmp_path / "p.csv", float_precision="round_trip")
    loaded = kgnn.load_run(trained.run)
    expected = kgnn.predict(loaded.model, loaded.samples)[:, 0]
    np.testing.assert_array_equal(found["growth"].to_numpy(np.float32), expected)
    assert tuple(found["sample"]) == trained.samples.names[40:]


def test_predict_a_genotype_list(trained: Trained, tmp_path: Path):
    genotypes = tmp_path / "some.txt"
    genotypes.write_text("0 0.0\n2 G03 G07 0.1\n1 G11 0.2\n")
    out = tmp_path / "p.parquet"
    found = succeed("predict", trained.run, "--samples", genotypes, "--out", out, "--json").json()
    assert found == {"out": str(out), "rows": 3, "columns": ["sample", "growth"]}
    assert list(pandas.read_parquet(out)["sample"]) == ["wild type", "G03:G07", "G11"]


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("--genes", "G03, G07"), {"gene": 2}),
        (("--all",), {"gene": 23}),
        (("--pairs", "G03:G07,G03:G11"), {"gene": 3, "pair": 2}),
        (("--genes", ",".join(GENES), "--all-pairs"), {"gene": 3, "pair": 3}),
        (("--subsystems", "TOY:0001,TOY:0008"), {"subsystem": 2}),
        (("--subsystems", "all"), {"subsystem": 14}),
    ],
)
def test_knockdown(run: Path, tmp_path: Path, words: tuple[str, ...], kinds: dict[str, int]):
    out = tmp_path / "k.tsv"
    found = succeed("knockdown", run, *words, "--out", out, "--json").json()
    effects = pandas.read_csv(out, sep="\t")
    assert found["rows"] == len(effects)
    assert effects.groupby("kind")["perturbation"].nunique().to_dict() == kinds
    assert (effects["dose"] == 1.0).all()


def test_a_knockdown_of_no_dose_changes_nothing_in_samples_of_ones_own(trained: Trained, tmp_path: Path):
    out = tmp_path / "k.csv"
    words = ("--genes", "G03", "--samples", trained.folder / "test.tsv", "--read", "target=growth")
    succeed("knockdown", trained.run, *words, "--dose", "0", "--out", out)
    effects = pandas.read_csv(out)
    assert set(effects["n_samples"]) == {20}
    assert effects["effect"].abs().max() == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "genes"),
        (("--pairs", "G03"), "--pairs 'G03' is not of the form A:B"),
        (("--genes", "G03", "--layer", "raw"), "--layer is given without --samples"),
        (("--subsystems", "TOY:9999"), "TOY:9999"),
        (("--genes", "G03", "--dose", "nan"), "dose"),
    ],
)
def test_a_knockdown_that_cannot_be(run: Path, tmp_path: Path, words: tuple[str, ...], message: str):
    assert message in fail("knockdown", run, *words, "--out", tmp_path / "k.tsv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("measure", ["rlipp", "sensitivity", "knockdown"])
def test_importance(run: Path, tmp_path: Path, measure: str):
    out = tmp_path / "i.tsv"
    found = succeed("importance", run, "--measure", measure, "--n-null", "3", "--out", out, "--json").json()
    ranking = pandas.read_csv(out, sep="\t")
    assert found["rows"] == len(ranking) == 14
    assert set(ranking["measure"]) == {measure}
    assert sorted(ranking["rank"]) == list(range(1, 15))


def test_importance_on_samples_of_ones_own(trained: Trained, tmp_path: Path):
    words = ("--samples", trained.folder / "train.csv", "--read", "target=growth", "--n-null", "0")
    shown = succeed("importance", trained.run, *words, "--out", tmp_path / "i.tsv")
    assert shown.out == f"wrote 14 rows to {tmp_path / 'i.tsv'}\n"


def test_report(run: Path, tmp_path: Path):
    found = succeed("report", run, "--out", tmp_path / "r.html", "--json").json()
    assert found == {"out": str(tmp_path / "r.html")}
    assert (tmp_path / "r.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


# --- the cache


def test_without_a_cache_that_can_be_written_nothing_else_changes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KGNN_CACHE", str(tmp_path / "file"))
    jax.config.update("jax_compilation_cache_dir", None)
    assert enable_compilation_cache() is None
    assert succeed("info", run, "--json").err == ""


def test_without_a_home_folder_there_is_no_cache(monkeypatch: pytest.MonkeyPatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("KGNN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    jax.config.update("jax_compilation_cache_dir", None)
    assert enable_compilation_cache() is None
    with pytest.raises(SourceError, match="there is no home folder.*KGNN_CACHE"):
        cache_folder()


def test_a_copy_of_a_run_elsewhere_is_the_same_run(run: Path, tmp_path: Path):
    shutil.copytree(run, tmp_path / "moved")
    assert succeed("info", tmp_path / "moved").out == succeed("info", run).out
