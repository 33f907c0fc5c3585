"""`FanInLinear`: equal to plain loops; what does not exist cannot be trained into being, nor be read."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.layers import FanInLinear, Mask
from kgnn.structure import plan_fan_in

# Source rows and number of outputs of five blocks; seven source rows, the third block has none.
BLOCKS = [([0, 1], 2), ([5, 2, 6], 2), ([], 1), ([4], 3), ([1, 3], 2)]
N_SOURCES, N_ROWS = 7, 10


def make(price: int = 10_000, blocks=BLOCKS, seed: int = 0) -> FanInLinear:
    plan = plan_fan_in([np.array(rows, np.int64) for rows, _ in blocks], np.array([n for _, n in blocks]), 7, price)
    return FanInLinear(plan, np.linspace(0.5, 1.5, len(blocks)), rngs=nnx.Rngs(seed))


def spoil(linear: FanInLinear, garbage: float) -> None:
    for bucket in linear.buckets:
        exists = np.asarray(bucket.mask())
        bucket.kernel[...] = jax.device_put(np.where(exists, np.asarray(bucket.kernel[...]), np.float32(garbage)))


def kernels(linear: FanInLinear) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and mask of every bucket."""
    return [(np.asarray(bucket.kernel[...]), np.asarray(bucket.mask())) for bucket in linear.buckets]


def by_loops(linear: FanInLinear, blocks, price: int, x: np.ndarray) -> np.ndarray:
    plan = plan_fan_in([np.array(rows, np.int64) for rows, _ in blocks], np.array([n for _, n in blocks]), 7, price)
    weight = {}
    for bucket, (kernel, _) in zip(plan.buckets, kernels(linear), strict=True):
        weight |= {int(block): kernel[position] for position, block in enumerate(bucket.blocks)}
    rows = []
    for block, (sources, n) in enumerate(blocks):
        for output in range(n):
            row = np.zeros(x.shape[1])
            for slot, source in enumerate(sources):
                row += float(weight[block][slot, output]) * x[source]
            rows.append(row)
    return np.array(rows)


X = np.random.default_rng(1).normal(size=(N_SOURCES, 4)).astype(np.float32)


@pytest.mark.parametrize("price", [0, 3, 10_000])
def test_equals_loops(price):
    linear = make(price)
    found = linear(jnp.asarray(X))
    assert found.shape == (N_ROWS, 4)
    np.testing.assert_allclose(found, by_loops(linear, BLOCKS, price, X), atol=1e-6)
    np.testing.assert_array_equal(found[4], 0)  # the block without sources


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 6), max_size=7, unique=True), st.integers(1, 4)), min_size=1, max_size=7
    ),
    st.sampled_from([0, 20, 10_000]),
)
def test_equals_loops_for_any_blocks(blocks, price):
    linear = make(price, blocks)
    spoil(linear, 1e6)
    # Sums of a handful of products of numbers near 1.
    np.testing.assert_allclose(jax.jit(linear)(X), by_loops(linear, blocks, price, X), atol=1e-5)


def test_one_unbroken_range_needs_no_gathering():
    blocks = [([0, 1], 2), ([2, 3], 2), ([4, 5], 2)]
    linear = make(blocks=blocks)
    assert [bucket.first_source for bucket in linear.buckets] == [0] and linear.n_unused == 0
    np.testing.assert_allclose(linear(jnp.asarray(X)), by_loops(linear, blocks, 10_000, X), atol=1e-6)


def test_what_starts_at_0():
    linear = make()
    used = sum(len(rows) * n for rows, n in BLOCKS)
    assert linear.n_unused == sum(kernel.size for kernel, _ in kernels(linear)) - used
    for kernel, exists in kernels(linear):
        assert (kernel[~exists] == 0).all() and (kernel[exists] != 0).all()
    bounds = np.linspace(0.5, 1.5, 5)
    ((kernel, _),) = kernels(linear)
    for block in range(5):
        assert np.abs(kernel[block]).max() <= bounds[block]
    assert make().n_unused > 0 and make(price=0).n_unused == 1  # the empty block keeps one slot


@pytest.mark.parametrize("garbage", [1e6, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("price", [0, 10_000])
def test_garbage_in_unused_slots_changes_no_bit(garbage, price):
    clean, spoiled = make(price), make(price)
    spoil(spoiled, garbage)
    scales = [jnp.asarray(np.random.default_rng(2).normal(size=b.used_slots.shape), jnp.float32) for b in clean.buckets]
    spoiled_scales = [
        jnp.where(bucket.used_slots[...], scale, garbage) for bucket, scale in zip(clean.buckets, scales, strict=True)
    ]
    x = jnp.asarray(X)
    np.testing.assert_array_equal(clean(x), spoiled(x))
    np.testing.assert_array_equal(clean(x, scales), spoiled(x, spoiled_scales))
    np.testing.assert_array_equal(clean.constant(scales), spoiled.constant(spoiled_scales))


@pytest.mark.parametrize("price", [0, 10_000])
def test_slot_scales_and_constants_equal_loops(price):
    linear = make(price)
    rng = np.random.default_rng(3)
    scale_of, value_of = rng.normal(size=(2, 5, 7)).astype(np.float32)
    plan = plan_fan_in([np.array(rows, int) for rows, _ in BLOCKS], np.array([n for _, n in BLOCKS]), 7, price)
    scales, values = (
        [jnp.asarray(each[bucket.blocks[:, None], bucket.sources] * bucket.used_slots) for bucket in plan.buckets]
        for each in (scale_of, value_of)
    )
    expected, constants = [], []
    for block, (sources, _) in enumerate(BLOCKS):
        one = np.zeros((7, 4), np.float32)
        one[sources] = X[sources] * scale_of[block, sources][:, None]
        rows = slice(sum(m for _, m in BLOCKS[:block]), sum(m for _, m in BLOCKS[: block + 1]))
        expected.append(np.asarray(linear(jnp.asarray(one)))[rows])
        fixed = np.zeros((7, 1), np.float32)
        fixed[sources, 0] = value_of[block, sources]
        constants.append(np.asarray(linear(jnp.asarray(fixed)))[rows, 0])
    np.testing.assert_allclose(linear(jnp.asarray(X), scales), np.concatenate(expected), atol=1e-5)
    np.testing.assert_allclose(linear.constant(values), np.concatenate(constants), atol=1e-5)


@pytest.mark.parametrize("garbage", [0.0, 1e6, np.inf])
def test_gradient_at_unused_slots_is_exactly_0(garbage):
    linear = make()
    spoil(linear, garbage)
    graph, params, rest = nnx.split(linear, nnx.Param, ...)
    gradient = jax.jit(jax.grad(lambda params: jnp.square(nnx.merge(graph, params, rest)(jnp.asarray(X))).sum()))(
        params
    )
    for (_, exists), each in zip(kernels(linear), jax.tree.leaves(gradient), strict=True):
        each = np.asarray(each)
        assert (each[~exists] == 0).all()
        assert (each[exists] != 0).all()


@pytest.mark.parametrize(
    "optimizer",
    [optax.adamw(1e-2, weight_decay=0.3), optax.chain(optax.add_decayed_weights(1e-2), optax.adam(1e-2, b2=0.99))],
    ids=["adamw", "adam with a penalty"],
)
def test_unused_slots_stay_unused_in_training(optimizer):
    linear = make()
    graph, params, rest = nnx.split(linear, nnx.Param, ...)

    def loss(params):
        return jnp.square(nnx.merge(graph, params, rest)(jnp.asarray(X)) - 1.0).mean()

    def step(carry, _):
        params, moments = carry
        updates, moments = optimizer.update(jax.grad(loss)(params), moments, params)
        return (optax.apply_updates(params, updates), moments), None

    start = (params, optimizer.init(params))
    with jax.numpy_dtype_promotion("standard"):  # optax counts its steps in integers
        trained, moments = jax.jit(lambda start: jax.lax.scan(step, start, length=100)[0])(start)
    assert loss(trained) < 0.9 * loss(params)
    exists = [mask for _, mask in kernels(linear)]
    for before, after, used in zip(jax.tree.leaves(params), jax.tree.leaves(trained), exists, strict=True):
        after = np.asarray(after)
        assert (after[~used] == 0).all() and (after[used] != np.asarray(before)[used]).all()
    of_weights = [leaf for leaf in jax.tree.leaves(moments) if leaf.ndim]
    assert len(of_weights) == 2 * len(exists)
    for moment in of_weights:
        assert (np.asarray(moment)[~exists[0]] == 0).all() and (np.asarray(moment)[exists[0]] != 0).all()


def test_masks_are_no_parameters():
    linear = make(price=0)
    assert linear.order is not None
    assert all(path[-1] == "kernel" for path, _ in nnx.to_flat_state(nnx.state(linear, nnx.Param)))
    names = {path[-1] for path, _ in nnx.to_flat_state(nnx.state(linear, Mask))}
    assert names == {"used_slots", "used_outputs", "sources", "order"}
