"""Overlaps and nearest genes, against every pair compared with every other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge import make_intervals, nearest_gene, overlap

ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 30), st.integers(1, 25), st.sampled_from("+-.")),
    max_size=14,
)


def intervals(rows):
    rows = [("a", 3, 2, "+"), *rows]
    starts = [row[1] for row in rows]
    ends = [row[1] + row[2] for row in rows]
    return make_intervals([row[0] for row in rows], starts, ends, strands=[row[3] for row in rows])


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.integers(1, 6), st.booleans())
def test_overlaps(left_rows, right_rows, min_bases, same_strand):
    left, right = intervals(left_rows), intervals(right_rows)
    expected = []
    for i in range(len(left)):
        for j in range(len(right)):
            shared = set(range(left.starts[i], left.ends[i])) & set(range(right.starts[j], right.ends[j]))
            on_strand = left.strands[i] == right.strands[j] != "."
            if (
                left.chromosomes[i] == right.chromosomes[j]
                and len(shared) >= min_bases
                and (on_strand or not same_strand)
            ):
                expected.append((i, j, len(shared)))
    found = overlap(left, right, min_bases=min_bases, same_strand=same_strand)
    assert list(zip(found.left.tolist(), found.right.tolist(), found.bases.tolist(), strict=True)) == expected
    alone = {f"overlaps none of the {other} set": len(side) - len({row[column] for row in expected})
             for column, (side, other) in enumerate(((left, "second"), (right, "first")))}  # fmt: skip
    assert {loss.reason: len(loss.names) for loss in found.losses} == {k: n for k, n in alone.items() if n}


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.one_of(st.none(), st.integers(0, 12)))
def test_nearest_genes(rows, gene_rows, max_distance):
    these, genes = intervals(rows), intervals(gene_rows)
    found = nearest_gene(these, genes, max_distance=max_distance)
    for i in range(len(these)):
        center = (these.starts[i] + these.ends[i]) // 2
        best = None
        for j in range(len(genes)):
            if genes.chromosomes[j] != these.chromosomes[i] or genes.strands[j] == ".":
                continue
            tss = genes.starts[j] if genes.strands[j] == "+" else genes.ends[j] - 1
            away = center - tss if genes.strands[j] == "+" else tss - center
            if best is None or abs(away) < abs(best[1]):
                best = (j, away)
        if best is None or (max_distance is not None and abs(best[1]) > max_distance):
            best = (-1, 0)
        assert (found.gene[i], found.distance[i]) == best
    assert sum(len(loss.names) for loss in found.losses) == (found.gene < 0).sum()


def test_a_long_interval_before_many_short_ones():
    left = make_intervals(["1"], [95], [96])
    right = make_intervals(["1"] * 4, [0, 10, 20, 95], [100, 12, 22, 97])
    assert overlap(left, right).right.tolist() == [0, 3]


def test_summits():
    peaks = make_intervals(["1"], [0], [100], extra={"summit": [10]})
    genes = make_intervals(["1", "1"], [12, 60], [20, 70], strands="++")
    assert nearest_gene(peaks, genes).gene.tolist() == [1]
    assert nearest_gene(peaks, genes, on="summit").gene.tolist() == [0]


def test_mistakes():
    here, there = make_intervals(["chr1"], [0], [9]), make_intervals(["1"], [0], [9])
    for join in (overlap, nearest_gene):
        with pytest.raises(AlignmentError, match="in both sets: .* One file writes 'chr1' and the other '1'"):
            join(here, there)
    with pytest.raises(KgnnError, match="min_bases is 0"):
        overlap(here, here, min_bases=0)
