"""On a planted truth the knowledge is worth it, on noise it is not; an interrupted bake-off goes on where it was."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest

import kgnn
from kgnn.bakeoff import Comparison
from kgnn.bakeoff.entries import enter
from kgnn.cli.compare import CompareOptions, KnowledgeOptions, bundled_task
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


@pytest.mark.parametrize("task", ["toy", "pbmc"])
def test_settings_of_a_bundled_task_are_those_of_dcell_alone(task: str):
    if task == "pbmc" and find_spec("scanpy") is None:
        pytest.skip("the demo extra is not installed")
    given = bundled_task(CompareOptions(task=task), KnowledgeOptions())
    asked = given.settings_with({"epochs": 3, "pnet.dropout": 0.1})
    (dcell, pnet), _ = enter(given.samples, given.knowledge, ["dcell", "pnet"], (), (), asked, {})
    assert pnet.settings == {"replicates": 1, "epochs": 3, "dropout": 0.1}
    assert dcell.settings["dropout"] == {"toy": 0.0, "pbmc": 0.7}[task] and dcell.settings["epochs"] == 3
    assert {"learning_rate", "batch_size"} <= set(dcell.settings) and dcell.settings["replicates"] == 1


def with_donors(folder: Path) -> dict[str, Path]:
    """The toy with two samples a donor in files of several formats, where donor, cell and drug are plain columns."""
    mudata = pytest.importorskip("mudata", reason="the multimodal extra is not installed")
    pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    values = np.asarray(TOY.samples.gene_values(), np.float32) + np.arange(300, dtype=np.float32)[:, None]
    names, random = list(TOY.samples.names), np.random.default_rng(0)
    obs = pandas.DataFrame(
        {"y": TOY.samples.targets.values[:, 0], "donor_id": np.arange(300) // 2, "cell": np.arange(300)}, index=names
    )
    data = anndata.AnnData(values, obs, pandas.DataFrame(index=list(TOY.samples.genes)))
    data.write_h5ad(folder / "a.h5ad")
    table = pandas.concat([obs, pandas.DataFrame(values, names, list(TOY.samples.genes))], axis=1)
    table.to_csv(folder / "b.csv", index_label="sample")
    table.to_parquet(folder / "c.parquet")
    letters = ["".join(random.choice(list("ACGT"), 12)) for _ in names]
    records = zip(names, obs["donor_id"], obs["y"], letters, strict=True)
    (folder / "d.fa").write_text("".join(f">{name} donor_id={donor} y={y}\n{dna}\n" for name, donor, y, dna in records))
    obs.assign(dna=letters).to_csv(folder / "e.tsv", sep="\t", index_label="sample")
    with mudata.set_options(pull_on_update=False):
        mudata.MuData({"rna": data}).write_h5mu(folder / "f.h5mu")
    return {path.suffix: path for path in folder.iterdir()}


def test_relatives_in_a_file_are_found_without_asking(tmp_path: Path):
    files = with_donors(tmp_path)
    for ending, path in files.items():
        before = "rna:" if ending == ".h5mu" else ""
        words = ["compare", "--train", path, "--target", f"{before}y", "--learners", "mean", "--folds", "2"]
        words += ["--read", "sequence=dna"] if ending == ".tsv" else []
        refused = fail(*words)
        assert f"values of '{before}donor_id'" in refused and "'cell'" not in refused, ending
        assert f"--group {before}donor_id or --allow {before}donor_id." in refused
        found = succeed(*words, "--group", f"{before}donor_id", "--json").json()
        assert f"{before}donor_id" in found["covariates"], ending
        assert len(found["folds"]) == 2
        if ending not in (".fa", ".tsv"):
            assert {row["n_genes"] for row in found["folds"]} == {30}, ending
    words = ["compare", "--train", files[".csv"], "--learners", "mean", "--folds", "2", "--allow", "donor_id"]
    assert "covariates   donor_id, cell: read by name" in succeed(*words, "--target", "y").out
    # What is predicted is no covariate, and its name in the group's place is no column.
    found = succeed(*words, "--target", "donor_id", "--json").json()
    assert found["covariates"] == ["cell"]
    assert "has no column in obs 'patient'" in fail("compare", "--train", files[".h5ad"], "--group", "patient")


def test_a_column_of_relatives_with_gaps_can_be_left_aside(tmp_path: Path):
    path = with_donors(tmp_path)[".h5ad"]
    data = anndata.read_h5ad(path)
    data.obs["drug"] = ["x", None, *["y"] * 298]
    data.write_h5ad(path)
    words = ["compare", "--train", path, "--target", "y", "--learners", "mean", "--folds", "2", "--group", "donor_id"]
    assert "no value of the covariate 'drug'" in fail(*words)
    assert fail(*words).endswith("leave aside this column, which may tell relatives: --allow drug.")
    assert succeed(*words, "--allow", "drug", "--json").json()["covariates"] == ["donor_id", "cell"]


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
