"""The compilation cache: on for whoever fits or predicts, never for an import, and the user's own is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from kgnn.train import predict
from kgnn.train.compilation import enable_compilation_cache
from tests.conftest import REPOSITORY
from tests.train.small import small_model, small_samples

FIT = """
from kgnn.train import fit, predict
from tests.train.small import quick, small_model, small_samples
import jax
assert jax.config.values["jax_compilation_cache_dir"] is None
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("cache_hits") else None)
run = fit(small_model(), small_samples(), quick(epochs=1), baselines=())
print(jax.config.values["jax_compilation_cache_dir"], len(hits))
"""


@pytest.fixture
def unset() -> Iterator[None]:
    """JAX as a user finds it: without a cache folder."""
    from jax.experimental.compilation_cache import compilation_cache

    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs", "jax_enable_compilation_cache")
    before = {name: jax.config.values[name] for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def in_a_process(program: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "KGNN_"))}
    finished = subprocess.run(
        (sys.executable, "-c", program), cwd=REPOSITORY, env=clean | environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def programs(folder: Path) -> dict[str, int]:
    """Files of compiled programs, with the time at which each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*-cache")}


def test_a_second_process_takes_what_the_first_has_compiled(tmp_path: Path) -> None:
    assert in_a_process(FIT, KGNN_CACHE=str(tmp_path)) == f"{tmp_path / 'xla'} 0"
    written = programs(tmp_path / "xla")
    assert written
    folder, hits = in_a_process(FIT, KGNN_CACHE=str(tmp_path)).rsplit(" ", 1)
    assert int(hits) >= len(written)
    # None is written anew; on a loaded machine another small program may take long enough to be kept.
    found = programs(Path(folder))
    assert {name: found[name] for name in written} == written


def test_it_can_be_turned_off_or_be_the_users_own(tmp_path: Path, unset: None, monkeypatch) -> None:
    monkeypatch.setenv("KGNN_CACHE", str(tmp_path / "own"))
    for word in ("off", "0", "No"):
        monkeypatch.setenv("KGNN_COMPILATION_CACHE", word)
        assert enable_compilation_cache() is None
    predict(small_model(), small_samples(5))
    assert jax.config.values["jax_compilation_cache_dir"] is None
    assert not (tmp_path / "own").exists()
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", str(tmp_path / "named"))
    predict(small_model(), small_samples(5))
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "named")
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "users"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 7.0)
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", "off")
    assert enable_compilation_cache() == tmp_path / "users"
    assert jax.config.values["jax_persistent_cache_min_compile_time_secs"] == 7.0
    assert enable_compilation_cache(tmp_path / "asked for") == tmp_path / "asked for"


def test_where_jax_has_none_there_is_none(tmp_path: Path, unset: None, monkeypatch) -> None:
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", str(tmp_path))
    jax.config.update("jax_enable_compilation_cache", False)
    assert enable_compilation_cache() is None
