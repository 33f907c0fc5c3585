"""Synthetic sequences with planted motifs: known ones, decoys, and perhaps one that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgnn.data.measured import Targets
from kgnn.data.samples import Samples
from kgnn.data.sequences import sequence_samples
from kgnn.errors import KgnnError
from kgnn.knowledge.motif import BASES, Motif
from kgnn.knowledge.motif_set import MotifSet


@dataclass(frozen=True, eq=False)
class PlantedMotifs:
    """What `plant_motifs` returns.

    Attributes:
        samples: Sequences, half of them bound; one label, ``bound``.
        causal: Ids of the motifs that make a sequence bound.
        decoys: Ids of the motifs that occur in both halves alike.
        letters: The sequences as text.
    """

    samples: Samples
    causal: tuple[str, ...]
    decoys: tuple[str, ...]
    letters: tuple[str, ...]


def plant_motifs(
    causal: MotifSet,
    decoys: MotifSet,
    *,
    n_samples: int = 1000,
    length: int = 100,
    rate: float = 0.6,
    seed: int = 0,
) -> PlantedMotifs:
    """Random sequences with sites of causal motifs in the bound half, and of decoys in both.

    Every causal motif is planted in a bound sequence, and every decoy in any sequence, with the given rate; a bound
    sequence has at least one causal site. Sites are drawn from the motif's frequencies, lie on either strand and do
    not overlap. The rest is uniform: chance makes further sites everywhere, so that no classifier reaches 1.

    Args:
        causal: Motifs that make a sequence bound; among them may be one that the network is not told of.
        decoys: Motifs without influence.
        n_samples: Sequences, at least 2.
        length: Letters of each.
        rate: Probability of each site.
        seed: Same arguments and seed, same sequences.

    Returns:
        The sequences and the truth.

    Raises:
        KgnnError: If the sites may not fit into a sequence, or a number is out of range.
    """
    widest = sum(len(motif) for motif in (*causal, *decoys))
    if not len(causal) or n_samples < 2 or not 0 < rate <= 1 or length < 2 * widest:
        raise KgnnError(
            f"{len(causal)} causal motifs cannot be planted at rate {rate:g} in {n_samples} sequences of {length} "
            f"letters. Give at least one motif, two sequences, a rate above 0 and up to 1, and {2 * widest} letters."
        )
    random = np.random.default_rng(seed)
    bound = np.arange(n_samples) % 2 == 0
    letters = tuple(_sequence(is_bound, causal, decoys, length, rate, random) for is_bound in bound.tolist())
    targets = Targets(bound.astype(np.float32)[:, None], ("bound",), "labels")
    return PlantedMotifs(sequence_samples(letters, targets=targets), causal.ids, decoys.ids, letters)


def _sequence(
    bound: bool, causal: MotifSet, decoys: MotifSet, length: int, rate: float, random: np.random.Generator
) -> str:
    planted: list[Motif] = [motif for motif in decoys if random.random() < rate]
    if bound:
        chosen = [motif for motif in causal if random.random() < rate]
        planted += chosen or [causal.motifs[random.integers(len(causal))]]
    codes = random.integers(len(BASES), size=length)
    for start, motif in zip(_places(planted, length, random), planted, strict=True):
        turned = motif if random.random() < 0.5 else motif.reverse_complement()
        site = [random.choice(len(BASES), p=row / row.sum()) for row in turned.frequencies]
        codes[start : start + len(motif)] = site
    return "".join(BASES[code] for code in codes)


def _places(motifs: Sequence[Motif], length: int, random: np.random.Generator) -> list[int]:
    """Starts of sites that do not overlap, in a random order along the sequence."""
    order = random.permutation(len(motifs))
    free = length - sum(len(motif) for motif in motifs)
    gaps = np.sort(random.integers(free + 1, size=len(motifs)))
    starts, before = [0] * len(motifs), 0
    for gap, which in zip(gaps.tolist(), order.tolist(), strict=True):
        starts[which] = gap + before
        before += len(motifs[which])
    return starts
