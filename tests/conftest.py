"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("KGNN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data not found: set KGNN_DATA to a folder laid out like the data catalogue")
    return folder
