"""Contact maps in cooler's HDF5 files: .cool with one resolution, .mcool with several."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.contacts import ContactMap, add_up
from kgnn.knowledge.extras import require
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import first_bytes, source_of

if TYPE_CHECKING:
    import cooler

HDF5_START = b"\x89HDF\r\n\x1a\n"
"""What every HDF5 file begins with."""

_CITATION = "Abdennur & Mirny 2020, Bioinformatics 36:311, doi:10.1093/bioinformatics/btz540"
_PARTS = ("chroms", "bins", "pixels")
# What cooler, h5py, NumPy and JSON raise for a file that is damaged or something else.
_UNREADABLE = (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError)


def read_cool(path: str | PathLike[str], *, resolution: int | None = None) -> ContactMap:
    """Contacts of a .cool or .mcool file.

    Args:
        path: The file; ``file.mcool::resolutions/10000`` names one map in it, as cooler does.
        resolution: Bases a bin. Needed where a file holds several; checked where it holds one.

    Returns:
        The raw counts, with the file's balancing weights where it stores any.

    Raises:
        FormatError: If the file is no cooler file or damaged.
        KgnnError: If cooler is missing, or there is no map of this resolution: those there are are listed.
    """
    file, _, group = str(path).partition("::")
    if first_bytes(file, len(HDF5_START)) != HDF5_START:
        raise FormatError("is no HDF5 file, so no .cool or .mcool. Check it, or download it again.", file)
    require("cooler", "genome", f"{file}: reading a cooler file")
    try:
        return _read(file, group, resolution)
    except KgnnError:
        raise
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(f"cannot be read as a cooler file ({reason}). Download it again.", file) from None


def resolutions_of(path: str | PathLike[str]) -> dict[int, str]:
    """The maps in a cooler file.

    Args:
        path: A .cool or .mcool file.

    Returns:
        The group of every map by its resolution (0 for bins of different sizes), finest first.

    Raises:
        FormatError: If the file holds none.
        KgnnError: If cooler is missing.
    """
    library: Any = require("cooler", "genome", f"{path}: reading a cooler file")
    try:
        groups = _groups(path)
        found = {int(library.Cooler(f"{path}::{group}").binsize or 0): group for group in groups}
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(f"cannot be read as a cooler file ({reason}). Download it again.", path) from None
    if not found:
        raise FormatError("is an HDF5 file without a contact map of cooler's. Is it another kind of file?", path)
    return dict(sorted(found.items()))


def has_contacts(path: str | PathLike[str]) -> bool:
    """Whether an HDF5 file holds a contact map of cooler's; False also where it cannot be opened."""
    try:
        return bool(_groups(path))
    except _UNREADABLE:
        return False


def _groups(path: str | PathLike[str]) -> list[str]:
    """Every group with a map. cooler's own `list_coolers` passes over files without a "format", as older ones are."""
    import h5py

    found: list[str] = []

    def look(name: str, thing: object) -> None:
        if isinstance(thing, h5py.Group) and all(isinstance(thing.get(part), h5py.Group) for part in _PARTS):
            found.append(name)

    with h5py.File(path, "r") as file:
        look("/", file)
        file.visititems(look)
    return found


def _read(file: str, group: str, resolution: int | None) -> ContactMap:
    import cooler

    found = resolutions_of(file)
    if group:
        chosen = cooler.Cooler(f"{file}::{group}")
    elif resolution is None and len(found) > 1:
        raise KgnnError(
            f"{file}: holds {len(found)} resolutions: {name_some(map(_bases, found), limit=20)}. "
            f"Choose one with resolution= (--resolution {next(iter(found))})."
        )
    elif resolution is None or resolution in found:
        chosen = cooler.Cooler(f"{file}::{found[next(iter(found)) if resolution is None else resolution]}")
    else:
        raise KgnnError(
            f"{file}: has no resolution of {resolution:,} bases; it has {name_some(map(_bases, found), limit=20)}. "
            "Choose one of these."
        )
    bases = int(chosen.binsize or 0)
    if resolution is not None and bases != resolution:
        raise KgnnError(
            f"{file}: {group} has a resolution of {_bases(bases)}, not {resolution:,}. Leave one of both out."
        )
    return _contact_map(chosen, file, bases)


def _bases(resolution: int) -> str:
    return f"{resolution:,}" if resolution else "of different sizes"


def _contact_map(chosen: cooler.Cooler, file: str, resolution: int) -> ContactMap:
    bins, pixels = chosen.bins()[:], chosen.pixels()[:]
    names = tuple(map(str, chosen.chromnames))
    position = {name: place for place, name in enumerate(names)}
    chromosome = np.array([position[str(name)] for name in bins["chrom"]], dtype=np.int32)
    start, end = bins["start"].to_numpy(np.int64), bins["end"].to_numpy(np.int64)
    if (np.diff(chromosome) < 0).any() or (start >= end).any():
        raise FormatError("its bins are not sorted by chromosome, or one is empty. Make it again with cooler.", file)
    counts = pixels["count"].to_numpy(np.float64)
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise FormatError("holds counts that are negative or no numbers. Give raw counts.", file)
    # A file of the whole square matrix holds every contact twice.
    first, second = pixels["bin1_id"].to_numpy(np.int64), pixels["bin2_id"].to_numpy(np.int64)
    if chosen.storage_mode != "symmetric-upper":
        first, second, counts = _half(first, second, counts, file)
    low, high, total = add_up(first, second, counts, len(bins))
    note = f"read as cooler file, {_bases(resolution)} bases a bin"
    release = str(chosen.info.get("creation-date") or "")
    assembly = str(chosen.info.get("genome-assembly") or "")
    return ContactMap(
        names,
        chromosome,
        start,
        end,
        low,
        high,
        total,
        resolution,
        masked=np.zeros(len(bins), dtype=bool),
        weights=bins["weight"].to_numpy(np.float64) if "weight" in bins else None,
        assembly="" if assembly == "unknown" else assembly,
        provenance=Provenance((source_of(file, {}, release=release, citation=_CITATION),), (note,)),
    )


def _half(
    first: np.ndarray, second: np.ndarray, counts: np.ndarray, file: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The upper half of a square matrix, which must be symmetric."""
    upper, lower = first <= second, first > second
    order = np.lexsort((second[upper & (first < second)], first[upper & (first < second)]))
    above = upper & (first < second)
    mirrored = np.lexsort((first[lower], second[lower]))
    same = above.sum() == lower.sum() and all(
        np.array_equal(one[above][order], other[lower][mirrored])
        for one, other in ((first, second), (second, first), (counts, counts))
    )
    if not same:
        raise FormatError("holds a square matrix that is not symmetric. Contacts have no direction.", file)
    return first[upper], second[upper], counts[upper]
