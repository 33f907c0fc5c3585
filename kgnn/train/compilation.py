"""The persistent compilation cache of JAX, in the user's cache folder: a second run of a program starts at once."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from kgnn.knowledge.cache import writable_cache
from kgnn.layers.layout import VARIABLE

LEAST_SECONDS = 0.5
"""Programs that compile faster than this are not worth a file."""


def enable_compilation_cache(folder: str | PathLike[str] | None = None) -> Path | None:
    """Keep compiled programs on disk for later runs, and for later folds of this one.

    `kgnn.fit`, `kgnn.predict`, `kgnn.knockdown`, `kgnn.importance` and the command line call this; an import does not.
    Where JAX has a cache folder already (``JAX_COMPILATION_CACHE_DIR``, or ``jax.config``), it stays as it is, with
    all its settings. The environment variable ``KGNN_COMPILATION_CACHE`` names another folder, or turns the cache off
    (``off``). Without a folder that can be written to, programs are compiled anew each time, and nothing else changes.

    Args:
        folder: Where, whatever is set otherwise. Where None and nothing is set, ``xla`` in the folder of
            `kgnn.knowledge.cache_folder`.

    Returns:
        The folder in use, or None where there is none.
    """
    import jax

    present = jax.config.values["jax_compilation_cache_dir"]
    if present is not None and folder is None:
        return Path(present)
    if not jax.config.values["jax_enable_compilation_cache"]:
        return None
    chosen = writable_cache(VARIABLE, "xla", folder)
    if chosen is not None:
        from jax.experimental.compilation_cache import compilation_cache

        jax.config.update("jax_compilation_cache_dir", str(chosen))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
        # JAX looks once whether there is a cache, when it first compiles: that may have been before.
        compilation_cache.reset_cache()
    return chosen
