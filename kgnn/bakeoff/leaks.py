"""Leaks between training and test: what makes a cross-validated score say more than it knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kgnn.data.samples import Samples
from kgnn.data.stored import Table
from kgnn.errors import KgnnError, name_some

RELATED = (
    "patient", "donor", "individual", "subject", "person", "mouse", "cell", "cell_line", "drug", "compound",
    "chromosome", "chrom", "family", "pair", "clone",
)  # fmt: skip
"""Covariates whose values make samples relatives: a model that has seen one knows much of the other."""

_DUPLICATES = "duplicates"

_SELECTED = "genes selected by association with the target"


class Leak(NamedTuple):
    """Something that both sides of a split share.

    Attributes:
        what: The covariate, or the table whose rows are shared.
        shared: Its values that stand on both sides of some split, in their order.
        n: How many values it has.
    """

    what: str
    shared: tuple[str, ...]
    n: int

    def __str__(self) -> str:
        return f"{len(self.shared):,} of {self.n:,} values of {self.what!r} ({name_some(self.shared, 3)})"


Splits = Sequence[tuple[np.ndarray, np.ndarray]]


def is_related(name: str) -> bool:
    """Whether a covariate's name says that samples of one value are relatives.

    Args:
        name: Of the covariate, in any case; behind the modality (``rna:donor``) and before an ``_id``, too.

    Returns:
        True for the names in `RELATED`.

    Example:
        >>> [is_related(name) for name in ("Cell line", "donor_id", "rna:patient", "cell_type")]
        [True, True, True, False]
    """
    plain = name.rpartition(":")[2].strip().lower().replace(" ", "_").replace("-", "_")
    return plain in RELATED or plain.removesuffix("id").rstrip("_") in RELATED


def find_leaks(samples: Samples, splits: Splits, *, allow: Collection[str] = ()) -> tuple[Leak, ...]:
    """Which relatives stand on both sides of a split.

    Looked at are covariates that `is_related` knows by their names, rows of a table that several samples share, and
    samples with the very same values of all tables. What is shared by chance alone (two genotypes with a few
    alterations each) is found as well: allow it by its name.

    Args:
        samples: All samples.
        splits: Pairs of positions: what a model may see, and what it is tested on.
        allow: Names of covariates and tables to leave out; ``"duplicates"`` for samples of equal values.

    Returns:
        What was found, the covariates first.
    """
    candidates = {
        name: np.asarray(column).astype(str) for name, column in samples.covariates.items() if is_related(name)
    }
    for name, rows in samples.row_of_sample.items():
        if len(np.unique(rows)) < len(samples) and name not in candidates:
            candidates[name] = np.asarray(samples.modalities[name].rows, dtype=object)[rows].astype(str)
    candidates[_DUPLICATES] = _digests(samples)
    found = []
    for name, values in candidates.items():
        shared = {value for seen, tested in splits for value in np.intersect1d(values[seen], values[tested])}
        if shared and name not in allow:
            named = np.unique(values) if name != _DUPLICATES else values
            who = sorted(shared) if name != _DUPLICATES else _first_names(samples, values, shared)
            found.append(Leak(name, tuple(who), len(named)))
    return tuple(found)


def refuse_leaks(samples: Samples, splits: Splits, *, group: str | None, allow: Collection[str] = ()) -> None:
    """Refuse splits that let a model be tested on relatives of what it has seen.

    Args:
        samples: All samples.
        splits: Pairs of positions: what a model may see, and what it is tested on.
        group: The covariate that the splits were made by, if any.
        allow: See `find_leaks`.

    Raises:
        KgnnError: If there is a leak, or genes were selected by the target before the split.
    """
    steps = [step for step in samples.provenance.transformations if step.startswith(_SELECTED)]
    if steps and "selection" not in allow:
        raise KgnnError(
            f"{steps[0]}: the targets of all samples, those to be tested among them, chose the genes, and every score "
            "would be too good. Give samples with all genes and select= for a selection inside every fold."
        )
    leaks = find_leaks(samples, splits, allow={*allow, *([] if group is None else [group])})
    if leaks:
        first, every = leaks[0].what, [leak.what for leak in leaks]
        by_group = first in samples.covariates
        advice = f"Split by it (group={first!r})" if by_group else "Remove the repeats, or split by what they share"
        raise KgnnError(
            f"training and test parts share {'; '.join(map(str, leaks))}: a model is then tested on what it has seen. "
            f"{advice}, or say that this is meant (allow={first if len(every) == 1 else every!r}); on the command line "
            f"{f'--group {first} or ' if by_group else ''}--allow {','.join(every)}."
        )


def select_genes(samples: Samples, n: int) -> Samples:
    """The samples with the genes that go with their target most; a note of it stays in their provenance.

    The note goes with samples to ``.h5ad``, ``.h5mu`` and packed folders, and back; a text table or Parquet has none.

    The association is the largest absolute correlation with any output (of classes, with belonging to one). Called on
    all samples before a cross-validation this is a leak, and `kgnn.compare` refuses it; called on the training samples
    of a fold it is a part of the model.

    Args:
        samples: With targets.
        n: Genes to keep, in the order that they have.

    Returns:
        The samples with `n` genes, or with all of them where there are no more.
    """
    if n >= len(samples.genes):
        return samples
    targets = samples.require_targets()
    wanted = np.eye(len(targets.names))[targets.values] if targets.kind == "classes" else targets.values
    values = np.asarray(samples.gene_values(), dtype=np.float64)
    values, wanted = values - values.mean(axis=0), wanted - wanted.mean(axis=0)
    lengths = np.sqrt(np.square(values).sum(axis=0))[:, None] * np.sqrt(np.square(wanted).sum(axis=0))[None, :]
    related = np.abs(values.T @ wanted) / np.where(lengths > 0, lengths, np.inf)
    chosen = np.sort(np.argsort(-related.max(axis=1), kind="stable")[:n])
    note = f"{_SELECTED}: {n:,} of {len(samples.genes):,}, on {len(samples):,} samples"
    return replace(
        samples.with_genes([samples.genes[gene] for gene in chosen]), provenance=samples.provenance.after(note)
    )


def _digests(samples: Samples) -> np.ndarray:
    """A text for every sample that is equal for equal values of all tables."""
    places = [_equal_rows(samples.modalities[name].values)[rows] for name, rows in samples.row_of_sample.items()]
    return _equal_rows(np.stack(places, axis=1)).astype(str)


def _equal_rows(values: Table) -> np.ndarray:
    """A number for every row that is equal for equal rows."""
    return np.unique(np.ascontiguousarray(values), axis=0, return_inverse=True)[1].reshape(-1)


def _first_names(samples: Samples, values: np.ndarray, shared: set[str]) -> list[str]:
    return [samples.names[int(np.flatnonzero(values == value)[0])] for value in sorted(shared, key=int)]
