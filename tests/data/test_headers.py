"""What may be named as a target or covariate is known before a value is read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from kgnn.data.headers import column_names
from kgnn.errors import FormatError


def test_columns_of_old_files_are_fields_of_records(tmp_path: Path):
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        file["obs"] = np.zeros(3, dtype=[("index", "S4"), ("donor", "S4"), ("age", "f4")])
    assert column_names(tmp_path / "old.h5ad") == ("index", "donor", "age")
    (tmp_path / "no.h5ad").write_text("text")
    with pytest.raises(FormatError, match="is no HDF5 file"):
        column_names(tmp_path / "no.h5ad")


def test_the_first_column_of_a_table_names_the_samples(tmp_path: Path):
    (tmp_path / "a.csv").write_text('\nsample,donor,"G,1"\r\ns1,d1,0.5\r\n')
    assert column_names(tmp_path / "a.csv") == ("donor", "G,1")
    # As R writes it: the header lacks the first name.
    (tmp_path / "r.tsv").write_text("donor\tG1\ns1\td1\t0.5\n")
    assert column_names(tmp_path / "r.tsv") == ("donor", "G1")
    (tmp_path / "h.csv").write_text("sample,donor\n")
    with pytest.raises(FormatError, match="has a header but no row"):
        column_names(tmp_path / "h.csv")
    (tmp_path / "broken.parquet").write_text("PAR1")
    assert column_names(tmp_path / "broken.parquet") == ()


def test_formats_without_columns_and_headers_of_fasta(tmp_path: Path):
    (tmp_path / "pairs.txt").write_text("2 YLR035C YML060W 0.0447\n")
    assert column_names(tmp_path / "pairs.txt") == ()
    (tmp_path / "a.fa").write_text(">p1 bound=1 chrom=chr2\nACGT\n>p2 bound=0 other\nACGA\n")
    assert column_names(tmp_path / "a.fa") == ("bound", "chrom")
