"""What the benchmarks share: timing, exponents, the arithmetic of a step, and the form of a result."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

from benchmarks.measuring.exponents import fit_row
from benchmarks.measuring.result import Bar, Result, as_table, as_text, command_of, make_record, write_record
from benchmarks.measuring.roofline import floor_row, step_flops
from benchmarks.measuring.timing import time_calls
from benchmarks.measuring.workloads import distinct_samples, draw_bits
from kgnn.data import random_ontology
from kgnn.structure import compile_hierarchy
from kgnn.zoo import drugcell

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((REPOSITORY / "benchmarks").glob("*.py"))


def test_timing_warms_up_and_keeps_to_its_number_of_calls() -> None:
    calls: list[int] = []
    timing = time_calls(lambda: calls.append(1), warm_up=2, least=3, most=4, seconds=60)
    assert (len(calls), timing.calls) == (6, 4)
    assert 0 <= timing.least <= timing.median
    calls.clear()
    assert time_calls(lambda: calls.append(1), warm_up=0, least=3, seconds=0).calls == 3


def test_an_exponent_is_found_and_the_steepest_stretch_is_named() -> None:
    points = [{"work": size, "step_s": 0.5 * size**1.3} for size in (10, 100, 1_000)]
    found = fit_row("work", points, "work")
    assert found["exponent"] == pytest.approx(1.3) == found["steepest"]
    assert found["r2"] == pytest.approx(1)
    overhead = [{"work": size, "step_s": 1 + (size / 100) ** 2} for size in (1, 10, 100, 1_000)]
    found = fit_row("work", overhead, "work")
    assert found["exponent"] < 1 < 1.6 < found["steepest"]


def test_the_arithmetic_of_a_step_is_that_of_its_weights() -> None:
    hierarchy, _ = compile_hierarchy(random_ontology(5, 7, seed=1))
    model = drugcell(hierarchy, n_fingerprint=11, rngs=nnx.Rngs(0), version="paper")
    annotations, relations = len(hierarchy.annotation_gene), len(hierarchy.relation_child)
    on_inputs = annotations * 6 + 11 * 100
    heads = (5 + 3) * 6
    others = relations * 36 + 100 * 50 + 50 * 6 + 12 * 6 + heads
    assert step_flops(hierarchy, model) == 2 * (2 * on_inputs + 3 * others)
    row = floor_row(10, 2.0, 1e9, 1e9, {"matmul_gflops": 50.0, "copy_gbytes": 10.0})
    assert row["arithmetic_floor_s"] == pytest.approx(0.2)
    assert row["times_the_floor"] == pytest.approx(10)
    assert (row["gflops"], row["share_of_copy"]) == (pytest.approx(5), pytest.approx(0.5))


def test_samples_are_all_different_and_a_draw_with_repeats_is_refused() -> None:
    hierarchy, _ = compile_hierarchy(random_ontology(5, 23, seed=1))
    samples = distinct_samples(hierarchy, 40, density=0.5, bits=200)
    inputs: Any = samples.inputs()
    assert {name: len(np.unique(values, axis=0)) for name, values in inputs.items()} == {
        "genotype": 40,
        "fingerprint": 40,
    }
    with pytest.raises(SystemExit, match="not all different"):
        draw_bits(np.random.default_rng(0), 9, 3, 0.5)


def test_peak_memory_is_that_of_the_process_itself() -> None:
    """What the parent holds, this process with JAX in it, is no part of it."""
    code = (
        "from benchmarks.measuring.machine import peak_memory_gb; before = peak_memory_gb(); "
        "held = bytearray(200_000_000); print(before, peak_memory_gb())"
    )
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    before, after = map(float, finished.stdout.split())
    assert before < 0.1
    assert before + 0.19 < after < before + 0.3


def result() -> Result:
    return Result(
        sizes={"terms": 2086},
        tables={"times": [{"batch": 500, "s": 0.123456789, "design": "ours"}, {"batch": 5000, "s": 1.5}]},
        bars=[Bar("fast enough", 45, 48.04, at_least=True), Bar("small enough", 3, 3.5), Bar("unknown", 1, None)],
        roofline={"matmul_gflops": 245.678},
        notes=["a note"],
    )


def test_a_result_is_json_without_a_path_and_says_which_bars_are_met(tmp_path: Path) -> None:
    command = command_of("epoch", ["--json", "--quick", "--batch", "7", "--out", str(tmp_path)])
    assert command == "python benchmarks/epoch.py --quick --batch 7 --out benchmarks/results/epoch.json"
    record = make_record("epoch", "How long?\n\nMore.", result(), command=command, seconds=1.26)
    assert [bar["met"] for bar in record["bars"]] == [True, False, None]
    assert record["question"] == "How long?"
    assert record["quick"]
    assert record["tables"]["times"][0]["s"] == 0.1235
    assert {"jax", "kgnn", "python"} <= record["versions"].keys()
    assert {"processor", "cores", "device"} <= record["machine"].keys()
    out = tmp_path / "results" / "a.json"
    write_record(out, record)
    assert [file.name for file in out.parent.iterdir()] == ["a.json"]
    text = out.read_text(encoding="utf-8")
    assert json.loads(text) == record
    assert not re.search(r'"(/|[A-Z]:\\)|/home/|/tmp/', text)
    shown = as_text(record)
    assert re.search(r"fast enough +≥ 45 +48\.04 +met", shown)
    assert re.search(r"small enough +≤ 3 +3\.5 +NOT met", shown)
    assert re.search(r"unknown +≤ 1 +not measured", shown)
    assert "quick run" in shown


def test_a_table_aligns_numbers_right_and_leaves_missing_cells_empty() -> None:
    lines = as_table([{"name": "a", "s": 1234.5}, {"name": "long", "s": 2, "more": None}])
    assert lines == ["  name      s  more", "  a     1,234", "  long      2"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_asks_one_question_and_is_documented(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    question = (ast.get_docstring(tree) or "").splitlines()[0]
    assert question.endswith("?")
    page = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert f"`benchmarks/{script.name}`" in page


def test_committed_results_are_of_scripts_that_exist_and_were_not_quick() -> None:
    for file in (REPOSITORY / "benchmarks" / "results").glob("*.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        assert record["benchmark"] in {script.stem for script in SCRIPTS}, file.name
        assert not record["quick"], file.name
