"""`Sequences`: named stretches of DNA, as FASTA files and windows of a genome give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint

AMBIGUOUS_LETTERS = "RYSWKMBDHVN"
"""Letters of IUPAC that stand for several bases."""

DNA_LETTERS = frozenset("ACGTU" + AMBIGUOUS_LETTERS + "-.*")
"""What a sequence may be written with, apart from case; U is RNA's T, and ``-``, ``.``, ``*`` are gaps."""

_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVNacgturyswkmbdhvn", "TGCAAYRSWMKVHDBNtgcaayrswmkvhdbn")


@dataclass(frozen=True, eq=False)
class Sequences:
    """DNA sequences in the order of their file.

    Attributes:
        names: Name of every sequence: the first word of its FASTA header, or the label of its window.
        sequences: Letters, as written (case included).
        descriptions: What follows the name in the header, ``""`` where nothing does.
        provenance: Sources and transformations.
        losses: What was left out.
    """

    names: tuple[str, ...]
    sequences: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequences) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of names and letters; their order counts, since data are aligned to it."""
        return content_fingerprint([*self.names, "|", *self.sequences])

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64 ``[sequence]``, letters of each."""
        return np.array([len(sequence) for sequence in self.sequences], dtype=np.int64)

    def take(self, positions: Sequence[int] | np.ndarray) -> Sequences:
        """The sequences at some positions, in that order."""
        chosen = [int(position) for position in positions]
        return replace(
            self,
            names=tuple(self.names[position] for position in chosen),
            sequences=tuple(self.sequences[position] for position in chosen),
            descriptions=tuple(self.descriptions[position] for position in chosen) if self.descriptions else (),
        )

    def reverse_complement(self) -> Sequences:
        """Every sequence as the other strand reads it, under the same names."""
        return replace(
            self,
            sequences=tuple(reverse_complement(sequence) for sequence in self.sequences),
            provenance=self.provenance.after("reverse complement"),
        )


def reverse_complement(sequence: str) -> str:
    """A sequence as the other strand reads it; letters for several bases are complemented too, case is kept.

    Args:
        sequence: Letters of DNA or RNA (U becomes A; A becomes T).

    Returns:
        As many letters.

    Example:
        >>> reverse_complement("AACGn")
        'nCGTT'
    """
    return sequence.translate(_COMPLEMENT)[::-1]
