"""Parts of a data set agree in columns and classes, wherever they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgnn.data import read_parts
from kgnn.errors import AlignmentError, KgnnError
from tests.written import small_toy, write_drugcell_folder


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    """Three genotype lists that name different genes; one begins with the wild type."""
    texts = {"train": "0 1.0\n2 B A 0.5\n1 D 0.7\n", "valid": "1 F 0.1\n", "test": "2 A C(+) 0.2\n1 B 0.3\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text)
    return {name: tmp_path / f"{name}.txt" for name in texts}


def test_genotype_lists_get_a_column_for_every_gene_of_all_parts_and_of_the_ontology(lists: dict[str, Path]):
    parts = read_parts(lists["train"], valid=lists["valid"], test=lists["test"], genes=("E", "A"))
    columns = ("A", "B", "C(+)", "D", "E", "F")
    assert [part.genes for part in (parts.train, parts.valid, parts.test)] == [columns] * 3
    np.testing.assert_array_equal(parts.train.inputs(), [[0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]])
    np.testing.assert_array_equal(parts.valid.inputs(), [[0, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(parts.test.inputs(), [[1, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0]])


def test_without_other_parts_there_are_none(lists: dict[str, Path]):
    parts = read_parts(lists["train"], target="growth")
    assert (parts.valid, parts.test) == (None, None)
    assert parts.train.genes == ("A", "B", "D")
    assert parts.train.require_targets().names == ("growth",)


def test_tables_take_the_order_of_columns_and_classes_from_training(tmp_path: Path):
    (tmp_path / "train.csv").write_text("id,A,B,type\ns1,1,0,T\ns2,0,1,B\ns3,1,1,NK\n")
    (tmp_path / "test.tsv").write_text("id\tC\tB\tA\ttype\nt1\t5\t3\t2\tT\n")
    parts = read_parts(
        tmp_path / "train.csv", test=tmp_path / "test.tsv", target="type", meaning="abundance", layer=None
    )
    np.testing.assert_array_equal(parts.test.inputs(), [[2, 3]])
    assert parts.test.require_targets().names == ("B", "NK", "T")
    assert parts.test.require_targets().values.tolist() == [2]


def test_a_part_without_a_gene_or_with_a_class_of_its_own(tmp_path: Path):
    (tmp_path / "train.csv").write_text("id,A,B,type\ns1,1,0,T\ns2,0,1,B\n")
    (tmp_path / "other.csv").write_text("id,A,B,type\nt1,1,0,NK\n")
    (tmp_path / "fewer.csv").write_text("id,A,type\nt1,1,T\n")
    with pytest.raises(AlignmentError, match=r"other\.csv: .*NK"):
        read_parts(tmp_path / "train.csv", valid=tmp_path / "other.csv", target="type")
    with pytest.raises(AlignmentError, match=r"fewer\.csv: .*B"):
        read_parts(tmp_path / "train.csv", test=tmp_path / "fewer.csv", target="type")


def test_a_drugcell_folder_brings_its_parts_and_a_file_takes_the_place_of_one(tmp_path: Path):
    genes = small_toy(2)[0].genes
    folder = write_drugcell_folder(genes, tmp_path / "screen")
    parts = read_parts(folder, genes=("ignored",))
    assert [len(part) for part in (parts.train, parts.valid, parts.test)] == [45, 12, 20]
    assert parts.train.genes == parts.test.genes == genes
    again = read_parts(folder, test=folder / "drugcell_val.txt", target="auc", meaning="alteration")
    assert [len(part) for part in (again.train, again.valid, again.test)] == [45, 12, 12]
    assert again.test.require_targets().names == ("auc",)


def test_options_that_a_drugcell_folder_does_not_take(tmp_path: Path):
    folder = write_drugcell_folder(("A", "B"), tmp_path / "screen")
    with pytest.raises(KgnnError, match="screen: meaning, layer cannot be given for DrugCell's folder"):
        read_parts(folder, meaning="abundance", layer="raw")
