"""Strict numerics; networks that several tests train are compiled once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import numerics


@pytest.fixture(autouse=True, scope="module")
def strict_numerics() -> Iterator[None]:
    with numerics.strict_numerics(types=False):
        yield


@pytest.fixture(autouse=True, scope="package")
def compile_each_program_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with numerics.programs_kept_in(tmp_path_factory.mktemp("compiled")):
        yield
