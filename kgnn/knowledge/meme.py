"""MEME's text format for motifs, read and written; JASPAR, CIS-BP and the MEME suite publish it.

Read here and not through Biopython, which turns probabilities into counts rounded to whole sites: with the
``nsites= 1`` of CIS-BP nothing of a motif is left.
"""

from __future__ import annotations

import json
import re
from os import PathLike
from typing import Any

from kgnn.errors import FormatError
from kgnn.knowledge.motif import SUM_TOLERANCE, UNIFORM, Motif
from kgnn.knowledge.motif_records import ASSUMED_SITES, MotifRecords, factors_and_species, numbers, refuse_cut_row
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.text import read_lines, source_of
from kgnn.knowledge.writing import whole_file

_ALPHABETS = ("ACGT", "ACGU")
_MATRIX = "letter-probability matrix:"
_STATISTICS = re.compile(r"\s+width\s*=")
_FACT = re.compile(r"(\w+)=\s*(\S+)")
_OWN = "kgnn "
_OWN_FIELDS = ("id", "name", "factors", "tf_class", "tf_family", "species", "tax_group", "sites")


def read_meme(path: str | PathLike[str], *, assumed_sites: float = ASSUMED_SITES) -> MotifSet:
    """Motifs from MEME's text format, minimal or the full output of the program.

    Frequencies are taken as printed, not scaled to a sum of 1. A file that states no number of sites, or 1 for a motif
    that cannot come from one site, gets `assumed_sites`, and the provenance says so.

    Args:
        path: The file, plain or gzip.
        assumed_sites: Sites of motifs that state none.

    Returns:
        The motifs, with the background that the file states.

    Raises:
        FormatError: If the file is cut short, is about proteins, or a row has not four probabilities that sum to 1.

    References:
        Bailey et al. 2015, Nucleic Acids Research 43:W39, doi:10.1093/nar/gkv416.
    """
    return _Reader(path, assumed_sites).motifs()


class _Reader:
    """One pass over the lines; `self.expects` is what the next line must continue."""

    def __init__(self, path: str | PathLike[str], assumed_sites: float):
        self.path = path
        self.records = MotifRecords(path, assumed_sites)
        self.expects = ""
        self.alphabet, self.version = "", "4"
        self.background: list[float] = []
        self._begin("", "", 0)

    def _begin(self, id: str, name: str, line: int) -> None:
        self.id, self.name, self.line = id, name, line
        self.rows: list[list[float]] = []
        self.width: int | None = None
        self.sites: float | None = None
        self.facts: dict[str, Any] = {}

    def motifs(self) -> MotifSet:
        number, line = 0, ""
        for number, line in enumerate(read_lines(self.path), 1):
            self._line(line.strip(), number)
        if self.expects.startswith("matrix"):
            refuse_cut_row(line, self.path, number)
        self._end_matrix(number)
        self._end()
        if self.expects == "background":
            raise FormatError("the background frequencies are not complete. The file is cut short.", self.path, number)
        background = self.background or list(UNIFORM)
        if abs(sum(background) - 1) > SUM_TOLERANCE or min(background) < 0:
            raise FormatError(f"the background frequencies sum to {sum(background):.4g}, not to 1.", self.path)
        return self.records.finish(f"MEME version {self.version}", source_of(self.path, {}), background)

    def _line(self, text: str, number: int) -> None:
        if self.expects == "matrix":
            if self._row(text, number):
                return
        elif self.expects == "matrix end" and text[:1].isdigit():
            raise FormatError(f"motif {self.id} has more rows than w= {self.width}.", self.path, number)
        elif self.expects == "matrix end":
            self.expects = ""
        elif self.expects == "background" and text:
            self._background(text, number)
            return
        if text.startswith("MEME version"):
            self.version = " ".join(text.split()[2:3])
        elif text.startswith("ALPHABET"):
            self._alphabet(text, number)
        elif text.startswith("Background letter frequencies"):
            self.expects, self.background = "background", []
        elif text.split(None, 1)[:1] == ["MOTIF"]:
            self._end()
            # The full output of the program goes on with "width = 7 sites = 12" in this line.
            words = _STATISTICS.split(text)[0].split()[1:]
            id, name, *_ = [*words, "", ""]
            self._begin(id, name, number)
        elif text.startswith(_MATRIX):
            self._matrix(text, number)
        elif text.startswith(_OWN) and self.line:
            self._own(text, number)

    def _alphabet(self, text: str, number: int) -> None:
        letters = text.partition("=")[2].strip() or text.removeprefix("ALPHABET").strip()
        self.alphabet = "ACGT" if letters.startswith('"DNA"') or letters.endswith("DNA-LIKE") else letters.upper()
        if self.alphabet not in _ALPHABETS:
            raise FormatError(
                f"the alphabet is {letters[:40]!r}. Motifs of DNA and RNA (ACGT, ACGU) are read.", self.path, number
            )
        if self.alphabet == "ACGU":
            self.records.notes.append("U read as T")

    def _background(self, text: str, number: int) -> None:
        words = text.split()
        if words[0].upper() not in ("A", "C", "G", "T", "U"):
            raise FormatError(
                f"{text[:40]!r} stands where the background frequencies of A, C, G and T should.", self.path, number
            )
        self.background += numbers(words[1::2], self.path, number)
        if len(self.background) >= 4:
            self.expects = ""
        if len(self.background) > 4:
            raise FormatError(f"{len(self.background)} background frequencies instead of 4.", self.path, number)

    def _matrix(self, text: str, number: int) -> None:
        if not self.line:
            raise FormatError("a matrix stands before the first MOTIF. The beginning is missing.", self.path, number)
        if self.rows:
            raise FormatError(f"motif {self.id} has a second matrix. Its MOTIF line is missing.", self.path, number)
        facts = dict(_FACT.findall(text))
        if facts.get("alength", "4") != "4":
            raise FormatError(
                f"the alphabet has {facts['alength']} letters. Motifs of DNA and RNA are read.", self.path, number
            )
        stated = {key: numbers([facts[key]], self.path, number)[0] for key in ("w", "nsites") if key in facts}
        self.expects, self.sites = "matrix", stated.get("nsites")
        self.width = int(stated["w"]) if "w" in stated else None

    def _row(self, text: str, number: int) -> bool:
        """Take a row of the matrix; False where the matrix has ended before this line."""
        words = text.split()
        if not words and not self.rows:
            return True
        if not words or words[0] == "URL" or text.startswith(("MOTIF", _OWN, "---")):
            self._end_matrix(number)
            return False
        row = numbers(words, self.path, number)
        if len(row) != 4:
            raise FormatError(f"has {len(row)} values instead of 4, for A C G T.", self.path, number)
        if min(row) < 0:
            raise FormatError(f"motif {self.id} has a negative probability, {min(row):g}.", self.path, number)
        if not abs(sum(row) - 1) <= SUM_TOLERANCE:
            hint = " Are these counts? MEME's format holds probabilities." if sum(row) > 1 + SUM_TOLERANCE else ""
            raise FormatError(f"the four values sum to {sum(row):.4g}, not to 1.{hint}", self.path, number)
        self.rows.append(row)
        if len(self.rows) == self.width:
            self.expects = "matrix end"
        return True

    def _end_matrix(self, number: int) -> None:
        if self.expects == "matrix" and self.width is not None:
            raise FormatError(
                f"motif {self.id} has {len(self.rows)} rows where w= {self.width}. The file is damaged or cut short.",
                self.path,
                number,
            )
        self.expects = "" if self.expects.startswith("matrix") else self.expects

    def _end(self) -> None:
        if not self.line:
            return
        if not self.rows:
            raise FormatError(
                f"motif {self.id} has no {_MATRIX[:-1]}. The file is cut short, or holds log-odds only.",
                self.path,
                self.line,
            )
        facts = {"sites": self.sites, "name": self.name} | self.facts
        facts.setdefault("id", self.id)
        self.records.add(facts.pop("id"), facts.pop("name"), self.rows, self.line, **facts)
        self.line = 0

    def _own(self, text: str, number: int) -> None:
        try:
            facts = json.loads(text.removeprefix(_OWN))
            self.facts = {key: tuple(v) if isinstance(v, list) else v for key, v in facts.items() if key in _OWN_FIELDS}
        except (ValueError, AttributeError):
            raise FormatError(
                f"{text[:60]!r} cannot be read as kgnn wrote it. Remove the line.", self.path, number
            ) from None


def write_meme(motifs: MotifSet, path: str | PathLike[str]) -> None:
    """Write motifs in MEME's minimal text format, so that reading them again gives the same fingerprint.

    Frequencies are printed with all digits that a float64 has. ``nsites`` is one whole number a motif in this format:
    where positions have totals of their own, where there is no such number, and for names with blanks, factors, class,
    family and species, a line that begins with ``kgnn`` stands before the matrix. Programs that look for the keywords
    of the format pass over it.

    Args:
        motifs: The motifs. Provenance and losses are not written.
        path: The file, written at once or not at all.
    """
    letters = " ".join(f"{base} {value!r}" for base, value in zip("ACGT", motifs.background, strict=True))
    lines = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", ""]
    lines += ["Background letter frequencies", letters, ""]
    for motif in motifs:
        lines += _written(motif)
    with whole_file(path) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _written(motif: Motif) -> list[str]:
    id, name = "_".join(motif.id.split()), "_".join(motif.name.split())
    sites = max(1, round(float(motif.sites.max())))
    plain = {"id": id, "name": name, "tf_class": (), "tf_family": (), "tax_group": ""}
    plain |= factors_and_species(motif.id, motif.name)
    own = {key: getattr(motif, key) for key in plain if getattr(motif, key) != plain[key]}
    if sites == 1 or (motif.sites != sites).any():
        own["sites"] = motif.sites.tolist()
    return [
        f"MOTIF {id}" if name == id else f"MOTIF {id} {name}",
        *([_OWN + json.dumps(own)] if own else []),
        f"{_MATRIX} alength= 4 w= {len(motif)} nsites= {sites} E= 0",
        *(" ".join(f" {value!r}" for value in row) for row in motif.frequencies.tolist()),
        "",
    ]
