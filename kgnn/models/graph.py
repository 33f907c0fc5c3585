"""`GraphNetwork`: convolutions over a network of genes, and readouts of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense
from kgnn.layers.graph_convolutions import CONVOLUTIONS
from kgnn.layers.graph_readouts import READOUTS, max_of_clusters
from kgnn.layers.initial import uniform_within
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs, Values, only_table, sample_major, unshared
from kgnn.models.visible import name_outputs
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.coarsening import coarsen


class GraphNetwork(nnx.Module):
    r"""Convolutions over a graph of genes that all samples share.

    A gene enters as a vector: its measured value times a vector of its own, plus another; before training these vectors
    are nearly the same for all genes, as with features that graphs are made for. Every convolution is followed
    by a ReLU; where features stay as many, what went in is added again, so that a gene keeps its identity. The state of
    a node is what it holds after each convolution over the graph itself (not over coarser ones), end to end; a gate
    acts on every one of them, so that a node that is shut passes nothing on but its reference.

    Args:
        adjacency: The compiled graph. Of `conv`, ``"gcn"``, ``"gat"`` and ``"gated"`` want self-loops; ``"chebyshev"``
            and ``"gin"`` none.
        conv: ``"gcn"``, ``"gat"``, ``"gin"``, ``"chebyshev"`` or ``"gated"``.
        widths: Features of a node after each convolution.
        readout: One or more of ``"nodes"``, ``"mean"``, ``"attention"``, ``"sort"``, ``"top_k"`` and ``"relation"``,
            side by side.
        coarsen_levels: How often the graph is coarsened: once after each of the last convolutions (Chebyshev alone).
        order: Highest power of a Chebyshev convolution.
        n_heads: Heads of graph attention.
        keep: Nodes that ``"sort"``, ``"top_k"`` and ``"relation"`` read at most.
        hidden: Units between readout and output; 0 for none.
        dropout: Share of read values set to 0 in training.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown or does not fit the others.

    References:
        Kipf & Welling 2017, arXiv:1609.02907; Veličković et al. 2018, arXiv:1710.10903.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        conv: str = "gcn",
        widths: Sequence[int] = (8, 8),
        readout: str | Sequence[str] = "nodes",
        coarsen_levels: int = 0,
        order: int = 3,
        n_heads: int = 1,
        keep: int = 32,
        hidden: int = 0,
        dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        readouts = (readout,) if isinstance(readout, str) else tuple(readout)
        _check(conv, widths, readouts, coarsen_levels, task)
        self.structure, self.hierarchy = adjacency, None
        self.task, self.output_names = task, name_outputs(outputs)
        self.terms = self.genes = adjacency.nodes
        self.heads: tuple[str, ...] = ()
        others = (
            ("conv", conv), ("widths", tuple(widths)), ("readout", readouts), ("coarsen_levels", coarsen_levels),
            ("order", order), ("n_heads", n_heads), ("keep", keep), ("hidden", hidden), ("dropout", dropout),
            ("outputs", self.output_names), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("GraphNetwork", None, others)
        self.gene_scaling = InputScaling(adjacency.n_nodes)
        self.output_scaling = InputScaling(len(self.output_names))
        bound = np.full((adjacency.n_nodes, widths[0]), widths[0] ** -0.5)
        # All genes begin with the same vector: neighbours with signs of their own would cancel each other.
        self.gene_weight = nnx.Param(uniform_within(bound[:1], rngs) + uniform_within(0.1 * bound, rngs))
        self.gene_bias = nnx.Param(uniform_within(0.1 * bound, rngs))
        self.coarser = coarsen(adjacency, coarsen_levels) if coarsen_levels else ()
        n_fine = len(widths) - coarsen_levels + (coarsen_levels > 0)
        graphs = [adjacency] * n_fine + [each.adjacency for each in self.coarser[: len(widths) - n_fine]]
        further: dict[str, Any] = {"chebyshev": {"order": order}, "gat": {"n_heads": n_heads}}.get(conv, {})
        self.convolutions = nnx.List(
            [
                CONVOLUTIONS[conv](graph, before, after, **further, rngs=rngs)
                for graph, before, after in zip(graphs, (widths[0], *widths[:-1]), widths, strict=True)
            ]
        )
        self.n_fine, self.widths = n_fine, tuple(widths)
        last = self.coarser[-1].adjacency if self.coarser else adjacency
        keeping = {name: {"keep": keep} for name in ("sort", "top_k", "relation")}
        self.readouts = nnx.List(
            [READOUTS[name](last.node_mask, widths[-1], **keeping.get(name, {}), rngs=rngs) for name in readouts]
        )
        n_read = sum(each.n_features for each in self.readouts)
        self.hidden_layer = Dense(n_read, hidden, rngs=rngs) if hidden else None
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None
        self.output_layer = Dense(hidden or n_read, len(self.output_names), rngs=rngs)
        self.reference = FittedStatistic(jnp.zeros(adjacency.n_nodes * sum(widths[:n_fine])))

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the node that each state belongs to."""
        return tuple(np.repeat(np.arange(len(self.terms)), sum(self.widths[: self.n_fine])).tolist())

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
        coefficient: Array | None = None,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``.

        `coefficient` ``[edge]`` replaces those of the graph in the convolutions over it: its gradient tells which edge
        a prediction uses.
        """
        values = self._enter(one_table(inputs))
        states, offset = [], 0
        for number, convolution in enumerate(self.convolutions):
            fine = number < self.n_fine
            found = jax.nn.relu(convolution(values, coefficient if fine else None))
            values = found + values if found.shape == values.shape else found
            if fine:
                width = self.widths[number]
                values = self._held(values, gate, shift, slice(offset, offset + width))
                states.append(values[: len(self.terms)])
                offset += width
            if number >= self.n_fine - 1 and number - self.n_fine + 1 < len(self.coarser):
                values = max_of_clusters(values, self.coarser[number - self.n_fine + 1].members)
        read = jnp.concatenate([readout(values) for readout in self.readouts], axis=-1)
        if self.dropout is not None:
            read = self.dropout(read, deterministic=not train)
        rows = read.T
        if self.hidden_layer is not None:
            rows = jax.nn.relu(self.hidden_layer(rows))
        output = self.output_scaling.restore(self.output_layer(rows).T)
        n_samples = output.shape[0]
        by_node = jnp.concatenate(states, axis=-1).transpose(1, 0, 2).reshape(n_samples, -1)
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), by_node)

    def _enter(self, table: Array) -> Array:
        """Values ``[node, sample, feature]`` of the graph, zeros in padding."""
        rows = self.gene_scaling(table.T.astype(jnp.float32))
        values = rows[..., None] * self.gene_weight[...][:, None] + self.gene_bias[...][:, None]
        return jnp.pad(values, ((0, self.structure.n_padded_nodes - len(self.genes)), (0, 0), (0, 0)))

    def _held(self, values: Array, gate: Array | None, shift: Array | None, part: slice) -> Array:
        """The values after gate and shift, of which `part` are those of this convolution."""
        if gate is None and shift is None:
            return values
        n_nodes, n_padded = len(self.terms), values.shape[0]

        def padded(by_node: Array) -> Array:
            return jnp.pad(by_node, ((0, n_padded - n_nodes), (0, 0), (0, 0)))

        if gate is not None:
            open_share = padded(by_node_and_sample(gate)[..., None])
            reference = padded(self.reference[...].reshape(n_nodes, 1, -1)[..., part])
            values = open_share * values + (1.0 - open_share) * reference
        if shift is not None:
            by_state = shift.reshape(*shift.shape[:-1], n_nodes, -1)[..., part]
            values = values + padded(by_state[:, None] if shift.ndim == 1 else by_state.transpose(1, 0, 2))
        return values


def by_node_and_sample(gate: Array) -> Array:
    """A gate ``[node]`` or ``[sample, node]`` as ``[node, 1]`` or ``[node, sample]``."""
    return gate[:, None] if gate.ndim == 1 else gate.T


def one_table(inputs: Inputs) -> Array:
    """``[sample, feature]`` of the only modality.

    Raises:
        KgnnError: If there are several.
    """
    return one_row_a_sample(only_table(inputs, "this network takes the genes"))


def one_row_a_sample(values: Values) -> Array:
    """``[sample, feature]``, also where samples share rows."""
    return sample_major(unshared(values, apart=True))


def _check(conv: str, widths: Sequence[int], readouts: Sequence[str], levels: int, task: str) -> None:
    for what, value, known in (("conv", conv, CONVOLUTIONS), ("task", task, TASKS)):
        if value not in known:
            raise unknown_choice(what, value, known)
    for each in readouts:
        if each not in READOUTS:
            raise unknown_choice("readout", each, READOUTS)
    if not widths or min(widths) < 1 or not readouts:
        raise KgnnError(f"widths are {tuple(widths)} and readouts {tuple(readouts)}. Give at least one of each.")
    if levels and conv != "chebyshev":
        raise KgnnError(f"coarsen_levels is {levels}, but conv is {conv!r}. Coarser graphs are for 'chebyshev'.")
    if not 0 <= levels <= len(widths):
        raise KgnnError(f"coarsen_levels is {levels}, with {len(widths)} convolutions. Choose at most as many.")
