"""The backward pass that is written by hand, against finite differences in double precision, in every direction."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.layers import StateRule, Subsystems, SubsystemSettings, tiles
from kgnn.structure import compile_hierarchy
from tests.models.weights import in_double_precision

HIERARCHY, _ = compile_hierarchy(random_ontology(13, 17, 3))
N_SAMPLES, N_TERMS = 11, 13
CHOICES = [
    SubsystemSettings(3, heads="tanh_linear", gene_layer=True),
    SubsystemSettings(StateRule(2, 0.5), norm="before", heads_read="activation"),
    SubsystemSettings(2, norm="none", activation="gelu"),
    SubsystemSettings(StateRule(1, 0.4), activation="sigmoid", gene_layer=True, heads="tanh"),
]


@pytest.mark.parametrize("tile", [128, 4], ids=["one tile", "three tiles"])
@pytest.mark.parametrize("train", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("chosen", CHOICES, ids=["after", "before", "none", "sizes"])
def test_gradients_of_weights_genes_gates_and_shifts(monkeypatch, chosen, train, tile):
    # Constants of speed, not the subject: eleven samples then make several tiles, the last of them filled up.
    monkeypatch.setattr(tiles, "SAMPLES_OF_A_TILE", tile)
    monkeypatch.setattr(tiles, "MULTIPLE", 1)
    rng = np.random.default_rng(0)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = in_double_precision(Subsystems(HIERARCHY, chosen, 2, rngs=nnx.Rngs(0)))
        graph, params, rest = nnx.split(model, nnx.Param, ...)
        n_states = len(model.term_of_state)
        wanted = rng.normal(size=(n_states, N_SAMPLES))
        weights = rng.random(N_SAMPLES) + 0.5

        @jax.jit
        def value(params: Any, gate: Any, shift: Any, genes: Any) -> Any:
            subsystems = nnx.merge(graph, params, rest, copy=True)
            found = subsystems(genes, gate=gate, shift=shift, weights=weights, train=train)
            return (found.states * wanted).sum() + jnp.square(found.root).sum() + 1.3 * jnp.sin(found.heads).sum()

        for each in ((), (N_SAMPLES,)):
            gate, shift = rng.random((*each, N_TERMS)), rng.normal(size=(*each, n_states))
            arguments = (params, gate, shift, rng.normal(size=(N_SAMPLES, 17)))
            gradient = jax.tree.leaves(jax.jit(jax.grad(value, argnums=(0, 1, 2, 3)))(*arguments))
            leaves, tree = jax.tree.flatten(arguments)
            way = [rng.normal(size=leaf.shape) for leaf in leaves]
            ends = (
                value(*tree.unflatten([leaf + sign * 1e-6 * step for leaf, step in zip(leaves, way, strict=True)]))
                for sign in (1, -1)
            )
            slope = (next(ends) - next(ends)) / 2e-6
            along = sum((np.asarray(leaf) * step).sum() for leaf, step in zip(gradient, way, strict=True))
            np.testing.assert_allclose(along, slope, rtol=1e-6)
