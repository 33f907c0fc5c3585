"""`Kernels`: motifs as convolution filters, the structure of a sequence model's first layer."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError, StructureError, name_some, unknown_choice
from kgnn.knowledge.motif import BASES, PSEUDOCOUNT, Motif, background_of
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Loss, losses_to_json
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.writing import whole_file

KINDS = ("log_odds", "probabilities", "centered", "information")
"""What a filter may hold, see `compile_kernels`."""
OFFSETS = ("left", "center", "right")
"""Where a motif that is narrower than the filter may lie in it."""

_KIND = "kgnn kernels"
_ARRAYS = ("values", "motif_start", "motif_width")
_FACTS = ("motifs", "names", "strands", "kind", "offset", "pseudocount", "background", "motifs_fingerprint")
# What NumPy, zip and JSON raise for a file that is something else, cut short or changed.
_UNREADABLE = (
    OSError, KeyError, TypeError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Kernels:
    """Convolution filters over one-hot sequences.

    Attributes:
        values: float32 ``[filter, position, base]``, bases in the order A C G T. With both strands, the filters of the
            forward strand come first and those of the reverse strand after them in the same order.
        motifs: Id of the motif of every filter.
        names: Its name.
        strands: ``"+"`` or ``"-"`` of every filter.
        motif_start: int32 ``[filter]``: first position of the filter that belongs to the motif.
        motif_width: int32 ``[filter]``: how many positions do.
        kind: What the values are, one of `KINDS`.
        offset: Where narrow motifs lie, one of `OFFSETS`.
        pseudocount: Sites of pure background added to every position.
        background: Probability of A, C, G and T.
        motifs_fingerprint: Fingerprint of the motifs that were compiled.
        provenance: Their sources and transformations.
        losses: Motifs that were cropped, with those of the motif set.
    """

    values: np.ndarray
    motifs: tuple[str, ...]
    names: tuple[str, ...]
    strands: tuple[str, ...]
    motif_start: np.ndarray
    motif_width: np.ndarray
    kind: str
    offset: str
    pseudocount: float
    background: tuple[float, ...]
    motifs_fingerprint: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kernels) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def n_filters(self) -> int:
        """Number of filters."""
        return len(self.values)

    @property
    def length(self) -> int:
        """Positions of a filter."""
        return self.values.shape[1]

    @property
    def both_strands(self) -> bool:
        """Whether every motif has a filter for either strand."""
        return "-" in self.strands

    @property
    def mask(self) -> np.ndarray:
        """bool ``[filter, position]``: positions that belong to the motif; the others are padding."""
        place = np.arange(self.length)[None, :] - self.motif_start[:, None]
        return (place >= 0) & (place < self.motif_width[:, None])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of values, places and everything that names them."""
        arrays = [getattr(self, name).tolist() for name in _ARRAYS]
        return content_fingerprint([*(getattr(self, name) for name in _FACTS), *arrays])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the kernels as one ``.npz`` file, at once or not at all.

        Args:
            path: File to write.
        """
        header = {name: getattr(self, name) for name in _FACTS} | {"file": _KIND, "fingerprint": self.fingerprint}
        header |= {"provenance": self.provenance.to_json(), "losses": self.losses}
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        with whole_file(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, header=text, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Kernels:
        """Read what `save` wrote.

        Args:
            path: The ``.npz`` file.

        Returns:
            The kernels.

        Raises:
            FormatError: If the file holds no kernels or is damaged.
        """
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                header = _header(stored)
                arrays = {name: stored[name] for name in _ARRAYS}
            facts = {name: header[name] for name in _FACTS}
            kernels = cls(
                **{name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()},
                **arrays,
                provenance=Provenance.from_json(header["provenance"]),
                losses=tuple(Loss(what, reason, tuple(names)) for what, reason, names in header["losses"]),
            )
            undamaged = kernels.fingerprint == header["fingerprint"]
        except _UNREADABLE as problem:
            raise FormatError(
                f"holds no compiled kernels ({problem}). Write them with kgnn kernels --motifs F --out F.", path
            ) from None
        if not undamaged:
            raise FormatError("is damaged: its content does not have its fingerprint. Compile it again.", path)
        return kernels


def kernels_summary(kernels: Kernels) -> dict[str, Any]:
    """Sizes, choices, fingerprints and provenance of kernels.

    Args:
        kernels: The kernels.

    Returns:
        A value that `json` can write.
    """
    return {
        "filters": kernels.n_filters,
        "motifs": len(set(kernels.motifs)),
        "length": kernels.length,
        "values": kernels.kind,
        "strands": "both" if kernels.both_strands else "forward",
        "offset": kernels.offset,
        "pseudocount": kernels.pseudocount,
        "background": list(kernels.background),
        "fingerprint": kernels.fingerprint,
        "motifs_fingerprint": kernels.motifs_fingerprint,
        "provenance": kernels.provenance.to_json(),
        "dropped": losses_to_json(kernels.losses),
    }


def is_kernels_file(path: str | PathLike[str]) -> bool:
    """Whether a file says of itself that it holds `Kernels`.

    Args:
        path: Any file.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return _header(stored).get("file") == _KIND
    except _UNREADABLE:
        return False


def _header(stored: Any) -> dict[str, Any]:
    header = json.loads(stored["header"].tobytes())
    if not isinstance(header, dict):
        raise ValueError("its header is no mapping")
    return header


def compile_kernels(
    motifs: MotifSet,
    length: int | None = None,
    *,
    kind: str = "log_odds",
    both_strands: bool = False,
    offset: str = "center",
    crop: bool = False,
    pseudocount: float = PSEUDOCOUNT,
    background: Sequence[float] | None = None,
) -> Kernels:
    r"""Motifs as convolution filters of one length.

    A convolution of a one-hot sequence with ``log_odds`` gives at each position the log-odds score of the motif there.
    Positions of a filter outside its motif hold what says nothing: 0, or the background for ``probabilities``.

    Args:
        motifs: The motifs.
        length: Positions of a filter; None for the widest motif.
        kind: ``"log_odds"`` in bits; ``"probabilities"``; ``"centered"``, probabilities minus the background, so that
            filters start around 0; ``"information"``, probabilities times the information of their position in bits,
            the letter heights of a sequence logo.
        both_strands: Whether to add the reverse complement of every filter.
        offset: Where a motif narrower than the filter lies: ``"left"``, ``"center"`` or ``"right"``; an odd position
            goes to its right. Filters of the reverse strand are exact mirror images, so ``"left"`` lies right there.
        crop: Whether wider motifs are cut to the window of most information; else they are an error.
        pseudocount: See `Motif.probabilities`.
        background: Probability of A, C, G and T; None for the one of the motif set.

    Returns:
        The kernels. Motifs that were cropped are in the losses.

    Raises:
        StructureError: If a motif is wider than `length`, a value would be infinite, or there is no motif.
        KgnnError: If `kind` or `offset` is unknown.

    References:
        Alipanahi et al. 2015, Nature Biotechnology 33:831, doi:10.1038/nbt.3300 (filters as motif detectors).
    """
    for what, value, known in (("kind", kind, KINDS), ("offset", offset, OFFSETS)):
        if value not in known:
            raise unknown_choice(what, value, known)
    if not len(motifs):
        raise StructureError("there is no motif to compile. Check what the selection left.")
    length = int(motifs.widths.max()) if length is None else length
    expected = background_of(motifs.background if background is None else background)
    wide = [motif.id for motif in motifs if len(motif) > length]
    if length < 1 or (wide and not crop):
        raise StructureError(
            f"{len(wide)} of {len(motifs)} motifs are wider than the {length} positions of a filter: {name_some(wide)}."
            f" The widest has {motifs.widths.max()}. Give a length of as many, trim the motifs, or pass crop=True."
        )
    values = np.full((len(motifs), length, len(BASES)), expected if kind == "probabilities" else 0.0)
    starts = np.zeros(len(motifs), dtype=np.int32)
    for number, motif in enumerate(_most_informative(each, length) for each in motifs):
        room = length - len(motif)
        starts[number] = {"left": 0, "center": room // 2, "right": room}[offset]
        values[number, starts[number] : starts[number] + len(motif)] = _filter(motif, kind, pseudocount, expected)
    widths = np.minimum(motifs.widths, length).astype(np.int32)
    strands = ("+",) * len(motifs)
    if both_strands:
        values = np.concatenate([values, values[:, ::-1, ::-1]])
        starts = np.concatenate([starts, length - starts - widths]).astype(np.int32)
        widths, strands = np.tile(widths, 2), strands + ("-",) * len(motifs)
    times = 1 + both_strands
    lost = (Loss("motif", f"cropped to {length} positions", tuple(wide)),) if wide else ()
    return Kernels(
        values.astype(np.float32), motifs.ids * times, motifs.names * times, strands, starts, widths, kind, offset,
        float(pseudocount), tuple(expected.tolist()), motifs.fingerprint,
        motifs.provenance.after(f"compiled to kernels of {length} positions ({kind})"), (*motifs.losses, *lost),
    )  # fmt: skip


def _most_informative(motif: Motif, length: int) -> Motif:
    if len(motif) <= length:
        return motif
    total = np.concatenate([[0.0], np.cumsum(motif.information())])
    start = int(np.argmax(np.round(total[length:] - total[:-length], 9)))
    return motif.positions(start, start + length)


def _filter(motif: Motif, kind: str, pseudocount: float, background: np.ndarray) -> np.ndarray:
    probabilities = motif.probabilities(pseudocount, background.tolist())
    if kind == "probabilities":
        return probabilities
    if kind == "centered":
        return probabilities - background
    if kind == "information":
        return probabilities * motif.information(pseudocount, background.tolist())[:, None]
    odds = motif.log_odds(pseudocount, background.tolist())
    if not np.isfinite(odds).all():
        raise StructureError(
            f"motif {motif.id} has log-odds of minus infinity: no site has some base, and the pseudocount is 0. "
            "Give a pseudocount above 0."
        )
    return odds
