"""How JAX computes in tests: strictly, and compiling each program once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache


@contextmanager
def strict_numerics(*, types: bool) -> Iterator[None]:
    """No silent broadcasting over ranks, no shortened products; with `types`, no silent change of type either."""
    promotion = jax.numpy_dtype_promotion("strict") if types else nullcontext()
    with jax.numpy_rank_promotion("raise"), promotion, jax.default_matmul_precision("highest"):
        yield


@contextmanager
def programs_kept_in(folder: Path) -> Iterator[None]:
    """What one test has compiled, the others find on disk."""
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.2,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    compilation_cache.reset_cache()
    for name, value in settings.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
