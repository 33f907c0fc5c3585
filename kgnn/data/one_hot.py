"""Sequences of DNA as one-hot arrays: A C G T on the last axis, 0.25 in each where the base is ambiguous."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.text import read_lines

_AMBIGUOUS = "NRYSWKMBDHVX-."


def _table() -> np.ndarray:
    """Row of every character code; NaN for what is no letter of DNA."""
    table = np.full((128, 4), np.nan, dtype=np.float32)
    for letters in (_AMBIGUOUS, _AMBIGUOUS.lower()):
        for letter in letters:
            table[ord(letter)] = 0.25
    for place, letters in enumerate(("Aa", "Cc", "Gg", "TtUu")):
        for letter in letters:
            table[ord(letter)] = np.eye(4, dtype=np.float32)[place]
    return table


def one_hot(sequence: str) -> np.ndarray:
    """One sequence as a one-hot array.

    Args:
        sequence: Letters of DNA in either case; U counts as T, and N, gaps and every other ambiguous letter as 0.25 of
            each base.

    Returns:
        float32 ``[position, base]``.

    Raises:
        FormatError: If it holds another letter.

    Example:
        >>> one_hot("aN").tolist()
        [[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]
    """
    codes = np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)
    rows = _table()[np.minimum(codes, 127)]
    wrong = np.flatnonzero(np.isnan(rows[:, 0]))
    if len(wrong):
        raise FormatError(
            f"{sequence[wrong[0]]!r} at position {wrong[0] + 1} of a sequence is no letter of DNA. "
            "Is this a sequence of a protein?"
        )
    return rows


def one_hot_batch(sequences: Sequence[str]) -> np.ndarray:
    """Sequences of one length as one array.

    Args:
        sequences: As many letters in each.

    Returns:
        float32 ``[sample, position, base]``.

    Raises:
        FormatError: If lengths differ or a letter is no letter of DNA.
    """
    lengths = sorted({len(sequence) for sequence in sequences})
    if len(lengths) != 1:
        raise FormatError(
            f"sequences have {len(lengths)} different lengths, from {min(lengths, default=0)} to "
            f"{max(lengths, default=0)} letters. One array takes one length: pad or cut them, or encode each by itself."
        )
    return np.stack([one_hot(sequence) for sequence in sequences])


def read_fasta_sequences(path: str | PathLike[str]) -> tuple[tuple[str, ...], tuple[np.ndarray, ...]]:
    """Names and one-hot sequences of a FASTA file, all in memory.

    Args:
        path: The file, plain or gzip.

    Returns:
        The first word of every header, and float32 ``[position, base]`` of every sequence.

    Raises:
        FormatError: If it is no FASTA of DNA, a sequence is empty, or a name comes twice.
    """
    letters: dict[str, list[str]] = {}
    line_of_name: dict[str, int] = {}
    current: list[str] | None = None
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if text.startswith(">"):
            name = (text[1:].split() or [""])[0]
            if not name:
                raise FormatError("a sequence has no name. Write one after '>'.", path, number)
            first = line_of_name.setdefault(name, number)
            if first != number:
                raise FormatError(f"sequence {name} comes again (first in line {first}). Rename one.", path, number)
            current = letters[name] = []
        elif text and current is None:
            raise FormatError(f"{text[:40]!r} stands before the first '>': this is no FASTA file.", path, number)
        elif text and current is not None:
            try:
                one_hot(text)
            except FormatError as problem:
                raise FormatError(str(problem), path, number) from None
            current.append(text)
    _refuse_empty(letters, line_of_name, path)
    return tuple(letters), tuple(one_hot("".join(parts)) for parts in letters.values())


def _refuse_empty(letters: dict[str, list[str]], lines: dict[str, int], path: str | PathLike[str]) -> None:
    empty: Iterable[str] = (name for name, parts in letters.items() if not parts)
    for name in empty:
        raise FormatError(f"sequence {name} has no letters. The file is damaged or cut short.", path, lines[name])
