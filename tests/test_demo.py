"""The demo, end to end on its real data, with few epochs and folds."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from kgnn.demo import MARKERS, demo_hierarchy, demo_samples, run_demo
from kgnn.train import load_run

pytestmark = pytest.mark.skipif(find_spec("scanpy") is None, reason="the demo's cells lie in the scanpy package")


def test_the_hierarchy_holds_every_measured_gene():
    samples = demo_samples()
    hierarchy, alignment = demo_hierarchy(samples)
    assert (len(samples), hierarchy.n_genes, len(alignment.unannotated)) == (700, 765, 100)
    assert hierarchy.root == "GO:0008150"
    # NKG7 had no biological process in the release of 2019-01: it feeds the root, and nothing below it.
    gene = hierarchy.genes.index("NKG7")
    assert [hierarchy.terms[term] for term, genes in enumerate(hierarchy.gene_sets) if gene in genes] == ["GO:0008150"]


def test_the_demo_writes_a_run_tables_a_picture_and_a_report(tmp_path: Path):
    result = run_demo(tmp_path, epochs=8, n_folds=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "importance.tsv", "knockdowns.png", "knockdowns.tsv", "report.html", "run",
    ]  # fmt: skip
    assert json.loads(json.dumps(result.summary))["cells"] == 700
    accuracy = result.summary["accuracy"]
    assert set(accuracy) == {"visible network", "mean", "logistic"}
    assert accuracy["visible network"] > accuracy["mean"] + 0.2
    outputs = result.effects[result.effects["target"] == "output"]
    assert set(outputs["perturbation"]) == set(MARKERS)
    # Every cell is perturbed once, in the network that has not seen it.
    assert set(outputs["n_samples"]) == {700}
    assert load_run(tmp_path / "run").recipe == "dcell"
    assert all(gene in result.text for gene in MARKERS)
