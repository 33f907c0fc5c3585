"""``kgnn train --motifs`` from files to a run, and what is asked of the run."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas
import pytest

from kgnn.data import plant_motifs
from kgnn.interpret import motif_effects
from kgnn.knowledge import Motif, MotifSet, read_motifs, write_meme
from kgnn.models import MotifNetwork
from kgnn.structure import Kernels
from kgnn.train import load_run
from tests.commands import fail, succeed


def word(letters: str, name: str) -> Motif:
    counts = [[85.0 * (base == letter) + 5.0 for base in "ACGT"] for letter in letters]
    return Motif.from_counts(name, counts, name=name.upper())


CAUSAL, DECOYS = MotifSet((word("GAACGATT", "m(1)"),)), MotifSet((word("TTTGCATA", "m_2"), word("CCGGTACC", "m/3")))


def letters_of(values: np.ndarray) -> list[str]:
    return ["".join("ACGT"[base] for base in row.reshape(-1, 4).argmax(axis=1)) for row in values]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with motifs, FASTA whose headers hold the label, and a run."""
    folder = tmp_path_factory.mktemp("sequences")
    planted = plant_motifs(CAUSAL, DECOYS, n_samples=400, length=50).samples
    labels = planted.require_targets().values[:, 0].astype(int)
    records = [
        f">{name} bound={label}\n{letters}\n"
        for name, label, letters in zip(planted.names, labels, letters_of(planted.gene_values()), strict=True)
    ]
    (folder / "train.fa").write_text("".join(records[:300]))
    (folder / "test.fa").write_text("".join(records[300:]))
    write_meme(MotifSet((*CAUSAL, *DECOYS)), folder / "motifs.meme")
    succeed(
        "train", "--motifs", folder / "motifs.meme", "--recipe", "deepbind", "--length", "12", "--train",
        folder / "train.fa", "--test", folder / "test.fa", "--target", "bound", "--read", "kind=labels", "--epochs",
        "15", "--set", "filters=frozen", "--no-baselines", "--out", folder / "run",
    )  # fmt: skip
    return folder


def test_fasta_is_trained_on(trained: Path):
    run = load_run(trained / "run")
    assert isinstance(run.model, MotifNetwork) and isinstance(run.structure, Kernels)
    assert run.model.terms == ("m(1)", "m_2", "m/3") and run.structure.length == 12 and run.structure.both_strands
    assert run.metrics["model"]["test"]["auroc"] > 0.85
    told = " ".join(run.provenance.transformations)
    assert "read FASTA of sequences, target bound" in told and "encoded as one-hot" in told
    assert {"train.fa", "test.fa", "motifs.meme"} <= {Path(source.name).name for source in run.provenance.sources}


def test_motifs_are_knocked_down(trained: Path):
    words = ("knockdown", trained / "run", "--subsystems", "all", "--out", trained / "k.tsv")
    succeed(*words, "--samples", trained / "test.fa")
    table = pandas.read_csv(trained / "k.tsv", sep="\t")
    moved = table[table["target"] == "output"].set_index("perturbation")["effect_sd"]
    assert sorted(moved.index) == ["m(1)", "m/3", "m_2"]
    assert moved["m(1)"] > 3 * moved[["m_2", "m/3"]].max()
    base = fail("knockdown", trained / "run", "--genes", "3A", "--out", trained / "g.tsv")
    assert base.startswith("the values are of meaning 'sequence'") and base.endswith("or knock down subsystems.")
    assert "the model does not know 1 term: MA9" in fail(
        "knockdown", trained / "run", "--subsystems", "MA9", *words[4:]
    )


@pytest.mark.parametrize("measure", ["sensitivity", "knockdown"])
def test_motifs_are_ranked(trained: Path, measure: str):
    succeed("importance", trained / "run", "--measure", measure, "--n-null", "4", "--out", trained / "i.tsv")
    ranking = pandas.read_csv(trained / "i.tsv", sep="\t")
    assert ranking["term"].iloc[0] == "m(1)" and ranking["name"].iloc[0] == "M(1)"
    assert "those of a MotifNetwork are no hierarchy" in fail("importance", trained / "run", "--out", trained / "i.tsv")


def test_filters_are_read_as_motifs(trained: Path):
    words = ("motifs", trained / "run", "--samples", trained / "train.fa", "--out", trained / "m.tsv")
    succeed(*words, "--known", trained / "motifs.meme", "--meme", trained / "found.meme")
    table = pandas.read_csv(trained / "m.tsv", sep="\t").set_index("motif")
    assert sorted(table.index) == ["m(1)", "m/3", "m_2"] and table["effect"].isna().all()
    causal = table.loc["m(1)"].to_dict()
    assert (causal["match"], causal["match_name"], causal["name"]) == ("m(1)", "M(1)", "M(1)")
    assert "GAACGATT" in causal["consensus"] and causal["similarity"] > 0.9 and causal["sites"] > 50
    assert "m(1)" in read_motifs(trained / "found.meme").ids
    succeed(
        "train", "--motifs", trained / "motifs.meme", "--recipe", "learnmotifs", "--train", trained / "train.fa",
        "--target", "bound", "--read", "kind=labels", "--epochs", "12", "--set", "n_new=2", "--no-baselines",
        "--out", trained / "effects",
    )  # fmt: skip
    succeed("motifs", trained / "effects", "--samples", trained / "train.fa", "--out", trained / "e.tsv")
    table = pandas.read_csv(trained / "e.tsv", sep="\t")
    assert set(table["motif"]) == {"m(1)", "m/3", "m_2", "new_1", "new_2"} and table["motif"][0] == "m(1)"
    expected = motif_effects(load_run(trained / "effects").model).set_index("motif")["effect"]  # type: ignore[arg-type]
    np.testing.assert_allclose(table["effect"], expected[table["motif"]], rtol=1e-5)
    assert set(table.loc[table["new"], "motif"]) == {"new_1", "new_2"} and "match" not in table


def test_new_sequences_are_predicted(trained: Path):
    without = "ACGTA" * 10
    (trained / "new.csv").write_text(f"dna\n{without[:20]}GAACGATT{without[28:]}\n{without}\n")
    out = trained / "p.tsv"
    succeed("predict", trained / "run", "--samples", trained / "new.csv", "--read", "sequence=dna", "--out", out)
    found = pandas.read_csv(out, sep="\t").set_index("sample")["bound"]
    assert found["sample_0"] > 0.5 > found["sample_1"]
    (trained / "short.fa").write_text(">a\nACGT\n")
    words = ("predict", trained / "run", "--samples", trained / "short.fa", "--out", out)
    assert "genes" in fail(*words)


def test_a_published_table_of_peaks(shared_data: Path, tmp_path: Path):
    """A table of ChIP-seq peaks as DeepBind published it, and motifs of JASPAR."""
    peaks = shared_data / "chipseq_deepbind" / "SRF_H1-hESC_SRF_HudsonAlpha_B.seq.gz"
    with gzip.open(peaks, "rt") as stream:
        header, *rows = stream.read().splitlines()
    order = np.random.default_rng(0).permutation(len(rows))
    for name, part in (("train", order[:700]), ("test", order[700:])):
        (tmp_path / f"{name}.tsv").write_text("\n".join([header, *(rows[each] for each in part)]) + "\n")
    printed = succeed(
        "train", "--motifs", shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar", "--ids",
        "MA0083.3,MA0035.5,MA0108.3", "--recipe", "deepbind", "--train", tmp_path / "train.tsv", "--test",
        tmp_path / "test.tsv", "--target", "Bound", "--read", "sequence=seq", "--read", "names=EventID", "--read",
        "kind=labels", "--epochs", "10", "--set", "filters=frozen", "--no-baselines", "--out",
        tmp_path / "run", "--json",
    ).json()  # fmt: skip
    assert printed["model"]["test"]["auroc"] > 0.75
    succeed("importance", tmp_path / "run", "--measure", "knockdown", "--n-null", "0", "--out", tmp_path / "i.tsv")
    assert pandas.read_csv(tmp_path / "i.tsv", sep="\t")["name"].iloc[0] == "SRF"
