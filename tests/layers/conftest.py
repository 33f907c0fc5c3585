"""Strict numerics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import numerics


@pytest.fixture(autouse=True, scope="module")
def strict_numerics() -> Iterator[None]:
    with numerics.strict_numerics(types=True):
        yield
