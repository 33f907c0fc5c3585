"""TRANSFAC's two-letter lines, as TRANSFAC, JASPAR and HOCOMOCO publish them, through Biopython."""

from __future__ import annotations

import io
import re
from os import PathLike
from typing import Any

from kgnn.errors import FormatError
from kgnn.knowledge.extras import require
from kgnn.knowledge.motif_records import ASSUMED_SITES, MotifRecords
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.text import read_lines, source_of

_MATRIX = re.compile(r"P[0O]\s")


def read_transfac(path: str | PathLike[str], *, assumed_sites: float = ASSUMED_SITES) -> MotifSet:
    """Motifs from TRANSFAC's text; needs the extra ``kgnn[motifs]``.

    Args:
        path: The file, plain or gzip.
        assumed_sites: Sites of motifs that are published as probabilities.

    Returns:
        The motifs, with the accession (``AC``) as id, else ``ID``; the factors of ``BF`` lines, else of the name.

    Raises:
        FormatError: If Biopython refuses the text, or a matrix is not ended by ``//``.
        KgnnError: If Biopython is not installed.
    """
    transfac: Any = require("Bio.motifs.transfac", "motifs", f"{path}: TRANSFAC's format", "biopython")
    lines = list(read_lines(path))
    begins = [number for number, line in enumerate(lines, 1) if _MATRIX.match(line)]
    try:
        found = transfac.read(io.StringIO("".join(lines)), strict=False)
    except (ValueError, KeyError, IndexError, UnboundLocalError) as problem:
        raise FormatError(f"is no TRANSFAC text ({' '.join(str(problem).split())}).", path) from problem
    if len(found) != len(begins) or not lines[-1].strip() == "//":
        raise FormatError(
            f"{len(begins):,} matrices begin and {len(found):,} are ended by a line with //. The file is damaged or "
            "cut short.",
            path,
            len(lines),
        )
    records = MotifRecords(path, assumed_sites)
    for record, line in zip(found, begins, strict=True):
        id = record.get("AC") or record.get("ID") or ""
        name = record.get("NA") or record.get("ID") or ""
        rows = list(zip(*(record.counts[base] for base in "ACGT"), strict=True))
        # "T00001; SRF; Species: human" in TRANSFAC, the plain name elsewhere.
        factors = tuple([*each.split(";"), ""][1].strip() or each.strip() for each in record.get("BF") or ())
        records.add(id, name, rows, line, **({"factors": factors} if factors else {}))
    return records.finish("TRANSFAC", source_of(path, {}))
