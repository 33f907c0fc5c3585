"""`Motif`: what a transcription factor binds, as letter frequencies and the number of sites behind them.

Four matrices come from them, and no two share a name: counts, probabilities, log-odds and information content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kgnn.errors import StructureError

BASES = "ACGT"
"""Order of the bases on the last axis of every matrix and of every one-hot sequence."""
UNIFORM = (0.25, 0.25, 0.25, 0.25)
"""Background in which every base is equally frequent."""
PSEUDOCOUNT = 1.0
"""Sites of pure background that are added to every position unless told otherwise."""
SUM_TOLERANCE = 0.01
"""How far the published frequencies of a position may be from a sum of 1: three printed decimals and a margin."""

_CONSENSUS = {"A": "A", "C": "C", "G": "G", "T": "T", "AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}


@dataclass(frozen=True, eq=False)
class Motif:
    """A frozen motif; two are equal if id, names, frequencies and sites are.

    Attributes:
        id: Identifier of the source, such as ``"MA0139.2"``.
        frequencies: float64 ``[position, base]`` in the order A C G T: the share of each base among the sites, as
            published, without pseudocount.
        sites: float64 ``[position]``: number of sites behind each position; the total of its counts.
        name: What the source calls it; the id where it gives no name.
        factors: Names of the transcription factors, two for a dimer.
        tf_class: Structural class of each factor, where known.
        tf_family: Family of each factor, where known.
        species: Species of the experiments, where known (JASPAR's releases number them as NCBI does).
        tax_group: Such as ``"vertebrates"``, where known.
    """

    id: str
    frequencies: np.ndarray
    sites: np.ndarray
    name: str = ""
    factors: tuple[str, ...] = ()
    tf_class: tuple[str, ...] = ()
    tf_family: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    tax_group: str = ""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise StructureError("a motif has no id. Ids name rows of results: give every motif one.")
        frequencies = np.array(self.frequencies, dtype=np.float64)
        if frequencies.ndim != 2 or frequencies.shape[1] != len(BASES) or not len(frequencies):
            raise StructureError(
                f"motif {self.id} has a matrix of shape {frequencies.shape}. Give one row a position and the columns "
                "A C G T."
            )
        sites = np.array(np.broadcast_to(np.asarray(self.sites, np.float64), len(frequencies)))
        _check(self.id, frequencies, sites)
        for array in (frequencies, sites):
            array.setflags(write=False)
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "sites", sites)
        object.__setattr__(self, "name", self.name or self.id)

    @classmethod
    def from_counts(cls, id: str, counts: Any, **facts: Any) -> Motif:
        """A motif from a matrix of counts; positions may have totals of their own, as they have in JASPAR.

        Args:
            id: Identifier.
            counts: ``[position, base]``, not negative; whole or, from weighted sites, fractional.
            **facts: Further attributes, such as ``name``.

        Returns:
            The motif.

        Raises:
            StructureError: If a count is negative or not finite, or a position has none.

        Example:
            >>> Motif.from_counts("tata", [[0, 0, 0, 9], [8, 0, 1, 0]]).consensus
            'TA'
        """
        counts = np.asarray(counts, np.float64)
        totals = counts.sum(axis=-1, keepdims=True) if counts.ndim == 2 else np.ones(1)
        wrong = np.flatnonzero(~(totals > 0))
        if len(wrong):
            raise StructureError(f"motif {id} has no site at position {wrong[0] + 1}. Leave the position out.")
        return cls(id, counts / totals, totals[..., 0], **facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Motif) and self.content == other.content

    def __hash__(self) -> int:
        return hash((self.id, self.consensus))

    def __len__(self) -> int:
        return len(self.frequencies)

    @property
    def content(self) -> tuple[Any, ...]:
        """What equality and fingerprints rest on: id, names, frequencies and sites, bit for bit."""
        return (self.id, self.name, self.factors, self.frequencies.tolist(), self.sites.tolist())

    @property
    def counts(self) -> np.ndarray:
        """float64 ``[position, base]``: how many sites have each base.

        Frequencies that a file printed with few decimals give counts that are not whole; only the rounding of the
        multiplication itself is taken back.
        """
        counts = self.frequencies * self.sites[:, None]
        whole = np.rint(counts)
        return np.where(np.abs(counts - whole) <= 1e-12 * self.sites[:, None], whole, counts)

    def probabilities(self, pseudocount: float = PSEUDOCOUNT, background: Sequence[float] | None = None) -> np.ndarray:
        r"""Probability of each base at each position (PPM), with a pseudocount.

        .. math:: p_{ib} = \frac{c_{ib} + s\,q_b}{\sum_b c_{ib} + s}

        Args:
            pseudocount: Sites of pure background :math:`s` that are added to every position.
            background: Probability :math:`q` of A, C, G and T; None for 0.25 each.

        Returns:
            float64 ``[position, base]``; rows sum to 1.

        Raises:
            StructureError: If the pseudocount is negative or the background is no distribution over four bases.
        """
        added = _pseudocount(pseudocount) * background_of(background)
        counts = self.frequencies * self.sites[:, None] + added
        return counts / counts.sum(axis=1, keepdims=True)

    def log_odds(self, pseudocount: float = PSEUDOCOUNT, background: Sequence[float] | None = None) -> np.ndarray:
        r"""Log-odds of each base against the background (PWM), in bits: :math:`\log_2 (p_{ib} / q_b)`.

        Args:
            pseudocount: See `probabilities`; with 0, a base that no site has is at minus infinity.
            background: See `probabilities`; it stands in the pseudocount and in the ratio.

        Returns:
            float64 ``[position, base]``.

        Raises:
            StructureError: See `probabilities`; and if a base has no background, so that its odds are undefined.
        """
        expected = background_of(background)
        if not expected.all():
            raise StructureError("a base with a background of 0 has no log-odds. Give every base a share.")
        with np.errstate(divide="ignore"):
            return np.log2(self.probabilities(pseudocount, expected.tolist()) / expected)

    def information(self, pseudocount: float = 0.0, background: Sequence[float] | None = None) -> np.ndarray:
        r"""Information content of every position in bits, :math:`\sum_b p_{ib} \log_2 (p_{ib} / q_b)`.

        With a uniform background it is 2 where all sites agree and 0 where all bases are equally frequent. There is no
        correction for small samples: a motif of few sites looks more informative than it is.

        Args:
            pseudocount: See `probabilities`.
            background: See `probabilities`.

        Returns:
            float64 ``[position]``.

        Raises:
            StructureError: See `log_odds`.

        References:
            Schneider et al. 1986, Journal of Molecular Biology 188:415, doi:10.1016/0022-2836(86)90165-8.
        """
        odds = self.log_odds(pseudocount, background)
        probabilities = self.probabilities(pseudocount, background)
        return np.sum(np.where(probabilities > 0, probabilities * np.where(np.isfinite(odds), odds, 0), 0), axis=1)

    @property
    def consensus(self) -> str:
        """The motif in letters: one base above half of the sites and twice the second, two above 3/4, else ``N``.

        References:
            Cavener 1987, Nucleic Acids Research 15:1353, doi:10.1093/nar/15.4.1353.
        """
        letters = []
        for row in self.frequencies:
            order = np.argsort(-row, kind="stable")
            first, second = row[order[:2]]
            if first > 0.5 and first > 2 * second:
                letters.append(BASES[order[0]])
            elif first + second > 0.75:
                letters.append(_CONSENSUS["".join(sorted(BASES[base] for base in order[:2]))])
            else:
                letters.append("N")
        return "".join(letters)

    def reverse_complement(self) -> Motif:
        """The same motif as it reads on the other strand."""
        return replace(self, frequencies=self.frequencies[::-1, ::-1], sites=self.sites[::-1])

    def positions(self, start: int, stop: int) -> Motif:
        """The motif with the positions from `start` to before `stop` only."""
        return replace(self, frequencies=self.frequencies[start:stop], sites=self.sites[start:stop])


def background_of(background: Sequence[float] | None) -> np.ndarray:
    """A background as an array.

    Args:
        background: Probability of A, C, G and T; None for 0.25 each.

    Returns:
        float64 ``[base]``, summing to 1.

    Raises:
        StructureError: If it is no distribution over four bases.

    Example:
        >>> background_of((0.3, 0.2, 0.2, 0.3)).tolist()
        [0.3, 0.2, 0.2, 0.3]
    """
    if background is None:
        return np.array(UNIFORM)
    values = np.asarray(background, np.float64)
    if values.shape != (4,) or not np.isfinite(values).all() or (values < 0).any() or abs(values.sum() - 1) > 0.01:
        raise StructureError(
            f"background {tuple(np.atleast_1d(values).tolist())} is no distribution over A, C, G and T. "
            "Give four probabilities that sum to 1."
        )
    # A sum that differs by rounding only is left, so that a background which is written and read again keeps its bits.
    return values if abs(values.sum() - 1) < 1e-12 else values / values.sum()


def _pseudocount(value: float) -> float:
    if not 0 <= value < float("inf"):
        raise StructureError(f"pseudocount is {value}. Give a number of sites, 0 or more.")
    return value


def _check(name: str, frequencies: np.ndarray, sites: np.ndarray) -> None:
    sums = frequencies.sum(axis=1)
    for position, (row, total) in enumerate(zip(frequencies, sums, strict=True), 1):
        if not np.isfinite(row).all() or (row < 0).any():
            raise StructureError(
                f"motif {name} has {row.tolist()} at position {position}. Counts and frequencies are 0 or more; "
                "log-odds matrices cannot be taken back to them."
            )
        if abs(total - 1) > SUM_TOLERANCE:
            raise StructureError(
                f"motif {name}: the frequencies of position {position} sum to {total:.4g}, not to 1. Are these counts? "
                "Then use Motif.from_counts."
            )
    if not np.isfinite(sites).all() or (sites <= 0).any():
        raise StructureError(f"motif {name} has {sites.min()} sites at a position. Give a positive number.")
