"""`Structure`: whatever knowledge a model may be compiled from, and the file that a run keeps it in."""

from __future__ import annotations

import json
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.kernels import Kernels

Structure = Hierarchy | Adjacency | Kernels
"""A compiled ontology, network or set of motifs: each has ``fingerprint``, ``provenance``, ``save`` and ``load``."""

_KINDS: dict[str, type[Structure]] = {
    "kgnn hierarchy": Hierarchy, "kgnn adjacency": Adjacency, "kgnn kernels": Kernels,
}  # fmt: skip
_UNREADABLE = (
    OSError, KeyError, TypeError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


def load_structure(path: str | PathLike[str]) -> Structure:
    """Read a compiled structure of whichever kind, told apart by its header.

    Args:
        path: An ``.npz`` file that ``save`` of a `Hierarchy`, `Adjacency` or `Kernels` wrote.

    Returns:
        The structure.

    Raises:
        FormatError: If the file holds none of them, or is damaged.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            header: dict[str, Any] = json.loads(stored["header"].tobytes())
        # Kernels call the kind of the file "file", since "kind" is what their values are.
        kind = _KINDS[header.get("file") or header["kind"]]
    except _UNREADABLE as problem:
        raise FormatError(
            f"holds no compiled structure ({problem}). Write one with kgnn compile or kgnn kernels.", path
        ) from None
    return kind.load(path)


def knowledge_fingerprint(structure: Structure) -> str:
    """Fingerprint of the ontology, network or motif set that a structure was compiled from.

    Args:
        structure: The compiled structure.

    Returns:
        Hexadecimal hash, as ``fingerprint`` of the knowledge object.
    """
    if isinstance(structure, Hierarchy):
        return structure.ontology_fingerprint
    return structure.network_fingerprint if isinstance(structure, Adjacency) else structure.motifs_fingerprint
