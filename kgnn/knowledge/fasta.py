"""FASTA files: whole sets of sequences, and windows of a genome through pyfaidx.

Sets of sequences are read as text: pyfaidx takes neither plain gzip nor lines of uneven length nor a name that comes
twice, and checks no letter. Windows of a genome that is not packed go through pyfaidx, so that no chromosome need be in
memory; its index lies in kgnn's cache, named by the digest of the file, so that it is never that of an older one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from os import PathLike

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.fetch import cache_folder
from kgnn.knowledge.intervals import Intervals
from kgnn.knowledge.provenance import Provenance, file_digest
from kgnn.knowledge.sequences import DNA_LETTERS, Sequences, reverse_complement
from kgnn.knowledge.text import first_bytes, read_lines, source_of
from kgnn.knowledge.windows import fit_to_chromosomes
from kgnn.knowledge.writing import whole_file

logger = logging.getLogger(__name__)

_PACKED = (b"\x1f\x8b", b"PK")
_LETTERS = "".join(sorted(DNA_LETTERS))
_NO_LETTERS = str.maketrans("", "", _LETTERS + _LETTERS.lower())
_Read = tuple[Intervals, list[str]]


def read_fasta(path: str | PathLike[str]) -> Sequences:
    r"""DNA sequences of a FASTA file, in the order of the file.

    Letters stay as they are written, case included. Names may come twice (published sets of promoters hold such);
    nothing is joined by them here.

    Args:
        path: The file, plain or gzip.

    Returns:
        The sequences.

    Raises:
        FormatError: If the file does not begin with ``>``, a record has no name or no sequence, or a letter is none of
            DNA or RNA, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "promoters.fa"
        ...     size = path.write_text(">lacZ E. coli\nTATGTTG\nTGTG\n>araB\nacgt\n")
        ...     read_fasta(path).sequences
        ('TATGTTGTGTG', 'acgt')
    """
    records = list(_records(path))
    return Sequences(
        tuple(name for _, name, _, _ in records),
        tuple(sequence for *_, sequence in records),
        tuple(description for _, _, description, _ in records),
        Provenance((source_of(path, {}),), ("read as FASTA",)),
    )


def read_windows(path: str | PathLike[str], windows: Intervals, *, out_of_range: str = "error") -> Sequences:
    r"""The sequences of windows of a genome, each as its strand reads it.

    Args:
        path: FASTA of the genome. With the extra ``kgnn[genome]``, a plain file is read at the windows only; without
            it, or packed, it is read through once.
        windows: Where; those on ``"-"`` are reverse complements.
        out_of_range: ``"error"`` names windows that reach beyond their chromosome, ``"drop"`` leaves them out and
            counts them, ``"pad"`` fills them up with N.

    Returns:
        One sequence a window, in the order of the windows.

    Raises:
        AlignmentError: If a chromosome is unknown, or a window lies out of range.
        FormatError: If the file is no FASTA, with the line.
        KgnnError: If the choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from kgnn.knowledge.intervals import make_intervals
        >>> windows = make_intervals(["chr1", "chr1"], [1, 1], [4, 4], strands=["+", "-"])
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genome.fa.gz"
        ...     size = path.write_text(">chr1\nAACC\nGG\n")
        ...     read_windows(path, windows).sequences
        ('ACC', 'GGT')
    """
    packed = first_bytes(path, 2) in _PACKED
    read = None if packed else _windows_of_index(path, windows, out_of_range)
    kept, found = read or _windows_of_text(path, windows, out_of_range)
    found = [
        reverse_complement(sequence) if strand == "-" else sequence
        for sequence, strand in zip(found, kept.strands, strict=True)
    ]
    provenance = kept.provenance.join(Provenance((source_of(path, {}),), ("sequences read at the windows",)))
    return Sequences(tuple(kept.label(i) for i in range(len(kept))), tuple(found), (), provenance, kept.losses)


def _windows_of_index(path: str | PathLike[str], windows: Intervals, out_of_range: str) -> _Read | None:
    """Windows read where they lie, through an index; None where pyfaidx is missing or the file is not to its liking."""
    if find_spec("pyfaidx") is None:
        logger.info("%s is read as a whole; pip install 'kgnn[genome]' to read it at the windows only", path)
        return None
    import pyfaidx

    index = cache_folder() / "fasta" / f"{file_digest(path)}.fai"
    try:
        if not index.exists():
            with whole_file(index) as unfinished:
                pyfaidx.Fasta(str(path), indexname=str(unfinished)).close()
        genome = pyfaidx.Fasta(str(path), indexname=str(index), rebuild=False, as_raw=True)
    except (pyfaidx.FastaIndexingError, ValueError, OSError):
        return None
    with genome:
        lengths = {name: len(genome[name]) for name in genome.keys()}  # noqa: SIM118 it is no dict
        if not all(lengths.values()):
            return None
        kept, _ = fit_to_chromosomes(windows, lengths, out_of_range=out_of_range, where=str(path))
        found = []
        for chromosome, start, end in zip(kept.chromosomes, kept.starts.tolist(), kept.ends.tolist(), strict=True):
            low, high = max(start, 0), min(end, lengths[chromosome])
            found.append("N" * (low - start) + genome[chromosome][low:high] + "N" * (end - high))
    # Letters that are none are for the reader of text to name, with their line.
    return None if any(sequence.translate(_NO_LETTERS) for sequence in found) else (kept, found)


def _windows_of_text(path: str | PathLike[str], windows: Intervals, out_of_range: str) -> _Read:
    """Windows cut from one record after the other, so that one chromosome is in memory at a time."""
    lengths: dict[str, int] = {}
    found = [""] * len(windows)
    for line, name, _, sequence in _records(path):
        if name in lengths:
            raise FormatError(f"chromosome {name} comes twice, so windows on it are ambiguous.", path, line)
        lengths[name] = length = len(sequence)
        for position in windows.of_chromosome.get(name, ()):
            start, end = int(windows.starts[position]), int(windows.ends[position])
            low, high = max(start, 0), min(end, length)
            found[position] = "N" * (low - start) + sequence[low:high] + "N" * (end - high)
    kept, positions = fit_to_chromosomes(windows, lengths, out_of_range=out_of_range, where=str(path))
    return kept, [found[position] for position in positions]


def _records(path: str | PathLike[str]) -> Iterator[tuple[int, str, str, str]]:
    """Line of the header, name, description and letters of every record."""
    header, name, description = 0, "", ""
    parts: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(">"):
            if header:
                yield header, name, description, _joined(parts, name, path, header)
            header, parts = number, []
            name, _, description = line[1:].strip().partition(" ")
            if not name:
                raise FormatError("names no sequence after '>'. Give every record a name.", path, number)
        elif not header and line.strip() and not line.startswith(";"):
            raise FormatError(f"begins with {line.strip()[:40]!r} where FASTA begins with '>name'.", path, number)
        elif header:
            letters = line.strip()
            if letters.translate(_NO_LETTERS):
                raise FormatError(
                    f"holds {name_some(sorted(set(letters.translate(_NO_LETTERS))))}, no letter of DNA or RNA, in "
                    f"{name}. Is it a protein, or another format?",
                    path,
                    number,
                )
            parts.append(letters)
    if not header:
        raise FormatError("holds no record that begins with '>'.", path)
    yield header, name, description, _joined(parts, name, path, header)


def _joined(parts: list[str], name: str, path: str | PathLike[str], line: int) -> str:
    sequence = "".join(parts)
    if not sequence:
        raise FormatError(f"{name} has no sequence. Is the file cut short?", path, line)
    return sequence
