"""DrugCell's folder of files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kgnn.data import read_drugcell, read_drugcell_splits, read_samples
from kgnn.errors import AlignmentError, FormatError, KgnnError

DRUGS = ["C/C=C\\1", "CC(=O)[O-].[Pt+4]"]
FILES = {
    "gene2ind.txt": "0\tTP53\n2\tHLA-A\n1\tA_1.2\n",
    "cell2ind.txt": "0\tA549_LUNG\r\n1\tK562_BLOOD\r\n2\tX\r\n3\tY\r\n",
    "drug2ind.txt": "".join(f"{number}\t{drug}\n" for number, drug in enumerate(DRUGS)),
    "cell2mutation.txt": "0,1,0\n1,0,0\n0,0,1\n1,1,1\n",
    "drug2fingerprint.txt": "1,0,0,1,0\n0,1,1,0,0\n",
    "drugcell_train.txt": f"X\t{DRUGS[1]}\t0.5\nA549_LUNG\t{DRUGS[0]}\t-1.25\nX\t{DRUGS[1]}\t0.75\n",
    "drugcell_val.txt": f"Y\t{DRUGS[0]}\t2\n",
    "drugcell_test.txt": f"K562_BLOOD\t{DRUGS[1]}\t1\nK562_BLOOD\t{DRUGS[0]}\t3\n",
    "drugcell_ont.txt": "GO:1\tTP53\tgene\n",
    "compound_names.txt": "number\tSMILE\tName\n",
}


@pytest.fixture
def folder(tmp_path):
    """Three genes, four cell lines, two drugs of five bits, six pairs."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content.encode())
    return tmp_path


def test_training_pairs(folder):
    samples = read_samples(folder)
    assert samples.names == (f"X|{DRUGS[1]}", f"A549_LUNG|{DRUGS[0]}", f"X|{DRUGS[1]} (2)")
    assert samples.genes == ("TP53", "A_1.2", "HLA-A")
    genotype, fingerprint = samples.modalities["genotype"], samples.modalities["fingerprint"]
    assert (genotype.meaning, fingerprint.meaning) == ("alteration", "signal")
    assert genotype.values.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1]]
    assert genotype.rows == ("A549_LUNG", "K562_BLOOD", "X", "Y")
    assert fingerprint.rows == tuple(DRUGS)
    assert fingerprint.features == ("bit_0", "bit_1", "bit_2", "bit_3", "bit_4")
    inputs = samples.inputs()
    assert isinstance(inputs, dict)
    assert inputs["genotype"].dtype == inputs["fingerprint"].dtype == np.uint8
    assert inputs["genotype"].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert inputs["fingerprint"].tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 1, 0, 0]]
    assert samples.require_targets().names == ("response",)
    assert samples.require_targets().values.tolist() == [[0.5], [-1.25], [0.75]]
    assert samples.covariates["cell"].tolist() == ["X", "A549_LUNG", "X"]
    assert samples.covariates["drug"].tolist() == [DRUGS[1], DRUGS[0], DRUGS[1]]
    assert [source.name for source in samples.provenance.sources] == [
        "gene2ind.txt", "cell2ind.txt", "drug2ind.txt", "cell2mutation.txt", "drug2fingerprint.txt",
        "drugcell_train.txt",
    ]  # fmt: skip


def test_single_file_takes_the_rest_from_its_folder(folder):
    assert read_samples(folder / "drugcell_test.txt", target="AUC").require_targets().values.tolist() == [[1], [3]]
    assert read_drugcell(folder, "valid").names == (f"Y|{DRUGS[0]}",)


def test_splits_share_their_tables(folder):
    splits = read_drugcell_splits(folder)
    assert splits.valid is not None and splits.test is not None
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [3, 1, 2]
    assert splits.train.modalities["genotype"] is splits.test.modalities["genotype"]
    (folder / "drugcell_val.txt").unlink()
    assert read_drugcell_splits(folder).valid is None
    with pytest.raises(FormatError, match="no pair file for 'valid' here"):
        read_drugcell(folder, "valid")


@pytest.mark.parametrize("name", ["train_DNA.txt", "TNBC_train.txt.gz", "training_data.txt", "Train.tsv"])
def test_other_names_spaces_and_gzip(folder, name):
    content = FILES["drugcell_train.txt"].replace("\t", " ").encode()
    (folder / "drugcell_train.txt").unlink()
    (folder / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    (folder / "cell2mutation.txt").rename(folder / "cell2mut.csv")
    packed = gzip.compress((folder / "drug2fingerprint.txt").read_bytes(), mtime=0)
    (folder / "drug2fingerprint.txt").unlink()
    (folder / "drug2fingerprint.csv.gz").write_bytes(packed)
    assert len(read_samples(folder)) == 3


def test_ambiguous_and_absent_files(folder):
    (folder / "train_DNA.txt").write_text(FILES["drugcell_train.txt"])
    with pytest.raises(FormatError, match=r"2 files could be pairs to train: drugcell_train\.txt, train_DNA\.txt"):
        read_samples(folder)
    assert len(read_samples(folder / "train_DNA.txt")) == 3
    (folder / "cell2mutation.txt").unlink()
    (folder / "drug2fingerprint.txt").unlink()
    with pytest.raises(FormatError, match=r"2 of DrugCell's files are absent: cell2mut\*, drug2fingerprint\*"):
        read_drugcell(folder, folder / "train_DNA.txt")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gene2ind.txt", "0\tTP53\n1\tA\n3\tB\n", r"gene2ind\.txt: 3 names must have the indices 0 to 2, but 1 .* 2\."),
        ("gene2ind.txt", "0\tTP53\n1\n", r"gene2ind\.txt, line 2: '1' is not an index and a name"),
        ("gene2ind.txt", "0\tTP53\nx\tA\n", r"gene2ind\.txt, line 2: 'x\\tA' is not an index and a name"),
        ("cell2ind.txt", "0\tA\n1\tA\n", r"cell2ind\.txt, line 2: '1\\tA' repeats an index or a name"),
        ("cell2mutation.txt", "0,1\n", r"cell2mutation\.txt, line 1: 2 values where 3 are wanted"),
        ("cell2mutation.txt", "0,1,2\n", r"cell2mutation\.txt, line 1: column 3 holds '2', which is neither 0 nor 1"),
        ("cell2mutation.txt", "0,1,1\n", r"cell2mutation\.txt: 1 rows for 4 names"),
        ("drug2fingerprint.txt", "0,1\n1\n", r"drug2fingerprint\.txt, line 2: 1 values where 2 are wanted"),
        ("drugcell_train.txt", "X\tC\n", r"drugcell_train\.txt, line 1: 2 fields \(X, C\) where cell line, drug"),
        ("drugcell_train.txt", "X\tC\thigh\n", r"drugcell_train\.txt, line 1: 3 fields \(X, C, high\)"),
        ("drugcell_train.txt", "", r"drugcell_train\.txt: is empty"),
        ("drug2ind.txt", "\0\0", r"drug2ind\.txt: is binary"),
    ],
)
def test_bad_files(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(FormatError, match=message):
        read_samples(folder)


def test_unknown_cells_drugs_and_missing_responses(folder):
    pairs = folder / "drugcell_train.txt"
    pairs.write_text(f"X\t{DRUGS[0]}\t1\nZ\t{DRUGS[0]}\t1\nW\t{DRUGS[0]}\t1\nZ\tC\t1\n")
    with pytest.raises(AlignmentError, match=r"drugcell_train\.txt: 2 cell lines of the pairs are not in .*: Z, W"):
        read_samples(folder)
    pairs.write_text("X\tCCO\t1\n")
    with pytest.raises(AlignmentError, match="1 drugs of the pairs are not in the index: CCO"):
        read_samples(folder)
    pairs.write_text(f"X\t{DRUGS[0]}\tnan\n")
    with pytest.raises(AlignmentError, match="1 of 1 samples have a missing or infinite target"):
        read_samples(folder)


def test_options_that_do_not_apply(folder):
    with pytest.raises(KgnnError, match="layer cannot be given for the format 'drugcell'"):
        read_samples(folder, layer="raw")
    with pytest.raises(KgnnError, match="kind is 'classes', but 'drugcell' only has 'regression'"):
        read_samples(folder, kind="classes")
    with pytest.raises(FormatError, match="not a folder"):
        read_drugcell(folder / "gene2ind.txt", folder / "drugcell_train.txt")


def test_nci60(shared_data):
    folder = shared_data / "drugcell_nci60"
    if not folder.is_dir():
        pytest.skip("drugcell_nci60 not found in the data folder")
    splits = read_drugcell_splits(folder)
    assert splits.valid is not None and splits.test is not None
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [8605, 2869, 2869]
    genotype, fingerprint = splits.train.modalities["genotype"], splits.train.modalities["fingerprint"]
    assert (genotype.values.shape, fingerprint.values.shape) == ((55, 2729), (244, 2048))
    assert abs(genotype.values.mean() - 0.068) < 0.001
    assert read_samples(folder / "train_DNA.txt").fingerprint == read_samples(folder).fingerprint
