"""`MotifConv`: a convolution whose filters begin as motifs, over both strands with the same weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers.initial import uniform_within
from kgnn.layers.motif_scores import filter_scores
from kgnn.layers.proximal import InformationBound, NonPositive
from kgnn.structure import Kernels
from kgnn.structure.motif_filters import chance_scores

FILTERS = ("frozen", "free", "constrained")
INITIAL = ("motifs", "random")
UNITS = ("site", "raw")
AMBIGUOUS = 0.25
"""What stands beside the ends of a sequence, and for a base that is not known."""


class FrozenFilter(nnx.Variable):
    """A filter that training leaves as it is."""


class MotifConv(nnx.Module):
    r"""How much the sequence looks like each motif, at every position.

    .. math:: s_{mp} = b_m + \max_{\text{strands}} \sum_{ib} x_{p+i,b}\, k_{mib}

    The reverse strand is read by the mirror image of the same weights, so a motif has one filter whether or not it was
    compiled for both strands. Offsets :math:`b` begin where a random sequence scores 0 at its best position: above 0
    lies what chance hardly explains. Random filters that are not constrained begin with offsets of 0. Ambiguous bases,
    and what lies beyond the ends, are 0.25 of each base.

    Args:
        kernels: The compiled motifs; whether both strands are read is theirs to say.
        n_positions: Letters of a sequence.
        filters: ``"frozen"``; ``"free"``, trained from there; or ``"constrained"``, trained as letter heights of a
            sequence logo (kernels of kind ``"information"``). Offsets are always trained; they stay at most 0 unless
            the filters are free.
        initial: ``"motifs"``, or ``"random"`` for filters of the same shape without knowledge.
        unit: ``"site"`` scales every filter such that the motif's best site scores 1; ``"raw"`` leaves the values of
            the kernels, in bits, as constrained filters do in any case.
        position_price: Of constrained filters, see `InformationBound`.
        rngs: Stream ``params``.

    Raises:
        KgnnError: If a choice is unknown, sequences are too short, or filters to be constrained are no letter heights.
    """

    def __init__(
        self,
        kernels: Kernels,
        n_positions: int,
        *,
        filters: str = "free",
        initial: str = "motifs",
        unit: str = "site",
        position_price: float = 0.0,
        rngs: nnx.Rngs,
    ):
        for what, value, known in (("filters", filters, FILTERS), ("initial", initial, INITIAL), ("unit", unit, UNITS)):
            if value not in known:
                raise unknown_choice(what, value, known)
        if filters == "constrained" and initial == "motifs" and kernels.kind != "information":
            raise KgnnError(
                f"filters of kind {kernels.kind!r} cannot be constrained to letter heights. Compile the motifs with "
                "kind='information'."
            )
        self.n_motifs = kernels.strands.count("+")
        self.length = kernels.length
        self.both_strands = kernels.both_strands
        self.n_places = n_positions + 2 * (self.length // 2) - self.length + 1
        if self.n_places < 1 or n_positions < 1:
            raise KgnnError(f"sequences of {n_positions} letters are too short for filters of {self.length} positions.")
        values, offset = self._start(kernels, filters, initial, unit, n_positions, rngs)
        if filters == "frozen":
            self.filters: Any = FrozenFilter(values)
        elif filters == "constrained":
            self.filters = nnx.Param(values, proximal=InformationBound(price=position_price))
        else:
            self.filters = nnx.Param(values)
        # A motif that is read as published must not count as found where the sequence has nothing of it.
        self.offset = nnx.Param(offset) if filters == "free" else nnx.Param(offset, proximal=NonPositive())

    def _start(
        self, kernels: Kernels, filters: str, initial: str, unit: str, n_positions: int, rngs: nnx.Rngs
    ) -> tuple[Array, Array]:
        """Filters ``[motif, position, base]`` and offsets ``[motif]`` before the first step."""
        values = kernels.values[: self.n_motifs]
        if initial == "random" and filters != "constrained":
            # As a dense layer of as many inputs as a window has letters.
            bound = np.full(values.shape, (3.0 / self.length) ** 0.5)
            return uniform_within(bound, rngs), jnp.zeros(self.n_motifs)
        if initial == "random":
            # As in the paper: letter heights between 0 and half a bit.
            values = np.abs(np.asarray(uniform_within(np.full(values.shape, 0.5), rngs)))
        chance, best = chance_scores(values, 1.0 / ((1 + self.both_strands) * self.n_places), kernels.background)
        # In short sequences even a window unlike the motif may be expected: below 0 bits nothing counts as a site.
        chance = np.maximum(chance, 0.0)
        by_site = unit == "site" and filters != "constrained"
        scale = np.maximum(best - chance, 1e-6) if by_site else np.ones_like(best)
        return jax.device_put(values / scale[:, None, None]), jax.device_put(-chance / scale)

    def __call__(self, sequences: Array) -> Array:
        """Scores ``[sample, motif, place]`` of one-hot sequences ``[sample, position, base]``."""
        beyond = self.length // 2
        wide = jnp.pad(sequences, ((0, 0), (beyond, beyond), (0, 0)), constant_values=AMBIGUOUS)
        values = self.filters[...]
        scores = filter_scores(wide, values)
        if self.both_strands:
            scores = jnp.maximum(scores, filter_scores(wide, values[:, ::-1, ::-1]))
        return scores + self.offset[...][None, :, None]
