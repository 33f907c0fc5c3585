"""Releases of JASPAR from the pyjaspar wheel, against the wheel's own database."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge import read_motifs
from kgnn.knowledge.jaspar_release import CITATIONS, read_jaspar_release

pyjaspar = pytest.importorskip("pyjaspar", reason="the extra kgnn[motifs] is not installed")


def count_latest(release: str) -> int:
    """Core matrices of fungi in the wheel's database, each once whatever its versions."""
    query = (
        "select count(distinct BASE_ID) from MATRIX m join MATRIX_ANNOTATION a on a.ID = m.ID "
        "where COLLECTION = 'CORE' and TAG = 'tax_group' and VAL = 'fungi'"
    )
    connection = sqlite3.connect(pyjaspar.utils.get_jaspardb_path(f"{release}.sqlite"))
    (found,) = connection.execute(query).fetchone()
    connection.close()
    return found


def test_every_release_is_there():
    assert set(CITATIONS) == set(pyjaspar.jaspar_releases)
    found = {release: len(read_jaspar_release(release, tax_group="fungi")) for release in CITATIONS}
    assert found == {release: count_latest(release) for release in CITATIONS}
    assert found["JASPAR2024"] == 178


def test_a_release_holds_what_the_published_file_holds(shared_data):
    published = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    release = read_motifs("jaspar2024", tax_group="vertebrates")
    assert release.ids == published.ids
    assert all(np.array_equal(one.counts, two.counts) for one, two in zip(release, published, strict=True))
    source = release.provenance.sources[0]
    assert (source.release, source.licence) == ("JASPAR2024", "CC BY 4.0")
    assert "gkad1059" in source.citation


def test_criteria():
    ctcf = read_motifs("JASPAR2024", factors="ctcf", species=9606, tax_group="Vertebrates")
    assert ctcf.ids == ("MA0139.2", "MA1929.2", "MA1930.2")
    assert ctcf["MA0139.2"].tf_class == ("C2H2 zinc finger factors",)
    assert ctcf["MA0139.2"].tax_group == "vertebrates"
    assert read_motifs("JASPAR2024", ids=["MA0139", "MA0083.1"]).ids == ("MA0083.1", "MA0139.2")
    zinc = read_motifs("JASPAR2014", tax_group="fungi", tf_family="gata")
    assert {"GAT1", "GLN3"} <= set(zinc.factors)
    assert len(read_motifs("JASPAR2014", collection="cne", tax_group=None)) > 200


def test_counts_are_those_of_the_database():
    path = pyjaspar.utils.get_jaspardb_path("JASPAR2026.sqlite")
    with sqlite3.connect(path) as connection:
        query = "select row, col, val from MATRIX_DATA d join MATRIX m on m.ID = d.ID where BASE_ID = ? and VERSION = ?"
        rows = connection.execute(query, ("MA0139", 2)).fetchall()
    connection.close()
    counts = np.zeros((len(rows) // 4, 4))
    for base, position, value in rows:
        counts[position - 1, "ACGT".index(base)] = value
    assert np.array_equal(read_motifs("JASPAR2026", ids="MA0139.2").motifs[0].counts, counts)


def test_positions_without_a_site_are_cut_off_and_named():
    motifs = read_jaspar_release("JASPAR2024", collection="UNVALIDATED", ids=["UN0498.1", "UN0570.1"])
    assert motifs.losses[0].reason == "positions without any site cut off"
    assert motifs.losses[0].names == ("UN0498.1", "UN0570.1")
    assert motifs.widths.tolist() == [11, 9]


def test_what_is_not_there_is_named():
    with pytest.raises(KgnnError, match="release is 'JASPAR1999'.*JASPAR2014"):
        read_motifs("JASPAR1999")
    with pytest.raises(KgnnError, match="collection is 'X', which is not known. Choose one of: CORE, UNVALIDATED"):
        read_motifs("JASPAR2024", collection="X")
    with pytest.raises(KgnnError, match="tax_group is 'x'; drop'.*vertebrates|tax_group is .*vertebrates"):
        read_motifs("JASPAR2024", tax_group="x'; drop")
    with pytest.raises(KgnnError, match="tf_class is bHLH, which no motif left"):
        read_motifs("JASPAR2024", tf_class="bHLH", tax_group="fungi")
    with pytest.raises(KgnnError, match="criterion is 'taxon'.*tax_group"):
        read_motifs("JASPAR2024", taxon="fungi")
    with pytest.raises(AlignmentError, match="1 of 2 matrix ids are not in it.*: XX1"):
        read_motifs("JASPAR2024", ids=["MA0139", "XX1"])
    with pytest.raises(AlignmentError, match="1 of 1 factors have no motif here: NOPE"):
        read_motifs("JASPAR2024", factors="NOPE", tax_group="fungi")
    with pytest.raises(KgnnError, match="names a release and no file"):
        read_motifs("JASPAR2024", format="meme")
