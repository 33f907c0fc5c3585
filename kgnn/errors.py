"""The errors that kgnn raises for a user's mistake.

Every message has three parts: what is wrong with its value; who, the first five and the count; what to do next.
`kgnn.cli` turns any of these into one line on stderr and exit code 2; anything else is a defect of kgnn.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike


class KgnnError(ValueError):
    """Base of every error that a user can cause and repair."""


class FormatError(KgnnError):
    """A file is not what its format promises.

    Args:
        message: What is wrong, who, and what to do next.
        file: The file, named first in the message.
        line: Line number, counted from 1, where one line is at fault.
    """

    def __init__(self, message: str, file: str | PathLike[str] | None = None, line: int | None = None):
        where = "" if file is None else f"{file}: " if line is None else f"{file}, line {line}: "
        super().__init__(where + message)
        self.file = file
        self.line = line


class StructureError(KgnnError):
    """The knowledge does not form the structure that was asked for: a cycle, two roots, an empty term."""


class AlignmentError(KgnnError):
    """The features of the data and the entities of the knowledge disagree."""


class SourceError(KgnnError):
    """A published source cannot be had or is not what was recorded: checksum, release, licence, offline."""


class RunError(KgnnError):
    """A run folder that is incomplete, damaged or belongs to other knowledge."""


class TrainingError(KgnnError):
    """Training cannot start or go on: no finite loss, no samples left, an unknown setting."""


def name_some(names: Iterable[object], limit: int = 5) -> str:
    """The first few names and how many more there are, for an error message.

    Args:
        names: What to list, in the order in which it should be shown.
        limit: How many to name.

    Returns:
        For example ``'TP53, BRCA1 and 3 more'``.

    Example:
        >>> name_some(["a", "b", "c"], limit=2)
        'a, b and 1 more'
    """
    listed = [str(name) for name in names]
    shown = ", ".join(listed[:limit])
    return shown if len(listed) <= limit else f"{shown} and {len(listed) - limit:,} more"


def unknown_choice(what: str, value: object, known: Iterable[str]) -> KgnnError:
    """The error for a setting outside its list of choices, naming the choices.

    Args:
        what: Name of the setting.
        value: What the user gave.
        known: The accepted values.

    Returns:
        The error, to be raised by the caller.
    """
    return KgnnError(f"{what} is {value!r}, which is not known. Choose one of: {', '.join(sorted(known))}.")
