"""What mkdocstrings does not do by itself: equations of docstrings become MathML, which browsers draw offline."""

from __future__ import annotations

import re
from typing import Any

import griffe
from latex2mathml.converter import convert

# ".. math:: equation" on one line, or the equations below it, indented, with blank lines between them.
BLOCK = re.compile(
    r"^(?P<indent>[ ]*)\.\. math::(?P<body>.*(?:\n(?:(?P=indent)[ ]+.*|[ ]*(?=\n(?P=indent)[ ]+)))*)", re.M
)
INLINE = re.compile(r":math:`([^`]+)`")


def _block(found: re.Match[str]) -> str:
    equations = (" ".join(part.split()) for part in re.split(r"\n[ ]*\n", found["body"]))
    drawn = (f"{found['indent']}<div>{convert(equation, display='block')}</div>" for equation in equations if equation)
    return "\n\n".join(drawn)


def to_markdown(text: str) -> str:
    """The docstring as mkdocstrings shows it best: equations drawn, and the example as code."""
    text = BLOCK.sub(_block, text)
    text = INLINE.sub(lambda found: convert(found[1]), text)
    return re.sub(r"^Example:$", "Examples:", text, flags=re.M)


class Docstrings(griffe.Extension):
    """Passes every docstring through `to_markdown` before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of one module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)
