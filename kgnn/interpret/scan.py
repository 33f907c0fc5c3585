"""Where motifs occur in sequences: every site with a p-value, or the best score of each motif."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import AlignmentError, KgnnError, StructureError
from kgnn.knowledge.motif import BASES, PSEUDOCOUNT, background_of
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.sequences import Sequences
from kgnn.structure.motif_scores import SCORE_STEP, ScoreDistribution, log_odds_steps, score_distribution
from kgnn.structure.one_hot import one_hot

if TYPE_CHECKING:
    import pandas

COLUMNS = ("sequence", "motif", "name", "start", "end", "strand", "score", "p_value")
"""Columns of the table of `scan`."""
Scanned = Sequences | np.ndarray | Sequence[str] | Sequence[np.ndarray]
"""Sequences in any form that `scan` takes."""
_WINDOWS = 4096
_SCORES = 2**24
"""Scores of one step on the device: 64 MB."""


@dataclass(frozen=True, eq=False)
class Scanner:
    """Motifs made ready to scan; `motif_scanner` makes it.

    Attributes:
        motifs: The motifs.
        values: float32 ``[filter, position, base]``, log-odds in steps of `kgnn.structure.SCORE_STEP` bits, motifs on
            the left; reverse complements after all forward filters.
        widths: int32 ``[filter]``.
        distributions: Of the score of every motif over random sequences.
        thresholds: float32 ``[motif]``, in steps: lowest score with the p-value; infinity where none has it.
        p_value: The p-value.
    """

    motifs: MotifSet
    values: np.ndarray
    widths: np.ndarray
    distributions: tuple[ScoreDistribution, ...]
    thresholds: np.ndarray
    p_value: float

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Ids of motifs too short or too vague for any site to have the p-value."""
        return tuple(motif.id for motif, low in zip(self.motifs, self.thresholds, strict=True) if np.isinf(low))


def motif_scanner(
    motifs: MotifSet,
    p_value: float = 1e-4,
    *,
    both_strands: bool = True,
    pseudocount: float = PSEUDOCOUNT,
    background: Sequence[float] | None = None,
) -> Scanner:
    """Motifs with the thresholds of a p-value, for `scan`.

    Args:
        motifs: The motifs.
        p_value: Share of random sequences whose score is as high, for one position on one strand.
        both_strands: Whether to scan the reverse strand too. The background is then averaged over the strands.
        pseudocount: See `Motif.probabilities`; above 0.
        background: Probability of A, C, G and T; None for the one of the motif set.

    Returns:
        The scanner.

    Raises:
        StructureError: If there is no motif, or log-odds would be infinite.
        KgnnError: If the p-value is not between 0 and 1.
    """
    if not 0 < p_value <= 1:
        raise KgnnError(f"p_value is {p_value}. Give a number above 0 and up to 1, such as 1e-4.")
    if not len(motifs):
        raise StructureError("there is no motif to scan for. Check what the selection left.")
    expected = background_of(motifs.background if background is None else background)
    if both_strands:
        expected = (expected + expected[::-1]) / 2
    matrices = [log_odds_steps(motif, pseudocount, expected.tolist()) for motif in motifs]
    distributions = tuple(score_distribution(matrix, expected.tolist()) for matrix in matrices)
    thresholds = np.array([each.threshold(p_value) for each in distributions], dtype=np.float32)
    if both_strands:
        matrices += [matrix[::-1, ::-1] for matrix in matrices]
    values = np.zeros((len(matrices), int(motifs.widths.max()), len(BASES)), dtype=np.float32)
    for number, matrix in enumerate(matrices):
        values[number, : len(matrix)] = matrix
    widths = np.array([len(matrix) for matrix in matrices], dtype=np.int32)
    return Scanner(motifs, values, widths, distributions, thresholds, p_value)


def scan(scanner: Scanner, sequences: Scanned, names: Sequence[str] | None = None) -> pandas.DataFrame:
    r"""Every site at which a motif scores as high as the scanner's p-value asks.

    The score is the sum of log-odds, in bits, on the grid of `kgnn.structure.log_odds_steps`; the p-value is exact for
    it. An ambiguous base scores as the mean of the four. P-values are for one position: with many positions, strands
    and motifs some sites reach any threshold by chance.

    Args:
        scanner: From `motif_scanner`.
        sequences: As `kgnn.knowledge.read_fasta` gives them, letters of each, or as arrays (`kgnn.structure.one_hot`):
            ``[sample, position, base]``, or one ``[position, base]`` a sequence. Lengths may differ.
        names: Names of the sequences; their own where None, else their numbers from 0.

    Returns:
        One row a site, by sequence, start, motif and strand. ``start`` counts from 0 and ``end`` is behind the site, as
        in BED, both on the forward strand; ``score`` is in bits.

    Raises:
        AlignmentError: If names and sequences differ in number, or an array is not ``[position, base]``.
        FormatError: If a letter, such as a gap, stands for no base.

    References:
        Grant et al. 2011, Bioinformatics 27:1017, doi:10.1093/bioinformatics/btr064 (FIMO).

    Example:
        >>> from kgnn.knowledge import Motif, MotifSet
        >>> tata = MotifSet((Motif.from_counts("tata", [[0, 0, 0, 9], [9, 0, 0, 0]] * 3),))
        >>> hits = scan(motif_scanner(tata, 1e-3, both_strands=False), ["CCTATATACC"])
        >>> hits["start"].tolist()
        [2]
    """
    import jax
    import pandas

    from kgnn.layers.motif_scores import reached

    arrays = _checked(sequences)
    labels = _labels(sequences.names if names is None and isinstance(sequences, Sequences) else names, len(arrays))
    values = jax.device_put(scanner.values)
    thresholds = jax.device_put(np.tile(scanner.thresholds, len(scanner.values) // len(scanner.motifs)))
    found = []
    for tiles, which, start in _tiles(arrays, scanner):
        tile, filter, place = np.nonzero(np.asarray(reached(tiles, values, thresholds)))
        inside = start[tile] + place + scanner.widths[filter] <= np.array([len(arrays[each]) for each in which])[tile]
        tile, filter, place = tile[inside], filter[inside], place[inside]
        scores = _scores(tiles, scanner.values, tile, filter, place)
        found.append(np.stack([which[tile], start[tile] + place, filter, scores]).reshape(4, -1))
    sequence, start, filter, steps = np.concatenate([np.zeros((4, 0)), *found], axis=1)
    sequence, start, filter = (each.astype(np.int64) for each in (sequence, start, filter))
    motif = filter % len(scanner.motifs)
    order = np.lexsort((filter, motif, start, sequence))
    sequence, start, filter, motif, steps = (each[order] for each in (sequence, start, filter, motif, steps))
    columns = {
        "sequence": np.array(labels, dtype=object)[sequence],
        "motif": np.array(scanner.motifs.ids, dtype=object)[motif],
        "name": np.array(scanner.motifs.names, dtype=object)[motif],
        "start": start,
        "end": start + scanner.widths[filter],
        "strand": np.where(filter < len(scanner.motifs), "+", "-").astype(object),
        "score": steps * SCORE_STEP,
        "p_value": _p_values(scanner, motif, steps),
    }
    return pandas.DataFrame(columns, columns=list(COLUMNS))


def scan_summary(scanner: Scanner, hits: pandas.DataFrame, n_sequences: int) -> dict[str, Any]:
    """A scan in numbers.

    Args:
        scanner: What was scanned with.
        hits: From `scan`.
        n_sequences: How many sequences were scanned.

    Returns:
        A value that `json` can write; ``unreachable`` names motifs for which no site can have the p-value.
    """
    return {
        "motifs": len(scanner.motifs),
        "sequences": n_sequences,
        "p_value": scanner.p_value,
        "hits": len(hits),
        "motifs_with_hits": int(hits["motif"].nunique()),
        "sequences_with_hits": int(hits["sequence"].nunique()),
        "unreachable": list(scanner.unreachable),
        "provenance": scanner.motifs.provenance.to_json(),
    }


def best_motif_scores(scanner: Scanner, sequences: Scanned) -> np.ndarray:
    """Highest score of every motif in every sequence, on either strand, in bits.

    Args:
        scanner: From `motif_scanner`; its thresholds play no part.
        sequences: See `scan`.

    Returns:
        float32 ``[sample, motif]``; minus infinity where a sequence is shorter than the motif.

    Raises:
        AlignmentError: See `scan`.
        FormatError: See `scan`.
    """
    import jax

    from kgnn.layers.motif_scores import best_filter_scores

    arrays = _checked(sequences)
    values = jax.device_put(scanner.values)
    best = np.full((len(arrays), len(scanner.values)), -np.inf, dtype=np.float32)
    lengths = np.array([len(each) for each in arrays])
    for tiles, which, start in _tiles(arrays, scanner):
        left = (lengths[which] - start)[:, None] - scanner.widths[None, :] + 1
        np.maximum.at(best, which, np.asarray(best_filter_scores(tiles, values, left)))
    return best.reshape(len(arrays), -1, len(scanner.motifs)).max(axis=1) * np.float32(SCORE_STEP)


def _checked(sequences: Scanned) -> list[np.ndarray]:
    if isinstance(sequences, str):
        raise AlignmentError(f"the sequences are one text of {len(sequences):,} letters. Give a list of them.")
    if not isinstance(sequences, Sequences) and len(sequences) and isinstance(sequences[0], str):
        letters = tuple(map(str, sequences))
        sequences = Sequences(tuple(map(str, range(len(letters)))), letters)
    if isinstance(sequences, Sequences):
        # One by one, since lengths may differ.
        return [one_hot(sequences.take([number]))[0] for number in range(len(sequences))]
    arrays = [np.asarray(each) for each in sequences]
    wrong = [each.shape for each in arrays if each.ndim != 2 or each.shape[1] != len(BASES)]
    if wrong:
        raise AlignmentError(
            f"{len(wrong)} of {len(arrays)} sequences are not [position, base] with the 4 bases A C G T; the first has "
            f"the shape {wrong[0]}. Give letters, or encode them with kgnn.structure.one_hot."
        )
    return arrays


def _labels(names: Sequence[str] | None, n_sequences: int) -> list[str]:
    labels = [str(number) for number in range(n_sequences)] if names is None else list(names)
    if len(labels) != n_sequences:
        raise AlignmentError(f"{len(labels)} names for {n_sequences} sequences. Give a name for each.")
    return labels


def _tiles(arrays: list[np.ndarray], scanner: Scanner) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of equal pieces ``[tile, position, base]`` that overlap by a motif, their sequences and starts.

    All batches have one shape, so that the scan compiles once. Behind the end of a sequence stand zeros.
    """
    n_filters, width = scanner.values.shape[:2]
    longest = max((len(each) for each in arrays), default=0)
    n_windows = min(_WINDOWS, max(longest, 1))
    pieces = [(each, start) for each, array in enumerate(arrays) for start in range(0, max(len(array), 1), n_windows)]
    size = max(1, min(len(pieces), _SCORES // (n_filters * n_windows)))
    for first in range(0, len(pieces), size):
        batch = pieces[first : first + size]
        tiles = np.zeros((size, n_windows + width - 1, len(BASES)), dtype=np.float32)
        for place, (each, start) in enumerate(batch):
            piece = arrays[each][start : start + tiles.shape[1]]
            tiles[place, : len(piece)] = piece
        which, starts = np.array(batch, dtype=np.int64).T
        unused = size - len(batch)
        # Empty tiles of the last batch belong to the last sequence and start behind its end.
        which = np.append(which, np.full(unused, which[-1]))
        yield tiles, which, np.append(starts, np.full(unused, len(arrays[which[-1]])))


def _scores(
    tiles: np.ndarray, values: np.ndarray, tile: np.ndarray, filter: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """Scores at some sites, in steps; exact, as those on the device."""
    scores = np.empty(len(tile))
    along = np.arange(values.shape[1])
    n_at_once = max(1, math.ceil(2**22 / values[0].size))
    for first in range(0, len(tile), n_at_once):
        part = slice(first, first + n_at_once)
        windows = tiles[tile[part, None], place[part, None] + along]
        scores[part] = np.einsum("nib,nib->n", windows, values[filter[part]])
    return scores


def _p_values(scanner: Scanner, motif: np.ndarray, steps: np.ndarray) -> np.ndarray:
    found = np.empty(len(motif))
    order = np.argsort(motif, kind="stable")
    bounds = np.searchsorted(motif[order], np.arange(len(scanner.motifs) + 1))
    for number, distribution in enumerate(scanner.distributions):
        rows = order[bounds[number] : bounds[number + 1]]
        found[rows] = distribution.p_value(steps[rows])
    return found
