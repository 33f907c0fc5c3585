"""`read_contacts`: one door for every file of genomic contacts, recognized by its content."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from os import PathLike

from kgnn.errors import FormatError, KgnnError, unknown_choice
from kgnn.knowledge.contact_texts import read_bedpe, read_straw
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.cool import HDF5_START, read_cool
from kgnn.knowledge.text import first_bytes, read_lines
from kgnn.knowledge.windows import read_chromosome_lengths

CONTACT_FORMATS = ("cool", "straw", "bedpe")

_PROBE_LINES = 50
_HIC_START = b"HIC\0"
_FEWEST_ANCHOR_COLUMNS = 6


def read_contacts(
    path: str | PathLike[str],
    *,
    resolution: int | None = None,
    format: str | None = None,
    chromosomes: str | tuple[str, str] | None = None,
    lengths: Mapping[str, int] | str | PathLike[str] | None = None,
) -> ContactMap:
    r"""Contacts between bins of a genome.

    Args:
        path: A .cool or .mcool file (needs the extra ``kgnn[genome]``; ``file.mcool::resolutions/10000`` names one
            map), a three-column dump of a .hic file, or BEDPE; texts plain or gzip.
        resolution: Bases a bin: needed for texts, and for a file with several.
        format: One of ``"cool"``, ``"straw"``, ``"bedpe"`` to force the format.
        chromosomes: Of a dump, which does not name them: a chromosome or a pair.
        lengths: Bases of the chromosomes for texts, or a ``chrom.sizes`` file.

    Returns:
        The counts as they are; see `kgnn.knowledge.normalize_contacts`.

    Raises:
        FormatError: If the file is not what its format promises.
        KgnnError: If a choice is unknown, missing, or does not apply to the format.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "chr1.txt"
        ...     size = path.write_text("0\t10000\t4.0\n10000\t10000\t7.0\n")
        ...     len(read_contacts(path, resolution=10_000, chromosomes="chr1"))
        2
    """
    kind = format or _recognized(path)
    if kind not in CONTACT_FORMATS:
        raise unknown_choice("format", kind, CONTACT_FORMATS)
    if chromosomes is not None and kind != "straw":
        raise KgnnError(f"{path}: {kind} names its chromosomes itself; chromosomes= is for dumps. Leave it out.")
    if kind == "cool":
        if lengths is not None:
            raise KgnnError(f"{path}: a cooler file knows its chromosomes; lengths= is for texts. Leave it out.")
        return read_cool(path, resolution=resolution)
    if resolution is None:
        raise KgnnError(f"{path}: {kind} does not state its resolution. Give the bases a bin as resolution=.")
    known = lengths if lengths is None or isinstance(lengths, Mapping) else read_chromosome_lengths(lengths)
    if kind == "bedpe":
        return read_bedpe(path, resolution=resolution, lengths=known)
    if chromosomes is None:
        raise KgnnError(f"{path}: a dump does not name its chromosomes. Give chromosomes='chr1', or a pair.")
    return read_straw(path, chromosomes=chromosomes, resolution=resolution, lengths=known)


def _recognized(path: str | PathLike[str]) -> str:
    file = str(path).partition("::")[0]
    start = first_bytes(file, len(HDF5_START))
    if start == HDF5_START:
        return "cool"
    if start.startswith(_HIC_START):
        raise FormatError(
            "is a binary .hic file. Dump it (straw, or juicer_tools dump observed NONE … BP 10000), or convert it with "
            "hictk or hic2cool to .mcool.",
            path,
        )
    for line in islice(read_lines(file), _PROBE_LINES):
        if line.strip() and not line.startswith("#"):
            width = len(line.split())
            if width == len(("start", "start", "value")):
                return "straw"
            if width >= _FEWEST_ANCHOR_COLUMNS:
                return "bedpe"
            break
    raise FormatError(
        f"is in none of the formats {', '.join(CONTACT_FORMATS)}. Check the file, or force one with format=.", path
    )
