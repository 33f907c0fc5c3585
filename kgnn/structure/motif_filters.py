"""Filters without a motif, the filters of some motifs, and what filters score by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kgnn.errors import StructureError
from kgnn.knowledge.motif import BASES, UNIFORM, background_of
from kgnn.structure.kernels import Kernels
from kgnn.structure.motif_scores import score_distribution

_STEPS_PER_BIT = 16
"""Grid of `chance_scores`; a filter of 25 positions is then at most 0.8 bits off, less than its width in thresholds."""
_HIGHEST_SHARE = 0.8


def blank_kernels(n_filters: int, length: int, *, both_strands: bool = True, name: str = "new") -> Kernels:
    """Kernels without knowledge: filters of zeros, each a motif that is still to be learned.

    Args:
        n_filters: How many.
        length: Positions of each.
        both_strands: Whether each is to be looked for on either strand.
        name: Filters are called ``new_1``, ``new_2`` …

    Returns:
        The kernels.

    Raises:
        StructureError: If a number is below 1.

    Example:
        >>> blank_kernels(2, 8).motifs
        ('new_1', 'new_2', 'new_1', 'new_2')
    """
    if n_filters < 1 or length < 1:
        raise StructureError(f"{n_filters} filters of {length} positions cannot be made. Ask for at least 1 of each.")
    times = 1 + both_strands
    names = tuple(f"{name}_{number}" for number in range(1, n_filters + 1))
    n = n_filters * times
    return Kernels(
        np.zeros((n, length, len(BASES)), np.float32), names * times, names * times,
        ("+",) * n_filters + ("-",) * (n - n_filters), np.zeros(n, np.int32), np.full(n, length, np.int32),
        "information", "left", 0.0, UNIFORM,
    )  # fmt: skip


def take_motifs(kernels: Kernels, motifs: Sequence[str]) -> Kernels:
    """The filters of some motifs.

    Args:
        kernels: The kernels.
        motifs: Ids to keep.

    Returns:
        Their filters, in the order of `kernels`.

    Raises:
        StructureError: If an id is unknown, or none is given.
    """
    unknown = sorted(set(motifs) - set(kernels.motifs))
    if unknown or not len(motifs):
        raise StructureError(
            f"{len(unknown)} of {len(motifs)} motifs have no filter: {', '.join(unknown[:5])}. Name motifs of the "
            f"kernels, such as {kernels.motifs[0]}."
        )
    kept = np.flatnonzero([motif in set(motifs) for motif in kernels.motifs])
    chosen = {
        name: tuple(getattr(kernels, name)[position] for position in kept) for name in ("motifs", "names", "strands")
    }
    arrays = {name: getattr(kernels, name)[kept] for name in ("values", "motif_start", "motif_width")}
    step = f"took the filters of {len(set(motifs)):,} of {len(set(kernels.motifs)):,} motifs"
    return replace(kernels, **chosen, **arrays, provenance=kernels.provenance.after(step))


def chance_scores(
    values: np.ndarray, p_value: float, background: Sequence[float] = UNIFORM
) -> tuple[np.ndarray, np.ndarray]:
    """The score that a random window reaches with some probability, and the best score, of every filter.

    Args:
        values: ``[filter, position, base]``.
        p_value: The probability.
        background: Of A, C, G and T.

    Returns:
        float32 ``[filter]`` each. Where even the best site is likelier, the first is four fifths of the way from the
        mean to the best.
    """
    steps = np.rint(np.asarray(values, np.float64) * _STEPS_PER_BIT).astype(np.int32)
    expected = background_of(background)
    best = values.max(axis=2).sum(axis=1).astype(np.float64)
    mean = (values @ expected).sum(axis=1)
    highest = mean + _HIGHEST_SHARE * (best - mean)
    reached = np.array([score_distribution(each, background).threshold(p_value) for each in steps]) / _STEPS_PER_BIT
    return np.minimum(reached, highest).astype(np.float32), best.astype(np.float32)
