"""Contact maps from cooler's files and from text."""

from __future__ import annotations

import gzip
import shutil
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import make_contact_map, read_bedpe, read_contacts, read_straw, resolutions_of

LENGTHS = {"chr1": 45, "chr2": 20}
# Five bins of ten bases (the last has five) and two: 0-4 on chr1, 5 and 6 on chr2.
PIXELS = [(0, 0, 7), (0, 2, 3), (1, 4, 2), (2, 2, 1), (3, 5, 4), (5, 6, 6)]


def dense():
    found = np.zeros((7, 7))
    for first, second, count in PIXELS:
        found[first, second] = found[second, first] = count
    return found


def write_cool(path, bin_size=10, upper=True, **options):
    cooler = pytest.importorskip("cooler")
    pandas = pytest.importorskip("pandas")
    bins = cooler.binnify(pandas.Series(LENGTHS), bin_size)
    rows = PIXELS if upper else PIXELS + [(second, first, count) for first, second, count in PIXELS if first != second]
    scale = bin_size // 10
    rows = sorted((first // scale, second // scale, count) for first, second, count in rows)
    pixels = pandas.DataFrame(rows, columns=["bin1_id", "bin2_id", "count"])
    pixels = pixels.groupby(["bin1_id", "bin2_id"], as_index=False).sum()
    with warnings.catch_warnings():
        # cooler warns of square matrices, which are what is wanted here
        warnings.simplefilter("ignore")
        cooler.create_cooler(str(path), bins, pixels, ordered=True, symmetric_upper=upper, **options)
    return path


def test_a_map_from_pairs_in_any_order():
    pairs = np.array([(second, first) for first, second, _ in PIXELS[::-1]] + [(0, 2)])
    values = np.array([count for *_, count in PIXELS[::-1]] + [5])
    found = make_contact_map(LENGTHS, 10, pairs[:, 0], pairs[:, 1], values)
    expected = dense()
    expected[[0, 2], [2, 0]] += 5
    np.testing.assert_array_equal(found.to_sparse().toarray(), expected)
    assert found.bin_names[3:6] == ("chr1:30-40", "chr1:40-45", "chr2:0-10")
    assert found.bins_of_chromosome == {"chr1": slice(0, 5), "chr2": slice(5, 7)}
    assert found.distances.tolist() == [0, 20, 30, 0, -1, 10]
    assert found.bins.lengths.tolist() == [10, 10, 10, 10, 5, 10, 10]
    assert len(found.on(["chr2"])) == 1
    with pytest.raises(KgnnError, match="the map has no chromosome chr3; it has chr1, chr2"):
        found.on(["chr3"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 9)), max_size=30), st.randoms())
def test_the_order_of_contacts_does_not_matter(rows, random):
    def made():
        table = np.array(rows).reshape(-1, 3)
        return make_contact_map(LENGTHS, 10, table[:, 0], table[:, 1], table[:, 2])

    one = made()
    expected = np.zeros((7, 7))
    for first, second, count in rows:
        expected[first, second] += count
    expected += expected.T - np.diag(expected.diagonal())
    np.testing.assert_array_equal(one.to_sparse().toarray(), expected)
    random.shuffle(rows)
    assert made() == one


def test_cool(tmp_path):
    path = write_cool(tmp_path / "a.cool", assembly="toy1")
    found = read_contacts(path)
    np.testing.assert_array_equal(found.to_sparse().toarray(), dense())
    assert (found.resolution, found.assembly, found.unit, found.weights) == (10, "toy1", "count", None)
    assert found.provenance.sources[0].name == "a.cool"
    assert found.provenance.transformations == ("read as cooler file, 10 bases a bin",)
    square = read_contacts(write_cool(tmp_path / "b.cool", upper=False))
    assert square == found
    pairs = np.array([row[:2] for row in PIXELS])
    assert make_contact_map(LENGTHS, 10, pairs[:, 0], pairs[:, 1], [row[2] for row in PIXELS]) == found


def test_mcool_and_its_resolutions(tmp_path):
    path = tmp_path / "a.mcool"
    for size in (20, 10):
        write_cool(f"{path}::resolutions/{size}", size, mode="a")
    assert resolutions_of(path) == {10: "resolutions/10", 20: "resolutions/20"}
    assert read_contacts(path, resolution=20).n_bins == 4
    assert read_contacts(f"{path}::resolutions/20") == read_contacts(path, resolution=20)
    with pytest.raises(KgnnError, match=r"a\.mcool: holds 2 resolutions: 10, 20. Choose one with resolution="):
        read_contacts(path)
    with pytest.raises(KgnnError, match=r"a\.mcool: has no resolution of 5,000 bases; it has 10, 20"):
        read_contacts(path, resolution=5_000)
    with pytest.raises(KgnnError, match="resolutions/20 has a resolution of 20, not 10"):
        read_contacts(f"{path}::resolutions/20", resolution=10)


def test_broken_cool(tmp_path):
    whole = write_cool(tmp_path / "a.cool").read_bytes()
    path = tmp_path / "b.cool"
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(FormatError, match=r"b\.cool: cannot be read as a cooler file"):
            read_contacts(path)
    path.write_bytes(gzip.compress(whole, mtime=0))
    with pytest.raises(FormatError, match=r"b\.cool"):
        read_contacts(path)
    path.write_bytes(b"chr1\t5\t9\n")
    with pytest.raises(FormatError, match="is no HDF5 file, so no .cool or .mcool"):
        read_contacts(path, format="cool")


def test_other_hdf5_and_wrong_values(tmp_path):
    h5py = pytest.importorskip("h5py")

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(FormatError, match="is an HDF5 file without a contact map"):
        read_contacts(path)
    for name, values, message in (
        ("pixels/bin2_id", [0, 2, 4, 2, 5, 99], "contacts name bins 0 to 99, but there are bins 0 to 6 only"),
        ("pixels/count", [7, 3, -2, 1, 4, 6], "holds counts that are negative"),
        ("bins/start", [0, 10, 20, 50, 40, 0, 10], "its bins are not sorted by chromosome, or one is empty"),
    ):
        path = write_cool(tmp_path / "b.cool")
        with h5py.File(path, "r+") as file:
            file[name][...] = np.array(values)
        with pytest.raises(KgnnError, match=message):
            read_contacts(path)


def test_a_square_matrix_must_be_symmetric(tmp_path):
    h5py = pytest.importorskip("h5py")

    path = write_cool(tmp_path / "a.cool", upper=False)
    with h5py.File(path, "r+") as file:
        file["pixels/count"][1] = 99
    with pytest.raises(FormatError, match="holds a square matrix that is not symmetric"):
        read_contacts(path)


def test_without_cooler(tmp_path, monkeypatch):
    path = write_cool(tmp_path / "a.cool")
    monkeypatch.setitem(sys.modules, "cooler", None)
    with pytest.raises(
        KgnnError, match=r"a\.cool: reading a cooler file needs cooler, .* pip install 'kgnn\[genome\]'"
    ):
        read_contacts(path)


# --- text


def test_dump_of_one_chromosome(tmp_path):
    path = tmp_path / "chr1.txt.gz"
    path.write_bytes(gzip.compress(b"0\t0\t7.0\r\n20\t0\t3\r\n10\t40\tNaN\r\n20\t20\t1\r\n", mtime=0))
    found = read_contacts(path, resolution=10, chromosomes="chr1", lengths=LENGTHS)
    expected = dense()
    expected[[1, 3, 4, 5], :] = expected[:, [1, 3, 4, 5]] = 0
    np.testing.assert_array_equal(found.to_sparse().toarray(), expected[:5, :5])
    assert found.losses[0][:2] == ("contact", "value is NaN")
    assert found.losses[0].names == ("chr1:10 chr1:40",)
    assert read_straw(path, chromosomes="chr1", resolution=10).bin_names[-1] == "chr1:20-30"


def test_dump_of_two_chromosomes(tmp_path):
    path = tmp_path / "1_2.txt"
    path.write_text("30 0 4\n10 10 2\n")
    found = read_contacts(path, resolution=10, chromosomes=("chr1", "chr2"), lengths=LENGTHS)
    expected = np.zeros((7, 7))
    expected[[3, 5], [5, 3]], expected[[1, 6], [6, 1]] = 4, 2
    np.testing.assert_array_equal(found.to_sparse().toarray(), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 10 3\n5 10 2\n", r"d\.txt, line 2: start 5 is no multiple of the resolution 10"),
        ("0 10 3\n10 10\n", "line 2: has 2 columns where a dump has 3"),
        ("0 10 3\n10 10 x\n", "line 2: value is 'x', not a number"),
        ("0 10 -3\n", "line 1: value is -3"),
        ("0 10 inf\n", "line 1: value is inf"),
        ("chr1 10 3\n", "line 1: a start is 'chr1'"),
        ("0 50 3\n", "line 1: position 50 lies beyond chr1, which has 45 bases"),
        ("0 10 3\n10 0 3\n", "names 1 pairs of bins more than once"),
        ("0 10 NaN\n", "holds no contact with a value"),
    ],
)
def test_broken_dumps(tmp_path, text, message):
    path = tmp_path / "d.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_contacts(path, format="straw", resolution=10, chromosomes="chr1", lengths=LENGTHS)


def test_a_position_or_resolution_far_off(tmp_path):
    path = tmp_path / "d.txt"
    path.write_text("0 900000000000 3\n")
    with pytest.raises(KgnnError, match="900,000,000,001 bases of chr1 at 1 bases a bin, .* Check positions"):
        read_straw(path, chromosomes="chr1", resolution=1)


def test_bedpe(tmp_path):
    path = tmp_path / "loops.bedpe"

    def anchor(position):
        return f"chr{1 + position // 5}\t{position % 5 * 10}\t{position % 5 * 10 + 5}"

    lines = [f"{anchor(first)}\t{anchor(second)}\t.\t{count}\t.\t.\n" for first, second, count in PIXELS]
    path.write_text("#chrom1\tstart1\n" + "".join(reversed(lines)) + ".\t-1\t-1\tchr1\t0\t5\t.\t.\t.\t.\n")
    found = read_contacts(path, resolution=10, lengths=LENGTHS)
    np.testing.assert_array_equal(found.to_sparse().toarray(), dense())
    assert [(loss.reason, len(loss.names)) for loss in found.losses] == [("without a second anchor", 1)]
    counted = tmp_path / "pairs.bedpe"
    counted.write_text("chr2 0 30 chr1 0 4\nchr1 2 6 chr2 11 14\n")
    found = read_bedpe(counted, resolution=10)
    assert found.chromosomes == ("chr2", "chr1")
    assert (found.bin_1.tolist(), found.bin_2.tolist(), found.values.tolist()) == ([1], [2], [2.0])
    assert "1 pairs have an anchor wider than a bin; its middle counts" in found.provenance.transformations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1 0 5 chr1 9 9\n", r"l\.bedpe, line 1: start 9 is not below end 9 on chr1"),
        ("chr1 0 5 chr1 5 9 a 3\nchr1 0 5 chr1 5 9 a .\n", "line 2: has a score in column 8 where others have none"),
        ("chr1 0 5 chr1 5 9 a .\nchr1 0 5 chr1 5 9 a 3\n", "line 2: has a score in column 8 where others have none"),
        ("chr1 0 5 chr1 5 9 a nan\n", "score is NaN"),
        ("chr1 0 5 chr1 5 9\nchr1 0 5 chr1\n", "line 2: has 4 columns instead of 6 as in the first line"),
        ("chr1 0 5 chr1 60 70\n", "line 1: position 65 lies beyond chr1"),
        ("chr1 0 5 5 chr1 9\n", "a position is 'chr1'"),
        (". 0 5 chr1 5 9\n", "holds no pair of anchors"),
    ],
)
def test_broken_bedpe(tmp_path, text, message):
    path = tmp_path / "l.bedpe"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_contacts(path, resolution=10, lengths=LENGTHS, format="bedpe")


def test_choices_that_do_not_fit(tmp_path):
    bedpe, dump = tmp_path / "l.bedpe", tmp_path / "d.txt"
    bedpe.write_text("1 0 5 1 5 9\n")
    dump.write_text("0 10 3\n")
    for arguments, message in (
        ({"path": bedpe}, "bedpe does not state its resolution"),
        ({"path": dump, "resolution": 10}, "a dump does not name its chromosomes"),
        ({"path": bedpe, "resolution": 10, "chromosomes": "1"}, "bedpe names its chromosomes itself"),
        ({"path": bedpe, "resolution": 0}, "resolution is 0"),
        ({"path": bedpe, "resolution": 10, "format": "hic"}, "format is 'hic', which is not known"),
        ({"path": bedpe, "resolution": 10, "lengths": {"2": 9}}, "line 1: chromosome 1 is none of 2"),
        ({"path": bedpe, "resolution": 10, "lengths": {"chr1": 9}}, "One file writes '1' and the other 'chr1'"),
    ):
        with pytest.raises((KgnnError, AlignmentError), match=message):
            read_contacts(arguments.pop("path"), **arguments)
    dump.write_bytes(b"HIC\0\x08\0\0\0")
    with pytest.raises(FormatError, match="is a binary .hic file. Dump it"):
        read_contacts(dump)
    dump.write_text("a b c d\n")
    with pytest.raises(FormatError, match="is in none of the formats cool, straw, bedpe"):
        read_contacts(dump)


def test_reading_leaves_the_file_as_it_is(tmp_path):
    path = write_cool(tmp_path / "a.cool")
    copy = shutil.copy(path, tmp_path / "b.cool")
    read_contacts(path)
    assert path.read_bytes() == (tmp_path / "b.cool").read_bytes(), copy
