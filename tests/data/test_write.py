"""Tables are written by their ending, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from kgnn.data import write_table
from kgnn.data.write import check_ending
from kgnn.errors import KgnnError


@pytest.fixture
def table() -> pandas.DataFrame:
    return pandas.DataFrame(
        {"gene": ["TP53", "HLA-A,1", "é\t(+)"], "effect": [0.1 + 0.2, None, -1e-30]}, index=[7, 8, 9]
    )


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".parquet"])
def test_a_table_comes_back_as_it_was_without_its_index(tmp_path: Path, table: pandas.DataFrame, ending: str):
    path = tmp_path / "new" / f"effects{ending}"
    assert write_table(table, path) == path
    if ending == ".parquet":
        found = pandas.read_parquet(path)
    else:
        found = pandas.read_csv(path, sep="\t" if ending == ".tsv" else ",", float_precision="round_trip")
    pandas.testing.assert_frame_equal(found, table.reset_index(drop=True), check_exact=True)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_older_table_is_replaced(tmp_path: Path, table: pandas.DataFrame):
    path = tmp_path / "effects.csv"
    path.write_text("old")
    write_table(table.head(1), str(path))
    assert path.read_text() == "gene,effect\nTP53,0.30000000000000004\n"


@pytest.mark.parametrize(("name", "shown"), [("effects.xlsx", r"'\.xlsx'"), ("effects", "'effects'")])
def test_an_unknown_ending_lists_the_known_ones(tmp_path: Path, name: str, shown: str):
    with pytest.raises(KgnnError, match=rf"ending of the table is {shown}.*Choose one of: \.csv, \.parquet, \.tsv"):
        check_ending(tmp_path / name)


def test_a_folder_is_no_table(tmp_path: Path):
    (tmp_path / "effects.tsv").mkdir()
    with pytest.raises(KgnnError, match=r"effects\.tsv: this is a folder"):
        check_ending(tmp_path / "effects.tsv")


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, table: pandas.DataFrame):
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    path = tmp_path / "effects.tsv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="no text"):
        write_table(table.assign(broken=[Unwritable()] * 3), path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["effects.tsv"]
