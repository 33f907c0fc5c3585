"""DNA as numbers: one column a base."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from kgnn.errors import AlignmentError, FormatError, name_some
from kgnn.knowledge.motif import BASES
from kgnn.knowledge.sequences import AMBIGUOUS_LETTERS, Sequences

_AMBIGUOUS = 0.25
_UNKNOWN = -1.0


def one_hot(
    sequences: Sequences | Sequence[str], *, reverse_complement: bool = False, dtype: type[np.floating] = np.float32
) -> np.ndarray:
    """Sequences as arrays, 1 at the base and 0 elsewhere, in the order A, C, G, T.

    A letter that stands for several bases is 0.25 in all four columns, whichever it is (that R is A or G is not used).
    U counts as T, and case does not count.

    Args:
        sequences: All of one length.
        reverse_complement: Encode the other strand, read in its direction.
        dtype: Of the array.

    Returns:
        ``[sample, position, base]``.

    Raises:
        AlignmentError: If the sequences differ in length.
        FormatError: If a letter, such as a gap, stands for no base.

    Example:
        >>> one_hot(["AN"]).tolist()
        [[[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]]
    """
    letters = list(sequences.sequences if isinstance(sequences, Sequences) else sequences)
    names = sequences.names if isinstance(sequences, Sequences) else range(len(letters))
    lengths = [len(each) for each in letters]
    if len(set(lengths)) > 1:
        usual = max(set(lengths), key=lengths.count)
        odd = [name for name, length in zip(names, lengths, strict=True) if length != usual]
        raise AlignmentError(
            f"{len(odd):,} of {len(letters):,} sequences have not {usual:,} letters as the others: {name_some(odd)}. "
            "Cut windows of one length, or leave these out."
        )
    codes = np.frombuffer("".join(letters).encode("ascii", "replace"), dtype=np.uint8)
    codes = codes.reshape(len(letters), lengths[0] if lengths else 0)
    table = _table()
    encoded = table[codes]
    wrong = np.flatnonzero((encoded[..., 0] == _UNKNOWN).any(axis=1))
    if len(wrong):
        known = set(BASES + AMBIGUOUS_LETTERS + "U")
        strange = sorted({letter for row in wrong for letter in letters[row] if letter.upper() not in known})
        raise FormatError(
            f"{len(wrong):,} of {len(letters):,} sequences hold {name_some(strange)}, which stands for no base: "
            f"{name_some(names[row] for row in wrong)}. Remove gaps, or leave these out."
        )
    # A pairs with T and C with G: turning both axes around is the reverse complement.
    return np.ascontiguousarray(encoded[:, ::-1, ::-1] if reverse_complement else encoded).astype(dtype, copy=False)


def position_names(n_positions: int) -> tuple[str, ...]:
    """Names of the columns of one-hot sequences, as features of samples; positions are counted from 1.

    Args:
        n_positions: Letters of a sequence.

    Returns:
        Four names a position.

    Example:
        >>> position_names(1)
        ('1A', '1C', '1G', '1T')
    """
    return tuple(f"{position}{base}" for position in range(1, n_positions + 1) for base in BASES)


@cache
def _table() -> np.ndarray:
    """Values of the four columns for every byte; −1 where it is no letter of DNA."""
    table = np.full((256, 4), _UNKNOWN, dtype=np.float32)
    for letter in AMBIGUOUS_LETTERS:
        table[[ord(letter), ord(letter.lower())]] = _AMBIGUOUS
    for column, base in enumerate(BASES):
        table[[ord(base), ord(base.lower())]] = np.eye(4, dtype=np.float32)[column]
    table[[ord("U"), ord("u")]] = table[ord("T")]
    return table
