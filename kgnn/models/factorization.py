"""`FactorizationNetwork`: several views of a patient, one factorization of all, and a network that shapes it."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense, DenseStack
from kgnn.layers.graph_penalty import laplacian_penalty
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs
from kgnn.models.graph import one_row_a_sample
from kgnn.models.visible import name_outputs
from kgnn.structure.adjacency import Adjacency

FUSIONS = ("mean", "concat")


class FactorizationNetwork(nnx.Module):
    r"""Autoencoders of several views whose latent factors are fused, with a graph-Laplacian penalty on the decoder.

    Every view has an encoder and a linear decoder, so that each factor is a weight a gene; the fused factors predict
    the target. The loss is that of the target plus

    .. math:: \sum_v \mathrm{MSE}(x_v, \hat x_v) + \gamma\, \mathrm{tr}(\bar W^\top L \bar W)
        + \sigma \sum_{v<w} \mathrm{MSE}(z_v, z_w)

    with :math:`W` the decoder of the view of genes and :math:`L` the Laplacian of the network. Every factor of the
    first view is a term; its state is one number.

    Args:
        adjacency: The network of the genes of the first view.
        views: Number of features of every further view, in the alphabetical order of their names.
        view_names: Names of all views; the first holds the genes. Not needed for one view.
        n_factors: Latent factors of a view.
        hidden: Units of the encoders' hidden layer.
        fusion: ``"mean"`` of the views' factors, or ``"concat"``.
        laplacian: :math:`\gamma`.
        reconstruction: Weight of the reconstructions.
        similarity: :math:`\sigma`.
        kind: ``"laplacian"`` or ``"cosine"``, see `kgnn.layers.laplacian_penalty`.
        dropout: Of the encoders, in training.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown, or views and names do not match.

    References:
        Ma & Zhang 2019, BMC Genomics 20:944, doi:10.1186/s12864-019-6285-x.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        views: Sequence[int] = (),
        view_names: Sequence[str] = (),
        n_factors: int = 16,
        hidden: int = 32,
        fusion: str = "mean",
        laplacian: float = 1.0,
        reconstruction: float = 1.0,
        similarity: float = 0.1,
        kind: str = "laplacian",
        dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        for what, value, known in (("task", task, TASKS), ("fusion", fusion, FUSIONS)):
            if value not in known:
                raise unknown_choice(what, value, known)
        if views and len(view_names) != len(views) + 1:
            raise KgnnError(f"{len(view_names)} names for {len(views) + 1} views. Give one each, the genes first.")
        self.structure, self.hierarchy = adjacency, None
        self.task, self.output_names = task, name_outputs(outputs)
        self.genes, self.heads = adjacency.nodes, ()
        self.view_names = (*view_names[:1], *sorted(view_names[1:]))
        self.terms = tuple(f"factor {number + 1}" for number in range(n_factors))
        self.term_of_state = tuple(range(n_factors))
        self.fusion, self.kind = fusion, kind
        self.laplacian, self.reconstruction, self.similarity = laplacian, reconstruction, similarity
        others = (
            ("views", tuple(views)), ("view_names", tuple(view_names)), ("n_factors", n_factors), ("hidden", hidden),
            ("fusion", fusion), ("laplacian", laplacian), ("reconstruction", reconstruction),
            ("similarity", similarity), ("kind", kind), ("dropout", dropout), ("outputs", self.output_names),
            ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("FactorizationNetwork", None, others)
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        sizes = (len(self.genes), *views)
        how = {"activation": "relu", "dropout": dropout, "norm": False}
        self.encoders = nnx.List([DenseStack((size, hidden), **how, rngs=rngs) for size in sizes])
        self.to_factors = nnx.List([Dense(hidden, n_factors, rngs=rngs) for _ in sizes])
        self.decoders = nnx.List([Dense(n_factors, size, rngs=rngs) for size in sizes])
        n_fused = n_factors * (len(sizes) if fusion == "concat" else 1)
        self.output_layer = Dense(n_fused, len(self.output_names), rngs=rngs)
        self.reference = FittedStatistic(jnp.zeros(n_factors))

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; the penalty of the prediction holds all but the Laplacian."""
        rows = self._rows(inputs)
        factors = [
            to_factors(encoder(view, train=train)[0])
            for view, encoder, to_factors in zip(rows, self.encoders, self.to_factors, strict=True)
        ]
        factors[0] = self._held(factors[0], gate, shift)
        errors = [
            jnp.square(decoder(factor) - view).mean(axis=0)
            for view, factor, decoder in zip(rows, factors, self.decoders, strict=True)
        ]
        pairs = [(one, other) for k, one in enumerate(factors) for other in factors[k + 1 :]]
        apart = [jnp.square(one - other).mean(axis=0) for one, other in pairs]
        penalty = self.reconstruction * sum(errors)
        penalty = penalty + (self.similarity * sum(apart) if apart else 0.0)
        fused = jnp.concatenate(factors) if self.fusion == "concat" else sum(factors) / jnp.float32(len(factors))
        output = self.output_scaling.restore(self.output_layer(jnp.asarray(fused)).T)
        return Prediction(output, jnp.zeros((len(output), 0, output.shape[1])), factors[0].T, jnp.asarray(penalty))

    def penalty(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        """The Laplacian penalty of the genes' decoder; see `kgnn.models.contract.Trained`."""
        return self.laplacian * laplacian_penalty(
            self.decoders[0].kernel[...], self.structure, kind=self.kind
        )  # fmt: skip

    def _rows(self, inputs: Inputs) -> list[Array]:
        """Every view ``[feature, sample]``, the genes first."""
        if isinstance(inputs, dict):
            if set(inputs) != set(self.view_names):
                raise KgnnError(f"the network has the views {list(self.view_names)}, the samples {list(inputs)}.")
            tables = [inputs[name] for name in self.view_names]
        else:
            tables = [inputs]
        rows = [one_row_a_sample(table).T.astype(jnp.float32) for table in tables]
        return [self.gene_scaling(rows[0]), *rows[1:]]

    def _held(self, factors: Array, gate: Array | None, shift: Array | None) -> Array:
        if gate is not None:
            open_share = gate[:, None] if gate.ndim == 1 else gate.T
            factors = open_share * factors + (1.0 - open_share) * self.reference[...][:, None]
        if shift is not None:
            factors = factors + (shift[:, None] if shift.ndim == 1 else shift.T)
        return factors
