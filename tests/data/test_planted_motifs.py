"""Planted sequences hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import plant_motifs
from kgnn.errors import KgnnError
from kgnn.knowledge import Motif, MotifSet, reverse_complement

NO_NOISE = 1e-9


def word(letters: str) -> Motif:
    counts = np.array([[float(base == letter) for base in "ACGT"] for letter in letters])
    return Motif.from_counts(letters, counts)


def occurs(letters: str, sequence: str) -> bool:
    return letters in sequence or reverse_complement(letters) in sequence


def test_causal_motifs_lie_in_bound_sequences_and_decoys_in_both():
    causal, decoys = MotifSet((word("AACCGGTTAACC"), word("GATTACAGATTA"))), MotifSet((word("CCATGCATGGCC"),))
    found = plant_motifs(causal, decoys, n_samples=300, length=90, rate=0.5, seed=4)
    bound = found.samples.require_targets().values[:, 0] == 1
    assert bound.mean() == 0.5
    assert all(any(occurs(each, sequence) for each in causal.ids) for sequence in np.array(found.letters)[bound])
    assert not any(occurs(each, sequence) for each in causal.ids for sequence in np.array(found.letters)[~bound])
    with_decoy = np.array([occurs(decoys.ids[0], sequence) for sequence in found.letters])
    assert 0.35 < with_decoy[bound].mean() < 0.65
    assert 0.35 < with_decoy[~bound].mean() < 0.65
    assert plant_motifs(causal, decoys, n_samples=300, length=90, rate=0.5, seed=4).letters == found.letters


def test_sites_must_fit():
    with pytest.raises(KgnnError, match="1 causal motifs cannot be planted at rate 0.5 in 9 sequences of 7 letters"):
        plant_motifs(MotifSet((word("ACGTA"),)), MotifSet(()), n_samples=9, length=7, rate=0.5)
