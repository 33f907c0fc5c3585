"""Biased attention against NumPy: bias off is plain attention, forbidden pairs get exactly nothing."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.knowledge import build_network
from kgnn.layers.attention import BIASES, BiasedAttention, GeneSums, TokenNorm, TransformerBlock
from kgnn.structure import compile_adjacency
from kgnn.structure.affinity import Affinity, network_affinity
from tests.layers.dense_graphs import N_NODES, random_graph, weights_of

N_SAMPLES, N_FEATURES = 3, 6
TOKENS = np.random.default_rng(0).normal(size=(N_SAMPLES, N_NODES, N_FEATURES)).astype(np.float32)


def made(bias: str, affinity: Affinity | None = None) -> Any:
    affinity = network_affinity(random_graph(), most_hops=2, forbid_far=True) if affinity is None else affinity
    layer = BiasedAttention(affinity, N_FEATURES, n_heads=2, bias=bias, rngs=nnx.Rngs(0))
    if layer.of_pair is not None:
        drawn = np.random.default_rng(1).normal(size=layer.of_pair.shape)
        layer.of_pair[...] = jnp.asarray(drawn.astype(np.float32))
    return layer


def naive(w: dict[str, np.ndarray], affinity: Affinity, tokens: np.ndarray, bias: str) -> np.ndarray:
    """One sample, pair by pair."""
    query, key = tokens @ w["query.kernel"], tokens @ w["key.kernel"]
    value = tokens @ w["value.kernel"] + w["value.bias"]
    found = np.zeros_like(tokens)
    for head in range(2):
        part = slice(3 * head, 3 * head + 3)
        for i in range(len(tokens)):
            looked_at = [j for j in range(len(tokens)) if affinity.allowed[i, j]]
            logits = np.array([query[i, part] @ key[j, part] / np.sqrt(3) for j in looked_at])
            known = affinity.values[i, looked_at].astype(np.float64)
            if bias == "network":
                known = np.tanh(known @ w["hidden.kernel"] + w["hidden.bias"])
            if bias != "none":
                logits += known @ w["of_pair"][:, head]
            attention = np.exp(logits) / np.exp(logits).sum()
            found[i, part] = attention @ value[looked_at, part]
    return found @ w["output.kernel"] + w["output.bias"]


@pytest.mark.parametrize("bias", BIASES)
def test_equals_numpy(bias: str):
    layer = made(bias)
    w = weights_of(layer)
    expected = [naive(w, layer.affinity, sample.astype(np.float64), bias) for sample in TOKENS]
    np.testing.assert_allclose(layer(jnp.asarray(TOKENS)), np.stack(expected), atol=1e-5)


def test_bias_off_is_plain_attention():
    affinity = network_affinity(random_graph())
    plain = made("none", affinity)
    # An independent implementation, of flax.
    by_head = (TOKENS @ np.asarray(layer.kernel[...]) for layer in (plain.query, plain.key))
    query, key = (jnp.asarray(each.reshape(N_SAMPLES, N_NODES, 2, 3)) for each in by_head)
    value = plain.value(jnp.asarray(TOKENS)).reshape(N_SAMPLES, N_NODES, 2, 3)
    expected = plain.output(nnx.dot_product_attention(query, key, value).reshape(TOKENS.shape))
    np.testing.assert_allclose(plain(jnp.asarray(TOKENS)), expected, atol=1e-5)
    biased = made("linear", affinity)
    assert not np.allclose(biased(jnp.asarray(TOKENS)), expected, atol=1e-3)
    biased.of_pair[...] = jnp.zeros_like(biased.of_pair[...])  # as it starts
    np.testing.assert_allclose(biased(jnp.asarray(TOKENS)), expected, atol=1e-5)


def test_forbidden_pairs_get_nothing_and_a_constant_bias_changes_nothing():
    layer = made("linear")
    attention = np.asarray(layer.attention(jnp.asarray(TOKENS)))
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)
    forbidden = ~layer.affinity.allowed
    assert forbidden.any() and not attention[..., forbidden].any() and (attention[..., ~forbidden] > 0).all()
    # Hops are one column of several: adding to all of them moves every logit alike.
    before = layer(jnp.asarray(TOKENS))
    moved = np.asarray(layer.of_pair[...]) + np.array([0.0, 1, 1, 1, 1], np.float32)[:, None] * 2
    layer.of_pair[...] = jnp.asarray(moved)
    np.testing.assert_allclose(layer(jnp.asarray(TOKENS)), before, atol=1e-5)


def test_permuted_tokens_give_permuted_values():
    order = np.random.default_rng(2).permutation(N_NODES)
    plain = made("linear")
    permuted = made("linear", network_affinity(random_graph(order=order), most_hops=2, forbid_far=True))
    found = plain(jnp.asarray(TOKENS))
    np.testing.assert_allclose(permuted(jnp.asarray(TOKENS[:, order])), found[:, order], atol=1e-5)


def test_a_block_equals_numpy_and_every_parameter_has_a_gradient():
    block = TransformerBlock(made("network").affinity, N_FEATURES, n_heads=2, bias="network", rngs=nnx.Rngs(3))
    block.attention.of_pair[...] = made("network").of_pair[...]
    w = weights_of(block)
    of_attention = {name.removeprefix("attention."): array for name, array in w.items() if name.startswith("att")}

    def norm(x: np.ndarray, k: int) -> np.ndarray:
        return x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-5) * w[f"norms.{k}.scale"]

    for sample, found in zip(TOKENS.astype(np.float64), block(jnp.asarray(TOKENS)), strict=True):
        x = sample + naive(of_attention, block.attention.affinity, norm(sample, 0), "network")
        inside = norm(x, 1) @ w["first.kernel"] + w["first.bias"]
        curved = 0.5 * inside * (1 + np.tanh(np.sqrt(2 / np.pi) * (inside + 0.044715 * inside**3)))
        x = x + curved @ w["second.kernel"] + w["second.bias"]
        np.testing.assert_allclose(found, x, atol=1e-5)
    graph, params = nnx.split(block)
    gradient = jax.jit(jax.grad(lambda p: jnp.square(nnx.merge(graph, p)(jnp.asarray(TOKENS))).sum()))(params)
    for path, each in nnx.to_flat_state(gradient):
        assert np.any(each[...] != 0), path


def test_hops_and_weights_of_a_path():
    #   A --2-- B --1-- C      D
    network = build_network(list("ABCD"), np.array([0, 1]), np.array([1, 2]), weight=np.array([2.0, 1.0]))
    found = network_affinity(compile_adjacency(network)[0], most_hops=1, forbid_far=True)
    assert found.names == ("weight", "itself", "1 hops", "farther")
    assert found.values[0].tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert found.allowed.tolist() == [
        [True, True, False, False], [True, True, True, False], [False, True, True, False], [False, False, False, True],
    ]  # fmt: skip
    two = network_affinity(compile_adjacency(network)[0], "hops", most_hops=2)
    assert two.values[0, 2].tolist() == [0, 0, 1, 0] and two.allowed.all()
    assert two == network_affinity(compile_adjacency(network)[0], "hops", most_hops=2) != found
    assert hash(two) != hash(found)


def test_sums_of_genes():
    genes, terms = np.array([0, 2, 1]), np.array([0, 0, 2])
    layer = GeneSums(genes, terms, 3, 2, rngs=nnx.Rngs(0))
    rows = jnp.asarray(np.arange(8, dtype=np.float32).reshape(4, 2))
    kernel, bias = np.asarray(layer.kernel[...]), np.asarray(layer.bias[...])
    sums = np.stack([0 * kernel[0] + 4 * kernel[1], 0 * kernel[0], 2 * kernel[2]])
    np.testing.assert_allclose(layer(rows)[0], sums + bias, atol=1e-6)
    np.testing.assert_allclose(TokenNorm(2)(jnp.asarray([[1.0, 7.0]])), [[0.2, 1.4]], atol=1e-4)


def test_refuses_what_does_not_fit():
    with pytest.raises(KgnnError, match="bias is 'table'"):
        BiasedAttention(network_affinity(random_graph()), 4, bias="table", rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="4 heads do not divide 6"):
        BiasedAttention(network_affinity(random_graph()), 6, n_heads=4, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="kind of affinity is 'score'"):
        network_affinity(random_graph(), "score")
    with pytest.raises(KgnnError, match="most_hops is 0"):
        network_affinity(random_graph(), most_hops=0)
    many = np.arange(8_193)
    chain = build_network([f"g{n}" for n in many], many[:-1], many[1:])
    with pytest.raises(KgnnError, match="attention among 8,193 tokens"):
        network_affinity(compile_adjacency(chain)[0])
