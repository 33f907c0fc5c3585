"""What users bring by mistake: one line that names file, line or offenders, exit code 2, and nothing left behind."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from kgnn.data import Samples
from kgnn.knowledge import Ontology
from kgnn.structure import compile_hierarchy
from tests.commands import fail
from tests.conftest import Trained
from tests.written import small_toy, write_drugcell_text, write_gaf, write_gene_table, write_obo, write_samples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the files; the commands run in it."""
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ontology() -> Ontology:
    return small_toy()[0]


@pytest.fixture
def samples() -> Samples:
    return small_toy(19)[1]


def fail_cleanly(*words: str | Path) -> str:
    """The message; nothing in the working folder has changed."""

    def files() -> dict[Path, bytes | None]:
        return {path: path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}

    before = files()
    message = fail(*words)
    assert files() == before
    return message


def fail_to_train(ontology: Ontology, train: Path, *words: str | Path) -> str:
    text = write_drugcell_text(ontology, Path("ontology.txt"))
    return fail_cleanly("train", "--ontology", text, "--train", train, "--epochs", "2", *words, "--out", "run")


# --- knowledge


@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_obo(folder: Path, ontology: Ontology, packed: bool):
    whole = write_obo(ontology, folder / "go.obo").read_bytes()
    table = write_gene_table(ontology, folder / "genes.tsv")
    cut = whole[: whole.index(b"is_a: TOY:0005") + len(b"is_a: TOY")]
    obo = folder / "go.obo"
    obo.write_bytes(gzip.compress(whole, mtime=0)[:-40] if packed else cut)
    message = fail_cleanly("compile", "--ontology", obo, "--annotations", table, "--out", "h.npz")
    assert f"{obo}, line " in message
    if not packed:
        assert f"line {cut.count(10) + 1}: " in message


def test_a_cycle(folder: Path):
    lines = ["ROOT\tA\tdefault", "A\tB\tdefault", "B\tC\tdefault", "C\tA\tdefault", "C\tTP53\tgene"]
    (folder / "o.txt").write_text("".join(f"{line}\n" for line in lines))
    message = fail_cleanly("compile", "--ontology", "o.txt", "--out", "h.npz")
    assert message.startswith("o.txt: ")
    assert "cycle" in message
    assert all(f"{term}" in message.split("cycle", 1)[1] for term in "ABC")


def test_a_gaf_with_a_wrong_column_count(folder: Path, ontology: Ontology):
    obo, gaf = write_obo(ontology, folder / "go.obo"), write_gaf(ontology, folder / "sgd.gaf")
    lines = gaf.read_text().splitlines()
    lines[4] = "\t".join(lines[4].split("\t")[:9])
    gaf.write_text("".join(f"{line}\n" for line in lines))
    message = fail_cleanly("compile", "--ontology", "go.obo", "--annotations", "sgd.gaf", "--out", "h.npz")
    assert message.startswith("sgd.gaf, line 5: ")
    assert "9 columns" in message
    assert obo.exists()


# --- samples


def test_an_h5ad_without_the_target(folder: Path, ontology: Ontology, samples: Samples):
    train = write_samples(samples, folder / "screen.h5ad", "fitness")
    message = fail_to_train(ontology, train, "--target", "growth")
    assert "screen.h5ad: has no column in obs 'growth'" in message
    assert "fitness" in message


@pytest.mark.parametrize("ending", [".csv", ".h5ad"])
def test_a_target_that_is_not_a_number(folder: Path, ontology: Ontology, samples: Samples, ending: str):
    targets = samples.require_targets()
    if ending == ".h5ad":
        values = targets.values.copy()
        values[[3, 5]] = np.nan
        # Samples refuse it, as they should: the file is written around them.
        object.__setattr__(targets, "values", values)
        train = write_samples(samples, folder / "screen.h5ad")
    else:
        train = write_samples(samples, folder / "screen.csv")
        lines = train.read_text().splitlines()
        for row in (4, 6):
            lines[row] = lines[row].rsplit(",", 1)[0] + ",nan"
        train.write_text("".join(f"{line}\n" for line in lines))
    message = fail_to_train(ontology, train, "--target", "growth")
    assert message.startswith(f"{train}: 2 of 19 samples have a missing or infinite target")
    assert "sample_3, sample_5" in message


def test_sample_names_that_come_twice(folder: Path, ontology: Ontology, samples: Samples):
    train = write_samples(samples, folder / "screen.tsv")
    train.write_text(train.read_text().replace("sample_7\t", "sample_2\t"))
    message = fail_to_train(ontology, train, "--target", "growth")
    assert message.startswith(f"{train}: 1 sample names come more than once: sample_2.")


def test_an_unknown_gene(folder: Path, trained: Trained):
    message = fail_cleanly("knockdown", trained.run, "--genes", "G03,TP53,BRCA1", "--out", "new/effects.tsv")
    assert "2 genes: TP53, BRCA1" in message


def test_genes_that_the_ontology_does_not_know(folder: Path, ontology: Ontology, samples: Samples):
    train = write_samples(samples, folder / "screen.tsv")
    train.write_text(train.read_text().replace("G03\t", "HLA-A (+)\t").replace("G04\t", "é/β\t"))
    message = fail_to_train(ontology, train, "--target", "growth")
    assert "2 of 23 genes in the data have no annotation under TOY:0000: " in message
    assert "HLA-A (+), é/β" in message or "é/β, HLA-A (+)" in message


# --- any file


@pytest.mark.parametrize("name", ["empty.obo", "empty.csv", "empty.h5ad", "empty.npz"])
def test_an_empty_file(folder: Path, ontology: Ontology, name: str):
    (folder / name).touch()
    assert fail_to_read(ontology, name).startswith(f"{name}: is ")


@pytest.mark.parametrize("name", ["picture.obo", "picture.csv", "picture.h5ad", "picture.npz"])
def test_a_binary_file(folder: Path, ontology: Ontology, name: str):
    (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe" * 9)
    assert fail_to_read(ontology, name).startswith(f"{name}: is ")


def fail_to_read(ontology: Ontology, name: str) -> str:
    if name.endswith(".obo"):
        return fail_cleanly("compile", "--ontology", name, "--out", "h.npz")
    if name.endswith(".npz"):
        return fail_cleanly("info", name)
    return fail_to_train(ontology, Path(name), "--target", "growth")


# --- runs


@pytest.mark.parametrize("command", ["predict", "knockdown", "importance", "report", "info"])
def test_a_run_folder_with_another_ontology(folder: Path, trained: Trained, command: str):
    shutil.copytree(trained.run, folder / "run")
    other = trained.ontology.prune(min_genes=4)
    compile_hierarchy(other)[0].save(folder / "run" / "hierarchy.npz")
    words: dict[str, tuple[str | Path, ...]] = {
        "predict": ("--samples", trained.folder / "test.tsv", "--out", "p.tsv"),
        "knockdown": ("--all", "--out", "k.tsv"),
        "importance": ("--out", "i.tsv"),
        "report": ("--out", "r.html"),
        "info": (),
    }
    message = fail_cleanly(command, "run", *words[command])
    assert message.startswith("run: hierarchy.npz has fingerprint ")
    assert compile_hierarchy(trained.ontology)[0].fingerprint[:12] in message


def test_a_run_folder_with_damaged_weights(folder: Path, trained: Trained):
    shutil.copytree(trained.run, folder / "run")
    weights = folder / "run" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "weights.safetensors: the arrays cannot be read" in fail_cleanly(
        "knockdown", "run", "--all", "--out", "k.tsv"
    )
