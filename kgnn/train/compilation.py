"""The persistent compilation cache of JAX, in the user's cache folder: a second run of a program starts at once."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from kgnn.errors import SourceError


def enable_compilation_cache(folder: str | PathLike[str] | None = None) -> Path | None:
    """Keep compiled programs on disk for later runs, and for later folds of this one.

    Without a folder that can be written to, programs are compiled anew each time, and nothing else changes.

    Args:
        folder: Where; ``xla`` in the folder of `kgnn.knowledge.cache_folder` where None.

    Returns:
        The folder, or None where there is none that can be written to.
    """
    import jax

    chosen = _writable_folder(folder)
    if chosen is not None:
        jax.config.update("jax_compilation_cache_dir", str(chosen))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    return chosen


def _writable_folder(folder: str | PathLike[str] | None) -> Path | None:
    from kgnn.knowledge import cache_folder

    try:
        chosen = cache_folder() / "xla" if folder is None else Path(folder)
        chosen.mkdir(parents=True, exist_ok=True)
    except (OSError, SourceError):
        return None
    return chosen if os.access(chosen, os.W_OK | os.X_OK) else None
