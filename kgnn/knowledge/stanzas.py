"""The lines of an OBO file, checked stanza by stanza before `kgnn.knowledge.obo` hands them to obonet."""

from __future__ import annotations

import io
import re
from os import PathLike

from kgnn.errors import FormatError
from kgnn.knowledge.text import header_facts, read_lines

_HEADER_TAGS = frozenset(["data-version", "date", "default-namespace", "ontology"])
_STANZA_TAGS = {
    "[Term]": frozenset(["id", "name", "namespace", "alt_id", "is_a", "relationship", "is_obsolete", "replaced_by"]),
    "[Typedef]": frozenset(["id", "name"]),
}
_SINGLE_WORD = {"id": 1, "is_a": 1, "relationship": 2}
_COMMENT = re.compile(r"\s+(?<!\\)[!{].*$")


class Stanzas:
    """Lines of an OBO file, checked, without the tags that are not used here.

    Attributes:
        path: The file.
        header: Values of the header by tag.
        facts: What the comment lines at the top state.
        line_of_term: Where each term is defined.
    """

    def __init__(self, path: str | PathLike[str]):
        self.path = path
        self.header: dict[str, str] = {}
        self.line_of_term: dict[str, int] = {}
        self._lines: list[str] = []
        self._kind, self._start, self._id = "", 0, ""
        comments: list[str] = []
        number, line = 0, ""
        for number, line in enumerate(read_lines(path), 1):
            text = line.strip()
            if text.startswith("!"):
                comments.append(text)
            elif text.startswith("["):
                self._begin(text, number)
            elif text:
                self._tag(text, number)
        self._end(number)
        self.facts = header_facts(comments)
        if not self.line_of_term:
            raise FormatError("holds no [Term] stanza, so it is no OBO ontology. Check the file or its format.", path)
        if not line.endswith("\n"):
            self._refuse_cut(line.strip(), number)

    def _begin(self, text: str, number: int) -> None:
        self._end(number - 1)
        if not text.endswith("]"):
            raise FormatError(f"{text!r} is no stanza. The file seems to be cut short.", self.path, number)
        self._kind, self._start, self._id = text, number, ""
        if text in _STANZA_TAGS:
            self._lines += ["", text]

    def _end(self, number: int) -> None:
        if self._kind in _STANZA_TAGS and not self._id:
            raise FormatError(
                f"the {self._kind} stanza of line {self._start} has no id. The file seems to be cut short: "
                "download it again.",
                self.path,
                max(number, self._start),
            )

    def _tag(self, text: str, number: int) -> None:
        tag, colon, value = text.partition(":")
        if not colon:
            raise FormatError(
                f"{text[:60]!r} is no 'tag: value'. The file is damaged or cut short: download it again.",
                self.path,
                number,
            )
        if not self._kind:
            if tag in _HEADER_TAGS:
                self.header.setdefault(tag, value.strip())
            return
        if tag not in _STANZA_TAGS.get(self._kind, ()):
            return
        words = _COMMENT.sub("", value).split()
        if len(words) != _SINGLE_WORD.get(tag, len(words)):
            raise FormatError(
                f"{text[:60]!r} should hold {_SINGLE_WORD[tag]} word(s) after {tag}:. The file is damaged or cut "
                "short: download it again.",
                self.path,
                number,
            )
        if tag == "id":
            self._name(words[0], number)
        self._lines.append(text)

    def _name(self, identifier: str, number: int) -> None:
        self._id = identifier
        if self._kind != "[Term]":
            return
        first = self.line_of_term.setdefault(identifier, number)
        if first != number:
            raise FormatError(f"{identifier} is defined again (first in line {first}).", self.path, number)

    def _refuse_cut(self, text: str, number: int) -> None:
        """Accept a missing last line end only after a line that is complete in itself."""
        tag, _, value = text.partition(":")
        words = _COMMENT.sub("", value).split()
        complete = {"is_a": 1, "relationship": 2}.get(tag) == len(words) and words[-1] in self.line_of_term
        if not complete and (tag, words) not in (("is_obsolete", ["true"]), ("is_obsolete", ["false"])):
            raise FormatError(
                f"the file ends inside {text[:60]!r}, without a line end: it seems to be cut short. Download it "
                "again; if it is complete, end it with a new line.",
                self.path,
                number,
            )

    def text(self) -> io.StringIO:
        """The lines for obonet, under a header that it does not warn about."""
        return io.StringIO("\n".join(["ontology: -", *self._lines, ""]))
