"""Where knowledge came from and what was done to it: carried by every object from reader to report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """One published file.

    Attributes:
        name: File name without its folder, so that a provenance is the same on every machine.
        sha256: Digest of the bytes as they lie on disk (compressed if the file is).
        release: Release or date that the file states of itself, ``""`` where it states none.
        licence: Licence of the content, ``""`` where unknown.
        citation: What to cite, ``""`` where unknown.
    """

    name: str
    sha256: str
    release: str = ""
    licence: str = ""
    citation: str = ""


@dataclass(frozen=True)
class Provenance:
    """Sources of an object and the transformations applied since, oldest first."""

    sources: tuple[Source, ...] = ()
    transformations: tuple[str, ...] = ()

    def after(self, transformation: str) -> Provenance:
        """This provenance with one more transformation at its end."""
        return replace(self, transformations=(*self.transformations, transformation))

    def join(self, other: Provenance) -> Provenance:
        """Both provenances as one; what the other one shares with this is kept once, steps done twice stay twice."""
        return Provenance(
            tuple(dict.fromkeys(self.sources + other.sources)),
            self.transformations + tuple(step for step in other.transformations if step not in self.transformations),
        )

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Provenance:
        """The provenance that `to_json` wrote."""
        return cls(tuple(Source(**source) for source in value["sources"]), tuple(value["transformations"]))


def file_digest(path: str | PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_fingerprint(parts: Iterable[object]) -> str:
    """Hexadecimal SHA-256 of a sequence of values by their text, independent of process and machine."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(part).encode())
        digest.update(b"\x1f")
    return digest.hexdigest()
