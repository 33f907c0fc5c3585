"""Samples inside a run folder: the few that knockdowns and importance use, as one ``.npz``."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.data.measured import Modality, Targets
from kgnn.data.samples import Samples
from kgnn.errors import RunError
from kgnn.knowledge.provenance import Provenance
from kgnn.train.arrays import write_bytes


def save_samples(path: Path, samples: Samples) -> None:
    """Write samples with all names, at once or not at all.

    Args:
        path: File to write.
        samples: What to write.
    """
    header = {
        "names": samples.names,
        "modalities": [
            {"name": name, "features": table.features, "rows": table.rows, "meaning": table.meaning}
            for name, table in samples.modalities.items()
        ],
        "targets": None if samples.targets is None else [samples.targets.names, samples.targets.kind],
        "covariates": {name: np.asarray(column).tolist() for name, column in samples.covariates.items()},
        "provenance": samples.provenance.to_json(),
    }
    arrays = {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)}
    for number, (name, table) in enumerate(samples.modalities.items()):
        arrays[f"values_{number}"] = np.asarray(table.values)
        arrays[f"rows_{number}"] = samples.row_of_sample[name]
    if samples.targets is not None:
        arrays["targets"] = samples.targets.values
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    write_bytes(path, stream.getvalue())


def load_samples(path: Path) -> Samples:
    """Read what `save_samples` wrote.

    Args:
        path: The file.

    Returns:
        The samples.

    Raises:
        RunError: If the file is damaged.
    """
    try:
        # Opened here, because NumPy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = dict(stored)
        return _samples(json.loads(arrays["header"].tobytes()), arrays)
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        raise RunError(f"{path}: damaged ({problem}). Train again into an empty folder.") from None


def _samples(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Samples:
    modalities, rows = {}, {}
    for number, table in enumerate(header["modalities"]):
        features, row_names = tuple(table["features"]), tuple(table["rows"])
        modalities[table["name"]] = Modality(arrays[f"values_{number}"], features, row_names, table["meaning"])
        rows[table["name"]] = arrays[f"rows_{number}"]
    targets = None
    if header["targets"] is not None:
        names, kind = header["targets"]
        targets = Targets(arrays["targets"], tuple(names), kind)
    return Samples(
        names=tuple(header["names"]),
        modalities=modalities,
        row_of_sample=rows,
        targets=targets,
        covariates={name: np.asarray(column) for name, column in header["covariates"].items()},
        provenance=Provenance.from_json(header["provenance"]),
    )
