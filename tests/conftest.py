"""Fixtures that every test may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kgnn.data import Samples
from kgnn.knowledge import Ontology

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("KGNN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data not found: set KGNN_DATA to a folder laid out like the data catalogue")
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_user() -> Iterator[None]:
    """Tests write nothing into the user's cache folder; what they compile for each other lies in folders of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        for cache in ("KGNN_COMPILATION_CACHE", "KGNN_COMPILED_CACHE"):
            patch.setenv(cache, "off")
        yield


@pytest.fixture(scope="module", autouse=True)
def programs_of_one_file() -> Iterator[None]:
    """What a file of tests compiled is dropped after it: the programs of all files together take gigabytes."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own, in which one command finds what another has compiled."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    folder = tmp_path_factory.mktemp("cache")
    compilation_cache.reset_cache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KGNN_CACHE", str(folder))
        patch.delenv("KGNN_COMPILATION_CACHE", raising=False)
        jax.config.update("jax_compilation_cache_dir", None)
        yield folder
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


class Trained(NamedTuple):
    """A run that ``kgnn train`` wrote, the words of the command but for --out, and the files that it read."""

    run: Path
    words: tuple[str, ...]
    folder: Path
    printed: str
    ontology: Ontology
    samples: Samples


@pytest.fixture(scope="session")
def trained(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Forty samples of 23 genes to train on and twenty to test on, three epochs, no baselines."""
    from tests.commands import succeed
    from tests.written import small_toy, write_drugcell_text, write_samples

    folder = tmp_path_factory.mktemp("files (1)")
    ontology, samples = small_toy(60)
    write_drugcell_text(ontology, folder / "ontology.txt")
    write_samples(samples.take(range(40)), folder / "train.csv")
    write_samples(samples.take(range(40, 60)), folder / "test.tsv")
    words = ("train", "--ontology", f"{folder}/ontology.txt", "--train", f"{folder}/train.csv")
    words += ("--test", f"{folder}/test.tsv", "--target", "growth", "--epochs", "3", "--no-baselines")
    words += ("--set", "replicates=1", "--set", "checkpoint_every=1")
    run = folder / "run"
    printed = succeed(*words, "--out", run, "--json").out
    return Trained(run, words, folder, printed, ontology, samples)
