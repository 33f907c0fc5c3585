"""Expected contacts by distance, the strongest ones and a control of the same distances."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import KgnnError, StructureError
from kgnn.knowledge import (
    distance_matched,
    expected_contacts,
    make_contact_map,
    observed_over_expected,
    read_contacts,
    top_contacts,
)

LENGTHS = {"a": 6, "b": 4, "c": 1}
N = 11


@st.composite
def maps(draw):
    """A dense upper triangle, masked bins, and the same as a map; masked bins have no contact."""
    counts = np.triu(np.array(draw(st.lists(st.integers(0, 4), min_size=N * N, max_size=N * N))).reshape(N, N))
    masked = np.array(draw(st.lists(st.booleans(), min_size=N, max_size=N)))
    counts[masked] = 0
    counts[:, masked] = 0
    first, second = np.nonzero(counts)
    return counts, masked, replace(make_contact_map(LENGTHS, 1, first, second, counts[first, second]), masked=masked)


def diagonals(counts, masked):
    """Values of every pair of bins that are not masked, by chromosome and distance."""
    found = {}
    start = 0
    for name, n in LENGTHS.items():
        for i in range(start, start + n):
            for j in range(i, start + n):
                if not masked[i] and not masked[j]:
                    found.setdefault((name, j - i), []).append(counts[i, j])
        start += n
    return found


@settings(max_examples=60, deadline=None)
@given(maps())
def test_expected(drawn):
    counts, masked, contacts = drawn
    known = diagonals(counts, masked)
    apart, pooled = expected_contacts(contacts), expected_contacts(contacts, pooled=True)
    for name, n in LENGTHS.items():
        for distance in range(n):
            values = known.get((name, distance), [])
            assert apart.pairs[name][distance] == len(values)
            together = [value for other in LENGTHS for value in known.get((other, distance), [])]
            for found, wanted in ((apart, values), (pooled, together)):
                mean = found.mean[name][distance]
                assert np.isnan(mean) if not wanted else mean == pytest.approx(np.mean(wanted))


@settings(max_examples=60, deadline=None)
@given(maps())
def test_observed_over_expected(drawn):
    counts, masked, contacts = drawn
    found = observed_over_expected(contacts)
    known = diagonals(counts, masked)
    for first, second, value in zip(found.bin_1, found.bin_2, found.values, strict=True):
        name = contacts.chromosomes[contacts.bin_chromosome[first]]
        assert value == pytest.approx(counts[first, second] / np.mean(known[name, second - first]))
    assert len(found) == contacts.within_chromosome.sum()
    assert found.unit == "count over expected"


@settings(max_examples=60, deadline=None)
@given(maps(), st.integers(1, 6), st.integers(0, 3))
def test_top_contacts(drawn, k, min_distance):
    counts, _, contacts = drawn
    start, expected = 0, []
    for n in LENGTHS.values():
        rows = [(-counts[i, j], i, j) for i in range(start, start + n) for j in range(i + min_distance, start + n)]
        expected += [row[1:] for row in sorted(row for row in rows if row[0])[:k]]
        start += n
    if not expected:
        with pytest.raises(StructureError, match=f"no contact within a chromosome spans {min_distance} bases"):
            top_contacts(contacts, k, min_distance=min_distance)
        return
    found = top_contacts(contacts, k, min_distance=min_distance)
    assert list(zip(found.bin_1.tolist(), found.bin_2.tolist(), strict=True)) == sorted(expected)


@settings(max_examples=60, deadline=None)
@given(maps(), st.integers(0, 5))
def test_the_control_has_the_same_distances_and_values(drawn, seed):
    counts, masked, contacts = drawn
    chosen = contacts.take(contacts.within_chromosome, "within")
    found = distance_matched(chosen, seed=seed)

    def described(some):
        rows = zip(some.bin_chromosome[some.bin_1], some.bin_2 - some.bin_1, some.values, strict=True)
        return Counter(tuple(map(float, row)) for row in rows)

    pairs = set(zip(found.bin_1.tolist(), found.bin_2.tolist(), strict=True))
    assert described(found) == described(chosen)
    assert len(pairs) == len(chosen)
    assert not masked[[*found.bin_1, *found.bin_2]].any()
    assert found == distance_matched(chosen, seed=seed)
    # Contacts stay only where no other pair of their distance is left.
    known, taken = diagonals(counts, masked), Counter()
    given_pairs = set(zip(chosen.bin_1.tolist(), chosen.bin_2.tolist(), strict=True))
    for first, second in given_pairs:
        taken[contacts.chromosomes[contacts.bin_chromosome[first]], second - first] += 1
    stay = sum(max(2 * n - len(known[key]), 0) for key, n in taken.items())
    assert len(pairs & given_pairs) == stay


def test_on_a_real_file_contacts_fall_with_distance(shared_data):
    pytest.importorskip("cooler")
    contacts = read_contacts(shared_data / "hic_cooler" / "hg19.GM12878-MboI.matrix.2000kb.cool")
    decay = expected_contacts(contacts, pooled=True)
    assert (np.diff(decay.mean["chr1"][:8]) < 0).all()
    dense = contacts.to_sparse().toarray()
    part = contacts.bins_of_chromosome["chr17"]
    block = dense[part, part]
    apart = expected_contacts(contacts).mean["chr17"]
    np.testing.assert_allclose(apart, [np.diagonal(block, d).mean() for d in range(len(block))])
    ratio = observed_over_expected(contacts).to_sparse().toarray()[part, part]
    means = [np.diagonal(ratio, d).mean() for d in range(len(block)) if apart[d] > 0]
    np.testing.assert_allclose(means, 1)
    top = top_contacts(contacts, 5)
    control = distance_matched(top, seed=3)
    assert control.distances.sum() == top.distances.sum()
    shared = set(zip(top.bin_1, top.bin_2, strict=True)) & set(zip(control.bin_1, control.bin_2, strict=True))
    assert len(shared) < 0.02 * len(top)


def test_mistakes():
    contacts = make_contact_map(LENGTHS, 1, np.array([0, 0]), np.array([3, 7]), np.ones(2))
    with pytest.raises(KgnnError, match="k is 0"):
        top_contacts(contacts, 0)
    with pytest.raises(StructureError, match="1 contacts lie between chromosomes"):
        distance_matched(contacts)
    with pytest.raises(StructureError, match="bins of this map differ in size"):
        expected_contacts(replace(contacts, resolution=0))
