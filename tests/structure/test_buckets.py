"""Buckets: a stated plan, and properties that hold for any."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.structure import FanIn, compile_hierarchy, plan_fan_in

blocks_of_any_size = st.lists(
    st.tuples(st.lists(st.integers(0, 12), max_size=9, unique=True), st.integers(1, 5)), min_size=1, max_size=12
)


def plan(blocks, price: int) -> FanIn:
    return plan_fan_in([np.array(rows, np.int64) for rows, _ in blocks], np.array([n for _, n in blocks]), price)


def test_plan_of_the_drawing_in_one_bucket(drawn):
    # Genes of C, D, B, A, R as drawn; two states each but the root, which has three.
    hierarchy, _ = compile_hierarchy(drawn)
    found = plan_fan_in(hierarchy.genes_of_term, np.array([2, 2, 2, 2, 3]))
    assert (len(found.buckets), found.n_rows, found.order) == (1, 11, None)
    bucket = found.buckets[0]
    assert bucket.blocks.tolist() == [0, 1, 2, 3, 4]
    assert bucket.sources.tolist() == [[0, 1, 0], [1, 2, 3], [4, 5, 0], [0, 0, 0], [6, 0, 0]]
    t, f = True, False
    assert bucket.used_slots.tolist() == [[t, t, f], [t, t, t], [t, t, f], [f, f, f], [t, f, f]]
    assert bucket.used_outputs.tolist() == [[t, t, f], [t, t, f], [t, t, f], [t, t, f], [t, t, t]]
    assert bucket.mask.shape == (5, 3, 3)
    assert bucket.mask[0].tolist() == [[t, t, f], [t, t, f], [f, f, f]]
    assert bucket.mask[4].tolist() == [[t, t, t], [f, f, f], [f, f, f]]
    assert bucket.mask.sum() == 2 * (2 + 3 + 2 + 0) + 3 * 1
    assert (bucket.blocks.dtype, bucket.sources.dtype) == (np.int32, np.int32)


def test_plan_of_the_drawing_without_padding(drawn):
    hierarchy, _ = compile_hierarchy(drawn)
    found = plan_fan_in(hierarchy.genes_of_term, np.array([2, 2, 2, 2, 3]), price=0)
    assert [bucket.blocks.tolist() for bucket in found.buckets] == [[0, 2], [1], [3], [4]]
    assert [bucket.sources.tolist() for bucket in found.buckets] == [[[0, 1], [4, 5]], [[1, 2, 3]], [[0]], [[6]]]
    assert [bucket.used_slots.all() for bucket in found.buckets] == [True, True, False, True]
    # Laid end to end the buckets give the rows of blocks 0, 2, 1, 3, 4.
    assert found.order.tolist() == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 10]
    assert found.order.dtype == np.int32


def test_a_price_decides():
    # Two blocks of one source and one of five: apart they cost 1 + 1 + 5, together 3 × 5.
    rows = [np.array([0]), np.array([1]), np.arange(5)]
    assert len(plan_fan_in(rows, np.ones(3, int), price=7).buckets) == 2
    assert len(plan_fan_in(rows, np.ones(3, int), price=9).buckets) == 1


@settings(max_examples=150, deadline=None)
@given(blocks_of_any_size, st.sampled_from([0, 1, 10, 100, 10_000]))
def test_every_weight_exists_exactly_once(blocks, price):
    found = plan(blocks, price)
    seen = {}
    for bucket in found.buckets:
        assert (np.diff(bucket.blocks) > 0).all()
        assert np.any(bucket.used_slots[:, 1:], axis=0).all() and bucket.used_outputs.any(axis=0).all()
        for position, block in enumerate(bucket.blocks.tolist()):
            assert block not in seen
            seen[block] = (
                bucket.sources[position][bucket.used_slots[position]].tolist(),
                int(bucket.used_outputs[position].sum()),
            )
            assert (bucket.sources[position][~bucket.used_slots[position]] == 0).all()
            assert (np.diff(bucket.used_outputs[position].astype(int)) <= 0).all()
    assert [seen[block] for block in range(len(blocks))] == blocks
    assert found.n_rows == sum(n for _, n in blocks)
    if found.order is not None:
        assert sorted(found.order.tolist()) == list(range(found.n_rows))


@settings(max_examples=80, deadline=None)
@given(blocks_of_any_size, st.integers(0, 1_000))
def test_any_price_gives_the_same_function(blocks, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(len(rows), n)) for rows, n in blocks]
    x = rng.normal(size=13)
    expected = np.concatenate([x[rows] @ weight for (rows, _), weight in zip(blocks, weights, strict=True)])
    for price in (0, 5, 10_000):
        found = plan(blocks, price)
        laid = []
        for bucket in found.buckets:
            kernel = np.where(bucket.mask, 0.0, 1e6)
            for position, block in enumerate(bucket.blocks):
                n_slots, n_outputs = weights[block].shape
                kernel[position, :n_slots, :n_outputs] = weights[block]
            outputs = np.einsum("bso,bs->bo", kernel * bucket.mask, x[bucket.sources])
            laid.append(outputs[bucket.used_outputs])
        joined = np.concatenate(laid)
        np.testing.assert_allclose(joined if found.order is None else joined[found.order], expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=9), st.integers(0, 40))
def test_no_other_borders_are_cheaper(sizes, price):
    blocks = [(list(range(fan_in)), n) for fan_in, n in sizes]
    found = plan(blocks, price)
    cost = sum(bucket.mask.size + price for bucket in found.buckets)
    distinct = sorted({(n, fan_in) for fan_in, n in sizes})
    cheapest = min(
        sum(_cost(sizes, set(distinct[first:last])) + price for first, last in pairwise([0, *cuts, len(distinct)]))
        for cuts in _subsets(range(1, len(distinct)))
    )
    assert cost == cheapest


def _cost(sizes: list[tuple[int, int]], group: set[tuple[int, int]]) -> int:
    members = [(fan_in, n) for fan_in, n in sizes if (n, fan_in) in group]
    return len(members) * max(n for _, n in members) * max(1, *(fan_in for fan_in, _ in members), 1)


def _subsets(items) -> list[list[int]]:
    found = [[]]
    for item in items:
        found += [[*each, item] for each in found]
    return found
