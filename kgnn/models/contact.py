"""`ContactNetwork`: windows of a genome that hear what touches them, by gated convolutions over contacts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import AlignmentError, KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction, RowBatchNorm
from kgnn.layers.dense import Dense, DenseStack
from kgnn.layers.graph_convolutions import GatedGraphConvolution
from kgnn.layers.messages import received
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs
from kgnn.models.graph import one_row_a_sample
from kgnn.models.visible import name_outputs
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.messages import Messages


class ContactNetwork(nnx.Module):
    r"""A network whose samples are windows of a genome, and whose graph says which of them touch.

    An encoder turns a window into a vector; gated convolutions then mix in what the windows that touch it hold, and a
    linear map reads the result. The windows around a sample are not in the batch: the model keeps the features of all
    windows (`set_context`; features, never labels), so a prediction does not depend on its batch. Without convolutions
    (``n_layers=0``) it is the window model, which is fitted first; `start_from` then takes over its encoder
    (``TrainConfig(frozen="encoder.*")`` leaves that as it is, as in the paper).

    .. math:: z = \tanh(C H W + b), \quad g = \sigma(z u + c), \quad H \leftarrow (1 - g) \odot H + g \odot z

    The terms are the windows; the state of a window is its vector before the convolutions. A gate of 0 puts the mean
    window in its place, for itself and in everyone's context.

    Args:
        adjacency: The contacts between windows, with self-loops and ``normalization="mean"``.
        genes: Names of a window's features.
        n_features: Units of the encoder, all layers alike.
        n_layers: Gated convolutions; 0 for the window model.
        encoder_layers: Layers of the encoder.
        dropout: Share of a window's vector set to 0 in training, before each convolution and before the output.
        modalities: Names of the two tables: the features of a window, and its place (one column, from 0).
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown or a number means nothing.

    References:
        Lanchantin & Qi 2020, Bioinformatics 36:i659, doi:10.1093/bioinformatics/btaa793.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        genes: Sequence[str],
        n_features: int = 32,
        n_layers: int = 2,
        encoder_layers: int = 1,
        dropout: float = 0.0,
        modalities: Sequence[str] = ("window", "place"),
        outputs: int | Sequence[str] = 1,
        task: str = "labels",
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        if n_layers < 0 or encoder_layers < 1:
            raise KgnnError(f"n_layers is {n_layers} and encoder_layers {encoder_layers}. Use at least 0 and 1.")
        self.structure, self.hierarchy = adjacency, None
        self.task, self.output_names = task, name_outputs(outputs)
        self.terms, self.genes, self.heads = adjacency.nodes, tuple(genes), ()
        self.modalities = tuple(modalities)
        others = (
            ("genes", self.genes), ("n_features", n_features), ("n_layers", n_layers),
            ("encoder_layers", encoder_layers), ("dropout", dropout),
            ("modalities", self.modalities), ("outputs", self.output_names), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("ContactNetwork", None, others)
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.context = FittedStatistic(jnp.zeros((adjacency.n_nodes, len(self.genes))))
        sizes = (len(self.genes), *[n_features] * encoder_layers)
        self.encoder = DenseStack(sizes, activation="relu", norm=False, rngs=rngs)
        self.layers = nnx.List([GatedGraphConvolution(adjacency, n_features, rngs=rngs) for _ in range(n_layers)])
        self.norm = RowBatchNorm(n_features)
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None
        self.output_layer = Dense(n_features, len(self.output_names), rngs=rngs)
        self.n_features = n_features
        self.reference = FittedStatistic(jnp.zeros(adjacency.n_nodes * n_features))
        real = slice(0, adjacency.n_edges)
        between = adjacency.senders[real] != adjacency.receivers[real]
        n = adjacency.n_nodes
        self.messages = Messages(adjacency.senders[real][between], adjacency.receivers[real][between], n, n)

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the window that each state belongs to."""
        return tuple(np.repeat(np.arange(len(self.terms)), self.n_features).tolist())

    def set_context(self, windows: np.ndarray) -> None:
        """Take over the features of all windows, in the order of the graph's nodes and the unit of the samples.

        Args:
            windows: ``[window, feature]``.

        Raises:
            AlignmentError: If their number is another.
        """
        if windows.shape != self.context.shape:
            raise AlignmentError(
                f"the windows are {windows.shape[0]:,} × {windows.shape[1]:,}, but the graph has "
                f"{len(self.terms):,} and a window {len(self.genes):,} features. Give one row a node."
            )
        self.context[...] = jnp.asarray(windows, jnp.float32)

    def start_from(self, window_model: ContactNetwork) -> None:
        """Take over encoder, scaling and context of a fitted window model.

        Args:
            window_model: With an encoder of the same form.

        Raises:
            KgnnError: If its encoder has another form.
        """
        mine, theirs = (nnx.state(each.encoder) for each in (self, window_model))
        shapes = [jax.tree.map(lambda leaf: leaf.shape, each) for each in (mine, theirs)]
        if shapes[0] != shapes[1]:
            raise KgnnError("the encoder of the window model has another form. Build both with the same sizes.")
        nnx.update(self.encoder, theirs)
        nnx.update(self.gene_scaling, nnx.state(window_model.gene_scaling))
        self.context[...] = window_model.context[...]
        self.pretrained = ("encoder",)

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
        """See `kgnn.models.contract.Model`; `inputs` has a table of features and one of places.

        `coefficient` ``[edge]`` replaces those of the graph: its gradient is the Hi-C saliency of the paper.
        """
        windows, place = self._tables(inputs)
        around = self._encoded(self.context[...])[:, None]
        own = self._encoded(windows)
        around, own = self._held(around, own, place, gate, shift)
        states = around
        between, itself = self._coefficients(coefficient)
        for layer in self.layers:
            own = self._dropped(own, train)
            heard = received(self.messages, between, around.reshape(len(around), -1)).reshape(around.shape)
            of_sample = jnp.arange(len(place)) if around.shape[1] > 1 else jnp.zeros(len(place), jnp.int32)
            own = _mixed(layer, own, heard[place, of_sample] + itself[place][:, None] * own)
            around = _mixed(layer, around, heard + itself[:, None, None] * around)
        rows = self.norm(jax.nn.relu(own).T, weights=weights, train=train)
        output = self.output_scaling.restore(self.output_layer(self._dropped(rows.T, train).T).T)
        n_samples = len(place)
        by_sample = jnp.broadcast_to(states, (len(states), n_samples, self.n_features)).transpose(1, 0, 2)
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), by_sample.reshape(n_samples, -1))

    def gates(self, inputs: Inputs) -> Array:
        """How far every convolution lets its message in, ``[layer, sample]``, in inference."""
        windows, place = self._tables(inputs)
        around, own = self._encoded(self.context[...])[:, None], self._encoded(windows)
        between, itself = self._coefficients(None)
        found = []
        for layer in self.layers:
            heard = received(self.messages, between, around[:, 0])[:, None]
            sums = heard[place, 0] + itself[place][:, None] * own
            found.append(layer.gated(_convolved(layer, sums))[1][:, 0])
            own = _mixed(layer, own, sums)
            around = _mixed(layer, around, heard + itself[:, None, None] * around)
        return jnp.stack(found) if found else jnp.zeros((0, len(place)))

    def _tables(self, inputs: Inputs) -> tuple[Array, Array]:
        if not isinstance(inputs, dict) or set(inputs) != set(self.modalities):
            found = list(inputs) if isinstance(inputs, dict) else "one table"
            raise KgnnError(f"the network takes the tables {list(self.modalities)}, but the samples have {found}.")
        windows, place = (one_row_a_sample(inputs[name]) for name in self.modalities)
        return windows.astype(jnp.float32), place[:, 0].astype(jnp.int32)

    def _encoded(self, table: Array) -> Array:
        """``[row, unit]`` from ``[row, feature]``."""
        return self.encoder(self.gene_scaling(table.T))[0].T

    def _coefficients(self, given: Array | None) -> tuple[Array, Array]:
        """Of the edges between windows, and of every window with itself."""
        graph = self.structure
        every = jnp.asarray(graph.coefficient, jnp.float32) if given is None else given
        real = np.arange(graph.n_edges)
        is_loop = graph.senders[real] == graph.receivers[real]
        loops = real[is_loop]
        itself = jnp.zeros(graph.n_nodes).at[graph.receivers[loops]].add(every[loops])
        return every[real[~is_loop]], itself

    def _held(
        self, around: Array, own: Array, place: Array, gate: Array | None, shift: Array | None
    ) -> tuple[Array, Array]:
        """Vectors of all windows ``[window, sample or 1, unit]`` and of the samples, after gate and shift."""
        shape = around.shape[0], self.n_features
        if gate is not None:
            open_share = (gate[:, None] if gate.ndim == 1 else gate.T)[..., None]
            # A window's own vector is the same in every sample: what it is replaced by is the mean window.
            reference = self.reference[...].reshape(shape).mean(axis=0)
            around = open_share * around + (1.0 - open_share) * reference[None, None]
            own_share = open_share[place, 0 if gate.ndim == 1 else jnp.arange(len(place))]
            own = own_share * own + (1.0 - own_share) * reference[None]
        if shift is not None:
            by_window = shift.reshape(*shift.shape[:-1], *shape)
            around = around + (by_window[:, None] if shift.ndim == 1 else by_window.transpose(1, 0, 2))
            own = own + (by_window[place] if shift.ndim == 1 else by_window[jnp.arange(len(place)), place])
        return around, own

    def _dropped(self, values: Array, train: bool) -> Array:
        return values if self.dropout is None else self.dropout(values, deterministic=not train)


def _convolved(layer: GatedGraphConvolution, sums: Array) -> Array:
    found = layer.convolution.linear(sums)
    return found + jnp.broadcast_to(layer.convolution.bias[...], found.shape)


def _mixed(layer: GatedGraphConvolution, values: Array, sums: Array) -> Array:
    message, gate = layer.gated(_convolved(layer, sums))
    return (1.0 - gate) * values + gate * message


def saliency_of_contacts(model: ContactNetwork, inputs: Any, output: int = 0) -> Array:
    """Gradient of the summed prediction of some windows with respect to every edge, ``[edge]``, in inference.

    Args:
        model: A fitted model.
        inputs: Of the windows.
        output: Position of the output.

    Returns:
        The Hi-C saliency, in the order of the graph's edges.
    """
    graph, state = nnx.split(model)
    return _saliency(graph, state, jnp.asarray(model.structure.coefficient, jnp.float32), inputs, output)


@partial(jax.jit, static_argnames=("graph", "output"))
def _saliency(graph: Any, state: Any, coefficient: Array, inputs: Any, output: int) -> Array:
    def total(coefficient: Array) -> Array:
        return nnx.merge(graph, state)(inputs, coefficient=coefficient).output[:, output].sum()

    return jax.grad(total)(coefficient)
