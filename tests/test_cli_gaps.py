"""A proteome with empty cells, from the command line: refused as it is, trained on and predicted by mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from kgnn.data import fit_scaler, mask_missing
from kgnn.train import load_run
from kgnn.train.baselines import features_of
from tests.commands import fail, succeed
from tests.written import small_toy, write_drugcell_text


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    ontology, samples = small_toy(40, "classes")
    random = np.random.default_rng(0)
    values = random.normal(20.0, 2.0, samples.gene_values().shape)
    values[random.random(values.shape) < 0.2] = np.nan
    table = pandas.DataFrame(values, columns=list(samples.genes), index=pandas.Index(samples.names, name="sample"))
    table.assign(group=np.resize(["a", "b"], 40)).to_csv(tmp_path / "proteome.csv")
    write_drugcell_text(ontology, tmp_path / "ontology.txt")
    words = ["train", "--recipe", "binn", "--ontology", f"{tmp_path}/ontology.txt", "--train"]
    return [*words, f"{tmp_path}/proteome.csv", "--target", "group", "--out", f"{tmp_path}/run", "--epochs", "1"]


def test_gaps_are_refused_until_they_are_asked_for(words: list[str], tmp_path: Path):
    assert "or read gaps as such with --read gaps=mask" in fail(*words)
    found = succeed(*words, "--read", "gaps=mask", "--replicates", "1", "--json").json()
    assert set(found["baselines"]) == {"mean", "logistic", "dense", "shuffled"}
    model: Any = load_run(tmp_path / "run").model
    assert dict(model.arguments.others)["features"] == ("expression", "measured")
    predict = ["predict", tmp_path / "run", "--samples", tmp_path / "proteome.csv", "--out", tmp_path / "p.tsv"]
    reading = ["--read", "target=group", "--read", "gaps=mask"]
    succeed(*predict, *reading)
    predicted = pandas.read_csv(tmp_path / "p.tsv", sep="\t")
    assert len(predicted) == 40 and np.isfinite(predicted.select_dtypes("number")).all(axis=None)


def test_the_linear_baseline_has_gaps_at_the_mean():
    values = np.array([[1.0, np.nan], [3.0, 5.0]])
    samples = mask_missing(values, ["p", "q"])
    scaler = fit_scaler(np.array([[1.0, 4.0], [3.0, 6.0]]), "standard")
    np.testing.assert_allclose(features_of(samples, scaler), [[-1, 0, 1, 0], [1, 0, 1, 1]], atol=1e-6)
