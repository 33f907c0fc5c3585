"""The equations of the models once more: by name, one loop over terms, in NumPy and double precision.

Written from the equations in the documentation, for comparison; slow on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor, log

import numpy as np

from kgnn.knowledge.ontology import Ontology
from kgnn.layers import LogStateRule, StateRule, SubsystemSettings

MOMENTUM, EPSILON = 0.9, 1e-5
ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "gelu": lambda z: 0.5 * z * (1 + np.tanh((2 / np.pi) ** 0.5 * (z + 0.044715 * z**3))),
    "identity": lambda z: z,
}


@dataclass
class Norm:
    """Batch normalization of one vector of units."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def __call__(self, x: np.ndarray, weights: np.ndarray | None, train: bool) -> np.ndarray:
        """Of ``[sample, unit]``; in training the running averages move."""
        mean, variance = self.mean, self.variance
        if train:
            count = np.ones(len(x)) if weights is None else weights
            n = count.sum()
            mean = sum(c * row for c, row in zip(count, x, strict=True)) / n
            variance = sum(c * (row - mean) ** 2 for c, row in zip(count, x, strict=True)) / n
            unbiased = variance * n / (n - 1)
            self.mean = MOMENTUM * self.mean + (1 - MOMENTUM) * mean
            self.variance = MOMENTUM * self.variance + (1 - MOMENTUM) * unbiased
        return (x - mean) / np.sqrt(variance + EPSILON) * self.gamma + self.beta


def _no_norm(x: np.ndarray, weights: np.ndarray | None, train: bool) -> np.ndarray:
    return x


@dataclass
class TermWeights:
    """Everything that belongs to one term, by the names of its genes and children."""

    genes: dict[str, np.ndarray]
    children: dict[str, np.ndarray]
    bias: np.ndarray
    reference: np.ndarray
    norm: Norm | Callable[..., np.ndarray] = _no_norm
    gene_scale: dict[str, float] = field(default_factory=dict)
    gene_bias: dict[str, float] = field(default_factory=dict)
    head: np.ndarray | None = None
    head_bias: np.ndarray | None = None
    second_weight: np.ndarray | None = None
    second_bias: np.ndarray | None = None


def n_states_of_term(ontology: Ontology, term: str, rule: int | StateRule | LogStateRule) -> int:
    if isinstance(rule, LogStateRule):
        largest = max(len(genes) for genes in ontology.gene_sets.values())
        size = max(len(ontology.gene_sets[term]), rule.smallest)
        return round(1 + (rule.most - 1) * log(size / rule.smallest) / log(largest / rule.smallest))
    if not isinstance(rule, StateRule):
        return rule
    wanted = round(rule.fraction * len(ontology.gene_sets[term]), 6)
    return max(rule.minimum, ceil(wanted) if rule.rounding == "up" else floor(wanted))


@dataclass
class NaiveSubsystems:
    """The states and heads of all terms."""

    ontology: Ontology
    settings: SubsystemSettings
    weights: dict[str, TermWeights]

    def __call__(
        self,
        x: dict[str, np.ndarray],
        *,
        gate: dict[str, np.ndarray] | None = None,
        shift: dict[str, np.ndarray] | None = None,
        weights: np.ndarray | None = None,
        train: bool = False,
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """States ``[sample, state]`` and heads ``[sample, output]`` by term, from gene values ``[sample]`` by name.

        Gates are ``[sample]`` or a number by term, shifts ``[sample, state]`` or ``[state]`` by term.
        """
        activation = ACTIVATIONS[self.settings.activation]
        states: dict[str, np.ndarray] = {}
        heads: dict[str, np.ndarray] = {}
        for term in self.ontology.order:
            own = self.weights[term]
            z = np.zeros((len(next(iter(x.values()))), len(own.bias))) + own.bias
            for gene in self.ontology.direct_genes[term]:
                value = x[gene]
                if self.settings.gene_layer:
                    value = own.gene_scale[gene] * value + own.gene_bias[gene]
                z = z + np.outer(value, own.genes[gene])
            for child in self.ontology.children[term]:
                z = z + states[child] @ own.children[child]
            if self.settings.norm == "before":
                z = own.norm(z, weights, train)
            activated = activation(z)
            state = own.norm(activated, weights, train) if self.settings.norm == "after" else activated
            if gate is not None:
                opened = np.asarray(gate[term]).reshape(-1, 1)
                state = own.reference + opened * (state - own.reference)
            if shift is not None:
                state = state + shift[term]
            states[term] = state
            if own.head is not None:
                heads[term] = self._head(own, state if self.settings.heads_read == "state" else activated)
        return states, heads

    def _head(self, own: TermWeights, read: np.ndarray) -> np.ndarray:
        linear = read @ own.head + own.head_bias
        if self.settings.heads == "linear":
            return linear
        if self.settings.heads == "tanh":
            return np.tanh(linear)
        return np.tanh(linear) * own.second_weight + own.second_bias


@dataclass
class NaiveDense:
    """Fully connected layers: linear map, tanh, batch normalization, and a head where there is one."""

    layers: list[tuple[np.ndarray, np.ndarray]]
    norms: list[Norm]
    heads: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]

    def __call__(
        self, x: np.ndarray, weights: np.ndarray | None = None, train: bool = False
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        read = []
        for number, (kernel, bias) in enumerate(self.layers):
            x = self.norms[number](np.tanh(x @ kernel.T + bias), weights, train)
            if self.heads:
                first, first_bias, second, second_bias = self.heads[number]
                read.append(np.tanh(x @ first.T + first_bias) @ second.T + second_bias)
        return x, read
