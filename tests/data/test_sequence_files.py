"""Sequences with labels, from tables and FASTA."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from kgnn.data import read_samples
from kgnn.errors import AlignmentError, FormatError, KgnnError

TABLE = "fold,peak,seq,bound,chrom\nA,p/1,ACGT,1,chr1\nA,p:2,ggNt,0,chrX\nB,p_3,TTTT,1,chr1\n"
FASTA = ">p/1 bound=1 chrom=chr1 a note\nAC\nGT\n>p:2 chrom=chrX bound=0\nggNt\n>p_3 bound=1 chrom=chr1\nTTTT\n"
VALUES = np.array(
    [
        [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        [0, 0, 1, 0, 0, 0, 1, 0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 1],
        [0, 0, 0, 1] * 4,
    ]
)


def check(samples):
    assert samples.names == ("p/1", "p:2", "p_3")
    assert (samples.genes[0], samples.genes[-1], samples.meaning) == ("1A", "4T", "sequence")
    np.testing.assert_array_equal(samples.gene_values(), VALUES)
    assert (samples.require_targets().kind, samples.require_targets().names) == ("labels", ("bound",))
    np.testing.assert_array_equal(samples.require_targets().values[:, 0], [1, 0, 1])
    assert samples.covariates["chrom"].tolist() == ["chr1", "chrX", "chr1"]
    assert samples.provenance.sources and "of sequences" in samples.provenance.transformations[0]


@pytest.mark.parametrize("ending", ["csv", "tsv", "tsv.gz", "parquet"])
def test_a_table(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    if ending == "parquet":
        header, *rows = (row.split(",") for row in TABLE.split())
        pd.DataFrame(rows, columns=header).to_parquet(path)
    else:
        text = (TABLE if ending == "csv" else TABLE.replace(",", "\t")).replace("\n", "\r\n").encode()
        path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    check(read_samples(path, sequence="seq", names="peak", target="bound", kind="labels", covariates="chrom"))


def test_fasta(tmp_path):
    (tmp_path / "x.fa").write_text(FASTA)
    check(read_samples(tmp_path / "x.fa", target="bound", kind="labels", covariates="chrom", meaning="sequence"))
    without = read_samples(tmp_path / "x.fa")
    assert without.targets is None and without.names == ("p/1", "p:2", "p_3")


def test_names_that_are_not_there_or_come_twice(tmp_path):
    (tmp_path / "x.csv").write_text("seq,bound\nACGT,yes\nACGT,no\n")
    samples = read_samples(tmp_path / "x.csv", sequence="seq", target="bound")
    assert samples.names == ("sample_0", "sample_1") and samples.require_targets().names == ("no", "yes")
    (tmp_path / "twice.csv").write_text("peak,seq\np,ACGT\np,ACGT\n")
    with pytest.raises(AlignmentError, match="1 sample names come more than once: p"):
        read_samples(tmp_path / "twice.csv", sequence="seq")
    (tmp_path / "twice.fa").write_text(">p\nACGT\n>p\nTTTT\n")
    assert read_samples(tmp_path / "twice.fa").names == ("p", "p (2)")


@pytest.mark.parametrize(
    ("file", "text", "arguments", "kind", "message"),
    [
        ("x.csv", TABLE, {"sequence": "dna"}, FormatError, "x.csv: has no column 'dna'. Choose among .*: fold, peak"),
        ("x.csv", TABLE, {"sequence": "bound"}, FormatError, "column 'bound' lacks letters in some row"),
        ("x.csv", TABLE.replace("TTTT", ""), {"sequence": "seq"}, FormatError, "column 'seq' lacks letters"),
        ("x.csv", TABLE.replace("TTTT", "TTT"), {"sequence": "seq"}, AlignmentError, "x.csv: 1 of 3 sequences have"),
        ("x.csv", TABLE.replace("TTTT", "TT-T"), {"sequence": "seq"}, FormatError, "x.csv: 1 of 3 sequences"),
        ("x.csv", TABLE, {"sequence": "seq", "meaning": "abundance"}, KgnnError, "DNA only has 'sequence'"),
        ("x.csv", TABLE, {"names": "peak", "target": "bound"}, FormatError, r"of DNA with sequence="),
        ("x.fa", FASTA, {"target": "score"}, FormatError, "x.fa: has no key=value in its headers for 'score'"),
        ("x.fa", FASTA.replace("bound=0", ""), {"target": "bound"}, AlignmentError, "1 of 3 samples have a missing"),
        ("x.fa", FASTA, {"sequence": "seq"}, KgnnError, "sequence cannot be given for the format 'fasta'"),
        ("x.fa", FASTA, {"names": "peak"}, KgnnError, "names cannot be given for the format 'fasta'"),
    ],
)
def test_mistakes(tmp_path, file, text, arguments, kind, message):
    (tmp_path / file).write_text(text)
    with pytest.raises(kind, match=message):
        read_samples(tmp_path / file, **arguments)
