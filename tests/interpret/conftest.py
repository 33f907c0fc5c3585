"""Strict numerics: no silent broadcasting over ranks, no shortened products."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def strict_numerics() -> Iterator[None]:
    with jax.numpy_rank_promotion("raise"), jax.default_matmul_precision("highest"):
        yield
