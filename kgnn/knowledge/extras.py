"""Libraries that only some readers need: imported where they are used, with a clear error where they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from kgnn.errors import KgnnError


def require(package: str, extra: str, purpose: str, installed_as: str = "") -> ModuleType:
    """Import a library that is installed with an extra of kgnn.

    Args:
        package: Name to import.
        extra: Extra of kgnn that installs it.
        purpose: What it is needed for, to begin the message with, such as ``"reads.cool: a .cool file"``.
        installed_as: Name to install, where it differs from the one to import.

    Returns:
        The module.

    Raises:
        KgnnError: If it is not installed, naming the extra.

    Example:
        >>> require("json", "genome", "this example").__name__
        'json'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as problem:
        if problem.name != package:
            raise
        raise KgnnError(
            f"{purpose} needs {installed_as or package}, which is not installed. "
            f"Install it with: pip install 'kgnn[{extra}]'"
        ) from None
