"""Files of DNA → `Samples`: a table with a column of sequences, or FASTA whose headers hold the columns."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from kgnn.data.columns import Column, as_names, column_of_cells, covariates_of, refuse_unknown_columns, targets_of
from kgnn.data.samples import Samples
from kgnn.data.sequences import sequence_samples
from kgnn.data.tables import read_columns
from kgnn.errors import FormatError
from kgnn.knowledge.fasta import read_fasta
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.sequences import Sequences
from kgnn.knowledge.text import source_of


def read_sequence_table(
    path: str | PathLike[str],
    sequence: str,
    *,
    target: str | Sequence[str] | None = None,
    names: str | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
) -> Samples:
    """Read a table with a header, one row a sequence; columns that no argument names are left aside.

    Args:
        path: ``.csv``, ``.tsv``, ``.txt`` (plain or gzip) or ``.parquet``.
        sequence: Column with the letters, all of one length.
        target: Column or columns with the target.
        names: Column with the sample names; where None the first one, or numbers where that is named otherwise.
        kind: Kind of target; ``"labels"`` for 0 and 1.
        covariates: Columns to keep as covariates.

    Returns:
        Samples as `sequence_samples` makes them.

    Raises:
        FormatError: If the file is empty, has not a column, or a letter stands for no base.
        AlignmentError: If a sequence or target is missing, or lengths differ.
    """
    file, wanted = Path(path), as_names(target)
    found, columns = read_columns(file, names, tuple(dict.fromkeys((*wanted, *covariates, sequence))))
    return _samples(file, "table", found, columns, sequence, wanted, kind, covariates)


def read_sequence_fasta(
    path: str | PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
) -> Samples:
    """Read FASTA; a column is what stands in the headers as ``key=value``, such as ``>peak_1 bound=1 chrom=chr2``.

    Args:
        path: The file, plain or gzip.
        target: Key or keys with the target.
        kind: Kind of target; ``"labels"`` for 0 and 1.
        covariates: Keys to keep as covariates.

    Returns:
        Samples as `sequence_samples` makes them.

    Raises:
        FormatError: If the file is no FASTA, no header has a key, or a letter stands for no base.
        AlignmentError: If a target is missing in some header, or lengths differ.
    """
    file, wanted = Path(path), as_names(target)
    records = read_fasta(file)
    headers = _headers(records)
    asked = tuple(dict.fromkeys((*wanted, *covariates)))
    refuse_unknown_columns(asked, header_keys(records), file, what="key=value in its headers for")
    columns = {key: column_of_cells([header.get(key, "") for header in headers]) for key in asked}
    letters = {"": column_of_cells(records.sequences)}
    return _samples(file, "FASTA", records.names, columns | letters, "", wanted, kind, covariates)


def header_keys(records: Sequences) -> tuple[str, ...]:
    """Every key that stands as ``key=value`` in some header, in their order."""
    return tuple(dict.fromkeys(key for header in _headers(records) for key in header))


def _headers(records: Sequences) -> list[dict[str, str]]:
    return [dict(word.split("=", 1) for word in text.split() if "=" in word) for text in records.descriptions]


def _samples(
    file: Path,
    format: str,
    names: Sequence[str],
    columns: dict[str, Column],
    sequence: str,
    wanted: Sequence[str],
    kind: str | None,
    covariates: Sequence[str],
) -> Samples:
    """Samples of columns, one of which holds letters."""
    letters = columns[sequence]
    if letters.is_number or letters.missing.any():
        raise FormatError(f"column {sequence!r} lacks letters in some row. Name the column with the DNA.", file)
    step = f"read {format} of sequences, target {', '.join(wanted) or 'none'}"
    sequences = Sequences(tuple(names), tuple(letters.values), provenance=Provenance((source_of(file, {}),), (step,)))
    targets = targets_of({name: columns[name] for name in wanted}, names, kind, file)
    kept = covariates_of({name: columns[name] for name in covariates}, names)
    try:
        # Records of FASTA may share a name; in a table that is a mistake.
        given = names if format == "table" else None
        return sequence_samples(sequences, names=given, targets=targets, covariates=kept)
    except FormatError as error:
        raise FormatError(str(error), file) from None
