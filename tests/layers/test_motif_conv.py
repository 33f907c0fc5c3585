"""The motif convolution, position by position, and what may become of its filters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.knowledge import Motif, MotifSet, reverse_complement
from kgnn.layers import MotifConv
from kgnn.structure import compile_kernels, one_hot

COUNTS = np.array([[7, 1, 1, 1], [0, 9, 1, 0], [2, 2, 3, 3], [1, 0, 8, 1], [0, 0, 1, 9], [9, 0, 0, 0]])
MOTIFS = MotifSet((Motif.from_counts("six", COUNTS), Motif.from_counts("four", COUNTS[1:5])))
SEQUENCES = ["ACGTTGACCA", "GGCGTANNTC", "TTTTTTTTTT"]


@pytest.mark.parametrize(("both", "length"), [(True, 6), (True, 7), (False, 6)])
def test_scores_equal_a_naive_loop(both, length):
    layer = MotifConv(compile_kernels(MOTIFS, length, both_strands=both), 10, rngs=nnx.Rngs(0))
    found = layer(jnp.asarray(one_hot(SEQUENCES)))
    beyond = length // 2
    wide = np.full((3, 10 + 2 * beyond, 4), 0.25)
    wide[:, beyond:-beyond] = one_hot(SEQUENCES)
    values, offset = np.asarray(layer.filters[...], np.float64), np.asarray(layer.offset[...])
    expected = np.empty((3, 2, wide.shape[1] - length + 1))
    for sample, motif, place in np.ndindex(*expected.shape):
        window = wide[sample, place : place + length]
        scores = [float((window * values[motif]).sum())]
        if both:
            scores.append(float((window * values[motif, ::-1, ::-1]).sum()))
        expected[sample, motif, place] = max(scores) + offset[motif]
    assert found.shape == (3, 2, layer.n_places)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_both_strands_read_the_same():
    layer = MotifConv(compile_kernels(MOTIFS, both_strands=True), 10, initial="random", rngs=nnx.Rngs(0))
    forward, backward = (
        layer(jnp.asarray(one_hot(each))) for each in (SEQUENCES, list(map(reverse_complement, SEQUENCES)))
    )
    np.testing.assert_allclose(forward, backward[:, :, ::-1], atol=1e-5)


def test_an_ambiguous_base_scores_as_the_mean_of_the_four():
    kernels = compile_kernels(MOTIFS)
    layer = MotifConv(kernels, 10, rngs=nnx.Rngs(0))
    for letter in "NRY":
        ambiguous = layer(jnp.asarray(one_hot([f"ACGT{letter}GACCA"])))
        known = layer(jnp.asarray(one_hot([f"ACGT{base}GACCA" for base in "ACGT"])))
        np.testing.assert_allclose(ambiguous[0], known.mean(axis=0), atol=1e-5)
        assert np.ptp(np.asarray(known), axis=0).max() > 0.1


def test_the_best_site_scores_one_and_chance_scores_nothing():
    layer = MotifConv(compile_kernels(MOTIFS, both_strands=True), 10, rngs=nnx.Rngs(0))
    best = layer(jnp.asarray(one_hot(["TTACGGTATT"]))).max(axis=2)
    assert best[0, 0] == pytest.approx(1.0, abs=1e-5)
    random = np.random.default_rng(0)
    drawn = layer(jnp.asarray(np.eye(4, dtype=np.float32)[random.integers(4, size=(400, 10))])).max(axis=2)
    assert 0.2 < float((drawn[:, 0] > 0).mean()) < 0.8


@pytest.mark.parametrize(("filters", "trained"), [("frozen", {"offset"}), ("free", {"filters", "offset"})])
def test_which_filters_are_trained(filters, trained):
    layer = MotifConv(compile_kernels(MOTIFS, both_strands=True), 10, filters=filters, rngs=nnx.Rngs(0))
    graph, params, rest = nnx.split(layer, nnx.Param, ...)
    assert set(params) == trained
    inputs = jnp.asarray(one_hot(SEQUENCES))
    gradient = jax.grad(lambda params: nnx.merge(graph, params, rest)(inputs).max(axis=2).sum())(params)
    assert all(float(jnp.abs(leaf).sum()) > 0 for leaf in jax.tree.leaves(gradient))


def test_constrained_filters_are_letter_heights():
    information = compile_kernels(MOTIFS, kind="information", both_strands=True)
    layer = MotifConv(information, 10, filters="constrained", unit="site", rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(layer.filters[...], information.values[:2])
    assert (np.asarray(layer.offset[...]) < 0).all()
    new = MotifConv(information, 10, filters="constrained", initial="random", rngs=nnx.Rngs(0))
    assert 0 <= float(new.filters[...].min()) < float(new.filters[...].max()) <= 0.5
    with pytest.raises(KgnnError, match="kind 'log_odds' cannot be constrained"):
        MotifConv(compile_kernels(MOTIFS), 10, filters="constrained", rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="filters is 'fixed'"):
        MotifConv(information, 10, filters="fixed", rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="sequences of 0 letters"):
        MotifConv(information, 0, rngs=nnx.Rngs(0))
