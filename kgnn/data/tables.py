"""Tables of numbers (`.csv`, `.tsv`, `.txt`, plain or gzip, and `.parquet`) → `Samples`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kgnn.data.columns import (
    MISSING_CELLS,
    Column,
    as_names,
    column_of_cells,
    column_of_series,
    covariates_of,
    refuse_unknown_columns,
    targets_of,
)
from kgnn.data.measured import refuse_repeats
from kgnn.data.missing import for_gaps
from kgnn.data.samples import Samples
from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import read_lines, source_of


class _Parsed(NamedTuple):
    """A table cut into names, numbers and the other columns asked for."""

    name_column: str
    names: tuple[str, ...]
    genes: tuple[str, ...]
    values: np.ndarray
    others: dict[str, Column]


def read_table(
    path: str | PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    meaning: str | None = None,
    names: str | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
    gaps: str | None = None,
) -> Samples:
    """Read a table with a header, one row a sample; see `kgnn.data.read.read_samples` for the arguments.

    The first column holds the sample names; every column that is not named in an argument is a gene and must be
    numbers. The separator of a text file is the tab if the header has one, else the comma. A header that is one name
    short (as R writes it) is taken to lack the name of the first column.

    Args:
        path: The file.
        target: Column or columns with the target.
        meaning: What a number means.
        names: Column with the sample names; the first if not given.
        kind: Kind of target.
        covariates: Columns to keep as covariates.
        gaps: What becomes of empty cells.

    Returns:
        The samples.

    Raises:
        FormatError: If the file is empty, binary, has not a column, or a gene's cell is not a number.
        AlignmentError: If a name comes twice or a value is missing.
        KgnnError: If `gaps` is unknown.
    """
    (make, meaning_of), file, wanted = for_gaps(gaps), Path(path), as_names(target)
    read = _read_parquet if file.suffix == ".parquet" else _read_text
    parsed = read(file, names, tuple(dict.fromkeys((*wanted, *covariates))))
    meaning = meaning or meaning_of(parsed.values)
    step = f"read table, meaning {meaning}, target {', '.join(wanted) or 'none'}"
    return make(
        parsed.values,
        parsed.genes,
        meaning=meaning,
        names=parsed.names,
        targets=targets_of({name: parsed.others[name] for name in wanted}, parsed.names, kind, file),
        covariates=covariates_of({name: parsed.others[name] for name in covariates}, parsed.names),
        provenance=Provenance((source_of(file, {}),), (step,)),
    )


def read_columns(
    path: str | PathLike[str], names: str | None, columns: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, Column]]:
    """Some columns of a table, whatever the others hold.

    Args:
        path: The file.
        names: Column with the sample names; where None the first one, or numbers where that is among `columns`.
        columns: The columns.

    Returns:
        Sample names, and the columns by name.

    Raises:
        FormatError: If the file is empty, binary, or has not a column.
    """
    file = Path(path)
    read = _read_parquet if file.suffix == ".parquet" else _read_text
    parsed = read(file, names, columns, only=True)
    if names is None and parsed.name_column in columns:
        return tuple(f"sample_{number}" for number in range(len(parsed.names))), parsed.others
    return parsed.names, parsed.others


def table_header(path: str | PathLike[str]) -> tuple[str, ...]:
    """Names of the columns of a table, the first one that of the sample names.

    Args:
        path: The file.

    Returns:
        The names; none of a Parquet file that cannot be read.

    Raises:
        FormatError: If a text file is empty or binary, or has no row.
    """
    file = Path(path)
    if file.suffix == ".parquet":
        return _parquet_header(file)
    lines = islice((line for line in read_lines(file) if line.strip()), 2)
    return tuple(_header(_rows(list(lines), file), file)[0])


def separator_of(header: str) -> str:
    """The separator of a table, by its header: the tab if there is one, else the comma."""
    return "\t" if "\t" in header else ","


def _read_text(file: Path, name_column: str | None, others: tuple[str, ...], *, only: bool = False) -> _Parsed:
    rows = _rows(list(read_lines(file)), file)
    header, first_line, first = _header(rows, file)
    name_column, genes = _roles(header, name_column, others, file, only)
    position = {column: number for number, column in enumerate(header)}
    gene_positions = [position[gene] for gene in genes]
    names, values, texts = [], [], []
    for line, row in chain([(first_line, first)], rows):
        if len(row) != len(header):
            raise FormatError(f"{len(row):,} cells where the header has {len(header):,}. Mend this row.", file, line)
        names.append(row[position[name_column]])
        texts.append([row[position[column]] for column in others])
        try:
            values.append(np.array([float(row[number]) for number in gene_positions], dtype=np.float32))
        except ValueError:
            cells = [_number(row[position[gene]], gene, file, line) for gene in genes]
            values.append(np.array(cells, dtype=np.float32))
    columns = {column: column_of_cells([text[number] for text in texts]) for number, column in enumerate(others)}
    return _Parsed(name_column, tuple(names), genes, np.stack(values), columns)


def _header(rows: Iterator[tuple[int, list[str]]], file: Path) -> tuple[list[str], int, list[str]]:
    """The names of the columns, and the first row with its line."""
    _, header = next(rows)
    line, first = next(rows, (0, []))
    if not first:
        raise FormatError("has a header but no row. Add one row a sample.", file)
    return (["sample", *header] if len(first) == len(header) + 1 else header), line, first


def _rows(lines: list[str], file: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank."""
    reader = csv.reader(lines, delimiter=separator_of(next(line for line in lines if line.strip())))
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise FormatError(f"is no table ({error}). Is a quotation mark left open?", file, reader.line_num) from None


def _read_parquet(file: Path, name_column: str | None, others: tuple[str, ...], *, only: bool = False) -> _Parsed:
    import pandas

    if not file.stat().st_size:
        raise FormatError("is empty. Check the path, or write the file again.", file)
    try:
        table = pandas.read_parquet(file)
    except ImportError:
        raise KgnnError(f"{file}: parquet needs pyarrow. Install kgnn[parquet], or write the table as .csv.") from None
    except (OSError, ValueError) as error:
        raise FormatError(f"is not readable as parquet ({str(error).splitlines()[0]}). Write it again.", file) from None
    if not len(table):
        raise FormatError("has no row. Add one row a sample.", file)
    if not isinstance(table.index, pandas.RangeIndex):
        table = table.reset_index()
    table.columns = [str(column) for column in table.columns]
    name_column, genes = _roles(list(table.columns), name_column, others, file, only)
    numbers = []
    for gene in genes:
        if table[gene].dtype.kind not in "fiub":
            raise FormatError(_not_numbers(gene, table[gene].iloc[0]), file)
        numbers.append(table[gene].to_numpy(dtype=np.float32))
    columns = {column: column_of_series(table[column]) for column in others}
    values = np.stack(numbers, axis=1) if numbers else np.zeros((len(table), 0), np.float32)
    return _Parsed(name_column, tuple(map(str, table[name_column])), genes, values, columns)


def _parquet_header(file: Path) -> tuple[str, ...]:
    try:
        from pyarrow import parquet

        schema = parquet.read_schema(file)
    except (ImportError, OSError, ValueError):
        return ()
    index = [each for each in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(each, str)]
    return (*index, *(name for name in schema.names if name not in index))


def _roles(
    header: list[str], name_column: str | None, others: tuple[str, ...], file: Path, only: bool
) -> tuple[str, tuple[str, ...]]:
    """The column with the sample names and the columns that are genes; none is, where `only` the others count."""
    refuse_repeats("column names", header)
    refuse_unknown_columns((*others, *as_names(name_column)), header, file)
    name_column = header[0] if name_column is None else name_column
    if only:
        return name_column, ()
    genes = tuple(column for column in header if column != name_column and column not in others)
    if not genes:
        raise FormatError(
            f"no column is left for the genes; there are: {name_some(header)}. The separator must be a tab or a comma.",
            file,
        )
    return name_column, genes


def _number(cell: str, gene: str, file: Path, line: int) -> float:
    if cell.strip() in MISSING_CELLS:
        return np.nan
    if cell.strip().lower() in ("true", "false"):
        return float(cell.strip().lower() == "true")
    try:
        return float(cell)
    except ValueError:
        raise FormatError(_not_numbers(gene, cell), file, line) from None


def _not_numbers(column: str, value: object) -> str:
    return (
        f"column {column!r} holds {str(value)!r}, which is not a number. Every column is a gene but the first; name "
        "text columns with target=, covariates= or names= (of DNA with sequence=), or leave them out."
    )
