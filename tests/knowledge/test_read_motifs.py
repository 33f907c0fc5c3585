"""Every format of motifs: recognized, read, refused where damaged; and the published files as they are."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import MotifSet, read_cisbp, read_jaspar_text, read_motifs, read_pfm, read_transfac
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.read_motifs import is_motif_file
from tests.knowledge.motif_files import CISBP, FILES, HOCOMOCO, JASPAR, MEME, ROWS, TRANSFAC

COUNTS = [[1, 3, 4, 0], [0, 8, 0, 0], [20, 20, 20, 20]]
READ_AS = {
    "meme": "read as MEME version 4",
    "jaspar": "read as JASPAR text",
    "rows": "read as PFM with a row a base",
    "hocomoco": "read as PFM with a row a position (HOCOMOCO, GTRD)",
    "cisbp": "read as CIS-BP table",
    "transfac": "read as TRANSFAC",
}
# Those that need no library.
PLAIN = [name for name in FILES if name != "transfac"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("form", ["plain", "windows", "packed", "marked"])
def test_formats_are_recognized_by_content(tmp_path, name, form):
    if name == "transfac":
        pytest.importorskip("Bio", reason="the extra kgnn[motifs] is not installed")
    plain, path = tmp_path / "plain", tmp_path / "motifs.dat"
    plain.write_text(FILES[name])
    content = FILES[name].encode()
    forms = {"plain": content, "windows": content.replace(b"\n", b"\r\n"), "marked": b"\xef\xbb\xbf" + content}
    path.write_bytes(gzip.compress(content, mtime=0) if form == "packed" else forms[form])
    read = read_motifs(path)
    assert read.provenance.transformations[0] == READ_AS[name]
    assert read.fingerprint == read_motifs(plain).fingerprint
    assert read.provenance.sources[0].name == "motifs.dat"
    assert is_motif_file(path)


def test_jaspar_text_rows_and_columns_hold_the_same(tmp_path):
    for text in (JASPAR, ROWS, HOCOMOCO):
        path = tmp_path / "motifs.txt"
        path.write_text(text)
        first = read_motifs(path).motifs[0]
        assert first.counts.tolist() == COUNTS


def test_hocomoco_names(tmp_path):
    path = tmp_path / "HOCOMOCOv11_pcms.txt"
    path.write_text(HOCOMOCO)
    motifs = read_motifs(path)
    assert motifs.factors == ("ANDR", "SRF")
    assert [motif.species for motif in motifs] == [("HUMAN",), ("MOUSE",)]
    assert motifs["SRF_MOUSE.H11MO.0.A"].sites.tolist() == [10.5, 10]


def test_probabilities_are_told_from_counts(tmp_path):
    path = tmp_path / "ppm.txt"
    path.write_text(">AHR.H12CORE.0.P.B\n0.1 0.2 0.3 0.4\n1 0 0 0\n")
    motifs = read_motifs(path, assumed_sites=50)
    assert motifs.motifs[0].factors == ("AHR",)
    assert motifs.motifs[0].counts.tolist() == [[5, 10, 15, 20], [50, 0, 0, 0]]
    assert "1 motifs state no number of sites: 50 assumed for each" in motifs.provenance.transformations


def test_four_by_four_is_told_by_its_sums(tmp_path):
    path = tmp_path / "square.pfm"
    path.write_text(">x\n9 0 0 0\n1 8 0 0\n0 2 7 0\n0 0 3 10\n")  # columns sum to 10
    assert read_pfm(path).motifs[0].counts[0].tolist() == [9, 1, 0, 0]
    path.write_text(">x\n9 1 0 0\n0 8 2 0\n0 0 7 3\n0 0 0 10\n")  # rows sum to 10
    assert read_pfm(path).motifs[0].counts[0].tolist() == [9, 1, 0, 0]
    path.write_text(">x\n9 1 0 0\n1 8 1 0\n0 1 8 1\n0 0 1 9\n")  # both do
    with pytest.raises(FormatError, match="every matrix is 4 by 4"):
        read_pfm(path)


def test_a_matrix_without_a_header_is_named_by_its_file(tmp_path):
    path = tmp_path / "MX9.pfm"
    path.write_text("1 0 20\n3 8 20\n4 0 20\n0 0 20\n")
    assert read_motifs(path)["MX9"].counts.tolist() == COUNTS


def test_cisbp_tables(tmp_path):
    path = tmp_path / "PWM.txt"
    path.write_text(CISBP)
    motifs = read_cisbp(path)
    assert motifs.ids == ("M0085_1.02", "M0087_1.02")
    assert motifs.motifs[0].factors == ("TFAP2E",)
    assert motifs.motifs[0].species == ("Mus musculus",)
    assert motifs.motifs[0].tf_family == ("AP-2",)
    assert motifs.losses == (
        Loss("motif", "no matrix in the file (CIS-BP leaves out those under a licence)", ("M0086_1.02",)),
    )
    path.write_text("Pos\tA\tC\tG\tT\n")
    with pytest.raises(FormatError, match="holds no matrix: CIS-BP leaves out those under a licence"):
        read_cisbp(path)


def test_transfac(tmp_path):
    pytest.importorskip("Bio", reason="the extra kgnn[motifs] is not installed")
    path = tmp_path / "matrix.dat"
    path.write_text(TRANSFAC)
    motifs = read_transfac(path)
    assert (motifs.ids, motifs.names) == (("M00001", "M00002"), ("MyoD", "M00002"))
    assert motifs["M00001"].factors == ("MyoD",)
    assert motifs["M00001"].counts.tolist() == COUNTS
    path.write_text(TRANSFAC.rpartition("//")[0])
    with pytest.raises(FormatError, match="2 matrices begin and 1 are ended by a line with //"):
        read_transfac(path)
    path.write_text(TRANSFAC.replace("02      0", "03      0", 1))
    with pytest.raises(FormatError, match="is no TRANSFAC text .*row number"):
        read_transfac(path)


def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch):
    path = tmp_path / "matrix.dat"
    path.write_text(TRANSFAC)
    monkeypatch.setitem(__import__("sys").modules, "Bio.motifs.transfac", None)
    monkeypatch.setitem(__import__("sys").modules, "pyjaspar", None)
    with pytest.raises(KgnnError, match=r"TRANSFAC's format needs biopython.*pip install 'kgnn\[motifs\]'"):
        read_motifs(path)
    with pytest.raises(KgnnError, match=r"needs pyjaspar.*pip install 'kgnn\[motifs\]'"):
        read_motifs("JASPAR2024")


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (JASPAR, "T  [ 0  0 20 ]\n", "", "line 1: motif MX1.1 has no row for T"),
        (JASPAR, "T  [ 0  0 20 ]", "T  [ 0  0 ]", "line 1: motif MX1.1 has rows of 3, 3, 3, 2 values"),
        (JASPAR, "T  [ 0  0 20 ]", "T  [ 0  0 2", "line 5: 'T  .* is no row of a letter"),
        (JASPAR, "T  [ 0", "G  [ 0", "line 5: motif MX1.1 has a second row for G"),
        (JASPAR, "A  [ 1", "A  [ -1", "line 1: motif MX1.1 has a negative value"),
        (JASPAR, "A  [ 1", "A  [ x", "line 2: 'x' is no number"),
        (JASPAR, "A  [ 1", "A  [ inf", "motif MX1.1 has a value that is not finite"),
        (JASPAR, "[10 0]", "[0 0]", "line 6: motif MX2.1: position 1 sums to 0"),
        (JASPAR, ">MX2.1", ">MX1.1", r"line 6: motif MX1.1 comes again \(first in line 1\)"),
        (JASPAR, ">MX2.1 SRF", ">", "line 6: a motif has no id"),
        (ROWS, "4 0 20", "4 0", "line 4: has 2 values where the first row of MX1.1 has 3"),
        (ROWS, "4 0 20\n", "", "line 1: motif MX1.1 has rows of 3, 3, 3 values|MX1.1 has 3 rows"),
        (ROWS, "4 0 20", "4 zero 20", "line 4: 'zero' is no number"),
        (HOCOMOCO, "1.0\t3.0", "-1.0\t3.0", r"line 1: .* has a negative value \(-1\): a matrix of log-odds \(PWM\)"),
        (HOCOMOCO, "10.5\t", "10.5\t1\t", "line 6: has 5 values|line 7: has 4 values"),
        (CISBP, "2\t0.7", "3\t0.7", "line 9: .* is not position 2 with four probabilities"),
        (CISBP, "2\t0.7", "2\t0.2", r"line 7: motif M0085_1.02: position 2 sums to 0.5"),
    ],
)  # fmt: skip
def test_damage_is_named(tmp_path, text, old, new, message):
    path = tmp_path / "motifs.txt"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        read_motifs(path)


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_cut_short_anywhere_is_refused_or_gives_whole_motifs_only(tmp_path, name):
    path = tmp_path / "motifs.txt"
    content = FILES[name].encode()
    path.write_bytes(content)
    whole = {motif.id: motif for motif in read_motifs(path)}
    n_read = 0
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            read = read_motifs(path)
        except FormatError as problem:
            assert str(problem).startswith(f"{path}")
            continue
        n_read += 1
        if name in ("hocomoco", "cisbp"):
            # A position more or less leaves no trace in these layouts; each one that is there is whole.
            assert all(np.array_equal(motif.counts, whole[motif.id].counts[: len(motif)]) for motif in read)
        else:
            assert all(np.array_equal(motif.counts, whole[motif.id].counts) for motif in read)
    assert n_read < len(content) / 3


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.decode().encode("utf-16"),
        lambda content: content[:9] + b"\xe9\xff" + content[9:],
        lambda content: gzip.compress(content, mtime=0)[:-20],
        lambda content: content + content,
        lambda content: b"\0" * 100 + content,
        lambda content: content[:-60] + b"%" * 60,
    ],
    ids=["utf-16", "latin-1", "gz cut short", "twice", "binary", "end overwritten"],
)
def test_damaged_files_are_refused_in_one_message(tmp_path, name, damage):
    path = tmp_path / "motifs.txt"
    path.write_bytes(damage(FILES[name].encode()))
    with pytest.raises(FormatError, match=r"motifs.txt"):
        read_motifs(path)


def test_what_is_no_file_of_motifs(tmp_path):
    path = tmp_path / "go.obo"
    path.write_text("format-version: 1.2\n\n[Term]\nid: GO:1\n")
    with pytest.raises(FormatError, match="is in none of the formats meme, jaspar, pfm, transfac, cisbp"):
        read_motifs(path)
    assert not is_motif_file(path)
    path.write_text("1 2 0.5\n3 4 0.1\n")
    assert not is_motif_file(path)
    with pytest.raises(KgnnError, match="format is 'xml', which is not known"):
        read_motifs(path, format="xml")
    with pytest.raises(FormatError, match="no such file"):
        read_motifs(tmp_path / "JASPAR2024.meme")


def test_choosing_from_a_file(tmp_path):
    path = tmp_path / "motifs.meme"
    path.write_text(MEME)
    assert read_motifs(path, factors="arnt").ids == ("MX1.1",)
    assert read_motifs(path, ids=["MX2.1"]).ids == ("MX2.1",)
    with pytest.raises(AlignmentError, match="1 motifs are not among the 2: MX3"):
        read_motifs(path, ids="MX3")
    with pytest.raises(KgnnError, match="tax_group: these criteria apply to a release"):
        read_motifs(path, tax_group="fungi")
    with pytest.raises(KgnnError, match="assumed_sites is 0"):
        read_motifs(path, assumed_sites=0)


# --- published files


def number_of_lines(path, start: str) -> int:
    return sum(line.startswith(start) for line in path.read_text().splitlines())


@pytest.mark.parametrize("part", ["fungi", "vertebrates"])
def test_jaspar_2024_text(shared_data, part):
    path = shared_data / "jaspar" / f"JASPAR2024_CORE_{part}_latest.jaspar"
    motifs = read_motifs(path)
    assert len(motifs) == number_of_lines(path, ">") == {"fungi": 178, "vertebrates": 879}[part]
    assert (motifs.widths.min(), motifs.widths.max()) == {"fungi": (5, 19), "vertebrates": (5, 33)}[part]
    if part == "fungi":
        assert motifs["MA0265.3"].counts[0].tolist() == [69, 72, 10, 276]
        assert motifs["MA0303.3"].factors == ("GCN4",)
        assert motifs["MA0303.3"].consensus == "TGACTCAT"  # the AP-1 like site of GCN4
    else:
        assert "CATGTGAC" in motifs["MA0093.4"].consensus  # the E-box of USF1
        assert motifs["MA0083.3"].consensus[3:12] == "CCATATATG"  # the CArG box of SRF
        assert motifs["MA0058.4"].consensus == "CACGTG"  # MAX
        assert motifs["MA0006.2"].factors == ("Ahr", "Arnt")


def test_jaspar_2020_meme(shared_data):
    path = shared_data / "jaspar" / "JASPAR2020_CORE_vertebrates_non-redundant_pfms_meme.txt"
    motifs = read_motifs(path)
    assert len(motifs) == number_of_lines(path, "MOTIF") == 746
    assert motifs["MA0006.1"].frequencies[0].tolist() == [0.125, 0.333333, 0.083333, 0.458333]
    assert motifs["MA0006.1"].sites.tolist() == [24] * 6
    assert "CCASYAGRKGGCRS" in motifs["MA0139.1"].consensus  # CTCF


def test_cisbp_meme(shared_data):
    path = shared_data / "jaspar" / "cisbp_deepram.meme"
    motifs = read_motifs(path)
    assert len(motifs) == number_of_lines(path, "MOTIF") == 734
    assert motifs["M0085_1.02"].factors == ("TFAP2E",)
    assert motifs["M0085_1.02"].species == ("Mus musculus",)
    assert "AGATAAG" in motifs["M4600_1.02"].consensus  # GATA1
    assert "734 motifs state no number of sites: 20 assumed for each" in motifs.provenance.transformations


def test_biopython_reads_the_same_counts(shared_data):
    biopython = pytest.importorskip("Bio.motifs", reason="the extra kgnn[motifs] is not installed")
    path = shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar"
    with path.open() as stream:
        expected = {motif.matrix_id: motif for motif in biopython.parse(stream, "jaspar")}
    motifs = read_jaspar_text(path)
    assert set(motifs.ids) == set(expected)
    for motif in motifs:
        counts = np.array([expected[motif.id].counts[base] for base in "ACGT"]).T
        assert np.allclose(motif.counts, counts, rtol=1e-13, atol=0)
        assert np.array_equal(motif.counts[counts == np.rint(counts)], counts[counts == np.rint(counts)])
        assert motif.name == expected[motif.id].name


def test_transfac_of_real_motifs_as_biopython_writes_it(shared_data, tmp_path):
    biopython = pytest.importorskip("Bio.motifs", reason="the extra kgnn[motifs] is not installed")
    source = shared_data / "jaspar" / "JASPAR2024_CORE_fungi_latest.jaspar"
    with source.open() as stream:
        records = biopython.parse(stream, "jaspar")
    path = tmp_path / "fungi.transfac"
    path.write_text(
        "".join(record.format("transfac").replace("P0 ", f"AC  {record.matrix_id}\nXX\nP0 ", 1) for record in records)
    )
    expected = MotifSet(read_motifs(source).motifs)
    found = read_motifs(path)
    assert found.ids == expected.ids
    assert all(np.array_equal(one.counts, two.counts) for one, two in zip(found, expected, strict=True))


def test_real_motifs_as_raw_tables_of_either_form(shared_data, tmp_path):
    source = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_fungi_latest.jaspar")
    path = tmp_path / "fungi.pfm"
    for turned in (False, True):
        text = ""
        for motif in source:
            rows = (motif.counts if turned else motif.counts.T).tolist()
            text += f">{motif.id} {motif.name}\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
        path.write_text(text)
        found = read_motifs(path, format="pfm")
        assert found.ids == source.ids
        assert all(np.array_equal(one.counts, two.counts) for one, two in zip(found, source, strict=True))
        assert found["MA0303.3"].consensus == "TGACTCAT"  # GCN4


def test_mutated_copies_of_a_real_file_never_pass_for_another(shared_data, tmp_path):
    source = shared_data / "jaspar" / "JASPAR2024_CORE_fungi_latest.jaspar"
    content = source.read_bytes()
    whole = {motif.id: motif for motif in read_motifs(source)}
    generator = np.random.default_rng(0)
    path = tmp_path / "cut.jaspar"
    for length in generator.integers(0, len(content), 60):
        path.write_bytes(content[:length])
        try:
            read = read_motifs(path)
        except FormatError:
            continue
        assert all(motif == whole[motif.id] for motif in read)
    lines = content.decode().splitlines(keepends=True)
    for place in generator.integers(0, len(lines), 40):
        path.write_text("".join([*lines[:place], *lines[place + 1 :]]))
        with pytest.raises(FormatError, match="cut.jaspar"):
            read_motifs(path)
        path.write_text("".join([*lines[: place + 1], *lines[place:]]))
        with pytest.raises(FormatError, match="cut.jaspar"):
            read_motifs(path)
