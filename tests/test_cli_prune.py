"""`kgnn prune`: from a run and its samples to a smaller run, with a list of what went."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from kgnn.train import load_run
from tests.commands import fail, succeed
from tests.conftest import Trained
from tests.written import write_samples


@pytest.fixture(scope="module")
def words(trained: Trained) -> list[str]:
    return ["prune", str(trained.run), "--train", f"{trained.folder}/train.csv", "--target", "growth"]


def test_a_run_becomes_smaller_and_says_what_went(trained: Trained, words: list[str], tmp_path: Path):
    out = tmp_path / "pruned (1)"
    prices = ["--annotation-price", "0.03", "--relation-price", "0.001", "--rounds", "2"]
    prices += ["--set", "learning_rate=0.02", "--set", "batch_size=8"]
    test = ["--test", f"{trained.folder}/test.tsv", "--pruning-epochs", "12", "--out", str(out), "--json"]
    finished = succeed(*words, *prices, *test)
    found, before = finished.json(), load_run(trained.run).hierarchy
    after = load_run(out)
    n_edges = len(after.hierarchy.annotation_gene) + len(after.hierarchy.relation_child)
    assert found["pruned"]["edges"]["edges"] == [len(before.annotation_gene) + len(before.relation_child), n_edges]
    assert n_edges < found["pruned"]["edges"]["edges"][0]
    assert found["pruned"]["rounds"] == 2 and after.recipe == "dcell"
    assert found["before"] == load_run(trained.run).metrics["model"] and found["model"]["test"]["pearson"] is not None
    removed = pandas.read_csv(out / "removed.tsv", sep="\t")
    counts = removed["what"].value_counts()
    assert counts["annotation"] == len(before.annotation_gene) - len(after.hierarchy.annotation_gene)
    assert set(removed["reason"]) <= {"cut", "no way to the root", "no gene below"}
    # A smaller run is a run: it can be asked like any other, and pruned again.
    succeed("knockdown", out, "--genes", after.model.genes[0], "--out", tmp_path / "effects.tsv")


def test_a_share_of_the_edges_goes_without_prices(trained: Trained, words: list[str], tmp_path: Path):
    out = tmp_path / "share"
    settings = ["--share", "0.3", "--rounds", "2", "--pruning-epochs", "4", "--set", "epochs=4", "--json"]
    found = succeed(*words, *settings, "--out", str(out)).json()["pruned"]
    before, after = found["edges"]["edges"]
    assert found["share"] == 0.3 and before - after >= 0.3 * before
    removed = pandas.read_csv(out / "removed.tsv", sep="\t")
    assert len(removed[removed["what"].isin(["annotation", "relation"])]) == before - after
    assert "share is 1.5" in fail(*words, "--out", tmp_path / "none", "--share", "1.5")


def test_what_cannot_be_pruned_is_said_before_anything_is_trained(trained: Trained, words: list[str], tmp_path: Path):
    out = tmp_path / "out"
    assert "a finished run is here already" in fail(*words, "--out", trained.run)
    assert "samples have no targets" in fail(*words[:4], "--out", out)
    message = fail(*words, "--out", out, "--annotation-price", "0", "--relation-price", "0")
    assert message.startswith("the prices are 0 and 0, so that no edge would go. Set annotation_price")
    assert "rounds is 0" in fail(*words, "--out", out, "--rounds", "0")
    assert "Choose one of: l0, lasso" in fail(*words, "--out", out, "--rule", "ridge")
    assert "no such run folder" in fail("prune", tmp_path / "absent", *words[2:], "--out", out)
    assert not out.exists()


def test_samples_of_other_genes_are_refused(trained: Trained, words: list[str], tmp_path: Path):
    write_samples(trained.samples.take(range(20)), tmp_path / "few.csv")
    table = pandas.read_csv(tmp_path / "few.csv").drop(columns=load_run(trained.run).model.genes[3])
    table.to_csv(tmp_path / "few.csv", index=False)
    assert "1 of 23 genes" in fail(*words[:3], tmp_path / "few.csv", *words[4:], "--out", tmp_path / "out")
