"""Motifs on the command line."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from kgnn.structure import Kernels
from tests.commands import fail, succeed
from tests.knowledge.motif_files import JASPAR, MEME


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "motifs.jaspar").write_text(JASPAR)
    (tmp_path / "motifs.meme").write_text(MEME)
    (tmp_path / "s.fa").write_text(">one\nTTGCGTT\n>two\nAG\n")
    (tmp_path / "twice.fa").write_text(">one\nTTGCGTT\n>one\nAG\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_kernels(folder: Path):
    words = ("kernels", "--motifs", "motifs.jaspar", "--length", "5", "--both-strands", "--out", "k.npz")
    printed = succeed(*words, "--json").json()
    kernels = Kernels.load("k.npz")
    assert (printed["filters"], printed["length"], printed["fingerprint"]) == (4, 5, kernels.fingerprint)
    assert kernels.motifs == ("MX1.1", "MX2.1", "MX1.1", "MX2.1")
    shown = succeed("info", "k.npz")
    assert shown.out.startswith("kind         kernels\n")
    assert "motifs.jaspar: sha256" in shown.out


def test_scan(folder: Path):
    words = ("scan", "--motifs", "motifs.jaspar", "--sequences", "s.fa", "--p-value", "0.13", "--out", "hits.tsv")
    printed = succeed(*words, "--factors", "SRF", "--json").json()
    hits = pandas.read_csv("hits.tsv", sep="\t")
    assert printed["hits"] == len(hits) > 0
    assert set(hits["motif"]) == {"MX2.1"}
    assert {("two", 0, 2, "+")} <= set(hits[["sequence", "start", "end", "strand"]].itertuples(index=False, name=None))
    assert "unreachable  1" in succeed(*words[:-3], "1e-5", "--out", "none.tsv", "--factors", "SRF").out
    assert pandas.read_csv("none.tsv", sep="\t").columns.tolist() == hits.columns.tolist()


def test_info_of_a_file_of_motifs(folder: Path):
    printed = succeed("info", "motifs.meme", "--json").json()
    assert (printed["kind"], printed["motifs"], printed["factors"]) == ("motifs", 2, 2)
    assert printed["provenance"]["transformations"][0] == "read as MEME version 4"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("kernels", "--motifs", "s.fa", "--out", "k.npz"), "s.fa: is in none of the formats meme, jaspar"),
        (("kernels", "--motifs", "motifs.jaspar", "--length", "2", "--out", "k.npz"), "1 of 2 motifs are wider"),
        (("kernels", "--motifs", "motifs.jaspar", "--kind", "pwm", "--out", "k.npz"), "kind is 'pwm'"),
        (("kernels", "--motifs", "motifs.jaspar", "--factors", "X", "--out", "k.npz"), "1 of 1 factors have no motif"),
        (("kernels", "--motifs", "motifs.jaspar", "--choose", "collection", "--out", "k.npz"), "--choose 'collection'"),
        (
            ("scan", "--motifs", "motifs.jaspar", "--sequences", "motifs.meme", "--out", "h.tsv"),
            "motifs.meme, line 1: ",
        ),
        (
            ("scan", "--motifs", "motifs.jaspar", "--sequences", "s.fa", "--out", "h.bed"),
            "ending of the table is '.bed'",
        ),
        (
            ("scan", "--motifs", "motifs.jaspar", "--sequences", "twice.fa", "--out", "h.tsv"),
            "1 sequence names come more than once: one",
        ),
        (("scan", "--motifs", "no.meme", "--sequences", "s.fa", "--out", "h.tsv"), "no.meme: there is no such file"),
        (
            ("scan", "--motifs", "motifs.jaspar", "--sequences", "s.fa", "--p-value", "2", "--out", "h.tsv"),
            "p_value is 2",
        ),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folder: Path, words, message: str):
    before = sorted(folder.iterdir())
    assert message in fail(*words)
    assert sorted(folder.iterdir()) == before
