"""The persistent compilation cache of JAX, in the user's cache folder: a second run of a program starts at once."""

from __future__ import annotations

from os import PathLike
from pathlib import Path


def enable_compilation_cache(folder: str | PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk for later runs, and for later folds of this one.

    Args:
        folder: Where; ``xla`` in the folder of `kgnn.knowledge.cache_folder` where None.

    Returns:
        The folder.
    """
    import jax

    from kgnn.knowledge import cache_folder

    chosen = cache_folder() / "xla" if folder is None else Path(folder)
    jax.config.update("jax_compilation_cache_dir", str(chosen))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    return chosen
