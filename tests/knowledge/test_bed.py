"""BED and narrowPeak files, whole and broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import FormatError
from kgnn.knowledge import read_bed, read_intervals, read_narrow_peak

GENE = "chr7\t127471196\t127472363\tPos1\t0\t+\t127471196\t127472363\t255,0,0\t2\t567,488,\t0,679,\n"
PEAKS = "chr1\t100\t200\tp1\t900\t.\t7.5\t3.1\t-1\t40\nchr2\t5\t9\t.\t0\t.\t1\t-1\t2\t-1\n"


def write(folder: Path, text: str | bytes, name: str = "a.bed") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_three_columns(tmp_path):
    found = read_bed(write(tmp_path, "chr1\t0\t5\nchrM\t7\t9\n"))
    assert found.chromosomes == ("chr1", "chrM")
    assert (found.starts.tolist(), found.ends.tolist(), found.lengths.tolist()) == ([0, 7], [5, 9], [5, 2])
    assert (found.names, found.strands) == (("", ""), (".", "."))
    assert np.isnan(found.scores).all()
    assert found.extra == {}


def test_six_columns_in_any_order_of_lines_with_browser_lines(tmp_path):
    text = "browser position chr1\ntrack name=x\n# remark\nchr2 9 12 b 3.5 -\nchr1 1 2 . . .\n\nchr2 4 8 a 0 +\n"
    found = read_bed(write(tmp_path, text))
    assert found.chromosomes == ("chr2", "chr1", "chr2")
    assert found.names == ("b", "", "a")
    assert found.strands == ("-", ".", "+")
    np.testing.assert_array_equal(found.scores, [3.5, np.nan, 0])
    ordered = found.sorted()
    assert [ordered.label(position) for position in range(3)] == ["chr2:4-8 (a)", "chr2:9-12 (b)", "chr1:1-2"]
    assert ordered.provenance.transformations == ("read as BED of 6 columns", "sorted by position")


def test_twelve_columns(tmp_path):
    found = read_bed(write(tmp_path, GENE))
    assert {name: values.tolist() for name, values in found.extra.items()} == {
        "thick_start": [127471196],
        "thick_end": [127472363],
        "color": ["255,0,0"],
        "block_count": [2],
        "block_sizes": ["567,488,"],
        "block_starts": ["0,679,"],
    }


def test_a_chromosome_named_like_a_track(tmp_path):
    assert read_bed(write(tmp_path, "track1\t0\t5\n")).chromosomes == ("track1",)


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("\n", "\r\n").encode(), lambda t: gzip.compress(t.encode(), mtime=0)]
)
def test_line_ends_and_packing_change_nothing(tmp_path, change):
    plain = read_narrow_peak(write(tmp_path, PEAKS))
    assert read_narrow_peak(write(tmp_path, change(PEAKS), "b.bed")) == plain


def test_narrow_peak(tmp_path):
    found = read_narrow_peak(write(tmp_path, PEAKS))
    np.testing.assert_array_equal(found.extra["signal"], [7.5, 1])
    np.testing.assert_array_equal(found.extra["p_value"], [3.1, np.nan])
    np.testing.assert_array_equal(found.extra["q_value"], [np.nan, 2])
    assert found.extra["summit"].tolist() == [140, -1]
    assert found.names == ("p1", "")
    assert read_intervals(write(tmp_path, PEAKS)) == found


def test_the_fingerprint_follows_content_and_order(tmp_path):
    one = read_bed(write(tmp_path, "1\t0\t5\n1\t8\t9\n"))
    assert one.fingerprint == read_bed(write(tmp_path, "# x\n1 0 5\n1 8 9\n", "b.bed")).fingerprint
    assert one.fingerprint != one.take([1, 0]).fingerprint
    assert one.fingerprint != read_bed(write(tmp_path, "1\t0\t5\n1\t8\t10\n", "c.bed")).fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t0\t5\n1\t7\t7\n", r"a\.bed, line 2: start 7 is not below end 7 on 1"),
        ("1\t9\t5\n", "line 1: start 9 is not below end 5"),
        ("1\t0\t5\n1\t8\n", "line 2: has 2 columns instead of 3 as in the first line. Is it cut short"),
        ("0\tchr1\t5\n", "line 1: a position is 'chr1', not a whole number"),
        ("1\t-1\t5\n", "a position is '-1', not a whole number"),
        ("1\t1e3\t5000\n", "a position is '1e3'"),
        ("1\t0\t99999999999999999999\n", "not a whole number"),
        ("1\t0\t1_000\n", "not a whole number"),
        ("1\t0\t5\ta\tx\t+\n", "score is 'x', not a number"),
        ("1\t0\t5\ta\t0\t1\n", "strand is '1'"),
        ("\t0\t5\n", "names no chromosome"),
        ("1\t0\n", "has 2 columns instead of 3 to 12"),
        ("# only\n", "holds no interval, comments only"),
        (GENE.replace("567,488,", "567,"), "states 2 blocks but lists 1 sizes, 2 starts"),
        (GENE.replace("0,679,", "0,600,"), "blocks do not reach from start to end"),
        (GENE.replace("0\t+\t127471196", "0\t+\t7.5"), "thick_start is '7.5', not a whole number"),
        (b"1\t0\t5\n\xff\xfe1\t5\t9\n", "line 1: is binary, not text, or text in another encoding"),
        (gzip.compress(b"1\t0\t5\n" * 999, mtime=0)[:-12], "damaged or cut short"),
        ("", "is empty"),
    ],
)
def test_broken_bed(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_bed(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t0\t5\ta\t0\t.\n", "line 1: has 6 columns where narrowPeak has 10"),
        (PEAKS.replace("\t40\n", "\t100\n"), "line 1: summit is 100 bases into a peak of 100"),
        (PEAKS.replace("\t40\n", "\t-2\n"), "summit is '-2', not a whole number"),
        (PEAKS.replace("7.5", "high"), "signal is 'high', not a number"),
    ],
)
def test_broken_narrow_peak(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_narrow_peak(write(tmp_path, text))
