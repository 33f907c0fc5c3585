"""Weights of a kgnn DrugCell network by gene, term and state, read without knowing how kgnn stores them.

A linear map is read by feeding it unit vectors; padding, buckets and tiles of kgnn can change without a change here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.models import DrugResponseNetwork

COLUMNS_AT_ONCE = 256
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
    n_terms, n = hierarchy.n_terms, model.root_rows
    linear, layer = subsystems.gene_linear, subsystems.gene_layer
    if layer is None or subsystems.norm is None or subsystems.heads is None:
        raise ValueError("the model has not the published settings: it lacks a gene layer, normalization or heads")
    of_gene = _matrix(linear, hierarchy.n_genes)
    # A factor on every slot is what the gene layer is, so the quotient is that factor, whatever slot it lies in.
    weights, biases = (
        _quotient(_matrix(lambda rows, given=given: linear(rows, given), hierarchy.n_genes), of_gene, hierarchy, n)
        for given in (layer.scales(), layer.biases())
    )
    bounds = np.cumsum([len(genes) for genes in hierarchy.genes_of_term])[:-1]
    of_child = _child_matrices(model)
    terms = []
    norm = _norm(subsystems.norm)
    heads = _term_heads(subsystems.heads, n_terms, n)
    bias = np.asarray(subsystems.bias[...])
    for term in range(n_terms):
        rows = slice(term * n, (term + 1) * n)
        sources = [np.arange(child * n, (child + 1) * n) for child in hierarchy.children_of_term[term]]
        parts = [of_gene[rows, hierarchy.genes_of_term[term]]]
        if sources:
            first, matrix = of_child[int(hierarchy.level_of_term[term])]
            parts.insert(0, matrix[rows.start - first : rows.stop - first, np.concatenate(sources)])
        terms.append(Layer(np.concatenate(parts, axis=1), bias[rows], norm[:, rows], heads[term]))
    return DrugCellWeights(
        hierarchy.n_genes,
        model.n_fingerprint,
        n,
        hierarchy.genes_of_term,
        hierarchy.children_of_term,
        tuple(np.split(weights, bounds)),
        tuple(np.split(biases, bounds)),
        tuple(terms),
        tuple(_dense_layers(model.drug)),
        _dense_layers(model.join)[0],
        _dense(model.first_output),
        _dense(model.second_output),
    )


def _matrix(linear: Any, n_sources: int) -> np.ndarray:
    """``[row, source]`` of a linear map of feature-major rows."""
    apply = jax.jit(linear)
    columns = []
    for first in range(0, n_sources, COLUMNS_AT_ONCE):
        unit = jnp.eye(n_sources, COLUMNS_AT_ONCE, -first)
        columns.append(np.asarray(apply(unit)))
    return np.concatenate(columns, axis=1)[:, :n_sources]


def _quotient(scaled: np.ndarray, plain: np.ndarray, hierarchy: Any, n: int) -> np.ndarray:
    """Factor of every annotation, read where the plain weight is largest."""
    terms, genes = hierarchy.annotation_term, hierarchy.annotation_gene
    rows = terms[:, None] * n + np.arange(n)
    below = plain[rows, genes[:, None]]
    best = np.abs(below).argmax(axis=1)[:, None]
    above = scaled[rows, genes[:, None]]
    return (np.take_along_axis(above, best, 1) / np.take_along_axis(below, best, 1))[:, 0]


def _child_matrices(model: DrugResponseNetwork) -> dict[int, tuple[int, np.ndarray]]:
    """For each level above the lowest, its first row and the map from all states below it."""
    rows = model.subsystems.level_rows
    linears = model.subsystems.child_linears
    return {level: (rows[level][0], _matrix(linears[level - 1], rows[level][0])) for level in range(1, len(rows))}


def _term_heads(heads: Any, n_terms: int, n: int) -> list[tuple[np.ndarray, float, float, float]]:
    """Every head reads its own term alone, so one probe a state reads all of them."""
    probes = jnp.tile(jnp.eye(n), (n_terms, 1))
    kernel = np.asarray(heads.linear(probes))
    bias, weight, second = (
        np.asarray(each[...])[:, 0] for each in (heads.bias, heads.second_weight, heads.second_bias)
    )
    return [(kernel[term], float(bias[term]), float(weight[term]), float(second[term])) for term in range(n_terms)]


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
