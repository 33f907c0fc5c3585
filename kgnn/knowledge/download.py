"""One file over HTTP into its place: resumed where it broke off, moved there only when complete."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from kgnn.errors import SourceError

logger = logging.getLogger(__name__)

_AGENT = "kgnn (+urllib)"
_TIMEOUT_SECONDS = 60
_BLOCK_BYTES = 1 << 20
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206


def download(url: str, path: Path, verify: Callable[[Path], None]) -> None:
    """Download a file, going on where an earlier attempt broke off.

    What has arrived lies in ``NAME.part``; the server's tag for it in ``NAME.part.tag``, so that parts of two
    releases are never joined.

    Args:
        url: Where the file is published; http or https.
        path: Where it is to lie.
        verify: Called with the complete download before it is moved into place; raises if the content is wrong, in
            which case the download is deleted.

    Raises:
        SourceError: If the file cannot be had or is incomplete; the message says where to put it by hand.
    """
    part, tag = path.with_name(path.name + ".part"), path.with_name(path.name + ".part.tag")
    by_hand = f"Download it by hand and put it at {path}, or run this again with a network."
    if not url.startswith(("http://", "https://")):
        raise SourceError(f"{path.name}: {url} is no http address. {by_hand}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        total = _receive(url, part, tag)
    except HTTPError as error:
        raise SourceError(f"{path.name}: {url} answers {error.code} {error.reason}. {by_hand}") from error
    except URLError as error:
        raise SourceError(f"{path.name}: cannot reach {url} ({error.reason}). {by_hand}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{path.name}: {url} broke off ({error}). Run it again to go on. {by_hand}") from error
    size = part.stat().st_size
    if total is not None and size < total:
        raise SourceError(
            f"{path.name}: {url} ended after {size:,} of {total:,} bytes. Run it again to go on. {by_hand}"
        )
    tag.unlink(missing_ok=True)
    try:
        verify(part)
    except SourceError:
        part.unlink()
        raise
    part.replace(path)


def _receive(url: str, part: Path, tag: Path) -> int | None:
    """Append what is missing to `part`; the size of the whole, where the server states it."""
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    had = part.stat().st_size if part.exists() and tag.exists() else 0
    if had:
        headers |= {"Range": f"bytes={had}-", "If-Range": tag.read_text(encoding="utf-8")}
    try:
        with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as response:
            resumed = response.status == _PARTIAL_CONTENT
            had = had if resumed else 0
            logger.info("%s from byte %d", url, had)
            stamp = response.headers.get("ETag") or response.headers.get("Last-Modified")
            if stamp and not stamp.startswith("W/"):
                tag.write_text(stamp, encoding="utf-8")
            else:
                tag.unlink(missing_ok=True)
            length = response.headers.get("Content-Length")
            with part.open("ab" if resumed else "wb") as stream:
                while block := response.read(_BLOCK_BYTES):
                    stream.write(block)
            return None if length is None else had + int(length)
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not had:
            raise
        part.unlink()
        return _receive(url, part, tag)
