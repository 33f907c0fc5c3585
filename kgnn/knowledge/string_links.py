"""STRING: links between proteins with a score, as ``protein.links``, ``links.detailed`` or ``links.full``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.edge_columns import Layout, head_of, read_columns
from kgnn.knowledge.edge_table import joined
from kgnn.knowledge.edges import build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.string_names import STRING_CITATION, STRING_LICENCE, named
from kgnn.knowledge.text import source_of

CHANNELS = ("neighborhood", "fusion", "cooccurence", "coexpression", "experiments", "database", "textmining")
PRIOR = 0.041
"""Probability of an interaction without any evidence, in STRING's combination of channels."""

_PROTEINS = ("protein1", "protein2")
_COMBINED = "combined_score"
_UNIT = 1000.0
_OTHER_NAMES = {"experiments": "experimental", "cooccurence": "cooccurrence"}


def read_string(
    path: str | PathLike[str],
    *,
    names: str | PathLike[str] | None = None,
    alias_source: str | None = None,
    channels: str | Collection[str] | None = None,
    taxon: int | None = None,
) -> Network:
    r"""STRING's links: undirected, weighted by the probability that STRING gives (its score over 1,000).

    With `channels`, the scores of some channels are combined as STRING does it: the prior :math:`p = 0.041` is taken
    out of each, and put back once.

    .. math:: s = p + (1 - p) \left(1 - \prod_c \left(1 - \frac{s_c - p}{1 - p}\right)\right)

    In the full file each channel stands twice, direct and transferred from other organisms, and both count. STRING up
    to release 11 also damped text mining and co-occurrence by homology, release 12 does not; which of the two a file
    follows is seen from its own combined scores.

    Args:
        path: ``…protein.links….txt``, ``…links.detailed…`` or ``…links.full…``, plain or gzip.
        names: STRING's ``protein.info`` or ``protein.aliases`` file, to name proteins by gene symbol.
        alias_source: Which source of an aliases file; where None, the first known one for symbols.
        channels: Channels to combine, of `CHANNELS`; the file's combined score where None.
        taxon: NCBI number of the organism, for a file of several.

    Returns:
        The network; without `names`, proteins keep their identifiers, less the number of the organism.

    Raises:
        FormatError: If a line has another number of columns or a score is no number, with the line.
        KgnnError: If a channel is unknown or not in the file, or organisms must be told apart.

    References:
        von Mering et al. 2005, Nucleic Acids Research 33:D433, doi:10.1093/nar/gki005.
        Szklarczyk et al. 2023, Nucleic Acids Research 51:D638, doi:10.1093/nar/gkac1000.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "links.txt"
        ...     size = path.write_text("protein1 protein2 combined_score\n4932.Q0045 4932.Q0250 945\n")
        ...     list(read_string(path).edges)
        [Edge(source='Q0045', target='Q0250', weight=0.945, sign=0, directed=False, evidence='')]
    """
    layout = _layout(path)
    wanted = _chosen(channels)
    scores = [_COMBINED] if wanted is None else [*_columns_of(wanted, layout, path), _COMBINED]
    if wanted is not None and "homology" in layout.columns:
        every = [column for channel in CHANNELS for column in _columns_of([channel], layout, path)]
        scores = [*dict.fromkeys([*scores, *every, "homology"])]
    columns = read_columns(path, layout, names=_PROTEINS, numbers=scores)
    _check_scores(columns.numbers, path)
    weight, note = columns.numbers[_COMBINED] / _UNIT, "read as STRING links"
    if wanted is not None:
        weight, how = _combined(columns.numbers, wanted)
        note += f", channels {', '.join(wanted)} combined{how}"
    proteins, source, target = joined(columns, _PROTEINS[0], _PROTEINS[1])
    network = build_network(
        proteins,
        source,
        target,
        weight=weight,
        node_types=["protein"] * len(proteins),
        provenance=Provenance((source_of(path, {}, licence=STRING_LICENCE, citation=STRING_CITATION),), (note,)),
    )
    if wanted is not None:
        network = network.threshold(np.nextafter(PRIOR, 1))
    return named(network, path, names=names, alias_source=alias_source, taxon=taxon)


def _layout(path: str | PathLike[str]) -> Layout:
    header = head_of(path, 1)[0]
    delimiter = "\t" if "\t" in header else " "
    columns = tuple(cell.strip().lower() for cell in header.split(delimiter))
    if columns[:2] != _PROTEINS or columns[-1] != _COMBINED:
        raise FormatError(
            f"has not the header of STRING's links, which begins 'protein1 protein2' and ends 'combined_score' (found "
            f"{header[:80]!r}). Download protein.links, or force another format with format=.",
            path,
            1,
        )
    return Layout(columns, delimiter, first_line=2)


def _chosen(channels: str | Collection[str] | None) -> list[str] | None:
    if channels is None:
        return None
    listed = [channels] if isinstance(channels, str) else list(channels)
    for channel in listed:
        if channel not in CHANNELS:
            raise unknown_choice("channels", channel, CHANNELS)
    if not listed:
        raise KgnnError(f"channels is empty. Choose some of: {', '.join(CHANNELS)}; or leave it out.")
    return listed


def _columns_of(channels: Collection[str], layout: Layout, path: str | PathLike[str]) -> list[str]:
    """Columns of some channels: itself, under its other spelling, and as transferred."""
    found: list[str] = []
    for channel in channels:
        spellings = (channel, _OTHER_NAMES.get(channel, channel))
        columns = [name for name in (*spellings, f"{channel}_transferred") if name in layout.columns]
        if not columns:
            present = name_some(layout.columns[2:], limit=20)
            raise KgnnError(
                f"{path}: has no channel {channel!r}, only {present}. Take the detailed or the full file of links, or "
                "leave out channels=."
            )
        found += dict.fromkeys(columns)
    return found


def _check_scores(scores: Mapping[str, np.ndarray], path: str | PathLike[str]) -> None:
    for column, values in scores.items():
        wrong = np.flatnonzero((values < 0) | (values > _UNIT))
        if len(wrong):
            raise FormatError(
                f"column {column!r} holds {values[wrong[0]]:g}, and STRING's scores lie between 0 and 1,000. Is it "
                "another file?",
                path,
                int(wrong[0]) + 2,
            )


def _combined(scores: Mapping[str, np.ndarray], channels: Collection[str]) -> tuple[np.ndarray, str]:
    """Combined probability of some channels, and a remark on homology."""
    if "homology" not in scores:
        return combine_channels(scores, channels), ""
    stated = scores[_COMBINED] / _UNIT
    off = [np.abs(combine_channels(scores, CHANNELS, homology=use) - stated).mean() for use in (False, True)]
    damped = bool(off[1] < off[0])
    remark = ", text mining and co-occurrence damped by homology" if damped else ""
    return combine_channels(scores, channels, homology=damped), remark


def combine_channels(
    scores: Mapping[str, np.ndarray], channels: Collection[str], *, homology: bool = False
) -> np.ndarray:
    """Probability of an interaction from some of STRING's channels.

    Args:
        scores: Column by name, each score between 0 and 1,000; see `read_string`.
        channels: Channels to combine, of `CHANNELS`.
        homology: Whether text mining and co-occurrence are damped by the column ``homology``, as up to release 11.

    Returns:
        Probabilities, cut to three digits as STRING does it.

    Example:
        >>> combine_channels({"experiments": np.array([800.0]), "database": np.array([500.0])}, ["experiments"])
        array([0.8])
    """
    missing: Any = 1.0
    for channel in channels:
        of_channel: Any = 1.0
        for column in (channel, _OTHER_NAMES.get(channel, ""), f"{channel}_transferred"):
            if column in scores:
                corrected = (np.maximum(scores[column] / _UNIT, PRIOR) - PRIOR) / (1 - PRIOR)
                of_channel = of_channel * (1 - corrected)
        if homology and channel in ("textmining", "cooccurence"):
            of_channel = 1 - (1 - of_channel) * (1 - scores["homology"] / _UNIT)
        missing = missing * of_channel
    combined = (1 - missing) * (1 - PRIOR) + PRIOR
    # A thousandth that is whole but for rounding stays what it is.
    return np.floor(combined * _UNIT + 1e-9) / _UNIT
