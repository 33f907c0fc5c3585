"""`Subsystems`: the states of all terms of a hierarchy, computed level by level.

This is the body of every visible network: genes in, one small vector of states a term out. It owns its masks and
honours the contract of `gate` and `shift`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers.dropout import RowDropout, degree_rates
from kgnn.layers.initial import uniform_within
from kgnn.layers.layout import Layout, layout_here
from kgnn.layers.normalization import RowBatchNorm
from kgnn.layers.products import sums_by_row
from kgnn.layers.propagate import ACTIVATIONS, Flow, Found, Values, propagate, propagate_each
from kgnn.layers.scaling import FittedStatistic, InputScaling
from kgnn.layers.thresholds import GroupHardThreshold, GroupLasso, GroupSoftThreshold
from kgnn.layers.tiles import across, from_tiles, into_tiles, tile_size, turn_into_tiles
from kgnn.structure import Hierarchy
from kgnn.structure.wiring import Wiring, wire

PRECISIONS = ("float32", "bfloat16")
PRICES = {"l0": (GroupHardThreshold, GroupSoftThreshold), "lasso": (GroupLasso, GroupLasso)}
"""Operators on annotations and on relations, by the rule of prices."""
HEADS = ("tanh_linear", "tanh", "linear", "none")


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


@dataclass(frozen=True)
class LogStateRule:
    r"""Number of states of a term from the logarithm of the number of its genes.

    One state below `smallest` genes, else :math:`1 + (m - 1)\log(n / s) / \log(n_{\max} / s)`, rounded, where
    :math:`m` is `most`, :math:`s` is `smallest` and the largest term has :math:`n_{\max}` genes.

    Attributes:
        most: States of the largest term.
        smallest: Genes from which a term has more than one state.

    References:
        Hao et al. 2022 (DTox), Patterns 3:100565, doi:10.1016/j.patter.2022.100565.
    """

    most: int = 20
    smallest: int = 5

    @property
    def minimum(self) -> int:
        """Fewest states."""
        return min(1, self.most)

    def __call__(self, n_genes: np.ndarray) -> np.ndarray:
        """States of every term, int ``[term]``."""
        sizes = np.maximum(np.asarray(n_genes, np.float64), self.smallest)
        span = np.log(max(sizes.max() / self.smallest, np.nextafter(1.0, 2.0)))
        return np.round(1 + (self.most - 1) * np.log(sizes / self.smallest) / span).astype(np.int64)


class SubsystemSettings(NamedTuple):
    """How a subsystem computes its state; the recipes of `kgnn.zoo` differ in little else.

    Attributes:
        n_states: States a term: a number, a rule, or numbers by level, of which the last counts for all levels above.
        activation: ``"tanh"``, ``"relu"``, ``"sigmoid"``, ``"gelu"`` or ``"identity"``.
        norm: Batch normalization ``"after"`` or ``"before"`` the activation, or ``"none"``.
        dropout: Share of states set to 0 in training.
        dropout_from_level: Lowest level that has dropout.
        heads: Auxiliary head at every term: ``"tanh"`` of one linear map (DCell), ``"tanh_linear"`` (a further linear
            map after it, DrugCell), ``"linear"``, or ``"none"`` for no heads.
        heads_read: ``"state"`` (what the parents see) or ``"activation"`` (before batch normalization, DCell).
        gene_layer: Whether every annotation has a weight and a bias of its own before the linear map (DCell,
            DrugCell); the same functions can be expressed without it.
        initial_scale: Factor on all initial parameters.
        precision: Type in which a term's inputs and weights are multiplied, ``"float32"`` or ``"bfloat16"``; sums,
            batch statistics and heads are in float32. It changes no weight, and belongs to a fit, not to a model.
        gene_dropout: Share of scaled gene values set to 0 in training.
        dropout_rule: ``"plain"``, or ``"degree"``: terms with few siblings are dropped less (`degree_rates`).
        signed: Whether the weight of an edge whose sign the hierarchy knows has that sign, whatever is learned.
        last_activation: Activation of the last level, ``""`` where it is that of all others.
        annotation_price: Price in training of every annotation, see `price_rule`; 0 for none. See `kgnn.train.prune`.
        relation_price: Price in training of every relation.
        price_rule: ``"lasso"``, by norm and in units of the loss (`GroupLasso`); or ``"l0"``, as ParsVNN has it: a
            fixed price of an annotation that is there (`GroupHardThreshold`) and one by norm of a relation
            (`GroupSoftThreshold`), in units of a step. With a `gene_layer`, the fixed price is of the annotation's own
            weight there, which stays at 0 once it is so small; of several weights, Adam's next step is the larger one.
        root_states: Fewest states of the root, whatever `n_states` says.
    """

    n_states: int | tuple[int, ...] | StateRule | LogStateRule = 6
    activation: str = "tanh"
    norm: str = "after"
    dropout: float = 0.0
    dropout_from_level: int = 0
    heads: str = "linear"
    heads_read: str = "state"
    gene_layer: bool = False
    initial_scale: float = 1.0
    precision: str = "float32"
    gene_dropout: float = 0.0
    dropout_rule: str = "plain"
    signed: bool = False
    last_activation: str = ""
    annotation_price: float = 0.0
    relation_price: float = 0.0
    price_rule: str = "lasso"
    root_states: int = 0

    @property
    def prices_gene_layer(self) -> bool:
        """Whether an annotation pays for its own weight in the gene layer, not for those of the linear map."""
        return self.gene_layer and self.price_rule == "l0"

    def check(self) -> None:
        """Refuse unknown choices, naming the known ones, and numbers that mean nothing."""
        for what, value, known in (
            ("activation", self.activation, ACTIVATIONS),
            ("norm", self.norm, ("after", "before", "none")),
            ("heads", self.heads, HEADS),
            ("precision", self.precision, PRECISIONS),
            ("price_rule", self.price_rule, PRICES),
            ("heads_read", self.heads_read, ("state", "activation")),
            ("dropout_rule", self.dropout_rule, ("plain", "degree")),
            ("last_activation", self.last_activation or self.activation, ACTIVATIONS),
        ):
            if value not in known:
                raise unknown_choice(what, value, known)
        rule = self.n_states
        if isinstance(rule, StateRule) and rule.rounding not in ("up", "down"):
            raise unknown_choice("rounding", rule.rounding, ("up", "down"))
        numbers = rule if isinstance(rule, tuple) else (rule,) if isinstance(rule, int) else (rule.minimum,)
        if min(numbers, default=0) < 1:
            raise KgnnError(f"n_states is {rule}, but every term needs a state. Choose at least 1.")
        for name, price in (("annotation_price", self.annotation_price), ("relation_price", self.relation_price)):
            if not price >= 0:
                raise KgnnError(f"{name} is {price:g}. Choose a price of at least 0.")
        for what, share in (("dropout", self.dropout), ("gene_dropout", self.gene_dropout)):
            if not 0 <= share < 1:
                raise KgnnError(f"{what} is {share:g}. Choose a share of at least 0 and below 1.")

    def states_of_terms(self, hierarchy: Hierarchy) -> np.ndarray:
        """Number of states of every term, int ``[term]``."""
        if isinstance(self.n_states, int):
            states = np.full(hierarchy.n_terms, self.n_states, dtype=np.int64)
        elif isinstance(self.n_states, tuple):
            levels = np.minimum(hierarchy.level_of_term, len(self.n_states) - 1)
            states = np.asarray(self.n_states, dtype=np.int64)[levels]
        else:
            states = np.array(self.n_states(hierarchy.n_genes_of_term))
        states[-1] = max(states[-1], self.root_states)
        return states

    def weights_of_edges(self, hierarchy: Hierarchy) -> tuple[np.ndarray, np.ndarray]:
        """Number of weights of every annotation and of every relation, int; those of an edge are neighbors.

        Args:
            hierarchy: The compiled hierarchy, whose edges are sorted by what they lead to.
        """
        states = self.states_of_terms(hierarchy)
        relations = states[hierarchy.relation_child] * states[hierarchy.relation_parent]
        return states[hierarchy.annotation_term], relations


class States(NamedTuple):
    """What the subsystems of a network say.

    Attributes:
        states: ``[state, sample]``, of all terms end to end.
        root: ``[state, sample]``, the last of them: those of the root, or of all terms of the last level.
        heads: ``[head, output, sample]``.
    """

    states: Array
    root: Array
    heads: Array


class Subsystems(nnx.Module):
    r"""States of all terms, and what each term's auxiliary head reads from them.

    .. math:: h_t = \mathrm{norm}(\phi(W_t\,[x_{\mathrm{genes}(t)};\ h_{\mathrm{children}(t)}] + b_t))

    There is a weight for every edge and none besides: ``gene_weights`` and ``child_weights`` hold them by term, then by
    source (gene, or state of a child), then by state. How they are laid out for the products is `Wiring`'s affair.

    Args:
        hierarchy: The compiled hierarchy.
        settings: How a term computes its state.
        n_outputs: Outputs of every auxiliary head.
        root_head: Whether the root has an auxiliary head as well.
        layout: How its products are laid out, which changes speed alone; what was measured on this device where None,
            see `kgnn.tune`.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        settings: SubsystemSettings,
        n_outputs: int,
        *,
        root_head: bool = True,
        layout: Layout | None = None,
        rngs: nnx.Rngs,
    ):
        settings.check()
        self.settings = settings
        self.n_outputs = n_outputs
        states = settings.states_of_terms(hierarchy)
        self.n_heads = 0 if settings.heads == "none" else hierarchy.n_terms - (not root_head)
        self.term_of_state = tuple(np.repeat(np.arange(hierarchy.n_terms), states).tolist())
        self.layout = layout_here(hierarchy, states) if layout is None else layout
        self.wiring = wire(hierarchy, states, n_heads=self.n_heads, n_outputs=n_outputs, price=self.layout.price)
        n_genes = np.array([len(genes) for genes in hierarchy.genes_of_term])
        n_below = np.array([int(states[children].sum()) for children in hierarchy.children_of_term])
        bound = settings.initial_scale / np.sqrt(np.maximum(n_genes + n_below, 1))
        rules, of_gene_layer = _prices(settings, hierarchy), settings.prices_gene_layer
        of_weights = {} if of_gene_layer else rules[0]
        self.gene_weights = nnx.Param(uniform_within(np.repeat(bound, n_genes * states), rngs), **of_weights)
        self.child_weights = nnx.Param(uniform_within(np.repeat(bound, n_below * states), rngs), **rules[1])
        self.bias = nnx.Param(uniform_within(np.repeat(bound, states), rngs))
        gene_bound = settings.initial_scale / np.sqrt(hierarchy.n_genes)
        paid = rules[0] if of_gene_layer else {}
        self.gene_layer = _GeneLayer(n_genes, states, gene_bound, paid, rngs) if settings.gene_layer else None
        n_states, scale = len(self.term_of_state), settings.initial_scale
        self.norm = None if settings.norm == "none" else RowBatchNorm(n_states, scale=scale)
        above = hierarchy.level_of_term >= settings.dropout_from_level
        self.first_with_dropout = int(states[~above].sum())
        by_degree = settings.dropout and settings.dropout_rule == "degree"
        rates = np.repeat(degree_rates(hierarchy, settings.dropout)[above], states[above]).tolist() if by_degree else ()
        self.dropout = RowDropout(settings.dropout, rates, rngs=rngs) if settings.dropout else None
        self.gene_dropout = RowDropout(settings.gene_dropout, rngs=rngs) if settings.gene_dropout else None
        self.signs = _signs(hierarchy, states) if settings.signed else None
        self.heads = _TermHeads(states[: self.n_heads], settings, n_outputs, rngs) if self.n_heads else None
        self.reference = FittedStatistic(jnp.zeros(n_states))

    def __call__(
        self,
        genes: Array,
        scaling: InputScaling | None = None,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> States:
        """Compute all states.

        Args:
            genes: ``[sample, gene]``.
            scaling: Center and scale of the genes, None to take them as they are.
            gate: ``[term]`` or ``[sample, term]``: 1 keeps the state, 0 replaces it by its reference.
            shift: ``[state]`` or ``[sample, state]``, added to the state.
            weights: One number a sample, for batch statistics.
            train: Whether to use batch statistics and dropout.

        Returns:
            States and heads.
        """
        n_samples = genes.shape[0]
        size = tile_size(n_samples, self.layout.samples_of_a_tile)
        flow = self._flow(train)
        drops_genes = train and self.gene_dropout is not None
        each = size < n_samples and not flow.batch and not drops_genes

        def turned(table: Array, size: int = size) -> Array:
            tiled = turn_into_tiles(table, size)
            return tiled if scaling is None else scaling(tiled)

        weights = jnp.ones(n_samples, self.bias.dtype) if weights is None else weights
        gene_weights, child_weights, bias = self.gene_weights[...], self.child_weights[...], self.bias[...]
        if self.signs is not None:
            gene_weights, child_weights = self.signs(gene_weights, child_weights)
        values_of_genes = genes if each else turned(genes)
        if drops_genes:
            values_of_genes = values_of_genes * into_tiles(self._kept_genes(genes.shape), size)
        if self.gene_layer is not None:
            gene_weights, constant = self.gene_layer(gene_weights, self.wiring)
            bias = bias + constant
        values = Values(
            weights=into_tiles(weights[None, :], size)[:, 0],
            genes=values_of_genes,
            gene_weights=gene_weights,
            child_weights=child_weights,
            head_weights=jnp.zeros(0, bias.dtype) if self.heads is None else self.heads.weights[...].reshape(-1),
            bias=self._rows(bias),
            finish=self._finish(gate, shift, train, (n_samples, n_samples if each else size)),
        )
        found = propagate_each(flow, values, lambda some: turned(some)[0], size) if each else propagate(flow, values)
        if train and self.norm is not None:
            _remember(self.norm, self.wiring, found, weights)
        states = from_tiles(found.states, n_samples)[self.wiring.row_of_state]
        heads = jnp.zeros((0, self.n_outputs, n_samples), bias.dtype)
        if self.heads is not None:
            heads = self.heads(from_tiles(found.heads, n_samples)[self.wiring.head_order])
        return States(states, from_tiles(found.root, n_samples), heads)

    def _flow(self, train: bool) -> Flow:
        chosen = self.settings
        epsilon = 0.0 if self.norm is None else self.norm.epsilon
        batch = train and self.norm is not None
        last = chosen.last_activation or chosen.activation
        kind = (chosen.activation, chosen.norm, chosen.heads_read)
        return Flow(self.wiring, *kind, epsilon, batch, chosen.precision, last)

    def targets_of_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """The state that each weight from genes, and each weight from child terms, goes into."""
        wiring = self.wiring
        return wiring.targets(wiring.genes, wiring.gene_places), wiring.targets(wiring.children, wiring.child_places)

    def _finish(self, gate: Array | None, shift: Array | None, train: bool, shape: tuple[int, int]) -> dict[str, Array]:
        """What lies between the activation of a row and its state, in the order of rows."""
        n_samples, size = shape
        found = {}
        if self.norm is not None:
            names = ("scale", "bias") if train else ("scale", "bias", "mean", "variance")
            found = {name: self._rows(getattr(self.norm, name)[...]) for name in names}
            found["offset"] = found.pop("bias")
        if train and self.dropout is not None:
            found["keep"] = into_tiles(self._rows(self._kept_by_dropout(self.dropout, n_samples)), size)
        for name, value in (
            ("gate", None if gate is None else gate[..., np.asarray(self.term_of_state)]),
            ("shift", shift),
        ):
            if value is not None:
                rows = self._rows(value if value.ndim == 1 else value.T)
                found[name] = rows if value.ndim == 1 else into_tiles(rows, size)
        if gate is not None:
            found["reference"] = self._rows(self.reference[...])
        return found

    def _kept_by_dropout(self, dropout: Any, n_samples: int) -> Array:
        """Factor ``[state, sample]`` of every state: 0 where it is dropped."""
        first = self.first_with_dropout
        ones = jnp.ones((len(self.term_of_state) - first, n_samples), self.bias.dtype)
        return jnp.concatenate([jnp.ones((first, n_samples), ones.dtype), dropout(ones, deterministic=False)])

    def _kept_genes(self, shape: tuple[int, ...]) -> Array:
        """Factor ``[gene, sample]`` of every gene value: 0 where it is dropped."""
        dropout: Any = self.gene_dropout
        return dropout(jnp.ones(shape[::-1], self.bias.dtype), deterministic=False)

    def _rows(self, by_state: Array) -> Array:
        """From the order of states to that of rows, on the first axis."""
        return by_state[self.wiring.state_of_row]


def _prices(settings: SubsystemSettings, hierarchy: Hierarchy) -> tuple[dict[str, Any], dict[str, Any]]:
    """What annotations and relations have to pay, as metadata of their parameters."""
    found = []
    prices = (settings.annotation_price, settings.relation_price)
    of_annotations, of_relations = settings.weights_of_edges(hierarchy)
    sizes_of_edges = (np.ones_like(of_annotations) if settings.prices_gene_layer else of_annotations, of_relations)
    for operator, price, sizes in zip(PRICES[settings.price_rule], prices, sizes_of_edges, strict=True):
        found.append({"proximal": operator(tuple(sizes.tolist()), price)} if price and len(sizes) else {})
    return found[0], found[1]


def _remember(norm: RowBatchNorm, wiring: Wiring, found: Found, weights: Array) -> None:
    """Let the running averages follow the statistics of a batch."""
    to_states = wiring.row_of_state
    norm.follow(found.mean[to_states], found.variance[to_states], weights.sum())


class _Signs(nnx.Module):
    """Weights of edges of known sign become their absolute value times the sign; all others stay as they are."""

    def __init__(self, genes: np.ndarray, children: np.ndarray):
        self.of_genes, self.of_children = tuple(genes.tolist()), tuple(children.tolist())

    def __call__(self, gene_weights: Array, child_weights: Array) -> tuple[Array, Array]:
        return _with_sign(gene_weights, self.of_genes), _with_sign(child_weights, self.of_children)


def _with_sign(weights: Array, signs: tuple[int, ...]) -> Array:
    sign = np.asarray(signs, weights.dtype)
    return jnp.where(sign == 0, weights, sign * jnp.abs(weights))


def _signs(hierarchy: Hierarchy, states: np.ndarray) -> _Signs:
    if hierarchy.sign_of_relation is None or hierarchy.sign_of_annotation is None:
        raise KgnnError("signed is on, but the hierarchy knows no signs. Compile it from a network with signed edges.")
    above, below = states[hierarchy.relation_parent], states[hierarchy.relation_child]
    of_genes = np.repeat(hierarchy.sign_of_annotation, states[hierarchy.annotation_term])
    return _Signs(of_genes, np.repeat(hierarchy.sign_of_relation, above * below))


class _GeneLayer(nnx.Module):
    """A weight and a bias for every annotation, folded into the linear map that follows."""

    def __init__(self, n_genes: np.ndarray, n_states: np.ndarray, bound: float, prices: dict[str, Any], rngs: nnx.Rngs):
        bounds = np.full(int(n_genes.sum()), bound)
        self.weight = nnx.Param(uniform_within(bounds, rngs), **prices)
        self.bias = nnx.Param(uniform_within(bounds, rngs))
        equal = int(n_states[0]) if len(set(n_states.tolist())) == 1 else 0
        self.n_states = equal
        # Where terms differ in their states, which annotation each weight belongs to.
        annotation = np.repeat(np.arange(len(bounds)), np.repeat(n_states, n_genes)).astype(np.int32)
        self.annotation_of_weight = () if equal else tuple(annotation.tolist())

    def __call__(self, gene_weights: Array, wiring: Wiring) -> tuple[Array, Array]:
        """Weights with those of the annotations multiplied in, and what the biases add to each state ``[state]``."""
        constant: Any = sums_by_row(wiring, gene_weights * self._spread(self.bias[...]))
        return gene_weights * self._spread(self.weight[...]), constant[wiring.row_of_state]

    def _spread(self, by_annotation: Array) -> Array:
        if self.n_states:
            return jnp.broadcast_to(by_annotation[:, None], (by_annotation.size, self.n_states)).reshape(-1)
        return by_annotation[np.array(self.annotation_of_weight, np.int32)]


class _TermHeads(nnx.Module):
    """One small predictor a term, from its own states."""

    def __init__(self, n_states: np.ndarray, settings: SubsystemSettings, n_outputs: int, rngs: nnx.Rngs):
        n_terms = len(n_states)
        bound = settings.initial_scale / np.sqrt(n_states)
        by_state = np.broadcast_to(np.repeat(bound, n_states)[:, None], (int(n_states.sum()), n_outputs))
        self.weights = nnx.Param(uniform_within(by_state, rngs))
        self.bias = nnx.Param(uniform_within(np.broadcast_to(bound[:, None], (n_terms, n_outputs)), rngs))
        self.kind = settings.heads
        if self.kind == "tanh_linear":
            second = np.full((n_terms, n_outputs), settings.initial_scale)
            self.second_weight = nnx.Param(uniform_within(second, rngs))
            self.second_bias = nnx.Param(uniform_within(second, rngs))

    def __call__(self, sums: Array) -> Array:
        """Outputs ``[head, output, sample]`` from the weighted states ``[head output, sample]``."""
        n_samples = sums.shape[1]
        predicted = sums.reshape(*self.bias.shape, -1) + across(self.bias[...], n_samples)
        if self.kind == "linear":
            return predicted
        predicted = jnp.tanh(predicted)
        if self.kind == "tanh":
            return predicted
        return predicted * across(self.second_weight[...], n_samples) + across(self.second_bias[...], n_samples)
