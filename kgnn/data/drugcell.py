"""DrugCell's folder of files → `Samples` with a genotype a cell line and a fingerprint a drug.

Every (cell line, drug) pair is a sample; genotypes and fingerprints are stored once each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.data.measured import Modality, Targets, number_repeats
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, FormatError, name_some
from kgnn.knowledge.provenance import Provenance, Source
from kgnn.knowledge.text import read_lines, source_of

PARTS = {"train": "train|training", "valid": "val|valid|validation", "test": "test|testing"}
_BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


@dataclass(frozen=True, eq=False)
class DrugCellSplits:
    """The folder's own parts; all three share their genotypes and fingerprints.

    Attributes:
        train: Pairs to train on.
        valid: Pairs to validate on, None where the folder has no such file.
        test: Pairs to test on, None where the folder has no such file.
    """

    train: Samples
    valid: Samples | None
    test: Samples | None


def read_drugcell(
    folder: str | PathLike[str], pairs: str | PathLike[str] = "train", *, target: str = "response"
) -> Samples:
    """Read a folder in DrugCell's schema.

    ``gene2ind``, ``cell2ind`` and ``drug2ind`` (index and name a line) name the columns and rows of ``cell2mut…`` and
    of ``drug2fingerprint`` (0 or 1, comma, no header); a pair file has cell line, drug and response a line. All may
    be gzip.

    Args:
        folder: The folder.
        pairs: ``"train"``, ``"valid"`` or ``"test"`` for the folder's own file, or the path of a pair file.
        target: Name of the output.

    Returns:
        One sample a pair, called ``cell|drug``; modalities ``genotype`` (meaning ``alteration``, rows are the cell
        lines) and ``fingerprint`` (``signal``, rows are the drugs, columns ``bit_0`` …); covariates ``cell`` and
        ``drug``.

    Raises:
        FormatError: If a file is absent, ambiguous or not of its format.
        AlignmentError: If a pair names an unknown cell line or drug, or a response is missing.

    References:
        Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014 (files of the released code).
    """
    base = Path(folder)
    if pairs in PARTS:
        found = find_pair_file(base, str(pairs))
        if found is None:
            raise FormatError(f"no pair file for {pairs!r} here. Name the file itself with pairs=.", base)
        pairs = found
    return _read_pairs(Path(pairs), _read_tables(base), target)


def read_drugcell_splits(folder: str | PathLike[str], *, target: str = "response") -> DrugCellSplits:
    """Read a folder in DrugCell's schema with its own training, validation and test pairs.

    Args:
        folder: The folder; see `read_drugcell` for its files.
        target: Name of the output.

    Returns:
        The three parts.

    Raises:
        FormatError: If a file is absent, ambiguous or not of its format.
        AlignmentError: If a pair names an unknown cell line or drug, or a response is missing.
    """
    base = Path(folder)
    files = {part: find_pair_file(base, part) for part in PARTS}
    if files["train"] is None:
        raise FormatError("no file of training pairs here: one whose name has the word 'train' in it.", base)
    tables = _read_tables(base)
    parts = {part: None if file is None else _read_pairs(file, tables, target) for part, file in files.items()}
    return DrugCellSplits(**parts)  # type: ignore[arg-type]


def is_drugcell_folder(folder: Path) -> bool:
    """True if a folder has the index files of DrugCell's schema."""
    return all(any(folder.glob(f"{stem}2ind*")) for stem in ("gene", "cell", "drug"))


def find_pair_file(folder: Path, part: str) -> Path | None:
    """The one file of a folder whose name has the word of a part (``train``, ``valid`` or ``test``) in it.

    Raises:
        FormatError: If there are several.
    """
    word = re.compile(rf"(?<![a-z])(?:{PARTS[part]})(?![a-z])")
    texts = (file for file in folder.iterdir() if file.name.removesuffix(".gz").endswith((".txt", ".tsv")))
    return _only_one(sorted(file for file in texts if word.search(file.name.lower())), folder, f"pairs to {part}")


@dataclass(frozen=True, eq=False)
class _Tables:
    genotype: Modality
    fingerprint: Modality
    sources: tuple[Source, ...]


def _read_tables(folder: Path) -> _Tables:
    if not folder.is_dir():
        raise FormatError("not a folder. Give the folder that holds gene2ind, cell2ind and drug2ind.", folder)
    stems = ("gene2ind", "cell2ind", "drug2ind", "cell2mut", "drug2fingerprint")
    files = {stem: _only_one(sorted(folder.glob(f"{stem}*")), folder, f"{stem}*") for stem in stems}
    absent = [f"{stem}*" for stem, file in files.items() if file is None]
    if absent:
        raise FormatError(f"{len(absent)} of DrugCell's files are absent: {name_some(absent)}. Add them.", folder)
    present = {stem: file for stem, file in files.items() if file is not None}
    genes, cells, drugs = (_read_index(present[stem]) for stem in stems[:3])
    mutations = _read_bits(present["cell2mut"], len(cells), len(genes))
    bits = _read_bits(present["drug2fingerprint"], len(drugs), None)
    names = tuple(f"bit_{number}" for number in range(bits.shape[1]))
    sources = tuple(source_of(file, {}) for file in present.values())
    return _Tables(Modality(mutations, genes, cells, "alteration"), Modality(bits, names, drugs, "signal"), sources)


def _only_one(files: Sequence[Path], folder: Path, what: str) -> Path | None:
    if len(files) > 1:
        names = name_some(file.name for file in files)
        raise FormatError(f"{len(files)} files could be {what}: {names}. Name the file, or move the others.", folder)
    return files[0] if files else None


def _read_index(file: Path) -> tuple[str, ...]:
    """Names in the order of their index, which must run from 0 without a gap."""
    names: dict[int, str] = {}
    seen: set[str] = set()
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        index, *name = line.split(maxsplit=1)
        if not index.isdigit() or not name:
            raise FormatError(f"{line.strip()!r} is not an index and a name. Write both, with a tab.", file, number)
        if int(index) in names or name[0].strip() in seen:
            raise FormatError(f"{line.strip()!r} repeats an index or a name. Make both unique.", file, number)
        names[int(index)] = name[0].strip()
        seen.add(name[0].strip())
    gaps = sorted(set(range(len(names))) - names.keys())
    if gaps:
        raise FormatError(
            f"{len(names):,} names must have the indices 0 to {len(names) - 1:,}, but {len(gaps):,} are absent: "
            f"{name_some(gaps)}. Number the names without a gap.",
            file,
        )
    return tuple(names[index] for index in range(len(names)))


def _read_bits(file: Path, n_rows: int, n_columns: int | None) -> np.ndarray:
    rows: list[np.ndarray] = []
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        bits = [_BITS.get(cell.strip()) for cell in line.split(",")]
        n_columns = len(bits) if n_columns is None else n_columns
        if len(bits) != n_columns:
            raise FormatError(f"{len(bits):,} values where {n_columns:,} are wanted. Mend this row.", file, number)
        if None in bits:
            column = bits.index(None)
            cell = line.split(",")[column].strip()
            raise FormatError(f"column {column + 1} holds {cell!r}, which is neither 0 nor 1.", file, number)
        rows.append(np.array(bits, dtype=np.uint8))
    if len(rows) != n_rows:
        raise FormatError(f"{len(rows):,} rows for {n_rows:,} names in the index. Take both from one release.", file)
    return np.stack(rows)


def _read_pairs(file: Path, tables: _Tables, target: str) -> Samples:
    cells, drugs, values = [], [], []
    for number, line in enumerate(read_lines(file), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            cell, drug, value = fields
            values.append(float(value))
        except ValueError:
            raise FormatError(
                f"{len(fields)} fields ({name_some(fields)}) where cell line, drug and response, a number, are wanted.",
                file,
                number,
            ) from None
        cells.append(cell)
        drugs.append(drug)
    rows: dict[str, Any] = {
        "genotype": _rows_of(cells, tables.genotype.rows, "cell lines", file),
        "fingerprint": _rows_of(drugs, tables.fingerprint.rows, "drugs", file),
    }
    return Samples(
        number_repeats(f"{cell}|{drug}" for cell, drug in zip(cells, drugs, strict=True)),
        {"genotype": tables.genotype, "fingerprint": tables.fingerprint},
        rows,
        Targets(np.array(values, dtype=np.float32)[:, None], (target,), "regression"),
        {"cell": np.array(cells, dtype=object), "drug": np.array(drugs, dtype=object)},
        Provenance((*tables.sources, source_of(file, {})), ("read DrugCell folder",)),
    )


def _rows_of(names: Sequence[str], known: Sequence[str], what: str, file: Path) -> np.ndarray:
    position = {name: row for row, name in enumerate(known)}
    unknown = list(dict.fromkeys(name for name in names if name not in position))
    if unknown:
        raise AlignmentError(
            f"{file}: {len(unknown):,} {what} of the pairs are not in the index: {name_some(unknown)}. "
            "Add them to the index, or leave their pairs out."
        )
    return np.array([position[name] for name in names], dtype=np.int32)
