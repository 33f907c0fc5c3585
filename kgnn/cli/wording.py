"""Errors of the library in the words of the command line: ``--unannotated drop`` for ``unannotated='drop'``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kgnn import options

_ARGUMENT = re.compile(r"(?<![\w.('\"=\-])(?<!--read )(?<!--set )([a-z_]+)=(?:'([\w, ]*)'|(\d+)|(?=[\s.,;)]|$))")
_OTHER_NAMES = {"unconnected": "unannotated"}


def in_options(message: str, known: Mapping[str, str]) -> str:
    """Say arguments of Python that a message names as options of a command.

    Args:
        message: Of an error; arguments are written ``name='value'``, ``name=3`` or ``name=``.
        known: Options of the command by name of their parameter.

    Returns:
        The message; an argument that is no option stays as it is.

    Example:
        >>> known = {"unannotated": "--unannotated", "read": "--read"}
        >>> in_options("Pass unannotated='drop', or use kind='labels'.", known)
        'Pass --unannotated drop, or use --read kind=labels.'
        >>> in_options("Force one with format=.", {"format": "--format"})
        'Force one with --format.'
    """

    def said(match: re.Match[str]) -> str:
        name, text, number = match.groups()
        name, value = _OTHER_NAMES.get(name, name), text or number
        if name in known:
            return known[name] if value is None else f"{known[name]} {value}"
        if name in options.READING and "read" in known:
            return f"--read {name}={'…' if value is None else value}"
        return match.group()

    return _ARGUMENT.sub(said, message)
