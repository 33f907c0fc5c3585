"""`MotifNetwork`: a sequence model whose first layer is motifs; DeepBind, DanQ and learnMotifs are settings of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense, DenseStack
from kgnn.layers.dropout import RowDropout
from kgnn.layers.motif_conv import MotifConv
from kgnn.layers.propagate import ACTIVATIONS
from kgnn.layers.proximal import NonNegative
from kgnn.layers.recurrent import BidirectionalLSTM
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs, only_table, sample_major, spread, unshared
from kgnn.models.visible import name_outputs
from kgnn.structure import Kernels, blank_kernels, position_names

POOLINGS = ("max", "max_mean")


class MotifSettings(NamedTuple):
    """How a `MotifNetwork` reads its motifs.

    Attributes:
        filters: ``"frozen"``, ``"free"`` or ``"constrained"``, see `kgnn.layers.MotifConv`.
        initial: ``"motifs"`` or ``"random"``.
        unit: ``"site"`` or ``"raw"``.
        n_new: Further filters that start at random, beside those of the motifs; constrained unless filters are free.
        new_width: Positions of these.
        activation: Of the scores; one of `kgnn.layers.propagate.ACTIVATIONS`.
        pooling: ``"max"`` over places, or ``"max_mean"``, both maximum and mean.
        window: Places that are pooled together; 0 for the whole sequence.
        recurrent: Units, in each direction, of an LSTM over the windows; 0 for none.
        hidden: Units of fully connected layers (relu).
        dropout: Share of pooled values, of states of the LSTM and of hidden units that are set to 0 in training.
        effects: Whether outputs are sums of non-negative effects of the motifs (no hidden layers, no windows).
        effect_price: L1 price of an effect, in units of the loss.
        position_price: Of constrained filters, see `kgnn.layers.proximal.InformationBound`.
    """

    filters: str = "free"
    initial: str = "motifs"
    unit: str = "site"
    n_new: int = 0
    new_width: int = 12
    activation: str = "relu"
    pooling: str = "max"
    window: int = 0
    recurrent: int = 0
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    effects: bool = False
    effect_price: float = 0.0
    position_price: float = 0.0

    def check(self) -> None:
        """Raise `KgnnError` where settings are unknown or contradict each other."""
        for what, value, known in (
            ("activation", self.activation, ACTIVATIONS), ("pooling", self.pooling, POOLINGS),
        ):  # fmt: skip
            if value not in known:
                raise unknown_choice(what, value, known)
        if self.effects and (self.hidden or self.recurrent or self.window or self.pooling != "max"):
            raise KgnnError(
                "effects adds up one number a motif, so there can be no hidden layers, LSTM, windows or mean. Leave "
                "these out, or set effects=False."
            )
        if self.recurrent and not self.window:
            raise KgnnError("an LSTM needs places to read. Give a window above 0, such as 15.")


class MotifNetwork(nnx.Module):
    r"""Motifs, found on either strand, then pooled, then read.

    The subsystems of this model are the motifs: a state is the pooled activation of one, and a closed gate replaces it
    by its mean over the training samples. A large effect says that the network leans on the filter as it is now:
    compare trained filters with the motifs they began as before naming them after these.

    .. math:: h_m = \operatorname{pool}_p \phi(s_{mp}), \qquad \hat y = f(h)

    Args:
        kernels: The compiled motifs.
        settings: How they are read.
        n_positions: Letters of a sequence.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If settings are unknown or contradict each other.

    References:
        Alipanahi et al. 2015, Nature Biotechnology 33:831, doi:10.1038/nbt.3300; Quang & Xie 2016, Nucleic Acids
        Research 44:e107, doi:10.1093/nar/gkw226; Ploenzke & Irizarry 2018, bioRxiv, doi:10.1101/411934.
    """

    def __init__(
        self,
        kernels: Kernels,
        settings: MotifSettings = MotifSettings(),  # noqa: B008 - frozen
        *,
        n_positions: int,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        settings.check()
        self.structure = kernels
        self.hierarchy = None
        self.settings = settings
        self.task = task
        self.output_names = name_outputs(outputs)
        others = (("n_positions", n_positions), ("outputs", self.output_names), ("task", task))
        self.arguments = BuildArguments("MotifNetwork", settings, others)
        self.genes = position_names(n_positions)
        self.heads: tuple[str, ...] = ()
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.known = MotifConv(
            kernels, n_positions, filters=settings.filters, initial=settings.initial, unit=settings.unit,
            position_price=settings.position_price, rngs=rngs,
        )  # fmt: skip
        self.new = self._new_filters(n_positions, rngs)
        n_new = 0 if self.new is None else self.new.n_motifs
        new_names = blank_kernels(n_new, 1).motifs[:n_new] if n_new else ()
        self.terms = kernels.motifs[: self.known.n_motifs] + new_names
        self._build_reader(rngs)

    def _new_filters(self, n_positions: int, rngs: nnx.Rngs) -> MotifConv | None:
        settings = self.settings
        if not settings.n_new:
            return None
        blank = blank_kernels(settings.n_new, settings.new_width, both_strands=self.structure.both_strands)
        filters = "free" if settings.filters == "free" else "constrained"
        return MotifConv(
            blank, n_positions, filters=filters, initial="random", position_price=settings.position_price, rngs=rngs
        )

    def _build_reader(self, rngs: nnx.Rngs) -> None:
        settings, n_outputs = self.settings, len(self.output_names)
        places = [branch.n_places for branch in (self.known, self.new) if branch is not None]
        windows = -(-min(places) // settings.window) if settings.window else 1
        n_kinds = 2 if settings.pooling == "max_mean" else 1
        n_values = len(self.terms) * n_kinds
        self.term_of_state = tuple(number for number in range(len(self.terms)) for _ in range(n_kinds))
        self.reference = FittedStatistic(jnp.zeros(n_values))
        self.dropout = RowDropout(settings.dropout, rngs=rngs) if settings.dropout else None
        self.lstm = BidirectionalLSTM(n_values, settings.recurrent, rngs=rngs) if settings.recurrent else None
        n_read = (2 * settings.recurrent or n_values) * windows
        sizes = (n_read, *settings.hidden)
        self.hidden = DenseStack(sizes, activation="relu", norm=False, dropout=settings.dropout, rngs=rngs)
        self.output_layer = Dense(sizes[-1], n_outputs, rngs=rngs)
        if settings.effects:
            # Each effect starts at 1 and the sum about 0: a sum that starts high would press all effects to 0,
            # where a filter has no gradient, before the filters have learned anything.
            start = jnp.ones(self.output_layer.kernel.shape)
            self.output_layer.kernel = nnx.Param(start, proximal=NonNegative())
            self.output_layer.bias[...] = -0.5 * start.sum(axis=1)

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, 4 position]``, see `kgnn.data.sequence_samples`."""
        instead = "Leave the others out, or use site_attention."
        values = only_table(inputs, "a motif network takes the sequence", instead)
        inputs = unshared(values, gate, shift, apart=train and self.dropout is not None)
        rows = sample_major(inputs)
        rows = self.gene_scaling(rows.T.astype(jnp.float32)).T
        pooled = self.pooled(rows.reshape(rows.shape[0], -1, 4))
        pooled = gated(pooled, self.reference[...], self.term_of_state, gate, shift)
        read = self._read(pooled, train).T
        output = self.output_scaling.restore(spread(read.T, inputs).T)
        states = spread(pooled.mean(axis=2).T, inputs).T
        return Prediction(output, jnp.zeros((output.shape[0], 0, output.shape[1])), states)

    def pooled(self, sequences: Array) -> Array:
        """Pooled activations ``[sample, state, window]`` of one-hot sequences ``[sample, position, base]``."""
        branches = [self.known] if self.new is None else [self.known, self.new]
        found = [ACTIVATIONS[self.settings.activation](branch(sequences)) for branch in branches]
        if self.settings.window:
            n_places = min(each.shape[2] for each in found)
            whole = jnp.concatenate([_middle(each, n_places) for each in found], axis=1)
            windows = _windows(whole, self.settings.window)
            kinds = [windows.max(axis=3)]
            if self.settings.pooling == "max_mean":
                within = jnp.isfinite(windows)
                kinds.append(jnp.where(within, windows, 0.0).sum(axis=3) / within.astype(jnp.float32).sum(axis=3))
        else:
            kinds = [jnp.concatenate([each.max(axis=2) for each in found], axis=1)[:, :, None]]
            if self.settings.pooling == "max_mean":
                kinds.append(jnp.concatenate([each.mean(axis=2) for each in found], axis=1)[:, :, None])
        # The states of a motif are neighbors.
        return jnp.stack(kinds, axis=2).reshape(kinds[0].shape[0], -1, kinds[0].shape[2])

    def penalty(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        """See `kgnn.models.contract.Trained`: the price of all effects."""
        return self.settings.effect_price * jnp.abs(self.output_layer.kernel[...]).sum()

    def trained_filters(self) -> tuple[tuple[Array, Array], ...]:
        """Filters ``[motif, position, base]`` and offsets ``[motif]`` as they are now: of motifs, then of new ones."""
        branches = [self.known] if self.new is None else [self.known, self.new]
        return tuple((branch.filters[...], branch.offset[...]) for branch in branches)

    def _read(self, pooled: Array, train: bool) -> Array:
        """Output ``[output, sample]`` of pooled activations."""
        n_samples = pooled.shape[0]
        rows = self._dropped(pooled.reshape(n_samples, -1).T, train)
        if self.lstm is not None:
            places = jnp.moveaxis(rows.T.reshape(pooled.shape), 1, 2)
            rows = self._dropped(self.lstm(places).reshape(n_samples, -1).T, train)
        if self.settings.hidden:
            rows, _ = self.hidden(rows, train=train)
        return self.output_layer(rows)

    def _dropped(self, rows: Array, train: bool) -> Array:
        return rows if self.dropout is None else self.dropout(rows, deterministic=not train)


def gated(
    values: Array, reference: Array, term_of_state: tuple[int, ...], gate: Array | None, shift: Array | None
) -> Array:
    """States after a gate and a shift, by the contract of `kgnn.models.contract.Model`.

    Args:
        values: ``[sample, state, place]``; a state is the mean over its places.
        reference: ``[state]``, what a closed gate puts in every place.
        term_of_state: Term of every state.
        gate: ``[term]`` or ``[sample, term]``, or None.
        shift: ``[state]`` or ``[sample, state]``, or None.

    Returns:
        As `values`.
    """
    if gate is not None:
        open_ = jnp.take(jnp.atleast_2d(gate), np.asarray(term_of_state, np.int32), axis=1)[:, :, None]
        still = reference[None, :, None]
        values = still + open_ * (values - still)
    return values if shift is None else values + jnp.atleast_2d(shift)[:, :, None]


def _middle(scores: Array, n_places: int) -> Array:
    """As many places from the middle: filters of other lengths have one place more or less."""
    start = (scores.shape[2] - n_places) // 2
    return scores[:, :, start : start + n_places]


def _windows(scores: Array, window: int) -> Array:
    """``[sample, motif, window, place]``; what the last window lacks is at minus infinity."""
    lacking = -scores.shape[2] % window
    whole = jnp.pad(scores, ((0, 0), (0, 0), (0, lacking)), constant_values=-jnp.inf)
    return whole.reshape(*scores.shape[:2], -1, window)
