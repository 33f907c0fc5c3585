"""CIS-BP's own tables of motifs: ``Pos A C G T`` and a line a position, one motif or many in a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from kgnn.errors import FormatError
from kgnn.knowledge.motif_records import ASSUMED_SITES, MotifRecords, numbers, refuse_cut_row
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.text import read_lines, source_of

HEADERS = (["Pos", "A", "C", "G", "T"], ["Pos", "A", "C", "G", "U"])
"""What the line above a matrix holds, for DNA and for RNA."""
CITATION = (
    "Weirauch et al. 2014, Determination and inference of eukaryotic transcription factor sequence specificity, Cell "
    "158:1431, doi:10.1016/j.cell.2014.08.009"
)
_LICENCE_REASON = "no matrix in the file (CIS-BP leaves out those under a licence)"


def read_cisbp(path: str | PathLike[str], *, assumed_sites: float = ASSUMED_SITES) -> MotifSet:
    r"""Motifs from a table of CIS-BP: one matrix, named by its file, or many with ``Motif``, ``TF Name``, ``Species``.

    Args:
        path: The file, plain or gzip.
        assumed_sites: Sites of every motif: these tables hold probabilities alone.

    Returns:
        The motifs. Those that CIS-BP lists without a matrix are in the losses.

    Raises:
        FormatError: If positions are not numbered from 1, or a row has not four probabilities.

    References:
        Weirauch et al. 2014, Cell 158:1431, doi:10.1016/j.cell.2014.08.009.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "M0001_1.02.txt"
        ...     size = path.write_text("Pos\tA\tC\tG\tT\n1\t0\t0\t0.9\t0.1\n2\t0.9\t0.1\t0\t0\n")
        ...     read_cisbp(path)["M0001_1.02"].consensus
        'GA'
    """
    records = MotifRecords(path, assumed_sites)
    facts: dict[str, str] = {}
    rows: list[list[float]] | None = None
    empty: list[str] = []
    number, line, start = 0, "", 0
    for number, line in enumerate(read_lines(path), 1):
        cells = line.strip().split("\t") if "\t" in line else line.split()
        if cells in HEADERS:
            rows, start = [], number
        elif rows is not None and cells and cells[0].isdigit():
            if int(cells[0]) != len(rows) + 1 or len(cells) != 5:
                raise FormatError(
                    f"{line.strip()[:60]!r} is not position {len(rows) + 1} with four probabilities. The line is "
                    "damaged or cut short.",
                    path,
                    number,
                )
            rows.append(numbers(cells[1:], path, number))
        elif cells:
            if rows is not None:
                _end(records, facts, rows, start, empty)
                facts, rows = {}, None
            facts[cells[0]] = " ".join(cells[1:])
    refuse_cut_row(line, path, number)
    if rows is None:
        raise FormatError("the last motif has no matrix. The file is cut short.", path, number)
    _end(records, facts, rows, start, empty)
    records.losses.append(Loss("motif", _LICENCE_REASON, tuple(empty)))
    if empty and not records.motifs:
        raise FormatError(f"holds no matrix: CIS-BP leaves out those under a licence ({empty[0]}).", path)
    return records.finish("CIS-BP table", source_of(path, {}, citation=CITATION))


def _end(records: MotifRecords, facts: dict[str, str], rows: list[list[float]], line: int, empty: list[str]) -> None:
    id = facts.get("Motif") or facts.get("TF") or Path(records.path).name.removesuffix(".gz").removesuffix(".txt")
    if not rows:
        empty.append(id)
        return
    name = facts.get("TF Name", "")
    known = {"factors": (name,), "species": (facts.get("Species", "").replace("_", " "),)} if name else {}
    family = {"tf_family": (facts["Family"],)} if facts.get("Family") else {}
    records.add(id, name, rows, line, **{key: value for key, value in known.items() if value[0]}, **family)
