"""Folders in the user's cache, each with a variable of the environment that moves it or turns it off."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from kgnn.errors import SourceError
from kgnn.knowledge.fetch import cache_folder

OFF = ("0", "off", "no", "false", "none")
"""Values of such a variable that turn the cache off."""


def writable_cache(variable: str, name: str, folder: str | PathLike[str] | None = None) -> Path | None:
    """A folder for files that can always be made anew.

    Args:
        variable: Variable of the environment that names another folder, or turns the cache off.
        name: Folder in that of `cache_folder`, where the variable is not set.
        folder: This folder, whatever is set otherwise.

    Returns:
        The folder, made if need be; None where it is turned off or cannot be written to.
    """
    wish = os.environ.get(variable, "")
    if folder is None and wish.lower() in OFF:
        return None
    try:
        chosen = Path(folder or wish) if folder or wish else cache_folder() / name
        chosen.mkdir(parents=True, exist_ok=True)
    except (OSError, SourceError):
        return None
    return chosen if os.access(chosen, os.W_OK | os.X_OK) else None
