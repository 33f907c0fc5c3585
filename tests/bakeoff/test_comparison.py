"""On a planted truth the knowledge is worth it, on noise it is not; an interrupted bake-off goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

import kgnn
from kgnn.bakeoff import Comparison
from kgnn.data import Targets, toy
from kgnn.errors import KgnnError, RunError
from kgnn.knowledge.obo_writing import write_obo
from tests.commands import fail, succeed
from tests.zoo.toys import toy_network

TOY = toy("xor", n_samples=300, n_genes=30)
FAST = {"epochs": 50, "batch_size": 32, "replicates": 1, "learning_rate": 0.02, "dropout": 0.0, "average": 0.0}
HERE = {"n_folds": 2}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    out = tmp_path_factory.mktemp("bakeoff") / "table.tsv"
    found = kgnn.compare(
        TOY.samples, {"ontology": TOY.ontology}, recipes=["dcell"], learners=("mean", "linear", "forest"),
        settings=FAST, out=out, **HERE,
    )  # fmt: skip
    return found, out


def test_the_knowledge_is_worth_it_where_it_makes_the_target(planted):
    found, _ = planted
    table = found.table().set_index("contestant")
    assert table.index[0] == "dcell" and table.loc["dcell", "mean"] > 0.85
    assert found.score == "pearson" and table.loc["dcell", "n_folds"] == 2
    worth = found.worth().set_index("against")
    assert list(worth.index) == ["dense", "shuffled", "random", "linear", "forest"]
    for null in ("shuffled", "random"):
        assert worth.loc[null, "difference"] > 0.4 and worth.loc[null, "better"] == 2
    assert np.isnan(table.loc["mean", "mean"])
    sizes = table["n_parameters"]
    assert sizes["dcell"] == sizes["dcell, random"] == sizes["dcell, shuffled"]
    assert sizes["dcell, dense"] == pytest.approx(sizes["dcell"], rel=0.2)
    text = found.text()
    assert "is the knowledge worth it here?" in text and "better in 2 of 2" in text and "nan" not in text


def test_every_fold_is_in_the_tables(planted):
    found, out = planted
    folds = pandas.read_csv(out.with_name("table.folds.tsv"), sep="\t")
    assert len(folds) == len(found.folds) == 7 * 2
    assert folds.groupby("contestant")["fold"].nunique().eq(2).all()
    assert {"pearson", "mse", "valid", "seconds", "chosen", "n_genes"} <= set(folds)
    assert folds.loc[folds["contestant"] == "linear", "chosen"].str.startswith("penalty").all()
    assert pandas.read_csv(out, sep="\t")["contestant"].tolist() == found.table()["contestant"].tolist()
    assert not out.with_name("table.tsv.partial").exists()
    json.dumps(found.to_json())
    with pytest.raises(RunError, match="a finished comparison is here already"):
        kgnn.compare(TOY.samples, {}, learners=("mean",), out=out, **HERE)


def test_an_interrupted_one_goes_on(tmp_path: Path):
    arguments = {"knowledge": {}, "learners": ("mean", "linear", "elastic_net"), "seeds": 2, **HERE}
    whole = kgnn.compare(TOY.samples, **arguments)
    out, steps = tmp_path / "table.csv", []

    def stop(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kgnn.compare(TOY.samples, **arguments, out=out, done=stop)
    assert steps == [(k, 12) for k in range(1, 6)] and not out.exists()
    partial = tmp_path / "table.csv.partial"
    kept = partial.read_text()
    partial.write_text(kept + '{"key": ["linear", 1')
    with pytest.raises(RunError, match="begun with other samples"):
        kgnn.compare(TOY.samples, **{**arguments, "seeds": 3}, out=out)
    found = kgnn.compare(TOY.samples, **arguments, out=out)
    drop = ["seconds"]
    pandas.testing.assert_frame_equal(found.folds.drop(columns=drop), whole.folds.drop(columns=drop))
    # The first five are those of before, to the second.
    before = [json.loads(line)["row"]["seconds"] for line in kept.splitlines()[1:]]
    assert sorted(before) == sorted(found.folds.sort_values(["seed", "fold"], kind="stable")["seconds"].head(5))
    out.unlink()
    partial.write_text("{")
    with pytest.raises(RunError, match="damaged"):
        kgnn.compare(TOY.samples, **arguments, out=out)


def test_selection_inside_the_folds_gains_nothing_on_noise():
    random = np.random.default_rng(0)
    values = random.normal(size=(60, 400)).astype(np.float32)
    targets = Targets(random.normal(size=(60, 1)).astype(np.float32), ("y",), "regression")
    samples = kgnn.Samples.from_values(values, [f"g{k}" for k in range(400)], meaning="abundance", targets=targets)
    arguments = {"learners": ("linear",), "n_folds": 3, "seeds": 2}
    honest = kgnn.compare(samples, {}, select=10, **arguments)
    assert (honest.folds["n_genes"] == 10).all() and honest.table()["mean"].iloc[0] < 0.25
    leaky = kgnn.bakeoff.select_genes(samples, 10)
    assert kgnn.compare(leaky, {}, allow=("selection",), **arguments).table()["mean"].iloc[0] > 0.5
    with pytest.raises(KgnnError, match="select= for a selection inside every fold"):
        kgnn.compare(leaky, {}, **arguments)


def test_a_grid_is_chosen_from_inside():
    found = kgnn.compare(
        TOY.samples, {"ontology": TOY.ontology}, recipes=["dcell"], controls=(), learners=(), n_folds=2, score="mse",
        settings={**FAST, "epochs": 3}, grid={"learning_rate": [1e-6, 0.02]},
    )  # fmt: skip
    assert found.folds["chosen"].str.startswith("learning_rate 0.02, epoch ").all()
    assert found.score == "mse" and found.table()["mean"].iloc[0] < 1


def test_who_takes_part():
    knowledge = {"ontology": TOY.ontology}
    with pytest.raises(KgnnError, match="drugcell cannot take part: it takes the tables genotype, fingerprint"):
        kgnn.compare(TOY.samples, knowledge, recipes=["drugcell"], **HERE)
    with pytest.raises(KgnnError, match="dcell cannot take part: there is no ontology"):
        kgnn.compare(TOY.samples, {"network": toy_network()}, recipes=["dcell"], **HERE)
    for what, named in (("recipe", "recipes"), ("control", "controls"), ("learner", "learners")):
        with pytest.raises(KgnnError, match=f"{what} is 'x'"):
            kgnn.compare(TOY.samples, knowledge, **{named: ["x"]}, **HERE)
    with pytest.raises(KgnnError, match="nobody takes part"):
        kgnn.compare(TOY.samples, {}, learners=(), **HERE)
    with pytest.raises(KgnnError, match="score is 'auroc'"):
        kgnn.compare(TOY.samples, {}, score="auroc", **HERE)


def test_the_command(tmp_path: Path):
    samples = TOY.samples
    table = pandas.DataFrame(np.asarray(samples.gene_values()), columns=list(samples.genes), index=list(samples.names))
    # Ten genotypes alike: some of them are on either side of a split.
    table.iloc[:10] = table.iloc[0].to_numpy()
    table.insert(0, "phenotype", samples.targets.values[:, 0])
    table.to_csv(tmp_path / "toy.csv", index_label="sample")
    write_obo(TOY.ontology, tmp_path / "toy.obo", annotations=tmp_path / "genes.tsv")
    words = ["compare", "--train", tmp_path / "toy.csv", "--target", "phenotype", "--meaning", "alteration"]
    words += ["--learners", "mean,linear", "--controls", "none", "--folds", "2", "--recipes", "dcell"]
    words += ["--ontology", tmp_path / "toy.obo", "--annotations", tmp_path / "genes.tsv"]
    settings = [f"--set={name}={value}" for name, value in {**FAST, "epochs": 2}.items() if name != "epochs"]
    words += ["--epochs", "2", *settings]
    assert "share" in fail(*words) and "allow='duplicates'" in fail(*words)
    found = succeed(*words, "--allow", "duplicates", "--out", tmp_path / "out.csv", "--json").json()
    assert {row["contestant"] for row in found["table"]} == {"dcell", "mean", "linear"}
    assert [row["against"] for row in found["worth"]] == ["linear"] and len(found["folds"]) == 6
    assert (tmp_path / "out.csv").is_file() and (tmp_path / "out.folds.csv").is_file()
    assert "Give --train FILE, or a bundled task: --task pbmc or toy" in fail("compare", "--folds", "2")
    assert "brings its own samples" in fail("compare", "--task", "toy", "--train", "x.csv")
    assert "task is 'mnist'" in fail("compare", "--task", "mnist")
    assert "x.gif: a picture cannot be" in fail("compare", "--task", "toy", "--picture", "x.gif")
    text = succeed("compare", "--task", "toy", "--recipes", "dcell", "--controls", "none", "--learners", "linear",
                   "--folds", "2", "--epochs", "2", "--picture", tmp_path / "toy.svg").out  # fmt: skip
    assert f"wrote {tmp_path / 'toy.svg'}" in text and "<svg" in (tmp_path / "toy.svg").read_text()
    assert "pearson, mean of 2 folds" in text and "dcell – linear" in text
