"""`Subsystems`: the states of all terms of a hierarchy, computed level by level.

This is the body of every visible network: genes in, one small vector of states a term out. It owns its masks and
honours the contract of `gate` and `shift`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers.initial import uniform_within
from kgnn.layers.linear import FanInLinear
from kgnn.layers.normalization import RowBatchNorm
from kgnn.layers.scaling import FittedStatistic
from kgnn.structure import Hierarchy, plan_fan_in

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "gelu": jax.nn.gelu,
    "identity": lambda rows: rows,
}
HEADS = ("tanh_linear", "tanh", "linear")


@dataclass(frozen=True)
class StateRule:
    """Number of states of a term from the number of its genes: ``max(minimum, fraction * genes)``, rounded.

    Attributes:
        minimum: Fewest states.
        fraction: States a gene.
        rounding: ``"up"`` or ``"down"``.
    """

    minimum: int
    fraction: float
    rounding: str = "up"

    def __call__(self, n_genes: np.ndarray) -> np.ndarray:
        """States of every term, int ``[term]``."""
        whole = ceil if self.rounding == "up" else floor
        return np.array([max(self.minimum, whole(round(self.fraction * int(n), 9))) for n in n_genes], dtype=np.int64)


class SubsystemSettings(NamedTuple):
    """How a subsystem computes its state; the recipes of `kgnn.zoo` differ in little else.

    Attributes:
        n_states: States a term: a number, or a rule.
        activation: ``"tanh"``, ``"relu"``, ``"sigmoid"``, ``"gelu"`` or ``"identity"``.
        norm: Batch normalization ``"after"`` or ``"before"`` the activation, or ``"none"``.
        dropout: Share of states set to 0 in training.
        dropout_from_level: Lowest level that has dropout.
        heads: Auxiliary head at every term: ``"tanh"`` of one linear map (DCell), ``"tanh_linear"`` (a further linear
            map after it, DrugCell) or ``"linear"``.
        heads_read: ``"state"`` (what the parents see) or ``"activation"`` (before batch normalization, DCell).
        gene_layer: Whether every annotation has a weight and a bias of its own before the linear map (DCell,
            DrugCell); the same functions can be expressed without it.
        initial_scale: Factor on all initial parameters.
    """

    n_states: int | StateRule = 6
    activation: str = "tanh"
    norm: str = "after"
    dropout: float = 0.0
    dropout_from_level: int = 0
    heads: str = "linear"
    heads_read: str = "state"
    gene_layer: bool = False
    initial_scale: float = 1.0

    def check(self) -> None:
        """Refuse unknown choices, naming the known ones, and numbers that mean nothing."""
        for what, value, known in (
            ("activation", self.activation, ACTIVATIONS),
            ("norm", self.norm, ("after", "before", "none")),
            ("heads", self.heads, HEADS),
            ("heads_read", self.heads_read, ("state", "activation")),
        ):
            if value not in known:
                raise unknown_choice(what, value, known)
        rule = self.n_states
        if isinstance(rule, StateRule) and rule.rounding not in ("up", "down"):
            raise unknown_choice("rounding", rule.rounding, ("up", "down"))
        if (rule.minimum if isinstance(rule, StateRule) else rule) < 1:
            raise KgnnError(f"n_states is {rule}, but every term needs a state. Choose at least 1.")
        if not 0 <= self.dropout < 1:
            raise KgnnError(f"dropout is {self.dropout:g}. Choose a share of at least 0 and below 1.")

    def states_of_terms(self, hierarchy: Hierarchy) -> np.ndarray:
        """Number of states of every term, int ``[term]``."""
        if isinstance(self.n_states, StateRule):
            return self.n_states(hierarchy.n_genes_of_term)
        return np.full(hierarchy.n_terms, self.n_states, dtype=np.int64)


class Subsystems(nnx.Module):
    r"""States of all terms, and what each term's auxiliary head reads from them.

    .. math:: h_t = \mathrm{norm}(\phi(W_t\,[x_{\mathrm{genes}(t)};\ h_{\mathrm{children}(t)}] + b_t))

    Args:
        hierarchy: The compiled hierarchy.
        settings: How a term computes its state.
        n_outputs: Outputs of every auxiliary head.
        root_head: Whether the root has an auxiliary head as well.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        settings: SubsystemSettings,
        n_outputs: int,
        *,
        root_head: bool = True,
        rngs: nnx.Rngs,
    ):
        settings.check()
        self.settings = settings
        self.n_outputs = n_outputs
        states = settings.states_of_terms(hierarchy)
        start = np.concatenate([[0], np.cumsum(states)])
        rows_of_term = [np.arange(start[t], start[t + 1]) for t in range(hierarchy.n_terms)]
        child_rows = [
            np.concatenate([rows_of_term[child] for child in children]) if len(children) else np.zeros(0, np.int64)
            for children in hierarchy.children_of_term
        ]
        fan_in = np.array([len(a) + len(b) for a, b in zip(child_rows, hierarchy.genes_of_term, strict=True)])
        bound = settings.initial_scale / np.sqrt(np.maximum(fan_in, 1))
        self.term_of_state = tuple(np.repeat(np.arange(hierarchy.n_terms), states).tolist())
        gene_plan = plan_fan_in(hierarchy.genes_of_term, states, hierarchy.n_genes)
        self.gene_linear = FanInLinear(gene_plan, bound, rngs=rngs)
        gene_bound = settings.initial_scale / np.sqrt(hierarchy.n_genes)
        self.gene_layer = _GeneLayer(self.gene_linear, gene_bound, rngs) if settings.gene_layer else None
        self.bias = nnx.Param(uniform_within(np.repeat(bound, states), rngs))
        level_rows, linears = [], []
        for level in range(hierarchy.n_levels):
            terms = np.flatnonzero(hierarchy.level_of_term == level)
            level_rows.append((int(start[terms[0]]), int(start[terms[-1] + 1])))
            if level:
                plan = plan_fan_in([child_rows[t] for t in terms], states[terms], int(start[terms[0]]))
                linears.append(FanInLinear(plan, bound[terms], rngs=rngs))
        self.level_rows = tuple(level_rows)
        self.child_linears = nnx.List(linears)
        n_states = int(start[-1])
        self.norm = None if settings.norm == "none" else RowBatchNorm(n_states, scale=settings.initial_scale)
        self.dropout = nnx.Dropout(settings.dropout, rngs=rngs) if settings.dropout else None
        with_head = rows_of_term if root_head else rows_of_term[:-1]
        self.heads = _TermHeads(with_head, settings, n_outputs, rngs) if with_head else None
        self.reference = FittedStatistic(jnp.zeros(n_states))

    def __call__(
        self,
        genes: Array,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> tuple[Array, Array]:
        """Compute all states.

        Args:
            genes: ``[gene, sample]``.
            gate: ``[term]`` or ``[sample, term]``: 1 keeps the state, 0 replaces it by its reference.
            shift: ``[state]`` or ``[sample, state]``, added to the state.
            weights: One number a sample, for batch statistics.
            train: Whether to use batch statistics and dropout.

        Returns:
            States ``[state, sample]`` and heads ``[head, output, sample]``.
        """
        from_genes = self.gene_linear(genes, None if self.gene_layer is None else self.gene_layer.scales())
        bias = self.bias[...]
        if self.gene_layer is not None:
            bias = bias + self.gene_linear.constant(self.gene_layer.biases())
        gate_rows = None if gate is None else _feature_major(gate)[jnp.asarray(self.term_of_state)]
        shift_rows = None if shift is None else _feature_major(shift)
        states, read = [], []
        for level, (first, last) in enumerate(self.level_rows):
            rows = from_genes[first:last] + bias[first:last, None]
            if level:
                rows = rows + self.child_linears[level - 1](jnp.concatenate(states))
            state, activation = self._activate(rows, level, first, weights, train)
            if gate_rows is not None:
                reference = self.reference[...][first:last, None]
                # Exact at both ends: an open gate changes no bit.
                state = gate_rows[first:last] * state + (1.0 - gate_rows[first:last]) * reference
            if shift_rows is not None:
                state = state + shift_rows[first:last]
            states.append(state)
            read.append(state if self.settings.heads_read == "state" else activation)
        if self.heads is None:
            return jnp.concatenate(states), jnp.zeros((0, self.n_outputs, genes.shape[1]))
        return jnp.concatenate(states), self.heads(jnp.concatenate(read))

    def _activate(self, rows: Array, level: int, first: int, weights: Array | None, train: bool) -> tuple[Array, Array]:
        """State of a level, and its activation before any later normalization."""
        activation = ACTIVATIONS[self.settings.activation]
        if self.norm is not None and self.settings.norm == "before":
            rows = self.norm(rows, weights=weights, train=train, first=first)
        activated = activation(rows)
        state = activated
        if self.norm is not None and self.settings.norm == "after":
            state = self.norm(activated, weights=weights, train=train, first=first)
        if self.dropout is not None and level >= self.settings.dropout_from_level:
            state = self.dropout(state, deterministic=not train)
        return state, activated


class _GeneLayer(nnx.Module):
    """A weight and a bias for every annotation, folded into the linear map that follows."""

    def __init__(self, linear: FanInLinear, bound: float, rngs: nnx.Rngs):
        bounds = [bound * np.asarray(bucket.used_slots[...]) for bucket in linear.buckets]
        self.weight = nnx.List([nnx.Param(uniform_within(each, rngs)) for each in bounds])
        self.bias = nnx.List([nnx.Param(uniform_within(each, rngs)) for each in bounds])

    def scales(self) -> list[Array]:
        return [weight[...] for weight in self.weight]

    def biases(self) -> list[Array]:
        return [bias[...] for bias in self.bias]


class _TermHeads(nnx.Module):
    """One small predictor a term, from its own states."""

    def __init__(self, rows_of_term: list[np.ndarray], settings: SubsystemSettings, n_outputs: int, rngs: nnx.Rngs):
        n_terms = len(rows_of_term)
        outputs = np.full(n_terms, n_outputs, dtype=np.int64)
        bound = settings.initial_scale / np.sqrt([len(rows) for rows in rows_of_term])
        n_rows = int(rows_of_term[-1][-1]) + 1
        self.linear = FanInLinear(plan_fan_in(rows_of_term, outputs, n_rows), bound, rngs=rngs)
        self.bias = nnx.Param(uniform_within(np.broadcast_to(bound[:, None], (n_terms, n_outputs)), rngs))
        self.kind = settings.heads
        if self.kind == "tanh_linear":
            second = np.full((n_terms, n_outputs), settings.initial_scale)
            self.second_weight = nnx.Param(uniform_within(second, rngs))
            self.second_bias = nnx.Param(uniform_within(second, rngs))

    def __call__(self, rows: Array) -> Array:
        predicted = self.linear(rows).reshape(*self.bias.shape, -1) + self.bias[...][:, :, None]
        if self.kind == "linear":
            return predicted
        predicted = jnp.tanh(predicted)
        if self.kind == "tanh":
            return predicted
        return predicted * self.second_weight[...][:, :, None] + self.second_bias[...][:, :, None]


def _feature_major(values: Array) -> Array:
    """``[row]`` to ``[row, 1]`` and ``[sample, row]`` to ``[row, sample]``."""
    return values[:, None] if values.ndim == 1 else values.T
