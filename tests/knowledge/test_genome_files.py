"""Genome files recognized by content, for people, for programs, and when they are broken."""

from __future__ import annotations

import gzip
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import genome_file_summary, make_contact_map, read_intervals
from tests.commands import fail, run_command, succeed

TEXTS = {
    "a.fa": ">a x\nACGTN\n>b\nAC\n",
    "a.bed": "track name=x\nchr1\t1\t5\tp\t7\t+\nchr2\t8\t9\tq\t3\t.\n",
    "three.bed": "1\t1\t5\n",
    "a.narrowPeak": "chr1\t100\t200\tp1\t900\t.\t7.5\t3.1\t-1\t40\n",
    "a.gtf": 'chr1\tx\tgene\t5\t9\t.\t+\t.\tgene_id "A";\n',
    "a.gff3": "##gff-version 3\nchr1\tx\tgene\t5\t9\t.\t-\t.\tID=gene:A\n",
    "a.vcf": "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    "1\t9\t.\tC\tT,<DEL>\t.\t.\t.\tGT\t0/1\n",
}
KINDS = {
    "a.fa": {"kind": "sequences", "sequences": 2, "shortest": 2, "longest": 5, "bases": 7, "ambiguous_bases": 1},
    "a.bed": {"kind": "intervals", "intervals": 2, "chromosomes": 2, "longest": 4, "without_strand": 1},
    "three.bed": {"kind": "intervals", "intervals": 1, "distinct_names": 0},
    "a.narrowPeak": {"kind": "intervals", "longest": 100},
    "a.gtf": {"kind": "genes", "intervals": 1, "longest": 5},
    "a.gff3": {"kind": "genes", "distinct_names": 1},
    "a.vcf": {"kind": "variants", "variants": 1, "samples": 1, "missing_genotypes": 0},
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("packed", [False, True])
def test_info(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXTS[name].encode(), mtime=0) if packed else TEXTS[name].encode())
    found = succeed("info", path, "--json").json()
    assert {key: found[key] for key in KINDS[name]} == KINDS[name]
    assert found["provenance"]["sources"][0]["name"] == name
    assert len(found["fingerprint"]) == 64
    shown = succeed("info", path).out
    assert f"kind         {KINDS[name]['kind']}" in shown
    assert f"source       {name}: sha256" in shown


def test_info_of_contacts(tmp_path, shared_data):
    pytest.importorskip("cooler")
    found = succeed("info", shared_data / "hic_cooler" / "yeast.10kb.cool", "--json").json()
    facts = {"kind": "contacts", "resolution": 10_000, "bins": 1_226, "contacts": 728_311, "sum": 115_245_764.0}
    assert {key: found[key] for key in facts} == facts
    assert found["stored_weights"] is True


def test_other_files_are_left_to_other_readers(tmp_path):
    for content in (
        b"format-version: 1.2\n",
        b"a\tb\tgene\n",
        b"PK\x03\x04",
        b"\0\1\2",
        b"chr1 0 5 chr1 5 9\n",
        b"0 5 3\n",
    ):
        path = tmp_path / "x"
        path.write_bytes(content)
        assert genome_file_summary(path) is None
        with pytest.raises(FormatError):
            read_intervals(path)


def test_forced_formats(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(TEXTS["a.narrowPeak"])
    with pytest.raises(FormatError, match="thick_start is '7.5'"):
        read_intervals(path, format="bed")
    with pytest.raises(
        KgnnError, match="format is 'broadpeak', which is not known. Choose one of: bed, gff3, gtf, narrow"
    ):
        read_intervals(path, format="broadpeak")


def test_mistakes_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.bed").write_text("chr1\t1\t5\nchr1\t9\t5\n")
    assert fail("info", "a.bed").startswith("a.bed, line 2: start 9 is not below end 5")
    assert fail("info", "absent.fa").startswith("absent.fa: there is no such file")
    Path("a.vcf.gz").write_bytes(gzip.compress(TEXTS["a.vcf"].encode() * 40, mtime=0)[:-20])
    assert "damaged or cut short" in fail("info", "a.vcf.gz")
    Path("a.cool").write_bytes(b"\x89HDF\r\n\x1a\nnothing else")
    assert fail("info", "a.cool").startswith("a.cool: ")
    monkeypatch.setitem(sys.modules, "cooler", None)


def mutated(data: bytes, pick: random.Random) -> bytes:
    """A copy with one kind of damage that files meet on their way."""
    lines = data.splitlines(keepends=True)
    place = pick.randrange(len(data))
    row = pick.randrange(len(lines))
    cells = lines[row].rstrip(b"\n").split(b"\t")
    pick.shuffle(cells)
    return pick.choice(
        [
            lambda: data[:place],
            lambda: data[:place] + bytes([pick.randrange(256)]) + data[place + 1 :],
            lambda: data.replace(b"\n", b"\r\n"),
            lambda: b"".join([*lines[:row], b"\t".join(cells), b"\n", *lines[row + 1 :]]),
            lambda: b"".join([*lines[: row + 1], *lines[row:]]),
            lambda: data.decode().encode("utf-16"),
            lambda: gzip.compress(data, mtime=0)[: pick.randrange(5, 60)],
            lambda: data[:place] + b"\xe9" + data[place:],
            lambda: data + b"99999999999999999999\t-1\t\n",
        ]
    )()


@pytest.mark.parametrize("name", TEXTS)
def test_damaged_files_never_end_in_a_traceback(tmp_path, name):
    pick = random.Random(name)
    text = TEXTS[name].encode()
    body = text.splitlines(keepends=True)
    text = b"".join(body[:-1]) + body[-1] * 5
    path = tmp_path / name
    for _ in range(40):
        path.write_bytes(mutated(text, pick))
        finished = run_command("info", path, "--json")
        assert finished.code in (0, 2)
        assert finished.err.count("\n") == (finished.code == 2)


def test_a_million_intervals(tmp_path):
    path = tmp_path / "many.bed"
    starts = np.arange(1_000_000) * 3
    path.write_text("".join(f"chr{start % 5}\t{start}\t{start + 2}\n" for start in starts.tolist()))
    found = read_intervals(path)
    assert (len(found), found.lengths.sum(), len(found.of_chromosome)) == (1_000_000, 2_000_000, 5)


def test_the_fingerprint_of_a_map_follows_its_content():
    one = make_contact_map({"a": 3}, 1, np.array([0, 1]), np.array([1, 2]), np.ones(2))
    assert one == make_contact_map({"a": 3}, 1, np.array([2, 1]), np.array([1, 0]), np.ones(2))
    assert one != make_contact_map({"a": 3}, 1, np.array([0, 1]), np.array([1, 2]), np.array([1.0, 2.0]))
    assert one != make_contact_map({"a": 4}, 1, np.array([0, 1]), np.array([1, 2]), np.ones(2))
