"""Compiling files, and the cache of what was compiled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kgnn.errors import FormatError
from kgnn.structure import CompiledFiles, alignment_summary, compile_files, compiled_cache, hierarchy_summary

ONTOLOGY = "root\tA\tdefault\nroot\tB\tdefault\nA\tg1\tgene\nA\tg2\tgene\nB\tg3\tgene\nB\tg3\tgene\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ontology.txt").write_text(ONTOLOGY)
    (tmp_path / "genes.txt").write_text("g1\ng3\nx\n")
    monkeypatch.setenv("KGNN_COMPILED_CACHE", str(tmp_path / "cache"))
    return tmp_path


def compiled(folder: Path, **choices) -> CompiledFiles:
    return compile_files(folder / "ontology.txt", genes=folder / "genes.txt", **choices)


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "cache").glob("*"))


def test_the_second_time_gives_the_same_from_the_cache(folder: Path):
    first, second = compiled(folder), compiled(folder)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert len(entries(folder)) == 1
    assert second.hierarchy == first.hierarchy
    assert second.alignment == first.alignment
    assert second.read == first.read == {"terms": 3, "relations": 2, "annotations": 3}
    for summary in (hierarchy_summary,):
        assert summary(second.hierarchy) == summary(first.hierarchy)
    dropped = {
        (each["reason"], each["count"], *each["first"]) for each in alignment_summary(second.alignment)["dropped"]
    }
    assert dropped == {
        ("repeated in the file", 1, "g3 B"), ("not measured", 1, "g2"),
        ("in the data but not annotated: left out", 1, "x"),
    }  # fmt: skip


CHANGES: dict[str, Callable[[Path], dict]] = {
    "ontology": lambda folder: {"_": (folder / "ontology.txt").write_text(ONTOLOGY + "B\tg1\tgene\n")},
    "genes": lambda folder: {"_": (folder / "genes.txt").write_text("g1\ng2\n")},
    "rules": lambda _: {"rules": {"min_genes": 2}},
    "skips": lambda _: {"skips": "copy"},
    "root": lambda _: {"root": "A"},
    "unannotated": lambda _: {"unannotated": "root"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_anything_compiles_anew(folder: Path, change: Callable[[Path], dict]):
    compiled(folder)
    choices = change(folder)
    choices.pop("_", None)
    assert not compiled(folder, **choices).from_cache
    assert compiled(folder, **choices).from_cache
    assert len(entries(folder)) == 2


def test_the_same_content_under_another_date_is_the_same(folder: Path):
    compiled(folder)
    os.utime(folder / "ontology.txt", (0, 0))
    assert compiled(folder).from_cache


def test_turned_off(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert not compiled(folder, cache=False).from_cache
    monkeypatch.setenv("KGNN_COMPILED_CACHE", "off")
    compiled(folder)
    assert not compiled(folder).from_cache
    monkeypatch.setenv("KGNN_COMPILED_CACHE", str(folder / "ontology.txt" / "no folder"))
    assert not compiled(folder).from_cache
    assert entries(folder) == []


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-40], lambda whole: b"", lambda whole: whole[:200] + b"?" + whole[201:]]
)
def test_a_damaged_entry_is_made_anew(folder: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture):
    first = compiled(folder)
    entry = entries(folder)[0]
    entry.write_bytes(damage(entry.read_bytes()))
    again = compiled(folder)
    assert not again.from_cache
    assert again.hierarchy == first.hierarchy
    assert "cannot be used" in caplog.text
    assert compiled(folder).from_cache


def test_only_the_newest_entries_stay(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled_cache, "N_ENTRIES", 2)
    for size in (1, 2, 3):
        compiled(folder, rules={"max_depth": size})
        os.utime(max(entries(folder), key=lambda entry: entry.stat().st_mtime_ns), (size, size))
    assert len(entries(folder)) == 2
    assert compiled(folder, rules={"max_depth": 3}).from_cache


def test_a_missing_file_is_the_readers_to_refuse(folder: Path):
    with pytest.raises(FormatError, match="no such file"):
        compile_files(folder / "absent.txt")
