"""Windows find their bins by name and by position, and what finds none is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgnn.data import place_windows, sequence_samples, toy_contacts
from kgnn.data.window_places import with_places
from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge import make_contact_map, parse_labels

# bins of ten bases: chr1 has 12 (so that names in the order of letters are not in that of the genome), chr2 has 2
CONTACTS = make_contact_map({"chr1": 120, "chr2": 20}, 10, np.array([0, 2, 10]), np.array([10, 11, 13]), np.ones(3))


def windows(*names: str, **covariates: list):
    columns = {name: np.array(values) for name, values in covariates.items()}
    return sequence_samples(["ACG"] * len(names), names=names, covariates=columns)


def places(samples, network) -> list[str]:
    return [network.nodes[int(place)] for place in samples.inputs()["place"][:, 0]]


def test_by_name_and_by_the_middle():
    train, test = windows("chr1:100-110", "chr1:0-10", "chr1:24-30(+)"), windows("chr2:11-17", "chr1:118-120")
    network, found = place_windows(CONTACTS, train, test)
    assert [places(part, network) for part in found] == [
        ["chr1:100-110", "chr1:0-10", "chr1:20-30"], ["chr2:10-20", "chr1:110-120"],
    ]  # fmt: skip
    assert set(network.nodes) == {"chr1:0-10", "chr1:20-30", "chr1:100-110", "chr1:110-120", "chr2:10-20"}
    assert {edge[:2] for edge in network.edges} == {
        ("chr1:0-10", "chr1:100-110"), ("chr1:110-120", "chr1:20-30"), ("chr1:100-110", "chr2:10-20"),
    }  # fmt: skip
    assert [list(part.covariates["chromosome"]) for part in found] == [["chr1"] * 3, ["chr2", "chr1"]]
    assert any(loss.reason == "no window" and len(loss.names) == 9 for loss in network.losses)


def test_by_covariates():
    samples = windows("a", "b", chrom=["chr2", "chr1"], start=[0, 105], end=[8, 109])
    network, (found,) = place_windows(CONTACTS, samples)
    assert places(found, network) == ["chr2:0-10", "chr1:100-110"] and "chromosome" not in found.covariates


def test_a_window_of_a_run_is_placed_among_its_nodes():
    nodes = ("chr1:50-60", "chr1:0-10")
    found = with_places(windows("chr1:1-4", "chr1:2-4", "chr1:50-60"), nodes)
    assert found.inputs()["place"][:, 0].tolist() == [1.0, 1.0, 0.0]


def test_what_has_no_place_is_refused_or_left_out():
    samples = windows("chr1:0-10", "chr1:190-200")
    with pytest.raises(AlignmentError, match="1 of 2 windows lie in no bin: chr1:190-200"):
        place_windows(CONTACTS, samples)
    _, (found,) = place_windows(CONTACTS, samples, unplaced="drop")
    assert found.names == ("chr1:0-10",)
    with pytest.raises(AlignmentError, match="1 of 14 bins hold several windows: chr1:0-10"):
        place_windows(CONTACTS, windows("chr1:0-5"), windows("chr1:5-9"))
    with pytest.raises(AlignmentError, match="2 of 2 names are not of the form.* covariates=chromosome,start,end"):
        place_windows(CONTACTS, windows("a", "b"))
    with pytest.raises(AlignmentError, match="make them write chromosomes alike"):
        place_windows(CONTACTS, windows("1:0-5"))
    with pytest.raises(AlignmentError, match="the samples have the tables window, place"):
        place_windows(CONTACTS, toy_contacts(1, 9).samples)
    with pytest.raises(KgnnError, match="unplaced"):
        place_windows(CONTACTS, samples, unplaced="keep")


def test_labels_are_read_as_they_are_written():
    bins = CONTACTS.bins
    assert parse_labels([bins.label(place) for place in range(len(bins))]) == replace(
        bins, names=("",) * len(bins), provenance=parse_labels(()).provenance
    )
    assert parse_labels(["HLA*01:02:5-9::x"]).chromosomes == ("HLA*01:02",)
    with pytest.raises(KgnnError, match="1 of 2 names are not of the form chr1:100-200: chr1"):
        parse_labels(["chr1", "chr1:0-5"])
