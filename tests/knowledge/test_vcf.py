"""Variants and genotypes of VCF files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import read_variants

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=20>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\n"
# The examples of the VCF 4.2 specification: a SNP, a filtered one, two alleles, no variant, indels; and a deletion.
LINES = (
    "20\t14370\trs6054257\tG\tA\t29\tPASS\tNS=3\tGT:GQ:DP\t0|0:48:1\t1|0:48:8\t1/1:43:5\n"
    "20\t17330\t.\tT\tA\t3\tq10\tNS=3\tGT:GQ\t0|0:49\t0|1:3\t0/0:41\n"
    "20\t1110696\trs6040355\tA\tG,T\t67\tPASS\tNS=2\tGT:GQ\t1|2:21\t2|1:2\t2/2:35\n"
    "20\t1230237\t.\tT\t.\t47\tPASS\tNS=3\tGT\t0|0\t0|0\t0/0\n"
    "20\t1234567\tmicrosat1\tGTC\tG,GTCT\t50\tPASS\tNS=3\tGT\t0/1\t./.\t.\n"
    "X\t5\t.\tN\t<DEL>,C\t.\t.\t.\tDP:GT\t9:0\t9:2\t9\n"
)


def write(folder, text, name="a.vcf"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_alleles_genotypes_and_losses(tmp_path):
    found = read_variants(write(tmp_path, HEADER + LINES))
    assert found.intervals.names == (
        "20:14370:G>A", "20:17330:T>A", "20:1110696:A>G", "20:1110696:A>T", "20:1234567:GTC>G", "20:1234567:GTC>GTCT",
        "X:5:N>C",
    )  # fmt: skip
    assert found.positions.tolist() == [14369, 17329, 1110695, 1110695, 1234566, 1234566, 4]
    assert found.intervals.lengths.tolist() == [1, 1, 1, 1, 3, 3, 1]
    assert found.ids == ("rs6054257", "", "rs6040355", "rs6040355", "microsat1", "microsat1", "")
    np.testing.assert_array_equal(found.qualities, [29, 3, 67, 67, 50, 50, np.nan])
    assert found.filters == ("PASS", "q10", "PASS", "PASS", "PASS", "PASS", "")
    assert found.samples == ("A", "B", "C")
    expected = [[0, 1, 2], [0, 1, 0], [1, 1, 0], [1, 1, 2], [1, -1, -1], [0, -1, -1], [0, 1, -1]]
    assert found.dosages.tolist() == expected
    assert [(loss.reason, loss.names) for loss in found.losses] == [
        ("no alternative allele", ("20:1230237 T>.",)),
        ("alternative allele without a sequence", ("X:5 N><DEL>,C",)),
    ]
    assert found.provenance.transformations == ("read as VCFv4.2, one row an alternative allele",)


def test_samples_filters_packing_and_line_ends(tmp_path):
    whole = read_variants(write(tmp_path, HEADER + LINES))
    for samples, columns in (("C", [2]), (["C", "A"], [2, 0]), ([], [])):
        some = read_variants(write(tmp_path, HEADER + LINES), samples=samples)
        np.testing.assert_array_equal(some.dosages, whole.dosages[:, columns])
    passed = read_variants(write(tmp_path, HEADER + LINES), only_passed=True)
    assert passed.losses[0][1:] == ("filter not passed", ("20:17330 T>A",))
    assert len(passed) == 6
    # Two members, as bgzip writes them.
    packed = gzip.compress(HEADER.encode(), mtime=0) + gzip.compress(LINES.replace("\n", "\r\n").encode(), mtime=0)
    assert read_variants(write(tmp_path, packed, "a.vcf.gz")) == whole


def test_sites_without_genotypes(tmp_path):
    text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t9\t.\tC\tT\t.\t.\t.\n"
    found = read_variants(write(tmp_path, text))
    assert (len(found), found.samples, found.dosages.shape) == (1, (), (1, 0))
    empty = read_variants(write(tmp_path, text.splitlines()[0] + "\n"))
    assert (len(empty), len(empty.intervals)) == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINES, r"a\.vcf, line 1: begins with 20, 14370, rs6054257 where VCF's header line is #CHROM POS ID"),
        ("##fileformat=VCFv4.2\n", "has no header line that begins with #CHROM"),
        (HEADER.replace("\tB", "\tA"), "line 3: names samples twice: A"),
        (HEADER + LINES[:-9], "line 9: has 10 columns where the header has 12"),
        (HEADER + LINES.replace("14370", "1.4e4"), "line 4: POS is '1.4e4', not a whole number"),
        (HEADER + LINES.replace("14370", "0"), "line 4: names no chromosome, or a position 0"),
        (HEADER + LINES.replace("\tG\tA\t", "\t<G>\tA\t"), "line 4: reference allele is '<G>'"),
        (HEADER + LINES.replace("\t29\t", "\thigh\t"), "line 4: quality is 'high', not a number"),
        (HEADER + LINES.replace("1|0:48:8", "1|2:48:8"), r"line 4: genotype '1\|2' is not one of alleles 0 to 1"),
        (HEADER + LINES.replace("1|0:48:8", "A|G:48:8"), r"line 4: genotype 'A\|G'"),
        (gzip.compress((HEADER + LINES * 99).encode(), mtime=0)[:-9], "damaged or cut short"),
        ((HEADER + LINES).encode("utf-16"), "is binary, not text"),
    ],
)
def test_broken(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_variants(write(tmp_path, text))


def test_an_unknown_sample(tmp_path):
    with pytest.raises(KgnnError, match=r"a\.vcf: has no sample D. Its samples are A, B, C"):
        read_variants(write(tmp_path, HEADER + LINES), samples=["A", "D"])
