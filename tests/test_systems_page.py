"""docs/systems.md against the code: every system has one row, every row an evidence that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kgnn.zoo import RECIPES

REPOSITORY = Path(__file__).resolve().parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (REPOSITORY / "docs" / "systems.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def test_every_system_has_one_row():
    assert sorted(row[0].strip("`") for row in ROWS) == sorted(each.card.name for each in RECIPES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_a_row_has_the_year_of_its_card_and_evidence_that_exists(row: list[str]):
    card = next(each.card for each in RECIPES if each.card.name == row[0].strip("`"))
    assert len(row) == 5 and all(row)
    assert re.search(r"\d{4}$", row[1]) and row[1].endswith(str(card.year))
    assert (REPOSITORY / row[4].strip("`")).is_file()
