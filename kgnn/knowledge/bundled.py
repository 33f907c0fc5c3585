"""Finding the files of the top-level folder ``ontologies/``, in a checkout as in an installed package."""

from __future__ import annotations

from pathlib import Path

from kgnn.errors import SourceError

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_file(name: str) -> Path:
    """Path of a file that kgnn carries.

    An installed package holds the folder ``ontologies/`` as ``kgnn/_ontologies``; a checkout (or an editable
    installation) holds it beside the package.

    Args:
        name: Its name in ``ontologies/``.

    Returns:
        The path.

    Raises:
        SourceError: If kgnn carries no such file.

    Example:
        >>> bundled_file("sources.toml").name
        'sources.toml'
    """
    folders = (_PACKAGE / "_ontologies", _PACKAGE.parent / "ontologies")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    path = folder / name
    if not path.is_file():
        held = ", ".join(sorted(entry.name for entry in folder.glob("*"))) or "nothing"
        raise SourceError(f"kgnn carries no file {name!r}; {folder} holds {held}.")
    return path
