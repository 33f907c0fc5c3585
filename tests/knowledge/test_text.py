"""Lines of text files: plain, packed, with any line end; refused where they are not text."""

from __future__ import annotations

import gzip
import zipfile

import pytest

from kgnn.errors import FormatError
from kgnn.knowledge.text import header_facts, read_lines, source_of

TEXT = "α-catenin (CTNNA1)\nYLR035C\nHLA-A/B+\n"
LINES = ["α-catenin (CTNNA1)\n", "YLR035C\n", "HLA-A/B+\n"]


def test_plain_crlf_and_byte_order_mark(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert list(read_lines(path)) == LINES


def test_gzip_is_recognized_by_content_not_by_name(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_bytes(gzip.compress(TEXT.encode(), mtime=0))
    assert list(read_lines(path)) == LINES
    named = tmp_path / "plain.gz"
    named.write_text(TEXT, encoding="utf-8")
    assert list(read_lines(named)) == LINES


def test_zip_of_one_file(tmp_path):
    path = tmp_path / "pathways.gmt.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pathways.gmt", TEXT)
    assert list(read_lines(path)) == LINES


def test_zip_of_two_files_is_binary(tmp_path):
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", TEXT)
        archive.writestr("b", TEXT)
    with pytest.raises(FormatError, match=r"two\.zip: is binary, not text"):
        list(read_lines(path))


def test_a_missing_last_line_end_is_visible(tmp_path):
    path = tmp_path / "cut.txt"
    path.write_text("A\nB")
    assert list(read_lines(path)) == ["A\n", "B"]


@pytest.mark.parametrize("content", [b"", b" \n\r\n", gzip.compress(b"", mtime=0)])
def test_empty(tmp_path, content):
    path = tmp_path / "none.obo"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"none\.obo: is empty"):
        list(read_lines(path))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", gzip.compress(b"a\0b", mtime=0)])
def test_binary(tmp_path, content):
    path = tmp_path / "picture.obo"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"picture\.obo: is binary, not text"):
        list(read_lines(path))


def test_another_encoding(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"plain\nna\xefve\n")
    with pytest.raises(FormatError, match=r"latin\.txt, line 1: is binary, not text, or text in another encoding"):
        list(read_lines(path))


def test_gzip_cut_short(tmp_path):
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 100, mtime=0)[:-9])
    with pytest.raises(FormatError, match=r"cut\.gz, line \d+: the compressed file is damaged or cut short"):
        list(read_lines(path))


def test_missing_and_folder(tmp_path):
    with pytest.raises(FormatError, match=r"absent\.txt: there is no such file"):
        list(read_lines(tmp_path / "absent.txt"))
    with pytest.raises(FormatError, match="is a folder, not a file"):
        list(read_lines(tmp_path))


def test_a_reader_that_stops_early_leaves_no_open_file(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_bytes(gzip.compress(TEXT.encode(), mtime=0))
    lines = read_lines(path)
    assert next(lines) == LINES[0]
    lines.close()  # type: ignore[attr-defined]


def test_facts_of_comment_lines():
    lines = ["!gaf-version: 2.1\n", "! Citation: doi:10.1/x\n", "!\n", "! gaf-version: 9\n", "# tax: \n"]
    assert header_facts(lines) == {"gaf-version": "2.1", "citation": "doi:10.1/x"}


def test_source_takes_facts_before_defaults(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text("abc")
    source = source_of(path, {"license": "CC0"}, licence="unknown", release="7")
    assert (source.name, source.licence, source.release, source.citation) == ("genes.txt", "CC0", "7", "")
    assert source.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
