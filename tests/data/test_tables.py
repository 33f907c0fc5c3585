"""Tables of numbers."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from kgnn.data import read_samples
from kgnn.errors import AlignmentError, FormatError, KgnnError

TABLE = "name,TP53,HLA-A,growth,site\nα(1),0.5,1,0.1,lung\nb/2,NA_,2,0.2,skin\n".replace("NA_", "3e-1")


def write(path, text: str):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("separator", "ending"), [(",", "csv"), ("\t", "tsv"), ("\t", "txt")])
@pytest.mark.parametrize("packed", [False, True])
def test_text_tables(tmp_path, end, separator, ending, packed):
    content = ("\ufeff" + TABLE.replace(",", separator).replace("\n", end)).encode()
    path = tmp_path / f"x.{ending}{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    samples = read_samples(path, target="growth", covariates="site")
    assert samples.names == ("α(1)", "b/2")
    assert samples.genes == ("TP53", "HLA-A")
    assert samples.meaning == "abundance"
    np.testing.assert_array_equal(samples.gene_values(), np.array([[0.5, 1], [0.3, 2]], np.float32))
    np.testing.assert_array_equal(samples.require_targets().values, np.array([[0.1], [0.2]], np.float32))
    assert samples.covariates["site"].tolist() == ["lung", "skin"]


def test_parquet_with_and_without_an_index(tmp_path):
    frame = pd.DataFrame({"name": ["a", "b"], "g": [1, 0], "h": [True, False], "y": pd.Categorical(["u", "v"])})
    frame.to_parquet(tmp_path / "plain.parquet")
    frame.set_index("name").to_parquet(tmp_path / "index.parquet")
    for name in ("plain.parquet", "index.parquet"):
        samples = read_samples(tmp_path / name, target="y")
        assert (samples.names, samples.genes, samples.meaning) == (("a", "b"), ("g", "h"), "alteration")
        assert samples.gene_values().tolist() == [[1, 1], [0, 0]]
        assert (samples.require_targets().names, samples.require_targets().values.tolist()) == (("u", "v"), [0, 1])
    with pytest.raises(FormatError, match=r"column 'y' holds 'u', which is not a number"):
        read_samples(tmp_path / "plain.parquet")


def test_other_name_column_and_text_targets(tmp_path):
    path = write(tmp_path / "x.csv", 'g,id,h,"type, called"\n1,a,0,"B, naive"\n0,b,1,T\n1,c,1,T\n')
    samples = read_samples(path, names="id", target="type, called")
    assert (samples.names, samples.genes, samples.meaning) == (("a", "b", "c"), ("g", "h"), "alteration")
    assert samples.require_targets().names == ("B, naive", "T")
    assert samples.require_targets().values.tolist() == [0, 1, 1]


def test_header_of_r_lacks_the_first_name(tmp_path):
    path = write(tmp_path / "x.tsv", "g\th\n\na\t1\t2\nb\t3\t4\n")
    samples = read_samples(path)
    assert (samples.names, samples.genes) == (("a", "b"), ("g", "h"))


def test_sample_called_na_is_a_name_and_true_is_one(tmp_path):
    samples = read_samples(write(tmp_path / "x.csv", "id,g,h\nNA,TRUE,0\nnull,false,1\n"))
    assert samples.names == ("NA", "null")
    assert samples.gene_values().tolist() == [[1, 0], [0, 1]]


def test_cell_that_is_no_number_gives_line_and_column(tmp_path):
    path = write(tmp_path / "x.csv", "id,g,HLA-A\na,1,2\n\nb,3,high\n")
    with pytest.raises(FormatError, match=r"x\.csv, line 4: column 'HLA-A' holds 'high', which is not a number"):
        read_samples(path)


def test_row_of_another_width_gives_the_line(tmp_path):
    with pytest.raises(FormatError, match=r"x\.csv, line 3: 2 cells where the header has 3"):
        read_samples(write(tmp_path / "x.csv", "id,g,h\na,1,2\nb,3\n"))


@pytest.mark.parametrize("hole", ["", "NA", "nan", "inf"])
def test_missing_values_and_targets_name_the_samples(tmp_path, hole):
    path = write(tmp_path / "x.csv", f"id,g,y\na,1,2\nb,{hole},3\nc,2,4\n")
    with pytest.raises(AlignmentError, match=r"x\.csv: 1 of 3 rows hold a value that is missing or infinite: b"):
        read_samples(path)
    path = write(tmp_path / "y.csv", f"id,g,y\na,1,2\nb,3,{hole}\nc,2,{hole}\n")
    with pytest.raises(AlignmentError, match=r"y\.csv: 2 of 3 samples have a missing or infinite target: b, c"):
        read_samples(path, target="y")


def test_repeated_names(tmp_path):
    with pytest.raises(AlignmentError, match=r"x\.csv: 1 sample names come more than once: a"):
        read_samples(write(tmp_path / "x.csv", "id,g\na,1\na,2\n"))
    with pytest.raises(AlignmentError, match=r"y\.csv: 1 column names come more than once: g"):
        read_samples(write(tmp_path / "y.csv", "id,g,g\na,1,2\n"))


def test_absent_column(tmp_path):
    path = write(tmp_path / "x.csv", "id,g,y\na,1,2\n")
    with pytest.raises(FormatError, match=r"x\.csv: has no column 'z'\. Choose among those there are: id, g, y"):
        read_samples(path, target="z")
    with pytest.raises(FormatError, match="no column is left for the genes"):
        read_samples(path, target=["g", "y"])
    with pytest.raises(FormatError, match=r"no column is left for the genes.*tab or a comma"):
        read_samples(write(tmp_path / "semicolon.csv", "id;g\na;1\n"))


@pytest.mark.parametrize("name", ["x.csv", "x.tsv.gz", "x.txt"])
def test_empty_files(tmp_path, name):
    for content in (b"", b"\n  \n"):
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") and content else content)
        with pytest.raises(FormatError, match="is empty"):
            read_samples(tmp_path / name)


def test_header_only(tmp_path):
    with pytest.raises(FormatError, match="has a header but no row"):
        read_samples(write(tmp_path / "x.csv", "id,g\n"))


def test_binary_files(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(FormatError, match=r"x\.csv: is binary, not text"):
        read_samples(path)
    for content, message in ((b"", "is empty"), (b"no parquet", "is not readable as parquet")):
        path = tmp_path / "x.parquet"
        path.write_bytes(content)
        with pytest.raises(FormatError, match=message):
            read_samples(path)


def test_absent_file_and_unknown_choices(tmp_path):
    with pytest.raises(FormatError, match=r"none\.csv: no such file"):
        read_samples(tmp_path / "none.csv")
    path = write(tmp_path / "x.csv", "id,g\na,1\n")
    with pytest.raises(
        KgnnError, match=r"format is 'excel'.*drugcell, fasta, genotype_list, h5ad, h5mu, packed, table"
    ):
        read_samples(path, format="excel")
    with pytest.raises(KgnnError, match="layer cannot be given for the format 'table'"):
        read_samples(path, layer="raw")
    with pytest.raises(KgnnError, match="meaning is 'expression'"):
        read_samples(path, meaning="expression")
    with pytest.raises(FormatError, match="not DrugCell's folder"):
        read_samples(tmp_path)


def test_real_proteome(shared_data):
    path = shared_data / "covid_multiomics" / "proteomics_example.csv.gz"
    if not path.exists():
        pytest.skip("covid_multiomics/proteomics_example.csv.gz not found in the data folder")
    samples = read_samples(path, target="Group")
    assert samples.gene_values().shape == (127, 455)
    assert samples.require_targets().names == ("Mild", "Severe")
    assert np.bincount(samples.require_targets().values).tolist() == [45, 82]


def test_open_quotation_mark(tmp_path):
    path = write(tmp_path / "x.csv", 'id,g\n"a,1\n' + "b,2\n" * 40_000)
    with pytest.raises(FormatError, match=r"x\.csv, line \d+: is no table .* quotation mark"):
        read_samples(path)
