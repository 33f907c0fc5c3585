"""`PerturbationNetwork`: the response of many genes to perturbations, also of genes never perturbed in training."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.graph_convolutions import messages_of
from kgnn.layers.initial import uniform_within
from kgnn.layers.messages import received
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import BuildArguments, Inputs
from kgnn.models.graph import one_table
from kgnn.models.visible import name_outputs
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.messages import Messages


class PerturbationNetwork(nnx.Module):
    r"""What each gene does after some were perturbed, from embeddings that spread over a graph of genes.

    A perturbed gene acts by its embedding, averaged over `n_hops` steps of the graph: a gene that was never perturbed
    is predicted from its neighbors. Every response gene has an embedding too (averaged over co-expressed ones where
    edges are given); the sum of both passes a small network, and a decoder of its own reads each gene. A second decoder
    sees all first predictions at once.

    Predict the difference from the control cells, not the expression itself: most of expression is the same in all.
    The state of a gene is its embedding where it is perturbed, else 0.

    Args:
        adjacency: The graph of perturbable genes, similarity of their annotations for example; ``self_loops="add"``,
            ``normalization="symmetric"``.
        outputs: Names of the response genes.
        coexpressed_senders: Positions among the outputs, for edges between co-expressed response genes.
        coexpressed_receivers: The other ends; every edge is taken both ways, and every gene has a self-loop.
        n_features: Units of all embeddings.
        n_hops: Steps of simple graph convolution.
        focus: Exponent :math:`\gamma` of the loss.
        direction: Weight of the loss of the direction.
        task: ``"regression"``, the only one.
        rngs: Stream ``params``.

    Raises:
        KgnnError: If the task is another, or an edge of the response genes does not fit.

    References:
        Roohani, Huang & Leskovec 2024, Nature Biotechnology 42:927, doi:10.1038/s41587-023-01905-6. Simple graph
        convolution: Wu et al. 2019, arXiv:1902.07153.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        outputs: int | Sequence[str] = 1,
        coexpressed_senders: Sequence[int] = (),
        coexpressed_receivers: Sequence[int] = (),
        n_features: int = 16,
        n_hops: int = 1,
        focus: float = 2.0,
        direction: float = 0.1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        if task != "regression":
            raise unknown_choice("task", task, ("regression",))
        self.structure, self.hierarchy = adjacency, None
        self.task, self.output_names = task, name_outputs(outputs)
        self.terms = self.genes = adjacency.nodes
        self.heads: tuple[str, ...] = ()
        others = (
            ("outputs", self.output_names), ("coexpressed_senders", tuple(coexpressed_senders)),
            ("coexpressed_receivers", tuple(coexpressed_receivers)), ("n_features", n_features), ("n_hops", n_hops),
            ("focus", focus), ("direction", direction), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("PerturbationNetwork", None, others)
        self.n_features, self.n_hops, self.focus, self.direction = n_features, n_hops, focus, direction
        n, n_out = adjacency.n_nodes, len(self.output_names)
        self.gene_scaling, self.output_scaling = InputScaling(n), InputScaling(n_out)
        self.messages = messages_of(adjacency.unpadded())
        self.responses = _response_graph(n_out, coexpressed_senders, coexpressed_receivers)

        def drawn(*shape: int) -> nnx.Param:
            return nnx.Param(uniform_within(np.full(shape, shape[0 if len(shape) == 1 else -2] ** -0.5), rngs))

        self.embedding = nnx.Param(uniform_within(np.full((n, n_features), 1.0), rngs))
        self.response = nnx.Param(uniform_within(np.full((n_out, n_features), 1.0), rngs))
        self.mix, self.first, self.across = (drawn(n_features, n_features) for _ in range(3))
        self.first_bias = nnx.Param(jnp.zeros(n_features))
        self.decoder = nnx.Param(uniform_within(np.full((n_out, n_features), n_features**-0.5), rngs))
        self.summary = drawn(n_out, n_features)
        self.decoder_across = nnx.Param(uniform_within(np.full((n_out, n_features), 0.1 * n_features**-0.5), rngs))
        self.decoder_bias = nnx.Param(jnp.zeros(n_out))
        self.reference = FittedStatistic(jnp.zeros(n * n_features))

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the gene that each state belongs to."""
        return tuple(np.repeat(np.arange(len(self.terms)), self.n_features).tolist())

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``, 1 where the gene is perturbed."""
        perturbed = self.gene_scaling(one_table(inputs).T.astype(jnp.float32)).T
        n_samples = len(perturbed)
        spread = self._spread(self.messages, self.structure.coefficient[: self.messages.n_edges], self.embedding[...])
        if gate is None and shift is None:
            acting = perturbed @ spread
            states = perturbed[..., None] * spread[None]
        else:
            states = self._held(perturbed[..., None] * spread[None], gate, shift)
            acting = states.sum(axis=1)
        acting = jnp.tanh(acting @ self.mix[...])
        genes = self.response[...]
        if self.responses is not None:
            genes = self._spread(self.responses, _symmetric(self.responses), genes)
        inside = (acting @ self.first[...])[:, None] + (genes @ self.first[...] + self.first_bias[...][None])[None]
        first = jnp.einsum("krf,rf->kr", jax.nn.relu(inside), self.decoder[...])
        seen = jax.nn.relu(jnp.tanh(first @ self.summary[...]) @ self.across[...])
        changed = first + seen @ self.decoder_across[...].T + self.decoder_bias[...][None]
        output = self.output_scaling.restore(changed)
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), states.reshape(n_samples, -1))

    def loss(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        r"""Autofocus and direction loss, in units of the outputs' scale.

        .. math:: \frac{1}{G} \sum_g \min(\lvert e_g \rvert, 4)^{2 + \gamma} + e_g^2
            + \lambda \big(\mathrm{sign}(y_g) - \tanh(\hat y_g)\big)^2
        """
        scale = self.output_scaling.scale[...][None]
        error = jnp.abs(prediction.output - targets) / scale
        # A power of an error of 0 has no gradient below 2, and an outlier none that is finite above.
        focused = jnp.square(error) + jnp.minimum(error, 4.0) ** (2.0 + self.focus)
        turned = jnp.square(jnp.sign(targets) - jnp.tanh(prediction.output / scale))
        return (focused + self.direction * turned).mean(axis=1) @ share

    def _spread(self, messages: Messages, coefficient: np.ndarray, values: Array) -> Array:
        for _ in range(self.n_hops):
            values = received(messages, jnp.asarray(coefficient, jnp.float32), values)
        return values

    def _held(self, states: Array, gate: Array | None, shift: Array | None) -> Array:
        if gate is not None:
            open_share = (gate[None] if gate.ndim == 1 else gate)[..., None]
            states = open_share * states + (1.0 - open_share) * self.reference[...].reshape(1, *states.shape[1:])
        if shift is not None:
            by_gene = shift.reshape(*shift.shape[:-1], *states.shape[1:])
            states = states + (by_gene[None] if shift.ndim == 1 else by_gene)
        return states


def _response_graph(n: int, senders: Sequence[int], receivers: Sequence[int]) -> Messages | None:
    """The graph of response genes, with self-loops."""
    if not senders and not receivers:
        return None
    ends = np.array([*senders, *receivers])
    if len(senders) != len(receivers) or ends.min() < 0 or ends.max() >= n:
        raise KgnnError(
            f"{len(senders)} senders and {len(receivers)} receivers among {n} response genes do not fit. Give both "
            "ends of every edge as positions among the outputs."
        )
    loops = np.arange(n)
    pairs = np.unique(np.stack([np.r_[ends, loops], np.r_[receivers, senders, loops]]), axis=1).astype(np.int32)
    return Messages(np.ascontiguousarray(pairs[0]), np.ascontiguousarray(pairs[1]), n, n)


def _symmetric(messages: Messages) -> np.ndarray:
    degree = np.bincount(messages.receivers, minlength=messages.n_receivers)
    return 1 / np.sqrt(degree[messages.senders] * degree[messages.receivers])
