"""Weights of a kgnn DrugCell network by term and layer, for designs that store them in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.models import DrugResponseNetwork

LIVELY = 10.0
"""Undoes DrugCell's initial factor of 0.1, under which every output is nearly the same number."""


@dataclass(frozen=True)
class Layer:
    """A linear map ``[output, source]`` with its bias, and batch normalization and heads where it has them.

    Attributes:
        kernel: ``[output, source]``.
        bias: ``[output]``.
        norm: Scale, bias, running mean and running variance, ``[4, output]``.
        head: Kernel ``[output]`` and bias of the first map of the auxiliary head, then weight and bias of the second.
    """

    kernel: np.ndarray
    bias: np.ndarray
    norm: np.ndarray | None = None
    head: tuple[np.ndarray, float, float, float] | None = None


@dataclass(frozen=True)
class DrugCellWeights:
    """All weights of a network with the same number of states at every term.

    Attributes:
        n_genes: Number of genes.
        n_fingerprint: Bits of a fingerprint.
        n_states: States a term.
        genes_of_term: Positions of the direct genes of every term.
        children_of_term: Positions of the child terms of every term.
        gene_weight: For each term, the weight of each of its annotations.
        gene_bias: For each term, the bias of each of its annotations.
        terms: For each term, its linear map from the states of its children, then its genes, to its states.
        drug: Layers of the drug branch.
        join: The layer that joins the branches.
        first_output: Map to the number inside the last tanh.
        second_output: Map to the output.
    """

    n_genes: int
    n_fingerprint: int
    n_states: int
    genes_of_term: tuple[np.ndarray, ...]
    children_of_term: tuple[np.ndarray, ...]
    gene_weight: tuple[np.ndarray, ...]
    gene_bias: tuple[np.ndarray, ...]
    terms: tuple[Layer, ...]
    drug: tuple[Layer, ...]
    join: Layer
    first_output: Layer
    second_output: Layer


def lively_model(model: DrugResponseNetwork, seed: int = 0) -> DrugResponseNetwork:
    """A copy whose outputs vary, and whose running statistics are not those of an untrained network."""
    rng = np.random.default_rng(seed)
    made = nnx.clone(model)
    nnx.update(made, jax.tree.map(lambda array: array * LIVELY, nnx.state(made, nnx.Param)))
    layer = made.subsystems.gene_layer
    if layer is not None:
        # It starts within 1 / sqrt(genes), at which a term's states hardly vary and float32 loses its digits.
        factor = 0.5 * len(made.genes) ** 0.5
        nnx.update(layer, jax.tree.map(lambda array: array * factor, nnx.state(layer, nnx.Param)))
    for _, module in nnx.iter_modules(made):
        if hasattr(module, "variance"):
            module.mean[...] = jnp.asarray(rng.normal(0, 0.1, module.mean.shape), jnp.float32)
            module.variance[...] = jnp.asarray(rng.uniform(0.02, 0.2, module.variance.shape), jnp.float32)
    return made


def read_weights(model: DrugResponseNetwork) -> DrugCellWeights:
    """The weights of a model with DrugCell's published settings (`kgnn.zoo.drugcell`, version ``"paper"``)."""
    subsystems, hierarchy = model.subsystems, model.hierarchy
    layer, heads, norm = subsystems.gene_layer, subsystems.heads, subsystems.norm
    if layer is None or norm is None or heads is None:
        raise ValueError("the model has not the published settings: it lacks a gene layer, normalization or heads")
    n, n_genes = model.root_rows, [len(genes) for genes in hierarchy.genes_of_term]
    n_below = [len(children) * n for children in hierarchy.children_of_term]
    # Both hold a row of states for every source of a term, term by term.
    from_genes = _by_term(subsystems.gene_weights, n_genes, n)
    from_children = _by_term(subsystems.child_weights, n_below, n)
    bias, norms = np.asarray(subsystems.bias[...]).reshape(-1, n), _norm(norm).reshape(4, -1, n)
    first = np.asarray(heads.weights[...]).reshape(-1, n)
    others = [np.asarray(each[...])[:, 0] for each in (heads.bias, heads.second_weight, heads.second_bias)]
    terms = [
        Layer(
            np.concatenate([from_children[term], from_genes[term]]).T,
            bias[term],
            norms[:, term],
            (first[term], float(others[0][term]), float(others[1][term]), float(others[2][term])),
        )
        for term in range(hierarchy.n_terms)
    ]
    return DrugCellWeights(
        hierarchy.n_genes,
        model.n_fingerprint,
        n,
        hierarchy.genes_of_term,
        hierarchy.children_of_term,
        _by_term(layer.weight, n_genes),
        _by_term(layer.bias, n_genes),
        tuple(terms),
        tuple(_dense_layers(model.drug)),
        _dense_layers(model.join)[0],
        _dense(model.first_output),
        _dense(model.second_output),
    )


def _by_term(values: Any, sizes: list[int], n_columns: int | None = None) -> tuple[np.ndarray, ...]:
    """Values that lie term by term, cut up: ``[source]`` or ``[source, state]`` for each term."""
    array = np.asarray(values[...])
    rows = array if n_columns is None else array.reshape(-1, n_columns)
    return tuple(np.split(rows, np.cumsum(sizes)[:-1]))


def _norm(norm: Any) -> np.ndarray:
    return np.stack([np.asarray(each[...]) for each in (norm.scale, norm.bias, norm.mean, norm.variance)])


def _dense(layer: Any, norm: Any = None, head: Any = None) -> Layer:
    return Layer(
        np.asarray(layer.kernel[...]), np.asarray(layer.bias[...]), None if norm is None else _norm(norm), head
    )


def _dense_layers(stack: Any) -> list[Layer]:
    heads: list[Any] = [
        (
            np.asarray(first.kernel[...])[0],
            float(first.bias[...][0]),
            float(second.kernel[...][0, 0]),
            float(second.bias[...][0]),
        )
        for first, second in zip(stack.first_heads, stack.second_heads, strict=True)
    ]
    heads = heads or [None] * len(stack.layers)
    return [_dense(layer, norm, head) for layer, norm, head in zip(stack.layers, stack.norms, heads, strict=True)]
