"""`read_motifs`: one door for every file of motifs, recognized by its content, and for the releases of JASPAR."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

from kgnn.errors import FormatError, KgnnError, unknown_choice
from kgnn.knowledge.cisbp import HEADERS, read_cisbp
from kgnn.knowledge.jaspar_release import CRITERIA, Names, listed, read_jaspar_release
from kgnn.knowledge.meme import read_meme
from kgnn.knowledge.motif_records import ASSUMED_SITES
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.pfm import read_jaspar_text, read_pfm
from kgnn.knowledge.text import read_lines
from kgnn.knowledge.transfac import read_transfac

MOTIF_FORMATS = ("meme", "jaspar", "pfm", "transfac", "cisbp")

_READERS: dict[str, Callable[..., MotifSet]] = {
    "meme": read_meme,
    "jaspar": read_jaspar_text,
    "pfm": read_pfm,
    "transfac": read_transfac,
    "cisbp": read_cisbp,
}
_PROBE_LINES = 300
_RELEASE = re.compile(r"jaspar[ _-]?(\d{4})", re.IGNORECASE)
_LETTER = re.compile(r"[ACGTU]\s*[\[:|\d]", re.IGNORECASE)
_NUMBERS = re.compile(r"[-+\d.eE\s,]+")


def read_motifs(
    path_or_release: str | PathLike[str],
    *,
    format: str | None = None,
    assumed_sites: float = ASSUMED_SITES,
    ids: Names = None,
    factors: Names = None,
    **criteria: Any,
) -> MotifSet:
    r"""Motifs of transcription factors, from a file or from a release of JASPAR.

    Formats are recognized by content. Counts and probabilities are told apart by their sums; log-odds are refused, as
    nothing can be counted from them.

    Args:
        path_or_release: A file in MEME's format, JASPAR's text, raw PFM, the four columns of HOCOMOCO and GTRD,
            CIS-BP's tables or TRANSFAC's text, plain or gzip; or the name of a release, such as ``"JASPAR2024"``,
            which is read from the pyjaspar wheel (the extra ``kgnn[motifs]``) without a network.
        format: One of `MOTIF_FORMATS` to force the format of a file.
        assumed_sites: Sites of motifs that are published as probabilities without a number of sites: 20, as MEME's
            format prescribes. It weighs against the pseudocount.
        ids: Matrix ids to keep.
        factors: Transcription factors to keep.
        **criteria: For a release only: ``collection``, ``tax_group``, ``tf_class``, ``tf_family``, ``species`` and
            ``all_versions``; see `read_jaspar_release`.

    Returns:
        The motifs, with provenance.

    Raises:
        FormatError: If a file is not what its format promises, with the line.
        AlignmentError: If an id or a factor is not there.
        KgnnError: If a choice is unknown, or does not apply to a file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "one.jaspar"
        ...     size = path.write_text(">X1 ETS\nA [9 9]\nC [0 0]\nG [0 0]\nT [0 0]\n")
        ...     read_motifs(path)["X1"].counts[0].tolist()
        [9.0, 0.0, 0.0, 0.0]
    """
    if not assumed_sites > 0:
        raise KgnnError(f"assumed_sites is {assumed_sites}. Give a positive number of sites.")
    release = _RELEASE.fullmatch(str(path_or_release))
    if release and not Path(path_or_release).exists():
        if format is not None:
            raise KgnnError(f"format= is given, but {path_or_release} names a release and no file. Leave it out.")
        unknown = sorted(criteria.keys() - set(CRITERIA))
        if unknown:
            raise unknown_choice("criterion", unknown[0], CRITERIA)
        return read_jaspar_release(f"JASPAR{release[1]}", ids=ids, factors=factors, **criteria)
    if criteria:
        raise KgnnError(
            f"{', '.join(sorted(criteria))}: these criteria apply to a release of JASPAR, and {path_or_release} is a "
            "file. Choose its motifs by ids= or factors=."
        )
    kind = format or _recognized(path_or_release)
    if kind not in _READERS:
        raise unknown_choice("format", kind, MOTIF_FORMATS)
    read = _READERS[kind](path_or_release, assumed_sites=assumed_sites)
    if ids is None and factors is None:
        return read
    return read.select(listed(ids), factors=listed(factors))


def is_motif_file(path: str | PathLike[str]) -> bool:
    """Whether a file is surely one of motifs, by its first lines; a bare table of numbers could be anything.

    Args:
        path: Any file.

    Returns:
        False as well where the file cannot be read as text.
    """
    try:
        return _recognized(path) != "pfm" or next(iter(read_lines(path))).startswith(">")
    except KgnnError:
        return False


def _recognized(path: str | PathLike[str]) -> str:
    lines = [line.strip() for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    content = [line for line in lines if not line.startswith("#")]
    if any(line.startswith(("MEME version", "letter-probability matrix:")) for line in content):
        return "meme"
    if any(line.split() in HEADERS for line in content):
        return "cisbp"
    if any(re.match(r"P[0O]\s+A\s+C\s+G\s+T\b", line) for line in content):
        return "transfac"
    first = next((line for line in content if not line.startswith(">")), "")
    if _LETTER.match(first) and content[0].startswith(">"):
        return "jaspar"
    if _NUMBERS.fullmatch(first) and any(letter.isdigit() for letter in first):
        return "pfm"
    raise FormatError(
        f"is in none of the formats {', '.join(MOTIF_FORMATS)} (it begins with {lines[0][:60]!r}). Check the file, or "
        "force one with format=.",
        path,
    )
