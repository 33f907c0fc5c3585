"""Units of genes, heads of levels and prices of edges against loops in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.layers import GeneFeatures, GroupHardThreshold, GroupLasso, GroupSoftThreshold, LevelHeads, LogStateRule
from kgnn.layers.thresholds import group_norms
from tests.models.weights import named_arrays, randomize

SIZES = (3, 1, 4, 2)
ARRAY = np.array


@pytest.mark.parametrize("norm", [True, False], ids=["normalized", "plain"])
def test_a_gene_is_a_unit_of_its_own_features(norm: bool):
    rng = np.random.default_rng(0)
    layer = GeneFeatures(5, 2, norm=norm, rngs=nnx.Rngs(0))
    randomize(layer, 0)
    features = [rng.normal(size=(5, 7)).astype(np.float32) for _ in range(2)]
    arrays = named_arrays(layer)
    expected = np.zeros((5, 7))
    for gene in range(5):
        for sample in range(7):
            summed = sum(float(arrays["weights"][f, gene]) * features[f][gene, sample] for f in range(2))
            value = np.tanh(summed + arrays["bias"][gene])
            if norm:
                value = (value - arrays["norm.mean"][gene]) / np.sqrt(arrays["norm.variance"][gene] + 1e-5)
                value = value * arrays["norm.scale"][gene] + arrays["norm.bias"][gene]
            expected[gene, sample] = value
    np.testing.assert_allclose(layer([jnp.asarray(each) for each in features]), expected, atol=1e-5)


def test_a_gene_sees_no_other_gene():
    layer = GeneFeatures(4, 3, rngs=nnx.Rngs(1))
    slope = jax.jacrev(lambda x: layer([x, x, x])[:, 0])(jnp.ones((4, 1)))[:, :, 0]
    np.testing.assert_array_equal(np.asarray(slope) != 0, np.eye(4, dtype=bool))


def test_a_head_reads_its_level_alone():
    rng = np.random.default_rng(2)
    layer = LevelHeads([3, 1, 4], 2, rngs=nnx.Rngs(2))
    layer.bias[...] = jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)
    rows = rng.normal(size=(8, 5)).astype(np.float32)
    kernel, bias = np.asarray(layer.kernel[...]), np.asarray(layer.bias[...])
    levels = [range(0, 3), range(3, 4), range(4, 8)]
    expected = np.zeros((3, 2, 5))
    for level, members in enumerate(levels):
        for output in range(2):
            expected[level, output] = sum(kernel[output, row] * rows[row] for row in members) + bias[level, output]
    np.testing.assert_allclose(layer(jnp.asarray(rows)), expected, atol=1e-5)


def each_group(values: np.ndarray) -> list[np.ndarray]:
    ends = np.cumsum(SIZES)
    return [values[end - size : end] for size, end in zip(SIZES, ends, strict=True)]


@pytest.mark.parametrize("sizes", [SIZES, (5, 5)], ids=["unequal", "equal"])
def test_a_group_goes_whole_or_stays_as_it_is(sizes: tuple[int, ...]):
    values = np.linspace(-0.4, 0.5, 10).astype(np.float32)
    found = np.asarray(GroupHardThreshold(sizes, 0.5)(jnp.asarray(values), jnp.float32(0.1)))
    ends = np.cumsum(sizes)
    for size, end in zip(sizes, ends, strict=True):
        group = values[end - size : end]
        wanted = group if (group**2).sum() > 2 * 0.1 * 0.5 else 0 * group
        np.testing.assert_array_equal(found[end - size : end], wanted)
    assert 0 < np.count_nonzero(found) < 10


def test_a_group_shrinks_by_its_price_and_stops_at_0():
    values = np.array([0.3, -0.2, 0.1, 0.02, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0], np.float32)
    found = np.asarray(GroupSoftThreshold(SIZES, 0.7)(jnp.asarray(values), jnp.float32(0.1)))
    for group, now in zip(each_group(values), each_group(found), strict=True):
        norm = np.sqrt((group**2).sum())
        factor = max(0.0, 1 - 0.1 * 0.7 * np.sqrt(len(group)) / norm) if norm else 0.0
        np.testing.assert_allclose(now, group * factor, atol=1e-6)
    assert found[3] == 0


def test_the_lasso_in_units_of_the_loss_takes_the_mean_step_of_a_group():
    values = np.array([0.3, -0.2, 0.1, 0.02, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0], np.float32)
    step = np.linspace(0.02, 0.3, 10).astype(np.float32)
    found = np.asarray(GroupLasso(SIZES, 0.7)(jnp.asarray(values), jnp.asarray(step)))
    for group, steps, now in zip(each_group(values), each_group(step), each_group(found), strict=True):
        norm = np.sqrt((group**2).sum())
        factor = max(0.0, 1 - steps.mean() * 0.7 * np.sqrt(len(group)) / norm) if norm else 0.0
        np.testing.assert_allclose(now, group * factor, atol=1e-6)


def test_thresholds_minimize_what_they_say():
    rng = np.random.default_rng(3)
    values = rng.normal(size=4).astype(np.float32)
    rate, price = 0.3, 0.8

    def cost(w: np.ndarray, kind: str) -> float:
        norm = np.sqrt((w**2).sum())
        paid = price * 2 * norm if kind == "soft" else price * (norm > 0)
        return ((w - values) ** 2).sum() / (2 * rate) + paid

    for kind, operator in (("soft", GroupSoftThreshold((4,), price)), ("hard", GroupHardThreshold((4,), price))):
        best = np.asarray(operator(jnp.asarray(values), jnp.float32(rate)))
        others = [best + rng.normal(scale=0.2, size=4) for _ in range(300)] + [values, 0 * values]
        assert all(cost(best, kind) <= cost(other, kind) + 1e-5 for other in others)


def test_norms_of_groups_of_one_network_and_of_several():
    values = np.arange(10.0)
    expected = [np.sqrt((group**2).sum()) for group in each_group(values)]
    np.testing.assert_allclose(group_norms(values, ARRAY(SIZES)), expected)
    np.testing.assert_allclose(group_norms(np.stack([values, 2 * values]), ARRAY(SIZES))[1], 2 * ARRAY(expected))
    assert group_norms(np.zeros((2, 0)), np.zeros(0, int)).shape == (2, 0)


def test_states_by_the_logarithm_of_the_size():
    rule = LogStateRule(20, 5)
    sizes = np.array([1, 4, 5, 50, 500])
    expected = [1 if n < 5 else round(1 + 19 * np.log(n / 5) / np.log(500 / 5)) for n in sizes]
    assert rule(sizes).tolist() == expected
    assert LogStateRule(7, 5)(np.array([2, 5])).tolist() == [1, 1]
