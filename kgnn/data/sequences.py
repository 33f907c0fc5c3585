"""Sequences of DNA as samples: the one-hot columns of every position, and shuffled copies to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from kgnn.data.measured import Targets, number_repeats
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.sequences import Sequences
from kgnn.structure.one_hot import one_hot, position_names


def sequence_samples(
    sequences: Sequences | Sequence[str],
    *,
    names: Sequence[str] | None = None,
    targets: Targets | None = None,
    covariates: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Samples:
    """Samples whose features are the bases at every position: ``1A``, ``1C``, ``1G``, ``1T``, ``2A`` and so on.

    A sequence model folds them back to ``[sample, position, base]``; to any other model, such as the linear baseline,
    they are ordinary features. Where no base is ambiguous a feature takes one bit.

    Args:
        sequences: All of one length; see `kgnn.structure.one_hot` for the letters.
        names: Sample names; those of `sequences` where None (a name that comes again gets `` (2)``), else
            ``sample_0`` …
        targets: What is to be predicted.
        covariates: Further columns by name, such as the chromosome for a grouped split.

    Returns:
        Samples of the modality ``sequence``.

    Raises:
        AlignmentError: If there is no sequence, lengths differ, or targets and sequences differ in number.
        FormatError: If a letter, such as a gap, stands for no base.

    Example:
        >>> samples = sequence_samples(["ACN", "TTG"])
        >>> samples.genes[:5], samples.gene_values()[0, -4:].tolist()
        (('1A', '1C', '1G', '1T', '2A'), [0.25, 0.25, 0.25, 0.25])
    """
    if not len(sequences):
        raise AlignmentError("there are no sequences. Give at least one.")
    encoded = one_hot(sequences)
    values = encoded.reshape(len(encoded), -1)
    provenance = Provenance()
    if isinstance(sequences, Sequences):
        names = number_repeats(sequences.names) if names is None else names
        provenance = sequences.provenance
    binary = not np.any((values > 0) & (values < 1))
    return Samples.from_values(
        values.astype(np.uint8) if binary else values,
        position_names(encoded.shape[1]),
        meaning="sequence",
        names=names,
        targets=targets,
        covariates=covariates,
        provenance=provenance.after("encoded as one-hot"),
    )


def dinucleotide_shuffle(sequences: Sequence[str], seed: int = 0) -> tuple[str, ...]:
    """Every sequence in a random order of its letters that keeps how often each letter follows each other.

    The usual negatives of binding sites: a network must then learn motifs, since composition tells nothing. First and
    last letter stay where they are. A sequence of few different dinucleotides may come back as it was.

    Args:
        sequences: Letters; each is shuffled by itself.
        seed: Same sequences and seed, same result.

    Returns:
        As many sequences of the same lengths.

    References:
        Altschul & Erickson 1985, Molecular Biology and Evolution 2:526, doi:10.1093/oxfordjournals.molbev.a040370.

    Example:
        >>> dinucleotide_shuffle(["ACGACG"])[0] in {"ACGACG"}
        True
    """
    random = np.random.default_rng(seed)
    return tuple(_shuffled(sequence, random) for sequence in sequences)


def _shuffled(sequence: str, random: np.random.Generator) -> str:
    """A random Eulerian path through the letters of a sequence, all paths being equally likely."""
    if len(sequence) < 3:
        return sequence
    followers: dict[str, list[str]] = {}
    for first, second in pairwise(sequence):
        followers.setdefault(first, []).append(second)
    last_step = _tree_towards(sequence[-1], followers, random)
    order = {}
    for letter, after in followers.items():
        rest = list(after)
        if letter in last_step:
            rest.remove(last_step[letter])
        random.shuffle(rest)
        order[letter] = iter([*rest, *([last_step[letter]] if letter in last_step else [])])
    path = [sequence[0]]
    for _ in range(len(sequence) - 1):
        path.append(next(order[path[-1]]))
    return "".join(path)


def _tree_towards(root: str, followers: Mapping[str, list[str]], random: np.random.Generator) -> dict[str, str]:
    """The letter that each letter but the last of the sequence is left by in the end; all lead to the last one."""
    letters = [letter for letter in followers if letter != root]
    while True:
        chosen = {letter: followers[letter][random.integers(len(followers[letter]))] for letter in letters}
        if all(_leads_to(root, letter, chosen) for letter in letters):
            return chosen


def _leads_to(root: str, letter: str, chosen: Mapping[str, str]) -> bool:
    for _ in range(len(chosen) + 1):
        if letter == root:
            return True
        letter = chosen[letter]
    return False
