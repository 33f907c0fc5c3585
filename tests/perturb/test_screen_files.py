"""Screens on disk: both formats hold the same, an interrupted one goes on to the same bytes, another one is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
import zarr

import kgnn
from kgnn.errors import KgnnError, RunError
from kgnn.perturb import screen_blocks
from tests.commands import fail, succeed
from tests.conftest import Trained
from tests.perturb.runs import samples, some_run


class Killed(BaseException):
    """What no code expects to catch."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr(screen_blocks, "ROWS", 30)
    monkeypatch.setattr(screen_blocks, "PAIR_COLUMNS", 30)


def interrupted(after: int):
    """A progress that ends the process, as it were, after some blocks."""
    calls = []

    def progress(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == after:
            raise Killed

    return progress


def content(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {str(each.relative_to(path)): each.read_bytes() for each in sorted(path.rglob("*")) if each.is_file()}


@pytest.mark.parametrize("name", ["screen.parquet", "screen.zarr", "top.parquet"])
def test_an_interrupted_screen_goes_on_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    options = {"genes": "all", "pairs": "all", "top_k": 2, "top": 20 if name.startswith("top") else None}
    whole, broken = tmp_path / "whole" / name, tmp_path / "broken" / name
    assert kgnn.screen(some_run(), **options, out=whole) == whole
    for after in (3, 5):
        with pytest.raises(Killed):
            kgnn.screen(some_run(), **options, out=broken, progress=interrupted(after))
        assert not broken.exists()
    computed = []
    kgnn.screen(some_run(), **options, out=broken, progress=lambda *done: computed.append(done))
    assert content(broken) == content(whole)
    assert [path.name for path in broken.parent.iterdir()] == [name]


def test_finished_blocks_are_not_computed_again(tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "screen.parquet"
    with pytest.raises(Killed):
        kgnn.screen(some_run(), "all", out=out, progress=interrupted(3))
    compute, computed = screen_blocks.Screening.compute, []

    def counted(self, work):
        computed.append(work)
        return compute(self, work)

    monkeypatch.setattr(screen_blocks.Screening, "compute", counted)
    kgnn.screen(some_run(), "all", out=out)
    assert len(computed) == 4 - 3


def test_both_formats_hold_what_the_table_holds(tmp_path: Path) -> None:
    run = some_run()
    options = {"genes": ["a1", "d_é", "r"], "pairs": "all", "top_k": 3}
    table = kgnn.screen(run, **options)
    stored = pandas.read_parquet(kgnn.screen(run, **options, out=tmp_path / "s.parquet"))
    assert list(stored) == list(table)
    for column in table:
        if table[column].dtype == "category":
            assert stored[column].astype(object).fillna("").tolist() == table[column].astype(object).fillna("").tolist()
        else:
            np.testing.assert_array_equal(stored[column], table[column])
    group = zarr.open_group(kgnn.screen(run, **options, out=tmp_path / "s.zarr"), mode="r")
    names = {name: list(group[name][:]) for name in ("perturbation", "kind", "sample", "output", "term")}
    assert names["perturbation"] == ["a1", "d_é", "r", "a1+d_é", "a1+r", "d_é+r"]
    assert names["kind"] == ["gene"] * 3 + ["pair"] * 3
    assert names["output"] == ["growth", "size"] and names["term"] == list(run.hierarchy.terms)
    for name, columns in (
        ("effect", ["effect_growth", "effect_size"]),
        ("change", ["change_1", "change_2", "change_3"]),
    ):
        np.testing.assert_array_equal(group[name][:].reshape(len(table), -1), table[columns])
    first = table["subsystem_1"].cat.codes.to_numpy().reshape(6, 13)
    np.testing.assert_array_equal(group["subsystem"][:, :, 0], first)
    assert np.isnan(group["epistasis"][:3]).all() and np.isfinite(group["epistasis"][3:]).all()


@pytest.mark.parametrize("name", ["screen.parquet", "screen.zarr"])
def test_another_screen_is_not_gone_on_with(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    with pytest.raises(Killed):
        kgnn.screen(some_run(), "all", out=out, progress=interrupted(1))
    for other, what in (
        ({"genes": "all", "dose": 0.5}, "other dose .dose: 1.0, now 0.5"),
        ({"genes": ["a1", "r"]}, "other perturbations"),
        ({"genes": "all", "samples": samples(13, seed=1)}, "other samples"),
    ):
        with pytest.raises(RunError, match=what):
            kgnn.screen(some_run(), **other, out=out)
    with pytest.raises(RunError, match="other weights"):
        kgnn.screen(some_run("replicates"), "all", out=out)
    kgnn.screen(some_run(), ["a1"], out=out, resume=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    # A result that is there is replaced when the new one is whole.
    kgnn.screen(some_run(), ["r"], out=out)
    assert out.exists()


def test_no_row_may_be_left(tmp_path: Path) -> None:
    out = kgnn.screen(some_run(), "all", threshold=1e9, top_k=1, out=tmp_path / "none.parquet")
    assert list(pandas.read_parquet(out)) == [
        "perturbation", "kind", "sample", "effect_growth", "effect_size", "subsystem_1", "change_1"
    ]  # fmt: skip


def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.parquet").mkdir()
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(KgnnError, match="this is a folder"):
        kgnn.screen(some_run(), "a1", out=tmp_path / "a.parquet")
    with pytest.raises(KgnnError, match="is no zarr group"):
        kgnn.screen(some_run(), "a1", out=tmp_path / "a.zarr")
    monkeypatch.setattr("kgnn.perturb.screen_files.find_spec", lambda name: None)
    with pytest.raises(KgnnError, match=r"Parquet needs pyarrow. Install it with pip install 'kgnn\[parquet\]'"):
        kgnn.screen(some_run(), "a1", out=tmp_path / "b.parquet")
    assert "pyarrow" in sys.modules


def test_the_command(trained: Trained, tmp_path: Path) -> None:
    genes = trained.samples.genes[:3]
    out = tmp_path / "screen.parquet"
    words = ("--genes", ",".join(genes), "--pairs", "all", "--samples", f"{trained.folder}/test.tsv", "--top-k", "2")
    found = succeed("screen", trained.run, *words, "--out", out, "--json").json()
    assert found == {"out": str(out), "computed": 6 * 20}
    table = pandas.read_parquet(out)
    assert len(table) == 120 and "subsystem_2" in table and "epistasis_growth" in table
    some = ("--all", "--top", "5", "--threshold", "0.0", "--dose", "0.5")
    assert "computed" in succeed("screen", trained.run, *some, "--out", out).out
    assert len(pandas.read_parquet(out)) == 5
    assert "ending of the result" in fail("screen", trained.run, "--all", "--out", tmp_path / "screen.tsv")
    assert "nothing to knock down" in fail("screen", trained.run, "--out", out)
