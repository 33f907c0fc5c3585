"""Relatives on both sides of a split are found and refused; so is a selection of genes that saw the test samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kgnn.bakeoff import find_leaks, nested_folds, refuse_leaks, select_genes
from kgnn.data import Modality, Samples, Targets, read_samples, write_samples
from kgnn.errors import KgnnError


def noise(n: int = 40, genes: int = 6, *, seed: int = 0, task: str = "regression") -> Samples:
    """Values and targets that have nothing to do with each other; two samples a donor."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, genes)).astype(np.float32)
    targets = Targets(random.normal(size=(n, 1)).astype(np.float32), ("y",), "regression")
    if task == "classes":
        targets = Targets(random.integers(2, size=n).astype(np.int32), ("no", "yes"), "classes")
    donors = np.array([f"d{k // 2}" for k in range(n)])
    names = [f"g{k}" for k in range(genes)]
    return Samples.from_values(
        values, names, meaning="abundance", targets=targets, covariates={"Donor": donors, "plate": donors}
    )


def outer(folds):
    return [(np.concatenate([fold.train, fold.valid]), fold.test) for fold in folds]


def test_a_donor_in_two_folds_is_refused_and_a_grouped_split_is_not():
    samples = noise()
    splits = outer(nested_folds(samples, 4, [0]))
    leaks = find_leaks(samples, splits)
    assert [leak.what for leak in leaks] == ["Donor"] and leaks[0].n == 20 and len(leaks[0].shared) > 5
    with pytest.raises(KgnnError, match=r"share \d+ of 20 values of 'Donor' \(d0.*Split by it \(group='Donor'\)"):
        refuse_leaks(samples, splits, group=None)
    refuse_leaks(samples, splits, group=None, allow=("Donor",))
    grouped = nested_folds(samples, 4, [0, 1], group="Donor")
    refuse_leaks(samples, outer(grouped), group="Donor")
    for fold in grouped:
        donors = [set(samples.covariates["Donor"][part]) for part in (fold.train, fold.valid, fold.test)]
        assert not (donors[0] & donors[1] or donors[0] & donors[2] or donors[1] & donors[2])
        assert sum(map(len, donors)) == 20


def test_several_leaks_are_allowed_at_once():
    samples = noise()
    samples = replace(samples, covariates={"donor_id": samples.covariates["Donor"], "cell": np.arange(40) // 4})
    splits = outer(nested_folds(samples, 4, [0]))
    with pytest.raises(KgnnError) as refused:
        refuse_leaks(samples, splits, group=None)
    assert "(allow=['donor_id', 'cell']); on the command line --group donor_id or --allow donor_id,cell." in str(
        refused.value
    )
    refuse_leaks(samples, splits, group=None, allow=["donor_id", "cell"])
    barcodes = replace(samples, covariates={"cell": np.array([f"AAAC-{k}" for k in range(40)])})
    refuse_leaks(barcodes, splits, group=None)


def test_samples_of_several_tables_are_duplicates_where_all_tables_agree():
    rows = np.arange(12, dtype=np.int32)
    rna = np.repeat(np.arange(12.0, dtype=np.float32).reshape(6, 2), 2, axis=0)
    protein = np.arange(36, dtype=np.float32).reshape(12, 3)
    protein[1] = protein[0]
    tables = {
        "rna": Modality(rna, ("a", "b"), tuple(f"r{k}" for k in rows), "abundance"),
        "protein": Modality(protein, ("p", "q", "s"), tuple(f"s{k}" for k in rows), "abundance"),
    }
    samples = Samples(tuple(f"s{k}" for k in rows), tables, {"rna": rows, "protein": rows})
    # Each sample has a twin in the other half by its rna; only the first pair has one by its protein as well.
    splits = [(np.arange(0, 12, 2), np.arange(1, 12, 2))]
    assert [(leak.what, leak.shared) for leak in find_leaks(samples, splits)] == [("duplicates", ("s0",))]


def test_shared_rows_and_equal_samples_are_relatives():
    genes = Modality(np.eye(5, 3, dtype=np.uint8), ("a", "b", "c"), tuple("vwxyz"), "alteration")
    bits = Modality(np.eye(4, 4, dtype=np.uint8), tuple("1234"), tuple("klmn"), "signal")
    index = np.arange(20, dtype=np.int32)
    pairs = Samples(
        tuple(map(str, index)), {"genotype": genes, "fingerprint": bits},
        {"genotype": index % 5, "fingerprint": index % 4},
        Targets(index[:, None].astype(np.float32), ("y",), "regression"),
    )  # fmt: skip
    splits = [(index[:10], index[10:])]
    # The genotypes y and z are equal.
    found = {leak.what: leak.n for leak in find_leaks(pairs, splits)}
    assert found == {"genotype": 5, "fingerprint": 4, "duplicates": 20}
    assert (
        find_leaks(pairs, [(np.flatnonzero(index % 5 < 3), np.flatnonzero(index % 5 > 2))], allow=["fingerprint"]) == ()
    )
    values = np.repeat(np.arange(12.0, dtype=np.float32).reshape(6, 2), 2, axis=0)
    twice = Samples.from_values(values, ["a", "b"], meaning="abundance")
    leak = find_leaks(twice, [(np.arange(0, 12, 2), np.arange(1, 12, 2))])[0]
    assert (leak.what, len(leak.shared), leak.shared[0]) == ("duplicates", 6, "sample_0")
    with pytest.raises(KgnnError, match="Remove the repeats, or split by what they share, .*allow='duplicates'"):
        refuse_leaks(twice, [(np.arange(0, 12, 2), np.arange(1, 12, 2))], group=None)
    assert find_leaks(twice, [(np.arange(6), np.arange(6, 12))]) == ()


@pytest.mark.parametrize("task", ["regression", "classes"])
def test_selection_before_the_split_is_refused(task: str, tmp_path: Path):
    samples = noise(genes=30, task=task)
    target = samples.targets.values
    planted = np.asarray(samples.gene_values()).copy()
    planted[:, 7] += 5 * target.reshape(len(samples), -1)[:, 0]
    planted[:, 21] -= 5 * target.reshape(len(samples), -1)[:, 0]
    chosen = select_genes(samples.with_gene_values(planted), 2)
    assert chosen.genes == ("g7", "g21")
    assert select_genes(samples, 30) is samples
    splits = outer(nested_folds(chosen, 4, [0], group="Donor"))
    with pytest.raises(KgnnError, match="genes selected by association .* 2 of 30, on 40 samples: the targets of all"):
        refuse_leaks(chosen, splits, group="Donor")
    refuse_leaks(chosen, splits, group="Donor", allow=("selection",))
    # A file keeps the note.
    back = read_samples(write_samples(chosen, tmp_path / "chosen.h5ad"), meaning="abundance", covariates=["Donor"])
    with pytest.raises(KgnnError, match="genes selected by association .* 2 of 30"):
        refuse_leaks(back, splits, group="Donor")
    assert select_genes(replace(samples, covariates={}), 3).provenance != samples.provenance


def test_every_sample_is_tested_once_a_seed_and_seeds_differ():
    samples = noise(task="classes")
    folds = nested_folds(samples, 5, [0, 3], valid_fraction=0.25)
    assert [(fold.seed, fold.number) for fold in folds] == [(seed, k) for seed in (0, 3) for k in range(5)]
    for seed in (0, 3):
        own = [fold for fold in folds if fold.seed == seed]
        assert sorted(np.concatenate([fold.test for fold in own]).tolist()) == list(range(40))
        for fold in own:
            everyone = np.concatenate([fold.train, fold.valid, fold.test])
            assert sorted(everyone.tolist()) == list(range(40)) and len(fold.valid) == 8
    assert not np.array_equal(folds[0].test, folds[5].test)
