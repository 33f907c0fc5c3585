"""`Modality` and `Targets`: one table of measured values, and what is to be predicted; neither can be inconsistent.

`kgnn.data.samples.Samples` joins them by sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kgnn.data.stored import PACK_FROM, StoredTable, blocks, is_binary, pack
from kgnn.errors import AlignmentError, name_some, unknown_choice

MEANINGS = ("alteration", "abundance", "sequence", "signal")
TARGET_KINDS = ("regression", "classes", "labels")


@dataclass(frozen=True, eq=False)
class Modality:
    """One table of measured values.

    Attributes:
        values: ``[row, feature]``, float32 or uint8 and finite; bool becomes uint8, other numbers become float32. A
            memory-mapped array, and a large table of 0 and 1, become a `kgnn.data.stored.StoredTable`, which is
            indexed like an array.
        features: Names of the columns, each once.
        rows: Names of the rows, each once.
        meaning: What a number means: ``"alteration"`` (1 = gene altered), ``"abundance"`` (expression or protein
            level, 0 = absent), ``"sequence"`` or ``"signal"``. A knockdown sets an alteration to 1, an abundance to 0.

    Raises:
        AlignmentError: If names and values disagree in number, a name comes twice or a value is not finite.
    """

    values: np.ndarray
    features: tuple[str, ...]
    rows: tuple[str, ...]
    meaning: str

    def __post_init__(self) -> None:
        if self.meaning not in MEANINGS:
            raise unknown_choice("meaning", self.meaning, MEANINGS)
        if self.values.shape != (len(self.rows), len(self.features)):
            raise AlignmentError(
                f"values are {self.values.shape} but there are {len(self.rows):,} row names and "
                f"{len(self.features):,} feature names. Give one name a row and one a column."
            )
        refuse_repeats("row names", self.rows)
        refuse_repeats("feature names", self.features)
        stored = _as_stored(self.values)
        if stored.dtype.kind == "f" and not (isinstance(stored, StoredTable) and stored.checked):
            bad = np.concatenate([~np.isfinite(block).all(axis=1) for block in blocks(stored)] or [np.zeros(0, bool)])
            refuse_missing(
                "rows hold a value that is missing or infinite", self.rows, bad, "rows or impute them",
                further=", or read gaps as such with gaps='mask'",
            )  # fmt: skip
        if isinstance(stored, StoredTable):
            stored = replace(stored, checked=True)
        elif stored.size >= PACK_FROM and is_binary(stored):
            stored = pack(stored)
        object.__setattr__(self, "values", stored)


@dataclass(frozen=True, eq=False)
class Targets:
    """What is to be predicted.

    Attributes:
        values: Float32 ``[sample, output]`` for ``"regression"`` and ``"labels"`` (0 or 1, any number true at once);
            int32 ``[sample]`` for ``"classes"`` (exactly one true), an index into ``names``.
        names: Names of the outputs, or of the classes.
        kind: ``"regression"``, ``"classes"`` or ``"labels"``.

    Raises:
        AlignmentError: If values and names disagree, or a code or label is outside its range.
    """

    values: np.ndarray
    names: tuple[str, ...]
    kind: str

    def __post_init__(self) -> None:
        if self.kind not in TARGET_KINDS:
            raise unknown_choice("kind of target", self.kind, TARGET_KINDS)
        refuse_repeats("output names", self.names)
        values = self.values
        if self.kind == "classes":
            whole = values.ndim == 1 and values.dtype.kind in "iu"
            if not whole or (values < 0).any() or (values >= len(self.names)).any():
                raise AlignmentError(f"class codes must be one integer a sample from 0 to {len(self.names) - 1}.")
        elif values.ndim != 2 or values.shape[1] != len(self.names):
            raise AlignmentError(
                f"targets are {values.shape} but {len(self.names)} outputs are named. Give one column an output."
            )
        elif self.kind == "labels" and not (np.isin(values, (0, 1)) | np.isnan(values)).all():
            raise AlignmentError("labels must be 0 or 1. Use kind='regression' for other numbers.")
        stored = np.int32 if self.kind == "classes" else np.float32
        object.__setattr__(self, "values", values.astype(stored, copy=False))


def meaning_of(values: Any) -> str:
    """``"alteration"`` where every value is 0 or 1, else ``"abundance"``."""
    return "alteration" if values.size and is_binary(values) else "abundance"


def _as_stored(values: Any) -> Any:
    if isinstance(values, np.memmap):
        values = StoredTable(values, values.shape[1])
    if values.dtype in (np.float32, np.uint8):
        return values
    if values.dtype.kind not in "fiub":
        raise AlignmentError(f"values are of type {values.dtype}, not numbers. Convert them before.")
    if isinstance(values, StoredTable):
        # Whole, because a table on disk is read in the type that it has.
        values = np.asarray(values)
    return values.astype(np.uint8 if values.dtype.kind == "b" else np.float32)


def refuse_repeats(what: str, names: Iterable[str]) -> None:
    """Raise `AlignmentError` naming every name that comes more than once; `what` says in the plural what they are."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise AlignmentError(f"{len(repeated):,} {what} come more than once: {name_some(repeated)}. Make them unique.")


def refuse_missing(what: str, names: Sequence[str], bad: Any, remedy: str, *, further: str = "") -> None:
    """Raise `AlignmentError` naming the entries of `names` where the mask `bad` is true, and what to do."""
    if bad.any():
        named = [name for name, missing in zip(names, bad, strict=True) if missing]
        raise AlignmentError(
            f"{len(named):,} of {len(names):,} {what}: {name_some(named)}. Leave out these {remedy} in the "
            f"file{further}."
        )


def number_repeats(names: Iterable[str]) -> tuple[str, ...]:
    """The names with `` (2)``, `` (3)`` … behind those that came before.

    Args:
        names: Names, some of which may be equal.

    Returns:
        As many names, all different.

    Example:
        >>> number_repeats(["a", "b", "a"])
        ('a', 'b', 'a (2)')
    """
    taken: set[str] = set()
    count: Counter[str] = Counter()
    unique = []
    for name in names:
        count[name] += 1
        numbered = name if count[name] == 1 else f"{name} ({count[name]})"
        while numbered in taken:
            count[name] += 1
            numbered = f"{name} ({count[name]})"
        taken.add(numbered)
        unique.append(numbered)
    return tuple(unique)
