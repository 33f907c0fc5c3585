"""Strict numerics, and each program compiled once."""

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
    """Eighteen networks of one size are fitted here."""
    with numerics.programs_kept_in(tmp_path_factory.mktemp("compiled")):
        yield
