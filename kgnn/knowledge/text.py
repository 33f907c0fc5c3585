"""Text files as published: plain, gzip or a zip of one file, with any line end; refused where they are not text.

Every reader of this room takes its lines from here, so that a missing, empty, binary or damaged file gives the same
one-line error whatever its format.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, cast

from kgnn.errors import FormatError
from kgnn.knowledge.provenance import Source, file_digest

_PROBE_BYTES = 8192
_GZIP_START = b"\x1f\x8b"
_ZIP_START = b"PK\x03\x04"


def read_lines(path: str | PathLike[str]) -> Iterator[str]:
    r"""Lines of a text file, each with its line end as ``"\n"``.

    Compression is recognized by content, whatever the name of the file. A byte order mark is skipped. The last line
    comes without ``"\n"`` where the file ends inside a line, so that a reader can see a file that was cut short.

    Args:
        path: A plain file, a gzip file, or a zip archive with one file in it; in UTF-8.

    Yields:
        One line after the other.

    Raises:
        FormatError: If the file is missing, a folder, empty, binary, damaged or not in UTF-8.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genes.txt"
        ...     size = path.write_bytes(b"TP53\r\nBRCA1\r\n")
        ...     list(read_lines(path))
        ['TP53\n', 'BRCA1\n']
    """
    number, blank = 0, True
    try:
        with open_bytes(path) as stream:
            buffered = io.BufferedReader(cast(io.RawIOBase, stream), _PROBE_BYTES)
            if b"\0" in buffered.peek(_PROBE_BYTES):
                raise _binary(path)
            with io.TextIOWrapper(buffered, encoding="utf-8-sig", newline=None) as text:
                for line in text:
                    number += 1
                    blank = blank and not line.strip()
                    yield line
    except UnicodeDecodeError as error:
        raise FormatError(
            f"is binary, not text, or text in another encoding than UTF-8 ({error.reason} near this line). "
            "Give a text file, or convert it to UTF-8.",
            path,
            number + 1,
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise FormatError(
            f"the compressed file is damaged or cut short ({error}). Download it again.", path, number + 1
        ) from error
    if blank:
        raise FormatError("is empty. Check the path, or download the file again.", path)


@contextmanager
def open_bytes(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """A file opened for reading its decompressed bytes.

    Args:
        path: A plain file, a gzip file, or a zip archive with one file in it.

    Yields:
        The open stream.

    Raises:
        FormatError: If the file is missing, a folder, empty, not readable or an archive of several files.
    """
    with _opened(path) as raw:
        start = raw.peek(4)[:4]
        if start.startswith(_GZIP_START):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif start.startswith(_ZIP_START):
            with zipfile.ZipFile(raw) as archive:
                if len(archive.namelist()) != 1:
                    raise _binary(path)
                with archive.open(archive.namelist()[0]) as member:
                    yield cast(BinaryIO, member)
        else:
            yield raw


def first_bytes(path: str | PathLike[str], count: int) -> bytes:
    """The bytes that a file begins with, as they lie on disk.

    Args:
        path: Any file.
        count: How many, at most.

    Returns:
        The bytes.

    Raises:
        FormatError: If the file is missing, a folder, empty or not readable.
    """
    with _opened(path) as raw:
        return raw.read(count)


def _opened(path: str | PathLike[str]) -> io.BufferedReader:
    try:
        raw = Path(path).open("rb")  # noqa: SIM115 closed by the caller; only its opening may fail here
    except FileNotFoundError:
        raise FormatError("there is no such file. Check the path.", path) from None
    except IsADirectoryError:
        raise FormatError("is a folder, not a file. Name the file in it.", path) from None
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror}).", path) from error
    if not raw.peek(1):
        raw.close()
        raise FormatError("is empty. Check the path, or download the file again.", path)
    return raw


def _binary(path: str | PathLike[str]) -> FormatError:
    return FormatError("is binary, not text. Give a text file; .gz may stay packed, other archives may not.", path)


def header_facts(lines: Iterable[str]) -> dict[str, str]:
    """The facts that comment lines such as ``! licence: CC BY 4.0`` state of their file.

    Args:
        lines: Comment lines that begin with ``!`` or ``#``.

    Returns:
        Values by lower-case key; the first statement of a key counts.

    Example:
        >>> header_facts(["!gaf-version: 2.2", "! Licence: CC BY 4.0", "! a remark"])
        {'gaf-version': '2.2', 'licence': 'CC BY 4.0'}
    """
    facts: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.lstrip("!# ").partition(":")
        if colon and value.strip():
            facts.setdefault(key.strip().lower(), value.strip())
    return facts


def source_of(path: str | PathLike[str], facts: dict[str, str], **defaults: str) -> Source:
    """The provenance of a file from what it states of itself.

    Args:
        path: The file.
        facts: What its header states; ``release``, ``licence`` (or ``license``) and ``citation`` are used.
        **defaults: ``release``, ``licence`` and ``citation`` where the header is silent.

    Returns:
        The source, with the digest of the file as it lies on disk.
    """
    return Source(
        name=Path(path).name,
        sha256=file_digest(path),
        release=facts.get("release", defaults.get("release", "")),
        licence=facts.get("licence", facts.get("license", defaults.get("licence", ""))),
        citation=facts.get("citation", defaults.get("citation", "")),
    )


def complete_lines(path: str | PathLike[str]) -> Iterator[str]:
    r"""Lines of a text file whose last line must end: for formats in which half a name is a name as well.

    Args:
        path: As for `read_lines`.

    Yields:
        One line after the other.

    Raises:
        FormatError: As for `read_lines`; and if the file ends inside a line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "cut.gmt"
        ...     size = path.write_text("SET\tNA\tTP53\tBRC")
        ...     list(complete_lines(path))
        Traceback (most recent call last):
        kgnn.errors.FormatError: ...cut.gmt, line 1: the file ends inside '...BRC', without a line end...
    """
    for number, line in enumerate(read_lines(path), 1):
        if not line.endswith("\n"):
            raise FormatError(
                f"the file ends inside {line[-40:]!r}, without a line end: it seems to be cut short. Download it "
                "again; if it is complete, end it with a new line.",
                path,
                number,
            )
        yield line
