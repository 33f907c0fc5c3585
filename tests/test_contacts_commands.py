"""``kgnn train --contacts``: windows of DNA meet the bins of a contact map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from kgnn.train import load_run
from tests.commands import fail, succeed

N, WIDTH = 14, 100
LETTERS = np.random.default_rng(0).integers(4, size=(2 * N, 8))


def fasta(path: Path, chromosome: str, *, lacking: tuple[int, ...] = (), labels: bool = True) -> Path:
    """A window of eight letters in the middle of every bin."""
    lines = []
    for number in range(N):
        if number in lacking:
            continue
        start = number * WIDTH + 46
        letters = "".join("ACGT"[base] for base in LETTERS[number + N * (chromosome == "chr2")])
        header = f">{chromosome}:{start}-{start + 8}"
        lines += [f"{header} active={number % 2}" if labels else header, letters]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = []
    for chromosome in ("chr1", "chr2"):
        for first in range(N):
            second = (first + 5) % N
            place = [(chromosome, each * WIDTH, (each + 1) * WIDTH) for each in (first, second)]
            rows.append("\t".join(map(str, (*place[0], *place[1], ".", 3 + first))))
    (tmp_path / "loops.bedpe").write_text("\n".join(rows) + "\n")
    (tmp_path / "sizes").write_text(f"chr1\t{N * WIDTH}\nchr2\t{N * WIDTH}\n")
    fasta(tmp_path / "train.fa", "chr1", lacking=(3,))
    fasta(tmp_path / "test.fa", "chr2")
    return tmp_path


def words(files: Path, contacts: str, out: str) -> list:
    found = ["train", "--recipe", "chromegcn", "--contacts", files / contacts, "--train", files / "train.fa"]
    found += ["--test", files / "test.fa", "--target", "active", "--read", "kind=labels", "--epochs", "2"]
    return [*found, "--set", "n_features=4", "--no-baselines", "--out", files / out]


READING = ["--resolution", WIDTH]


def test_windows_of_fasta_are_trained_on_tested_and_predicted(files: Path):
    lengths = ["--chromosome-lengths", files / "sizes"]
    found = succeed(*words(files, "loops.bedpe", "run"), *READING, *lengths, "--version", "paper", "--json").json()
    assert found["n_samples"]["test"] == N and found["version"] == "paper" and "pretrained" in found
    run = load_run(files / "run")
    # the bin without a window has left the graph
    assert len(run.structure.nodes) == 2 * N - 1 and "chr1:300-400" not in run.structure.nodes
    assert run.structure.normalization == "mean" and "place" in run.samples.modalities
    place = run.structure.nodes.index("chr2:100-200")
    np.testing.assert_array_equal(
        run.model.context[...][place].reshape(8, 4).argmax(axis=1), LETTERS[N + 1]
    )  # fmt: skip
    fasta(files / "new.fa", "chr2", labels=False)
    succeed("predict", files / "run", "--samples", files / "new.fa", "--out", files / "new.tsv")
    assert len(pandas.read_csv(files / "new.tsv", sep="\t")) == N
    (files / "off.fa").write_text(">chr2:346-354\nACGTACGT\n>chr1:340-348\nACGTACGT\n")
    assert "1 of 2 windows lie in no bin: chr1:340-348" in fail(
        "predict", files / "run", "--samples", files / "off.fa", "--out", files / "off.tsv"
    )


def test_compiled_contacts_give_the_same_graph(files: Path):
    lengths = ["--chromosome-lengths", files / "sizes"]
    succeed("compile", "--contacts", files / "loops.bedpe", *READING, *lengths, "--out", files / "graph.npz")
    succeed(*words(files, "graph.npz", "compiled"))
    succeed(*words(files, "loops.bedpe", "read"), *READING, *lengths)
    compiled, read = (load_run(files / name).structure for name in ("compiled", "read"))
    for name in ("nodes", "n_edges", "normalization"):
        assert getattr(compiled, name) == getattr(read, name)
    for name in ("senders", "receivers", "coefficient"):
        np.testing.assert_array_equal(getattr(compiled, name), getattr(read, name))
    assert "--resolution does not apply to contacts that were compiled before" in fail(
        *words(files, "graph.npz", "other"), *READING
    )


def test_windows_in_no_bin_and_recipes_of_other_knowledge(files: Path):
    rest = words(files, "loops.bedpe", "run")
    fasta(files / "test.fa", "chr2", lacking=(0,))
    with (files / "test.fa").open("a") as file:
        file.write(">chr2:5000-5008 active=1\nACGTACGT\n")
    assert "1 of 27 windows lie in no bin: chr2:5000-5008" in fail(*rest, *READING)
    found = succeed(*rest, *READING, "--unannotated", "drop", "--json").json()
    assert found["n_samples"]["test"] == N - 1
    assert "dcell takes --ontology, but --contacts is given" in fail(
        *[{"chromegcn": "dcell", files / "run": files / "other"}.get(word, word) for word in rest], *READING
    )
    assert "--motifs, --contacts are given" in fail(*rest, *READING, "--motifs", "x")
    rest[-1] = files / "other"
    assert "--min-distance is given without --top-k" in fail(*rest, *READING, "--min-distance", "200")


@pytest.mark.slow
def test_a_bake_off_on_windows(files: Path):
    records = ((files / "train.fa").read_text() + (files / "test.fa").read_text()).split(">")[1:]
    (files / "all.fa").write_text("".join(f">{one}".replace(" ", f" arm={k % 4} ") for k, one in enumerate(records)))
    found = succeed(
        "compare", "--contacts", files / "loops.bedpe", *READING, "--train", files / "all.fa", "--target", "active",
        "--read", "kind=labels", "--read", "covariates=arm", "--group", "arm", "--allow", "chromosome", "--folds", "2",
        "--recipes", "chromegcn", "--controls", "shuffled", "--learners", "mean", "--epochs", "1", "--set",
        "n_features=3", "--json",
    ).json()  # fmt: skip
    assert {row["contestant"] for row in found["table"]} == {"chromegcn", "chromegcn, shuffled", "mean"}
