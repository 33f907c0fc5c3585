"""`write_packed` and `read_packed`: samples as a folder that is read as it is used, for sets larger than memory.

The folder holds one ``.npy`` file a table, memory-mapped when read, and a manifest. A table of 0 and 1 takes one bit a
value: a million samples of 3,000 genes are 375 MB. Each file appears whole or not at all, and the manifest last.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.data.measured import Modality, Targets
from kgnn.data.samples import Samples
from kgnn.data.stored import StoredTable, Table, blocks, is_binary
from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.writing import whole_file

MANIFEST = "samples.json"
KIND = "kgnn samples"


def write_packed(samples: Samples, folder: str | PathLike[str]) -> Path:
    """Write samples to a folder that `read_packed`, `read_samples` and ``kgnn train --train FOLDER`` read.

    Tables whose values are all 0 and 1 are packed to a bit a value; others are written as they are. Neither is held in
    memory as a whole.

    Args:
        samples: What to write.
        folder: Made if need be.

    Returns:
        The folder.

    Raises:
        KgnnError: If samples are there already.

    Example:
        >>> import tempfile
        >>> samples = Samples.from_values(np.eye(3, 11), [f"g{n}" for n in range(11)], meaning="alteration")
        >>> with tempfile.TemporaryDirectory() as place:
        ...     read_packed(write_packed(samples, place)).gene_values()[2, :4].tolist()
        [0, 0, 1, 0]
    """
    folder = Path(folder)
    refuse_packed(folder)
    modalities = []
    for number, (name, table) in enumerate(samples.modalities.items()):
        packed = is_binary(table.values)
        _write_table(folder / f"values_{number}.npy", table.values, packed)
        _write_array(folder / f"rows_{number}.npy", samples.row_of_sample[name])
        own = table.rows != samples.names
        modalities.append(
            {
                "name": name,
                "features": table.features,
                "rows": table.rows if own else None,
                "meaning": table.meaning,
                "packed": packed,
            }
        )
    if samples.targets is not None:
        _write_array(folder / "targets.npy", samples.targets.values)
    manifest = {
        "kind": KIND,
        "names": samples.names,
        "modalities": modalities,
        "targets": None if samples.targets is None else [samples.targets.names, samples.targets.kind],
        "covariates": {name: np.asarray(column).tolist() for name, column in samples.covariates.items()},
        "provenance": samples.provenance.to_json(),
    }
    with whole_file(folder / MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def read_packed(folder: str | PathLike[str]) -> Samples:
    """Read what `write_packed` wrote; tables stay on disk until they are used.

    Args:
        folder: The folder.

    Returns:
        The samples.

    Raises:
        FormatError: If a file is absent or damaged, or does not fit the others.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["kind"] != KIND:
            raise ValueError(f"it is of kind {manifest['kind']!r}")
        names = tuple(manifest["names"])
        modalities, rows = {}, {}
        for number, table in enumerate(manifest["modalities"]):
            row_names = names if table["rows"] is None else tuple(table["rows"])
            values = _stored(folder / f"values_{number}.npy", table, len(row_names))
            modalities[table["name"]] = Modality(values, tuple(table["features"]), row_names, table["meaning"])
            rows[table["name"]] = _read_array(folder / f"rows_{number}.npy")
        targets = None
        if manifest["targets"] is not None:
            output_names, kind = manifest["targets"]
            targets = Targets(_read_array(folder / "targets.npy"), tuple(output_names), kind)
        covariates = {name: np.asarray(column) for name, column in manifest["covariates"].items()}
        provenance = Provenance.from_json(manifest["provenance"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        if isinstance(problem, KgnnError):
            raise
        raise FormatError(
            f"no whole folder of packed samples ({problem}). Write it anew with kgnn pack.", folder
        ) from None
    return Samples(names, modalities, rows, targets, covariates, provenance)


def is_packed_folder(folder: Path) -> bool:
    """True if a folder is one that `write_packed` has finished."""
    return (folder / MANIFEST).is_file()


def refuse_packed(folder: str | PathLike[str]) -> None:
    """Refuse a folder that `write_packed` must not write to, before anything is read.

    Args:
        folder: The folder.

    Raises:
        KgnnError: If it holds samples already, or is a file.
    """
    if is_packed_folder(Path(folder)):
        raise KgnnError(f"{folder}: samples are here already. Choose another folder, or remove this one.")
    if Path(folder).exists() and not Path(folder).is_dir():
        raise KgnnError(f"{folder}: this is a file, not a folder. Choose another name for the samples.")


def _write_table(path: Path, values: Table, packed: bool) -> None:
    n_rows, n_features = values.shape
    dtype = np.dtype(np.uint8) if packed else values.dtype
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (n_rows, -(-n_features // 8) if packed else n_features),
    }
    with whole_file(path) as unfinished, unfinished.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        # Written rather than mapped: the pages of a mapped file would count as memory in use.
        for block in blocks(values):
            rows = np.packbits(block.astype(bool, copy=False), axis=1, bitorder="little") if packed else block
            stream.write(np.ascontiguousarray(rows, dtype).data)


def _write_array(path: Path, values: np.ndarray) -> None:
    with whole_file(path) as unfinished, unfinished.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)


def _read_array(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def _stored(path: Path, table: dict[str, Any], n_rows: int) -> Any:
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    n_features = len(table["features"])
    width = -(-n_features // 8) if table["packed"] else n_features
    if values.shape != (n_rows, width):
        raise ValueError(f"{path.name} is {values.shape}, not {(n_rows, width)}")
    # What was written had been checked; looking again would read the whole file.
    return StoredTable(values, n_features, packed=table["packed"], checked=True)
