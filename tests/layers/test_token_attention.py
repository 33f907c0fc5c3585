"""Attention among tokens: against NumPy, and padding that changes nothing."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.layers import AttentionPooling, SelfAttention, masked_softmax


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def tokens_and_padding():
    random = np.random.default_rng(0)
    tokens = random.normal(size=(4, 6, 3)).astype(np.float32)
    present = np.array([[1, 1, 0, 1, 0, 1], [1] * 6, [0, 0, 0, 0, 1, 0], [0] * 6], dtype=bool)
    return tokens, present


def test_padding_has_no_share_whatever_its_logit():
    logits = np.array([[1.0, 50.0, -2.0], [0.0, 0.0, 0.0]], np.float32)
    present = np.array([[True, False, True], [False, False, False]])
    found = masked_softmax(jnp.asarray(logits), jnp.asarray(present))
    np.testing.assert_allclose(found[0, [0, 2]], softmax(logits[0, [0, 2]]), rtol=1e-6)
    assert found[0, 1] == 0
    np.testing.assert_array_equal(found[1], 0)
    gradient = jax.grad(lambda logits: (masked_softmax(logits, jnp.asarray(present)) ** 2).sum())(jnp.asarray(logits))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(np.asarray(gradient)[~present], 0)


def test_layers_equal_numpy_on_the_present_tokens_alone():
    tokens, present = tokens_and_padding()
    attention, pooling = SelfAttention(3, 5, rngs=nnx.Rngs(0)), AttentionPooling(3, 5, 2, rngs=nnx.Rngs(1))
    found = attention(jnp.asarray(tokens), jnp.asarray(present))
    pooled, weights = pooling(found, jnp.asarray(present))
    query, key, inner, outer = (
        np.asarray(each[...], np.float64) for each in (attention.query, attention.key, pooling.inner, pooling.outer)
    )
    for sample in range(3):
        kept = tokens[sample, present[sample]]
        exchanged = softmax((kept @ query.T) @ (kept @ key.T).T / 5**0.5) @ kept
        np.testing.assert_allclose(found[sample][present[sample]], exchanged, rtol=1e-5, atol=1e-5)
        for head in range(2):
            share = softmax(np.tanh(exchanged @ inner[head].T) @ outer[head])
            np.testing.assert_allclose(weights[sample, head][present[sample]], share, rtol=1e-5)
            np.testing.assert_allclose(pooled[sample, head], share @ exchanged, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(pooled[3], 0)


def test_what_stands_in_padding_and_the_order_of_tokens_change_nothing():
    tokens, present = tokens_and_padding()
    attention, pooling = SelfAttention(3, 5, rngs=nnx.Rngs(0)), AttentionPooling(3, 5, 2, rngs=nnx.Rngs(1))

    def read(tokens, present):
        return pooling(attention(jnp.asarray(tokens), jnp.asarray(present)), jnp.asarray(present))[0]

    expected = read(tokens, present)
    np.testing.assert_array_equal(read(np.where(present[:, :, None], tokens, 77.0), present), expected)
    longer = np.concatenate([tokens, np.full((4, 2, 3), 9.0, np.float32)], axis=1)
    padded = np.concatenate([present, np.zeros((4, 2), bool)], axis=1)
    np.testing.assert_allclose(read(longer, padded), expected, rtol=1e-5, atol=1e-6)
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(read(tokens[:, order], present[:, order]), expected, rtol=1e-5, atol=1e-6)
