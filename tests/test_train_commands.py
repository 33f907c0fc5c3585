"""``kgnn train`` on a network or on motifs in place of an ontology."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

import kgnn.zoo
from kgnn.cli.inputs import HierarchyOptions
from kgnn.cli.training import of_ontology
from kgnn.models.build import KINDS
from kgnn.train import TrainConfig, load_run
from kgnn.zoo import Card, Recipe
from tests.commands import fail, succeed
from tests.train import averaging as family
from tests.train.small import GENES, small_samples


def averaging(structure, *, outputs, task, rngs, kept: float = 0.5):
    settings = family.AveragingSettings(family.Share(kept))
    return family.Averaging(structure, settings, outputs=outputs, task=task, rngs=rngs)


CARD = Card(
    "averaging", "Every gene sees its neighbors", 2017, "10.1/x", "a network", {"only": "one version"}, ("all",)
)
OF_NETWORK = Recipe(
    CARD, averaging, {"only": {}}, {"only": TrainConfig(epochs=3, batch_size=16)}, {"kept": float}, knowledge="network",
    compiling={"normalization": "mean", "self_loops": "add"},
)  # fmt: skip
OF_MOTIFS = Recipe(replace(CARD, name="filters"), averaging, {"only": {}}, {"only": TrainConfig()}, knowledge="motifs")


@pytest.fixture(autouse=True)
def one_more_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kgnn.models.averaging", family)
    monkeypatch.setitem(KINDS, "Averaging", "averaging")
    monkeypatch.setattr(kgnn.zoo, "RECIPES", (*kgnn.zoo.RECIPES, OF_NETWORK, OF_MOTIFS))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    samples = small_samples(40)
    table = pandas.DataFrame(samples.gene_values(), columns=[f"G{k}" for k in range(len(GENES))], index=samples.names)
    table.insert(0, "growth", samples.targets.values[:, 0])
    table.assign(unknown=1.0).to_csv(tmp_path / "samples.csv", index_label="sample")
    edges = pandas.DataFrame({"a": [f"G{k}" for k in range(6)], "b": [f"G{k + 1}" for k in range(6)]})
    edges.assign(weight=0.5).to_csv(tmp_path / "edges.tsv", sep="\t", index=False)
    (tmp_path / "motifs.meme").write_text(
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF m1 first\n"
        "letter-probability matrix: alength= 4 w= 2 nsites= 20\n0.7 0.1 0.1 0.1\n0.1 0.1 0.7 0.1\n"
    )
    return tmp_path


def test_a_network_is_read_compiled_and_trained_on(files: Path):
    words = ["train", "--recipe", "averaging", "--network", files / "edges.tsv", "--train", files / "samples.csv"]
    words += ["--target", "growth", "--meaning", "abundance", "--out", files / "run"]
    assert "1 of 8 genes in the data are not in the network: unknown" in fail(*words)
    found = succeed(*words, "--unannotated", "drop", "--signs", "ignore", "--set", "kept=0.25", "--json").json()
    assert set(found["baselines"]) == {"mean", "ridge", "dense", "shuffled"} and found["recipe"] == "averaging"
    run = load_run(files / "run")
    assert run.structure.normalization == "mean" and run.structure.nodes == tuple(f"G{k}" for k in range(7))
    assert run.structure.n_edges == 2 * 6 + 7
    assert run.model.arguments.settings.share.kept == 0.25
    assert run.alignment["genes not in the network"] == 1
    assert any("compiled to 19 messages" in step for step in run.provenance.transformations)
    assert succeed("info", files / "run", "--json").json()["messages"] == 19


def test_what_was_given_comes_before_what_the_recipe_wants(files: Path):
    succeed(
        "train", "--recipe", "averaging", "--network", files / "edges.tsv", "--train", files / "samples.csv",
        "--target", "growth", "--meaning", "abundance", "--out", files / "run", "--unannotated", "keep",
        "--normalization", "symmetric", "--no-baselines", "--epochs", "1",
    )  # fmt: skip
    structure = load_run(files / "run").structure
    assert structure.normalization == "symmetric" and structure.nodes[-1] == "unknown"


def test_a_recipe_wants_its_own_kind_of_knowledge(files: Path):
    rest = ["--train", files / "samples.csv", "--out", files / "run"]
    network, motifs = ["--network", files / "edges.tsv"], ["--motifs", files / "motifs.meme"]
    assert fail("train", *network, *rest).startswith("dcell takes --ontology, but --network is given. Give --ontology")
    assert fail("train", *motifs, *rest, "--recipe", "averaging").startswith("averaging takes --network, but --motifs")
    assert fail("train", *motifs, *rest, "--recipe", "dcell").startswith("dcell takes --ontology, but --motifs")
    assert "--root does not apply to --network" in fail("train", *network, *rest, "--root", "R")
    assert "--threshold does not apply to --motifs" in fail("train", *motifs, *rest, "--threshold", "3")
    assert "one file is compiled at a time" in fail("train", *network, *motifs, *rest)
    assert "Missing option '--ontology', or one of --network, --motifs" in fail("train", *rest)
    assert not (files / "run").exists()


def test_what_skips_levels_is_left_to_the_recipe_unless_it_is_said(tmp_path: Path):
    given = {said: of_ontology(HierarchyOptions(ontology=tmp_path, skips=said)) for said in (None, "direct", "copy")}
    assert {said: each.compiling for said, each in given.items()} == {
        None: {}, "direct": {"skips": "direct"}, "copy": {"skips": "copy"}
    }  # fmt: skip
