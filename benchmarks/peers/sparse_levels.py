"""The sparse-product-a-level design in plain PyTorch: all terms of a level are the rows of one sparse matrix.

The gene layer has no activation, so it is folded into the map that follows it, as this design does: one weight for
each annotation and state. Activations lie one state a row, so that a level is one product of a sparse matrix with the
states below it; the product with the genes, which need no gradient, is done once for all levels. Auxiliary heads,
which the program of the reference leaves out, are added for all terms at once.

The product is ``torch.sparse.mm`` of a COO matrix: of the three ways that plain PyTorch offers (the others are CSR, and
gathered rows added up by ``index_add``) the fastest forward and backward at these sizes and 256 and 500 samples.

References:
    Sada Del Real & Rubio 2023, eBioMedicine 96:104767, whose program has one sparse linear map a level.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .blocks import Design, DrugAndJoin, batch_norm, gradient_of
from .weights import DrugCellWeights, Layer


class SparseLevels(Design):
    """The network; see the module.

    Args:
        weights: Weights to start from.
    """

    def __init__(self, weights: DrugCellWeights):
        super().__init__()
        n = weights.n_states
        self.n_states = n
        levels = _terms_of_levels(weights)
        # Rows are laid out level by level, which a hierarchy's terms already are.
        self.of_genes = _gene_product(weights)
        self.of_states = nn.ModuleList(_child_product(weights, terms) for terms in levels[1:])
        self.rows_of_level = [(int(terms[0]) * n, int(terms[-1] + 1) * n) for terms in levels]
        biases = [
            layer.bias + layer.kernel[:, _n_child_rows(weights, term) :] @ weights.gene_bias[term]
            for term, layer in enumerate(weights.terms)
        ]
        self.bias = nn.Parameter(torch.as_tensor(np.concatenate(biases).astype(np.float32)))
        norms = np.concatenate([_norm_of(layer) for layer in weights.terms], axis=1)
        self.norms = nn.ModuleList(batch_norm(norms[:, first:last]) for first, last in self.rows_of_level)
        self.heads = _Heads(weights)
        self.rest = DrugAndJoin(weights)

    def forward(self, genes: Tensor, fingerprints: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The prediction ``[sample, 1]``, and every auxiliary head: of the terms, then of the drug layers."""
        rows = self.of_genes(genes.T.contiguous()) + self.bias[:, None]
        states: list[Tensor] = []
        for level, (first, last) in enumerate(self.rows_of_level):
            here = rows[first:last]
            if level:
                here = here + self.of_states[level - 1](torch.cat(states))
            states.append(self.norms[level](torch.tanh(here).T).T)
        output, drug_heads = self.rest(states[-1][-self.n_states :].T, fingerprints)
        return output, list(self.heads(torch.cat(states)).unsqueeze(-1)) + drug_heads

    def shared_gradients(self) -> dict[str, Tensor]:
        """Gradients of arrays that kgnn has as well; see `peers.agreement`."""
        return self.rest.shared_gradients() | {
            # A row of the matrix after the other, as a term's own matrix lies.
            "child weights": torch.cat([gradient_of(product.values) for product in self.of_states]),
            "term scale": torch.cat([gradient_of(norm.weight) for norm in self.norms]),
            "head weight": gradient_of(self.heads.second_weight),
        }


class _SparseProduct(nn.Module):
    """A sparse linear map of rows ``[source, sample]`` with trained values."""

    def __init__(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]):
        super().__init__()
        order = np.lexsort((columns, rows))
        self.shape = shape
        self.values = nn.Parameter(torch.as_tensor(values[order].astype(np.float32)))
        self.register_buffer("where", torch.as_tensor(np.stack([rows, columns])[:, order].astype(np.int64)))

    def forward(self, inputs: Tensor) -> Tensor:
        matrix = torch.sparse_coo_tensor(
            self.where,  # type: ignore[arg-type]
            self.values,
            self.shape,
            is_coalesced=True,
            check_invariants=False,
        )
        return torch.sparse.mm(matrix, inputs)


class _Heads(nn.Module):
    """The auxiliary heads of all terms, ``[term, sample]`` from ``[state, sample]``."""

    def __init__(self, weights: DrugCellWeights):
        super().__init__()
        heads = [layer.head for layer in weights.terms if layer.head is not None]
        self.kernel = nn.Parameter(torch.as_tensor(np.stack([head[0] for head in heads]).astype(np.float32)))
        self.bias, self.second_weight, self.second_bias = (
            nn.Parameter(torch.as_tensor(np.array([[head[place]] for head in heads], dtype=np.float32)))
            for place in (1, 2, 3)
        )

    def forward(self, states: Tensor) -> Tensor:
        by_term = states.reshape(*self.kernel.shape, states.shape[1])
        inside = torch.tanh((by_term * self.kernel[:, :, None]).sum(dim=1) + self.bias)
        return inside * self.second_weight + self.second_bias


def _gene_product(weights: DrugCellWeights) -> _SparseProduct:
    """All terms' states from genes, with the weights of the gene layer multiplied in."""
    rows, columns, values = [], [], []
    for term, layer in enumerate(weights.terms):
        genes = weights.genes_of_term[term]
        kernel = layer.kernel[:, _n_child_rows(weights, term) :] * weights.gene_weight[term]
        entries = _entries(term, genes, kernel, weights.n_states)
        for kept, new in zip((rows, columns, values), entries, strict=True):
            kept.append(new)
    shape = (len(weights.terms) * weights.n_states, weights.n_genes)
    return _SparseProduct(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), shape)


def _child_product(weights: DrugCellWeights, terms: np.ndarray) -> _SparseProduct:
    """One level's states from all states below it."""
    n = weights.n_states
    rows, columns, values = [], [], []
    for position, term in enumerate(terms):
        sources = (weights.children_of_term[term][:, None] * n + np.arange(n)).reshape(-1)
        kernel = weights.terms[term].kernel[:, : len(sources)]
        entries = _entries(position, sources, kernel, n)
        for kept, new in zip((rows, columns, values), entries, strict=True):
            kept.append(new)
    shape = (len(terms) * n, int(terms[0]) * n)
    return _SparseProduct(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), shape)


def _entries(block: int, sources: np.ndarray, kernel: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of one term's part of a sparse matrix."""
    rows = np.repeat(block * n + np.arange(n), len(sources))
    return rows, np.tile(sources, n), kernel.reshape(-1)


def _terms_of_levels(weights: DrugCellWeights) -> list[np.ndarray]:
    level = np.zeros(len(weights.terms), dtype=np.int64)
    for term, children in enumerate(weights.children_of_term):
        level[term] = level[children].max() + 1 if len(children) else 0
    return [np.flatnonzero(level == number) for number in range(int(level.max()) + 1)]


def _n_child_rows(weights: DrugCellWeights, term: int) -> int:
    return len(weights.children_of_term[term]) * weights.n_states


def _norm_of(layer: Layer) -> np.ndarray:
    if layer.norm is None:
        raise ValueError("a term without normalization")
    return layer.norm
