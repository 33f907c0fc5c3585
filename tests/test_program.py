"""The program of the README, run as it stands there on files of these names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import kgnn
from kgnn.data import toy
from tests.conftest import REPOSITORY
from tests.written import write_gaf, write_obo, write_samples


def program() -> str:
    """The first Python block of the README that reads an ontology."""
    blocks = re.findall(r"^```python\n(.*?)^```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    return next(block for block in blocks if "kgnn.read_ontology" in block)


def test_the_program_of_the_readme_runs(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    example = toy(n_samples=120, n_genes=61)
    monkeypatch.chdir(tmp_path)
    for written in (write_obo(example.ontology, Path("go-basic.obo")), write_gaf(example.ontology, Path("sgd.gaf"))):
        written.write_text(written.read_text().replace("TOY:0000", "GO:0008150"))
    write_samples(example.samples, Path("screen.h5ad"), "growth")
    lines = program()
    assert "kgnn.zoo.dcell.config()" in lines
    found: dict[str, object] = {"short": replace(kgnn.zoo.dcell.config(), epochs=3)}
    exec(compile(lines.replace("kgnn.zoo.dcell.config()", "short"), "README.md", "exec"), found)
    assert Path("report.html").stat().st_size > 100_000
    assert set(found["effects"]["perturbation"]) == set(example.samples.genes)  # type: ignore[index]
    assert set(found["ranking"]["term"]) == set(found["hierarchy"].terms)  # type: ignore[index,attr-defined]
