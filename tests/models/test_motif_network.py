"""The motif network: against NumPy, by its contract, and what it cannot tell apart."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import sequence_samples
from kgnn.errors import KgnnError
from kgnn.knowledge import Motif, MotifSet, reverse_complement
from kgnn.models import MotifNetwork, MotifSettings
from kgnn.structure import compile_kernels

COUNTS = np.array([[7, 1, 1, 1], [0, 9, 1, 0], [2, 2, 3, 3], [1, 0, 8, 1], [0, 0, 1, 9], [9, 0, 0, 0]])
MOTIFS = MotifSet(
    (Motif.from_counts("M:1", COUNTS), Motif.from_counts("m_2", COUNTS[1:5]), Motif.from_counts("(3)", COUNTS[:4]))
)
SEQUENCES = ["ACGTTGACCAGT", "GGCGTANNTCAA", "TTTTTTTTTTTT", "CATACGGTACCA", "GGATTACAGGCA"]
EVERY = {
    "linear": MotifSettings(),
    "deepbind": MotifSettings(pooling="max_mean", hidden=(5,), dropout=0.3),
    "danq": MotifSettings(window=5, recurrent=2, hidden=(9,), dropout=0.3),
    "windows": MotifSettings(window=5, pooling="max_mean", n_new=2, new_width=4),
    "effects": MotifSettings(filters="frozen", unit="raw", activation="sigmoid", effects=True, n_new=2, new_width=5),
}


def network(settings: MotifSettings, **arguments) -> MotifNetwork:
    kind = "information" if settings.effects else "log_odds"
    kernels = compile_kernels(MOTIFS, kind=kind, both_strands=True)
    arguments = {"n_positions": 12, "outputs": 2, "task": "labels", **arguments}
    return MotifNetwork(kernels, settings, rngs=nnx.Rngs(0), **arguments)


def inputs(sequences=tuple(SEQUENCES)):
    return jnp.asarray(sequence_samples(sequences).inputs(), jnp.float32)


@pytest.mark.parametrize("name", EVERY)
def test_contract(name):
    model = network(EVERY[name])
    found = model(inputs())
    n_states = len(model.term_of_state)
    assert model.terms == ("M:1", "m_2", "(3)", "new_1", "new_2")[: 3 + EVERY[name].n_new]
    assert found.output.shape == (5, 2)
    assert found.auxiliary.shape == (5, 0, 2)
    assert found.states.shape == (5, n_states)
    model.reference[...] = jnp.arange(n_states, dtype=jnp.float32)
    open_, closed = jnp.ones(len(model.terms)), jnp.ones(len(model.terms)).at[1].set(0)
    same = model(inputs(), gate=open_, shift=jnp.zeros(n_states))
    np.testing.assert_allclose(same.output, found.output, rtol=1e-5, atol=1e-6)
    of_term = np.array(model.term_of_state) == 1
    without = model(inputs(), gate=closed)
    np.testing.assert_allclose(
        without.states[:, of_term], np.broadcast_to(np.arange(n_states)[of_term], (5, of_term.sum()))
    )
    np.testing.assert_allclose(without.states[:, ~of_term], found.states[:, ~of_term], rtol=1e-5)
    by_sample = model(inputs(), gate=jnp.stack([open_, closed, closed, open_, closed]))
    np.testing.assert_allclose(by_sample.output[1:3], without.output[1:3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_sample.output[0], found.output[0], rtol=1e-5, atol=1e-6)
    shifted = model(inputs(), shift=jnp.full((5, n_states), 0.5))
    np.testing.assert_allclose(shifted.states, found.states + 0.5, rtol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_has_a_gradient_and_dropout_is_of_training_alone(name):
    model = network(EVERY[name])
    graph, params, rest = nnx.split(model, nnx.Param, ...)

    def loss(params):
        return (nnx.merge(graph, params, rest, copy=True)(inputs(), train=False).output ** 2).sum()

    gradient = jax.grad(loss)(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert float(jnp.abs(leaf).sum()) > 0, jax.tree_util.keystr(path)
    train, again = (network(EVERY[name])(inputs(), train=True).output for _ in range(2))
    np.testing.assert_array_equal(train, again)
    assert np.allclose(train, model(inputs()).output, atol=1e-6) == (EVERY[name].dropout == 0)


def test_effects_equal_numpy():
    model = network(EVERY["effects"])
    assert model.new is not None
    scores = [np.asarray(branch(inputs().reshape(5, 12, 4))) for branch in (model.known, model.new)]
    pooled = np.concatenate([(1 / (1 + np.exp(-each))).max(axis=2) for each in scores], axis=1)
    kernel, bias = np.asarray(model.output_layer.kernel[...]), np.asarray(model.output_layer.bias[...])
    assert (kernel >= 0).all()
    np.testing.assert_allclose(model(inputs()).output, pooled @ kernel.T + bias, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model(inputs()).states, pooled, rtol=1e-5)
    (filters, _), (new, offset) = model.trained_filters()
    assert (filters.shape, new.shape, offset.shape) == ((3, 6, 4), (2, 5, 4), (2,))


def test_windows_equal_numpy():
    model = network(EVERY["windows"])
    assert model.new is not None
    known, new = (np.maximum(np.asarray(branch(inputs().reshape(5, 12, 4))), 0) for branch in (model.known, model.new))
    places = min(known.shape[2], new.shape[2])
    cut = [each[:, :, (each.shape[2] - places) // 2 :][:, :, :places] for each in (known, new)]
    whole = np.concatenate(cut, axis=1)
    parts = [whole[:, :, start : start + 5] for start in range(0, places, 5)]
    assert parts[-1].shape[2] < 5
    found = np.asarray(model.pooled(inputs().reshape(5, 12, 4)))
    for window, part in enumerate(parts):
        np.testing.assert_allclose(found[:, 0::2, window], part.max(axis=2), rtol=1e-5)
        np.testing.assert_allclose(found[:, 1::2, window], part.mean(axis=2), rtol=1e-5, atol=1e-6)


def test_strand_is_not_seen_and_letters_are():
    model = network(EVERY["deepbind"])
    turned = inputs([reverse_complement(each) for each in SEQUENCES])
    np.testing.assert_allclose(model(turned).output, model(inputs()).output, rtol=1e-5, atol=1e-6)
    assert np.ptp(np.asarray(model(inputs()).output), axis=0).min() > 1e-3


def test_mistakes():
    with pytest.raises(KgnnError, match="effects adds up one number a motif"):
        network(MotifSettings(effects=True, hidden=(3,)))
    with pytest.raises(KgnnError, match="Give a window above 0"):
        network(MotifSettings(recurrent=3))
    with pytest.raises(KgnnError, match="pooling is 'min'"):
        network(MotifSettings(pooling="min"))
    with pytest.raises(KgnnError, match="task is 'rank'"):
        network(MotifSettings(), task="rank")
    with pytest.raises(KgnnError, match="the samples have 2 modalities: a, b"):
        network(MotifSettings())({"a": inputs(), "b": inputs()})
