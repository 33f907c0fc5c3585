"""Nulls: what a shuffle keeps and what it destroys, and whether p-values are what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.interpret import benjamini_hochberg, compare_with_null, shuffled_weights
from kgnn.interpret.nulls import at_equal_total
from kgnn.layers import RowBatchNorm, Subsystems, SubsystemSettings
from kgnn.layers.dense import Dense
from kgnn.models import Replicates, VisibleNetwork
from kgnn.perturb.forward import inputs_of
from tests.models.compiled import call
from tests.perturb.runs import hierarchy, network, response_network, run_of, samples, screen

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75)


def modules(model, kind) -> list:
    return [module for _, module in nnx.iter_modules(model) if isinstance(module, kind)]


@pytest.mark.parametrize("kind", ["visible", "replicates", "drugs", "gene layer"])
def test_a_shuffle_keeps_the_weights_of_every_block_and_moves_them(kind: str) -> None:
    data = screen() if kind == "drugs" else samples()
    if kind == "drugs":
        model = response_network()
    elif kind == "replicates":
        model = Replicates([network(seed) for seed in (1, 2, 3)])
    elif kind == "gene layer":
        settings = SubsystemSettings(4, norm="before", gene_layer=True, dropout=0.2)
        model = VisibleNetwork(hierarchy(), settings, outputs=2, rngs=nnx.Rngs(0))
    else:
        model = network()
    run_of(model, data)
    inputs = inputs_of(data)
    before = call(model, inputs)
    null = shuffled_weights(model, inputs, 5)
    after = call(null, inputs)
    np.testing.assert_array_equal(call(model, inputs).output, before.output)
    moved = 0
    for old, new in zip(modules(model, Subsystems), modules(null, Subsystems), strict=True):
        from_genes, from_children = old.targets_of_weights()
        heads = old.heads.weights
        for was, now, into in (
            (old.gene_weights, new.gene_weights, from_genes),
            (old.child_weights, new.child_weights, from_children),
            *((heads[..., k], new.heads.weights[..., k], old.term_of_state[: heads.shape[-2]]) for k in range(2)),
        ):
            a, b = np.asarray(was[...]), np.asarray(now[...])
            for target in set(np.asarray(into).tolist()):
                one = np.asarray(into) == target
                np.testing.assert_array_equal(np.sort(a[..., one], axis=-1), np.sort(b[..., one], axis=-1))
            moved += (a != b).sum()
    assert moved > 20
    for old, new in zip(modules(model, Dense), modules(null, Dense), strict=True):
        a, b = np.asarray(old.kernel[...]), np.asarray(new.kernel[...])
        np.testing.assert_array_equal(np.sort(a, axis=-1), np.sort(b, axis=-1))
    assert nnx.graphdef(null) == nnx.graphdef(model)
    assert np.std(after.output, axis=0).min() > 0.2 * np.std(before.output, axis=0).min()
    assert np.abs(after.output - before.output).max() > 1e-3
    np.testing.assert_array_equal(call(shuffled_weights(model, inputs, 5), inputs).output, after.output)
    assert not np.array_equal(call(shuffled_weights(model, inputs, 6), inputs).output, after.output)


def test_batch_statistics_and_reference_states_are_measured_anew() -> None:
    data = samples(60)
    model = network()
    run_of(model, data)
    null = shuffled_weights(model, inputs_of(data), 0)
    states = call(null, inputs_of(data)).states
    np.testing.assert_allclose(states.mean(axis=0), null.subsystems.reference[...], atol=1e-5)  # type: ignore
    [norm] = modules(null, RowBatchNorm)
    bias, scale = np.asarray(norm.bias[...]), np.asarray(norm.scale[...])
    # The variance that is kept is the unbiased one, a sixtieth larger than that of the samples.
    np.testing.assert_allclose(states.mean(axis=0), bias, atol=0.06)
    np.testing.assert_allclose(np.median(states.std(axis=0, ddof=1) / scale), 1.0, rtol=0.01)
    assert norm.momentum == 0.9


def test_benjamini_hochberg_is_that_of_scipy() -> None:
    from scipy.stats import false_discovery_control

    p_values = np.random.default_rng(0).random(23) ** 3
    found = benjamini_hochberg(p_values)
    np.testing.assert_allclose(found, false_discovery_control(p_values), atol=1e-12)
    order = np.sort(p_values)
    by_hand = np.minimum.accumulate((order * 23 / np.arange(1, 24))[::-1])[::-1]
    np.testing.assert_allclose(np.sort(found), np.minimum(by_hand, 1), atol=1e-12)


@pytest.mark.parametrize("n_null", [5, 20])
@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_p_values_are_uniform_where_there_is_nothing(n_null: int, shape: str) -> None:
    # Terms differ in level and spread by orders of magnitude; their nulls are alike in shape, as is assumed.
    rng = np.random.default_rng(3)
    level, spread = rng.normal(size=(40, 2)) * 10, 10.0 ** rng.uniform(-3, 2, size=(40, 2))
    p_values = []
    for _ in range(150):
        draw = rng.normal(size=(1 + n_null, 40, 2)) if shape == "normal" else rng.exponential(size=(1 + n_null, 40, 2))
        values = level + spread * draw
        p_values.append(compare_with_null(values[0], values[1:]).p_value)
    for share in SHARES:
        found = np.mean(np.array(p_values) <= share)
        assert found <= share * 1.1 + 0.003, f"too many below {share}: {found}"
        assert found >= share * 0.75 - 0.003, f"too few below {share}: {found}"


def test_statistics_by_hand() -> None:
    null = np.array([[[1.0], [4.0]], [[2.0], [4.0]], [[3.0], [10.0]]])
    found = compare_with_null(np.array([[30.0], [5.0]]), null)
    np.testing.assert_allclose(found.mean, [[2.0], [6.0]])
    np.testing.assert_allclose(found.sd, [[1.0], [12**0.5]])
    # Each null value by the mean and deviation of the two others: -2.12, 0, 2.12 and -0.71, -0.71, and for 10 beside
    # (4, 4), whose deviation is raised to the floor of 5 % of the median of both terms', 6 / 0.11 = 54.
    # The observed ones are 28 and -0.29.
    np.testing.assert_allclose(found.p_value, [[2 / 7], [4 / 7]])
    np.testing.assert_allclose(found.q_value, [[4 / 7], [4 / 7]])
    with pytest.raises(KgnnError, match="2 repetitions of the null are too few"):
        compare_with_null(np.zeros((2, 1)), null[:2])


def test_a_term_whose_null_never_varies_is_not_made_certain_by_rounding() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(size=(20, 6, 1))
    observed = rng.normal(size=(6, 1))
    null[:, 2], observed[2] = 0.3, 0.3 + 1e-12
    null[:, 3], observed[3] = 0.0, 0.0
    found = compare_with_null(observed, null)
    assert (found.p_value[[2, 3]] > 0.2).all()
    assert np.isfinite(found.p_value).all()
    nothing = compare_with_null(np.zeros((4, 1)), np.zeros((20, 4, 1)))
    assert (nothing.p_value == 1).all() and (nothing.q_value == 1).all()


def test_a_real_outlier_is_found_among_many_terms() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(size=(20, 50, 1))
    observed = rng.normal(size=(50, 1))
    observed[7] = 9.0
    found = compare_with_null(observed, null)
    assert found.q_value[7] < 0.05 and (np.delete(found.q_value, 7) > 0.05).all()


def test_shares_are_compared_below_the_root() -> None:
    observed = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 9.0]])
    null = np.array([[[10.0, 0.0], [30.0, 0.0], [7.0, 7.0]], [[0.5, 1.0], [0.5, 3.0], [7.0, 7.0]]])
    found = at_equal_total(null, observed)
    np.testing.assert_allclose(found, [[[1.0, 0.0], [3.0, 0.0], [5.0, 9.0]], [[2.0, 1.0], [2.0, 3.0], [5.0, 9.0]]])
