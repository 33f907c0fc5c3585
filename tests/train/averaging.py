"""A model over a graph that fits on a screen: every gene's state is a weighted mean over its neighbors."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.knowledge import Network, build_network
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.scaling import FittedStatistic
from kgnn.models import BuildArguments
from kgnn.structure import Adjacency
from tests.train.small import GENES


class Share(NamedTuple):
    """Settings that hold settings."""

    kept: float = 0.5


class AveragingSettings(NamedTuple):
    share: Share = Share()
    widths: tuple[int, ...] = (1, 2)
    name: str = "mean"


class Averaging(nnx.Module):
    def __init__(self, structure, settings=AveragingSettings(), *, outputs=("growth",), task="regression", rngs):  # noqa: B008
        self.structure, self.hierarchy = structure, None
        self.task, self.output_names = task, tuple(outputs)
        self.terms = self.genes = structure.nodes
        self.heads = ("half", "whole")
        self.head_weights = (0.25, 2.0)
        self.term_of_state = tuple(range(structure.n_nodes))
        others = (("outputs", self.output_names), ("task", task))
        self.arguments = BuildArguments("Averaging", settings, others)
        self.gene_scaling = InputScaling(structure.n_nodes)
        self.output_scaling = InputScaling(len(self.output_names))
        self.reference = FittedStatistic(jnp.zeros(structure.n_nodes))
        n_outputs = len(self.output_names)
        self.weight = nnx.Param(jax.random.normal(rngs.params(), (structure.n_nodes, n_outputs)))
        self.factor = nnx.Param(jnp.ones((structure.n_nodes,)))
        self.settings = settings

    def __call__(self, inputs, *, gate=None, shift=None, weights=None, train=False):
        rows = self.gene_scaling(jnp.asarray(inputs, jnp.float32).T)
        edges = self.structure
        sent = rows[edges.senders] * jnp.asarray(edges.coefficient, jnp.float32)[:, None]
        mean = jax.ops.segment_sum(sent, edges.receivers, edges.n_nodes)
        kept = self.settings.share.kept
        states = jnp.tanh((kept * rows + (1 - kept) * mean) * self.factor[...][:, None]).T
        if shift is not None:
            states = states + (shift if shift.ndim == 2 else shift[None, :])
        if gate is not None:
            gate = gate if gate.ndim == 2 else gate[None, :]
            states = gate * states + (1 - gate) * self.reference[...][None, :]
        output = self.output_scaling.restore(states @ self.weight[...])
        return Prediction(output, jnp.stack([0.5 * output, output], axis=1), states)


def small_network() -> Network:
    source, target = np.array([0, 1, 2, 3, 4, 5, 1]), np.array([1, 2, 3, 4, 5, 6, 5])
    return build_network(list(GENES), source, target, weight=np.arange(1.0, 8.0))


def small_graph(normalization: str = "mean") -> Adjacency:
    from kgnn.structure import compile_adjacency

    return compile_adjacency(small_network(), GENES, normalization=normalization)[0]


def averaging(seed: int = 0, **settings) -> Averaging:
    return Averaging(small_graph(), AveragingSettings(**settings), rngs=nnx.Rngs(seed))
