"""DCell's genotype lists."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kgnn.data import read_genotype_list, read_samples
from kgnn.errors import AlignmentError, FormatError, KgnnError

LIST = "2 YLR035C YML060W 0.0447\n1 YAL001C -0.5\n\n0 1.0\n2 YLR035C YML060W 0.05\n3 YML060W YDR363W-A YAL001C 2e-3\n"


@pytest.mark.parametrize("packed", [False, True])
def test_list(tmp_path, packed):
    path = tmp_path / ("list.txt.gz" if packed else "list.txt")
    content = LIST.replace("\n", "\r\n").encode() if not packed else gzip.compress(LIST.encode(), mtime=0)
    path.write_bytes(content)
    samples = read_samples(path)
    assert samples.genes == ("YAL001C", "YDR363W-A", "YLR035C", "YML060W")
    assert samples.gene_values().dtype == np.uint8
    assert samples.gene_values().tolist() == [[0, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [1, 1, 0, 1]]
    assert samples.names == (
        "YLR035C:YML060W", "YAL001C", "wild type", "YLR035C:YML060W (2)", "YML060W:YDR363W-A:YAL001C",
    )  # fmt: skip
    assert samples.meaning == "alteration"
    assert (samples.require_targets().kind, samples.require_targets().names) == ("regression", ("phenotype",))
    expected = np.array([0.0447, -0.5, 1, 0.05, 0.002], np.float32)
    np.testing.assert_array_equal(samples.require_targets().values[:, 0], expected)


def test_train_and_test_share_their_columns(tmp_path):
    (tmp_path / "a.txt").write_text("1 B 0.5\n")
    samples = read_samples(tmp_path / "a.txt", genes=["C", "B", "A"], target="growth")
    assert (samples.genes, samples.require_targets().names) == (("C", "B", "A"), ("growth",))
    assert samples.gene_values().tolist() == [[0, 1, 0]]
    with pytest.raises(AlignmentError, match=r"a\.txt: 1 of 1 genes in the list are not among the 2 wanted: B\."):
        read_samples(tmp_path / "a.txt", genes=["A", "C"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("3 A B 0.1", r"line 2: the line promises 3 deleted genes and names 2"),
        ("x A B 0.1", r"line 2: the line promises x deleted genes"),
        ("1 A B 0.1", r"line 2: the line promises 1 deleted genes and names 2"),
        ("1", r"line 2: the value is ''|line 2: the line promises 1"),
        ("2 A A 0.1", r"line 2: a gene comes twice in A, A"),
        ("2 A B high", r"line 2: the value is 'high', which is not a number"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    path = tmp_path / "bad.txt"
    path.write_text(f"1 A 0.5\n{line}\n")
    with pytest.raises(FormatError, match=message):
        read_samples(path)


def test_wrong_count_in_the_first_line_is_still_recognized(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("3 A B 0.1\n")
    with pytest.raises(FormatError, match="line 1: the line promises 3 deleted genes and names 2"):
        read_samples(path)


def test_missing_value_names_the_genotype(tmp_path):
    path = tmp_path / "nan.txt"
    path.write_text("1 A 0.5\n2 A B nan\n")
    with pytest.raises(AlignmentError, match="1 of 2 samples have a missing or infinite target: A:B"):
        read_samples(path)


def test_options_that_do_not_apply(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1 B 0.5\n")
    with pytest.raises(KgnnError, match="meaning is 'abundance', but 'genotype_list' only has 'alteration'"):
        read_samples(path, meaning="abundance")
    with pytest.raises(KgnnError, match="names, covariates cannot be given for the format 'genotype_list'"):
        read_samples(path, names="id", covariates="batch")
    with pytest.raises(KgnnError, match="target names 2 columns"):
        read_samples(path, target=["a", "b"])


def test_dna_repair_lists(shared_data):
    folder = shared_data / "dcell_yeast"
    if not folder.is_dir():
        pytest.skip("dcell_yeast not found in the data folder")
    train = read_samples(folder / "GO_0006281_training_data.txt")
    test = read_genotype_list(folder / "GO_0006281_testing_data.txt", genes=train.genes)
    assert (len(train), len(test), len(train.genes)) == (8783, 2868, 162)
    assert (train.gene_values().sum(axis=1) == 2).all()
    assert not set(train.names) & set(test.names)
    assert test.names[0] == "YDR363W-A:YGL087C"
    assert abs(float(train.require_targets().values.std()) - 0.078) < 0.002
