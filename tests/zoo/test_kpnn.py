"""A regulatory graph with cycles is a version of kpnn: it trains, is stored, knocked down and ranked like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest

from kgnn.data.export import to_anndata
from kgnn.errors import KgnnError, StructureError, TrainingError
from kgnn.interpret import importance
from kgnn.knowledge import build_network
from kgnn.models import Replicates, SteadyStateNetwork
from kgnn.perturb import knockdown
from kgnn.structure import compile_regulation
from kgnn.train import Run, load_run, predict
from kgnn.zoo import fit_recipe, kpnn
from tests.commands import fail, succeed
from tests.zoo.toys import expression, toy_regulation

#  genes ──▶ P0 ▶ Q0 ▶ R ──▶ a, b     R acts back on P0, Q2 on P4
NETWORK, SAMPLES = toy_regulation(feedback=True), expression("labels")
QUICK = {"epochs": 3, "replicates": 2, "batch_size": 10, "checkpoint_every": 0}


def fitted(out: Path | None = None, **settings: object) -> Run:
    return fit_recipe(
        kpnn, NETWORK, SAMPLES.take(range(30)), test=SAMPLES.take(range(30, 43)), version="feedback",
        settings={**QUICK, **settings}, baselines=("shuffled",), out=out,
    )  # fmt: skip


def test_a_graph_with_cycles(tmp_path: Path):
    run = fitted(tmp_path / "run")
    assert isinstance(run.model, Replicates) and isinstance(run.model.stacked, SteadyStateNetwork)
    assert run.model.output_names == ("a", "b") and run.model.terms[-2:] == ("a", "b")
    assert run.metrics["version"] == "feedback" and np.isfinite(run.history["loss"]).all()
    loaded = load_run(tmp_path / "run")
    assert predict(loaded.model, SAMPLES).tobytes() == predict(run.model, SAMPLES).tobytes()
    ranked = importance(loaded, "node_weights")
    assert set(ranked["term"]) == {"P0", "P1", "P2", "P3", "P4", "Q0", "Q1", "Q2", "R"}
    assert np.isfinite(ranked["importance"]).all() and (ranked["n_replicates"] == 2).all()
    effects = knockdown(run, subsystems="R", samples=SAMPLES)
    # Around the loop, R moves what lies below it.
    assert effects.set_index("name")["effect"][["Q0", "P0"]].abs().min() > 0


def test_what_does_not_fit_a_version():
    with pytest.raises(StructureError, match="nodes lie on or above a cycle: P0, .*version feedback of kpnn"):
        fit_recipe(kpnn, NETWORK, SAMPLES, settings=QUICK)
    hierarchy, _ = compile_regulation(toy_regulation(), SAMPLES.genes, outputs=["a", "b"])
    with pytest.raises(KgnnError, match="SteadyStateNetwork is built from Adjacency, but Hierarchy is given"):
        fit_recipe(kpnn, hierarchy, SAMPLES, version="feedback", settings=QUICK)
    with pytest.raises(KgnnError, match="dropout_rule: no option of a SteadyStateNetwork"):
        fitted(dropout_rule="degree")
    with pytest.raises(KgnnError, match="damping: no option of a RegulatoryNetwork"):
        fit_recipe(kpnn, toy_regulation(), SAMPLES, settings={**QUICK, "damping": 0.9})


def test_loops_without_rest_say_so():
    # Every node holds itself down, too strongly for some to come to rest.
    inner, genes = [f"P{place}" for place in range(8)], [f"{gene}_gene" for gene in SAMPLES.genes[:8]]
    edges = [*zip(genes, inner, strict=True), *zip(inner, inner, strict=True), *((each, "a") for each in inner)]
    names = [*genes, *inner, "a"]
    source, target = (np.array([names.index(edge[end]) for edge in edges]) for end in (0, 1))
    network = build_network(names, source, target, sign=np.array([1] * 8 + [-1] * 8 + [1] * 8), directed=True)
    targets = SAMPLES.require_targets()
    samples = replace(SAMPLES, targets=replace(targets, values=targets.values[:, :1], names=("a",)))
    settings = {**QUICK, "signed": True, "initial_scale": 300.0, "damping": 0.0}
    with pytest.raises(TrainingError, match="the loops have found no steady state: .*lower initial_scale"):
        fit_recipe(
            kpnn, network, samples, version="feedback", settings=settings, compiling={"unconnected": "drop"},
            baselines=(),
        )  # fmt: skip


def test_on_the_command_line(own_cache: Path, tmp_path: Path):
    edges = [f"{edge.target},{edge.source}\n" for edge in NETWORK.edges]
    (tmp_path / "edges.csv").write_text("parent,child\n" + "".join(edges))
    to_anndata(SAMPLES).write_h5ad(tmp_path / "cells.h5ad")
    words = (
        "train", "--recipe", "kpnn", "--network", tmp_path / "edges.csv", "--train", tmp_path / "cells.h5ad",
        "--target", "a,b", "--meaning", "abundance", "--read", "kind=labels", "--epochs", "2", "--replicates", "2",
        "--no-baselines", "--out", tmp_path / "run",
    )  # fmt: skip
    assert "version feedback of kpnn" in fail(*words)
    succeed(*words, "--version", "feedback")
    succeed("importance", tmp_path / "run", "--measure", "node_weights", "--out", tmp_path / "nodes.tsv")
    assert set(pandas.read_csv(tmp_path / "nodes.tsv", sep="\t")["output"]) == {"a", "b"}
