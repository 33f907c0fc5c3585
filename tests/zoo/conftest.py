"""Strict numerics; what one test has compiled, the others find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import numerics


@pytest.fixture(autouse=True, scope="module")
def strict_numerics() -> Iterator[None]:
    # Promotion of types is not strict here: optax divides by powers of an integer count.
    with numerics.strict_numerics(types=False):
        yield


@pytest.fixture(autouse=True, scope="package")
def compile_each_program_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every recipe is trained by several tests."""
    with numerics.programs_kept_in(tmp_path_factory.mktemp("compiled")):
        yield
