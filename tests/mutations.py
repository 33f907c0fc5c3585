"""Ways in which a text file goes wrong between its publisher and a reader, and what a reader may then do.

`SAME` must be read as if nothing had happened. `REFUSED` must be an error. `LESS` may be an error, or may give less
than the whole file, but nothing that the whole file does not give. `WILD` may give anything but a traceback.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable
from pathlib import Path
from random import Random
from typing import NamedTuple

from kgnn.errors import KgnnError

Mutation = Callable[[bytes, Random], bytes]


def cut(whole: bytes, random: Random) -> bytes:
    return whole[: random.randrange(1, len(whole))]


def cut_near_the_end(whole: bytes, random: Random) -> bytes:
    return whole[: -random.randrange(1, min(len(whole), 40))]


def cut_between_lines(whole: bytes, random: Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    return b"".join(lines[: random.randrange(1, len(lines) + 1)])


def repeat_lines(whole: bytes, random: Random) -> bytes:
    """Some lines twice, as after a copy that was resumed too early."""
    lines = whole.splitlines(keepends=True)
    start = random.randrange(len(lines))
    part = lines[start : start + random.randrange(1, 4)]
    return b"".join([*lines[: start + len(part)], *part, *lines[start + len(part) :]])


def swap_columns(whole: bytes, random: Random) -> bytes:
    rows = [line.rstrip(b"\n").split(b"\t") for line in whole.splitlines(keepends=True)]
    width = min((len(row) for row in rows if len(row) > 1), default=1)
    if width == 1:
        return whole
    first, second = random.sample(range(width), 2)
    for row in rows:
        if len(row) > 1:
            row[first], row[second] = row[second], row[first]
    return b"".join(b"\t".join(row) + b"\n" for row in rows)


def other_encoding(whole: bytes, random: Random) -> bytes:
    place = random.randrange(len(whole) + 1)
    return whole[:place] + "é".encode("latin-1") + whole[place:]


def random_bytes(whole: bytes, random: Random) -> bytes:
    changed = bytearray(whole)
    for _ in range(random.randrange(1, 6)):
        changed[random.randrange(len(changed))] = random.choice(b"\t\n\"'<>[]{}:,0AZaz|\\")
    return bytes(changed)


def drop_bytes(whole: bytes, random: Random) -> bytes:
    start = random.randrange(len(whole))
    return whole[:start] + whole[start + random.randrange(1, 30) :]


def cut_gzip(whole: bytes, random: Random) -> bytes:
    packed = gzip.compress(whole, mtime=0)
    return packed[: random.randrange(3, len(packed))]


SAME: dict[str, Mutation] = {
    "CRLF": lambda whole, _: whole.replace(b"\n", b"\r\n"),
    "byte order mark": lambda whole, _: b"\xef\xbb\xbf" + whole,
    "gzip": lambda whole, _: gzip.compress(whole, mtime=0),
    "blank lines at the end": lambda whole, _: whole + b"\n\n",
}
REFUSED: dict[str, Mutation] = {
    "latin-1": other_encoding,
    "UTF-16": lambda whole, _: whole.decode().encode("utf-16"),
    "gzip cut short": cut_gzip,
    "nothing": lambda whole, _: b"",
}
LESS: dict[str, Mutation] = {
    "cut": cut,
    "cut near the end": cut_near_the_end,
    "cut between lines": cut_between_lines,
    "lines repeated": repeat_lines,
    "columns swapped": swap_columns,
}
WILD: dict[str, Mutation] = {"random bytes": random_bytes, "bytes missing": drop_bytes}
MUTATIONS = {**SAME, **REFUSED, **LESS, **WILD}


class Subject(NamedTuple):
    """A file and how it is read.

    Attributes:
        content: What a right file holds.
        read: Path to everything that was read, as a set of facts.
        name: Name of the file, where its ending matters.
    """

    content: bytes
    read: Callable[[Path], frozenset[Hashable]]
    name: str = "file"


def check(subject: Subject, mutation: str, folder: Path, seed: int) -> None:
    """Break a file in one way and see what its reader makes of it; any error but a user's ends the test."""
    path = folder / subject.name
    path.write_bytes(subject.content)
    whole = subject.read(path)
    assert whole
    path.write_bytes(MUTATIONS[mutation](subject.content, Random(seed)))
    try:
        found = subject.read(path)
    except KgnnError as problem:
        assert mutation not in SAME, problem
        assert str(problem).strip()
        return
    assert mutation not in REFUSED
    if mutation in SAME:
        assert found == whole
    elif mutation in LESS:
        assert found <= whole, sorted(map(str, found - whole))[:5]
