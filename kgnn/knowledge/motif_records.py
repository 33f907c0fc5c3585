"""`MotifRecords`: what the readers of motif files share: checks with file and line, ids, names, assumed sites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.motif import BASES, SUM_TOLERANCE, UNIFORM, Motif
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, Source

ASSUMED_SITES = 20.0
"""Sites of a motif whose file states none: the number that MEME's own format prescribes for that case."""

_VARIANT = re.compile(r"\(var\.\d+\)$")
_CISBP = re.compile(r"\(?(?P<factor>[^()]+)\)?_\((?P<species>[^()]+)\)(_\([^()]*\))?")
_HOCOMOCO = (
    re.compile(r"(?P<factor>[^_.]+)_(?P<species>HUMAN|MOUSE)\.H\d+[A-Z]+\..+"),
    re.compile(r"(?P<factor>[^.]+)\.H\d+[A-Z]+\..+"),
)


@dataclass
class MotifRecords:
    """Motifs of one file as they are read.

    Attributes:
        path: The file, for messages.
        assumed_sites: Sites of motifs that are published as probabilities without a number of sites.
    """

    path: str | PathLike[str]
    assumed_sites: float = ASSUMED_SITES
    motifs: list[Motif] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _line_of_id: dict[str, int] = field(default_factory=dict)
    _assumed: int = 0

    def add(
        self, id: str, name: str, matrix: Sequence[Sequence[float]], line: int, sites: Any = None, **facts: Any
    ) -> None:
        """Take in one motif.

        Args:
            id: Its identifier, which must be new.
            name: Its name; ``""`` for the id.
            matrix: ``[position][base]``: counts, or probabilities if every position sums to 1.
            line: Where it begins in the file.
            sites: Number of sites where the file states it; one for all positions or one each.
            **facts: Further attributes of `Motif`; factors and species are read from the name where not given.

        Raises:
            FormatError: If the id is empty or known, or the matrix is empty, negative or sums to nothing sensible.
        """
        if not id:
            raise FormatError("a motif has no id. Write one after '>' or MOTIF.", self.path, line)
        first = self._line_of_id.setdefault(id, line)
        if first != line:
            raise FormatError(
                f"motif {id} comes again (first in line {first}). Rename or remove one of the two.", self.path, line
            )
        values = np.array(matrix, dtype=np.float64).reshape(len(matrix), -1)
        self._check(id, values, line)
        totals = values.sum(axis=1)
        printed = bool((abs(totals - 1) <= SUM_TOLERANCE).all())
        impossible = sites is not None and np.max(sites) <= 1 and not np.isin(values, (0, 1)).all()
        if printed and (sites is None or impossible):
            # One site cannot have shares of several bases: CIS-BP and others write 1 where they do not know.
            sites = self.assumed_sites
            self._assumed += 1
        named = factors_and_species(id, name or id)
        facts = {key: value for key, value in named.items() if value} | facts
        if printed:
            self.motifs.append(Motif(id, values, np.asarray(sites), name, **facts))
        else:
            self.motifs.append(Motif.from_counts(id, values, name=name, **facts))

    def _check(self, id: str, values: np.ndarray, line: int) -> None:
        if not len(values):
            raise FormatError(f"motif {id} has no matrix. The file seems to be cut short.", self.path, line)
        if values.shape[1] != len(BASES):
            raise FormatError(
                f"motif {id} has {values.shape[1]} columns where A C G T are 4. Motifs of dinucleotides and of "
                "proteins are not read.",
                self.path,
                line,
            )
        if not np.isfinite(values).all():
            raise FormatError(f"motif {id} has a value that is not finite.", self.path, line)
        if (values < 0).any():
            raise FormatError(
                f"motif {id} has a negative value ({values.min():g}): a matrix of log-odds (PWM), or damage. Give the "
                "file with counts (PCM, PFM) or probabilities (PPM).",
                self.path,
                line,
            )
        totals = values.sum(axis=1)
        low = np.flatnonzero(totals < 1 - SUM_TOLERANCE)
        if len(low):
            raise FormatError(
                f"motif {id}: position {low[0] + 1} sums to {totals[low[0]]:.4g}, which is neither a number of sites "
                "nor the 1 of probabilities. The line is damaged or cut short.",
                self.path,
                line,
            )

    def finish(self, format: str, source: Source, background: Sequence[float] = UNIFORM) -> MotifSet:
        """The set of all motifs taken in.

        Args:
            format: Name of the format, for the provenance.
            source: The file.
            background: What the file states, else uniform.

        Returns:
            The set.

        Raises:
            FormatError: If there is no motif.
        """
        if not self.motifs:
            raise FormatError(f"holds no motif in the format {format}. Check the file or its format.", self.path)
        if self._assumed:
            self.notes.append(
                f"{self._assumed:,} motifs state no number of sites: {self.assumed_sites:g} assumed for each"
            )
        steps = (f"read as {format}", *self.notes)
        losses = tuple(loss for loss in self.losses if loss.names)
        return MotifSet(tuple(self.motifs), tuple(background), Provenance((source,), steps), losses)


def numbers(words: Sequence[str], path: str | PathLike[str], line: int) -> list[float]:
    """Words as numbers.

    Args:
        words: Such as ``["3", "0.5"]``.
        path: The file, for the message.
        line: Line of the words.

    Returns:
        The numbers.

    Raises:
        FormatError: If a word is no number.
    """
    found = []
    for word in words:
        try:
            found.append(float(word))
        except ValueError:
            raise FormatError(
                f"{word[:40]!r} is no number, in a row of a matrix. The line is damaged, or the format is another.",
                path,
                line,
            ) from None
    return found


def refuse_cut_row(last: str, path: str | PathLike[str], line: int) -> None:
    """Refuse a matrix whose last row ends the file without a line end: a digit may be missing, and none would tell.

    Args:
        last: The last line of the file, with its line end.
        path: The file, for the message.
        line: Number of that line.

    Raises:
        FormatError: If the line holds a number and has no end.
    """
    if last.strip() and not last.endswith("\n") and last.strip()[-1].isdigit():
        raise FormatError(
            f"the file ends inside {last.strip()[-40:]!r}, without a line end: it may be cut short. Download it again, "
            "or end the last line if it is whole.",
            path,
            line,
        )


def factors_and_species(id: str, name: str) -> dict[str, tuple[str, ...]]:
    """Transcription factors and species as the sources write them into ids and names.

    Args:
        id: Identifier of a motif.
        name: Its name.

    Returns:
        ``factors`` and ``species``, empty where the name does not tell.

    Example:
        >>> factors_and_species("MA0006.1", "Ahr::Arnt")["factors"]
        ('Ahr', 'Arnt')
        >>> factors_and_species("M0085_1.02", "(TFAP2E)_(Mus_musculus)_(DBD_0.99)")
        {'factors': ('TFAP2E',), 'species': ('Mus musculus',)}
        >>> factors_and_species("ANDR_HUMAN.H11MO.0.A", "ANDR_HUMAN.H11MO.0.A")
        {'factors': ('ANDR',), 'species': ('HUMAN',)}
    """
    found = _CISBP.fullmatch(name)
    if found:
        return {"factors": (found["factor"],), "species": (found["species"].replace("_", " "),)}
    for pattern in _HOCOMOCO:
        found = pattern.fullmatch(id)
        if found:
            facts = found.groupdict()
            return {"factors": (facts["factor"],), "species": (facts["species"],) if "species" in facts else ()}
    if name == id:
        return {"factors": (), "species": ()}
    parts = (_VARIANT.sub("", part).strip() for part in name.split("::"))
    return {"factors": tuple(part for part in parts if part), "species": ()}
