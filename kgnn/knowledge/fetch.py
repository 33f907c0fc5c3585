"""`fetch`: published knowledge from where it is published, verified and cached.

``ontologies/sources.toml`` lists what can be fetched. Where an entry has no digest, that of the first
download is recorded beside the file and compared from then on.
"""

from __future__ import annotations

import logging
import os
import sys
import tomllib
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from kgnn.errors import SourceError, unknown_choice
from kgnn.knowledge.bundled import bundled_file
from kgnn.knowledge.download import download
from kgnn.knowledge.provenance import Source, file_digest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedSource:
    """One entry of ``sources.toml``.

    Attributes:
        name: What `fetch` calls it.
        release: Release, or ``"current"`` where the address always gives the newest.
        url: Where it is published.
        licence: Licence of the content.
        sha256: Digest of the file, ``""`` where the release is current or no digest is published.
        citation: What to cite.
    """

    name: str
    release: str
    url: str
    licence: str
    sha256: str
    citation: str

    @property
    def file(self) -> str:
        """Name of the file."""
        return PurePosixPath(urlsplit(self.url).path).name

    def provenance(self, path: str | PathLike[str]) -> Source:
        """The fetched file as a source of knowledge."""
        return Source(self.file, file_digest(path), self.release, self.licence, self.citation)


def list_sources(catalog: str | PathLike[str] | None = None) -> tuple[PublishedSource, ...]:
    """Every source that `fetch` knows.

    Args:
        catalog: Another file in the form of ``sources.toml``; None for the one that kgnn carries.

    Returns:
        The sources in the order of the file.

    Raises:
        SourceError: If the catalog cannot be read or an entry is incomplete.

    Example:
        >>> [source.file for source in list_sources() if source.name == "go-basic"]
        ['go-basic.obo']
    """
    path = bundled_file("sources.toml") if catalog is None else Path(catalog)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("source", [])
        return tuple(PublishedSource(*(entry[field.name] for field in fields(PublishedSource))) for entry in entries)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{path}: the list of sources cannot be read ({error}).") from error
    except KeyError as error:
        raise SourceError(f"{path}: a source has no {error}. Every [[source]] needs it, if only as ''.") from error


def fetch(name: str, cache: str | PathLike[str] | None = None, *, catalog: str | PathLike[str] | None = None) -> Path:
    """A published file, downloaded once and verified every time.

    A file that lies in the cache is verified and used without the network. A download that broke off goes on where it
    ended. The file appears under its name only when it is complete and verified.

    Args:
        name: Name of the source, see `list_sources`.
        cache: Folder to keep files in; ``$KGNN_CACHE``, else the user's cache folder.
        catalog: Another file in the form of ``sources.toml``; None for the one that kgnn carries.

    Returns:
        Path of the file.

    Raises:
        SourceError: If the source cannot be reached, with its address and where to put the file by hand; if its
            digest is not the one recorded.
        KgnnError: If no source has this name.
    """
    sources = {source.name: source for source in list_sources(catalog)}
    if name not in sources:
        raise unknown_choice("source", name, sources)
    source = sources[name]
    path = (cache_folder() if cache is None else Path(cache)) / source.name / source.file
    if not path.exists():
        download(source.url, path, lambda part: _verify(source, path, part))
    _verify(source, path, path)
    _digest_file(path).write_text(f"{file_digest(path)}  {path.name}\n", encoding="utf-8")
    logger.info("%s is %s", name, path)
    return path


def cache_folder() -> Path:
    """Folder for downloaded files: ``$KGNN_CACHE``, else ``kgnn`` in the user's cache folder of the system.

    Raises:
        SourceError: If the user has no home folder.
    """
    chosen = os.environ.get("KGNN_CACHE")
    if chosen:
        return Path(chosen)
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "kgnn"
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "kgnn"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kgnn"
    except RuntimeError as error:
        raise SourceError(f"there is no home folder to keep files in ({error}). Name a folder in KGNN_CACHE.") from None


def _digest_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _verify(source: PublishedSource, path: Path, content: Path) -> None:
    """Compare the content that is, or is to be, the file at `path` with the digest known for it."""
    recorded = _digest_file(path)
    expected, where = source.sha256, "sources.toml"
    if not expected and recorded.exists():
        expected, where = recorded.read_text(encoding="utf-8").split()[0], recorded.name
    found = file_digest(content)
    if expected and found != expected:
        raise SourceError(
            f"{source.name}: the SHA-256 of {path} is {found[:16]}… but {where} says {expected[:16]}…. "
            f"If you want a new release, delete {path.name} and {recorded.name} there and fetch again; if not, the "
            "download was damaged: fetch it again."
        )
