"""XML files as published, element by element, with the errors of a text file."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from kgnn.errors import FormatError
from kgnn.knowledge.text import read_lines

_LINES = 512


def elements(path: str | PathLike[str], tag: str) -> Iterator[Element]:
    r"""Elements of one kind, each complete, forgotten once the next is asked for.

    Lines come from `read_lines`, so that a packed, damaged or binary file gives the errors of any other format.

    Args:
        path: The file, plain or gzip.
        tag: Name of the elements.

    Yields:
        One element after the other.

    Raises:
        FormatError: If the file is not well-formed or ends too early, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.xml"
        ...     size = path.write_text("<list><name>a</name><name>b</name></list>\n")
        ...     [element.text for element in elements(path, "name")]
        ['a', 'b']
    """
    parser = XMLPullParser(["start", "end"])
    above: list[Element] = []
    try:
        for block in _blocks(path):
            parser.feed(block)
            yield from _finished(parser, tag, above)
        parser.close()
        yield from _finished(parser, tag, above)
    except ParseError as error:
        raise FormatError(
            f"is no well-formed XML ({error.msg.partition(':')[0]}). The file is damaged or cut short: download it "
            "again.",
            path,
            error.position[0],
        ) from None


def _blocks(path: str | PathLike[str]) -> Iterator[str]:
    block: list[str] = []
    for line in read_lines(path):
        block.append(line)
        if len(block) == _LINES:
            yield "".join(block)
            block.clear()
    yield "".join(block)


def _finished(parser: XMLPullParser, tag: str, above: list[Element]) -> Iterator[Element]:
    for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
        if event == "start":
            above.append(element)
            continue
        above.pop()
        if element.tag == tag:
            yield element
            element.clear()
            if above:
                above[-1].remove(element)
