"""`GeneSetAutoencoder`: genes are explained by the states of gene sets, side by side or in a hierarchy."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction, RowDropout
from kgnn.layers.decoder import DecoderSettings, TermDecoder
from kgnn.layers.dense import Dense, DenseStack
from kgnn.models.contract import BuildArguments, Inputs, feature_major, only_table, spread
from kgnn.structure import Hierarchy

LIKELIHOODS = ("gaussian", "negative_binomial")
MOST_LOG_VARIANCE = 8.0
"""Bound of the logarithm of the posterior's variance, on both sides, so that its exponential stays finite."""


class GeneSetAutoencoder(nnx.Module):
    r"""A variational autoencoder whose decoder is knowledge: every state between code and genes belongs to a term.

    The encoder is an ordinary dense network. What a term's state says can be read off the genes that it feeds; a state
    has no unit and, unless weights are kept from being negative, no sign of its own (see
    `kgnn.interpret.term_activity`). It is trained like any model, on samples whose targets are their own genes
    (`kgnn.data.with_own_targets`); the divergence of the code from the standard normal is a penalty that it reports.

    .. math:: z \sim \mathcal N(\mu(x), \sigma^2(x)), \qquad \hat x = \mathrm{decoder}(z), \qquad
        L = \sum_g \ell(x_g, \hat x_g) + \beta\,\mathrm{KL}(\mathcal N(\mu, \sigma^2)\,\|\,\mathcal N(0, 1))

    Args:
        hierarchy: The compiled hierarchy; gene sets without relations lie below one root.
        decoder: What lies between code and genes.
        hidden: Units of every hidden layer of the encoder.
        dropout: Share of these set to 0 in training.
        latent_dropout: Share of latent variables set to 0 in training.
        kl_weight: :math:`\beta`.
        likelihood: ``"gaussian"`` (squared error, of log-normalized values) or ``"negative_binomial"`` (of counts: the
            output is the mean count at the sample's own depth; every gene has a dispersion. The encoder sees
            log(1 + count), whatever the scaling of the training settings).
        rngs: Streams ``params`` and ``dropout``, which the code is drawn from as well.

    References:
        Kingma & Welling 2014, arXiv:1312.6114; see `TermDecoder` for the decoders.

    Example:
        >>> from kgnn.data import random_ontology
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(4, 7), [f"G{k}" for k in range(7)])
        >>> model = GeneSetAutoencoder(hierarchy, rngs=nnx.Rngs(0))
        >>> model(jnp.zeros((3, 7))).output.shape
        (3, 7)
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        decoder: DecoderSettings = DecoderSettings(),  # noqa: B008 - frozen
        *,
        hidden: Sequence[int] = (128,),
        dropout: float = 0.1,
        latent_dropout: float = 0.0,
        kl_weight: float = 1e-3,
        likelihood: str = "gaussian",
        rngs: nnx.Rngs,
    ):
        if likelihood not in LIKELIHOODS:
            raise unknown_choice("likelihood", likelihood, LIKELIHOODS)
        if not 0 <= kl_weight < float("inf"):
            raise KgnnError(f"kl_weight is {kl_weight}. Choose a weight of at least 0.")
        self.hierarchy = hierarchy
        self.structure = hierarchy
        self.task = "regression"
        self.likelihood = likelihood
        self.kl_weight = kl_weight
        self.terms = hierarchy.terms
        self.heads: tuple[str, ...] = ()
        self.genes = self.output_names = hierarchy.genes
        others = {
            "decoder": decoder, "hidden": tuple(hidden), "dropout": dropout, "latent_dropout": latent_dropout,
            "kl_weight": kl_weight, "likelihood": likelihood,
        }  # fmt: skip
        self.arguments = BuildArguments("GeneSetAutoencoder", None, tuple(others.items()))
        self.gene_scaling = InputScaling(hierarchy.n_genes)
        self.output_scaling = InputScaling(hierarchy.n_genes)
        self.encoder = DenseStack((hierarchy.n_genes, *hidden), activation="relu", dropout=dropout, rngs=rngs)
        self.decoder = TermDecoder(hierarchy, decoder, rngs=rngs)
        width = (*hidden,)[-1] if hidden else hierarchy.n_genes
        self.to_mean = Dense(width, self.decoder.n_latent, rngs=rngs)
        self.to_log_variance = Dense(width, self.decoder.n_latent, rngs=rngs)
        self.latent_dropout = RowDropout(latent_dropout, rngs=rngs) if latent_dropout else None
        self.noise = rngs["dropout"].fork()
        counts = likelihood == "negative_binomial"
        self.log_dispersion = nnx.Param(jnp.zeros(hierarchy.n_genes)) if counts else None

    @property
    def subsystems(self) -> TermDecoder:
        """What holds the states of all terms."""
        return self.decoder

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the term that each state belongs to."""
        return self.decoder.term_of_state

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` and output are ``[sample, gene]``."""
        rows = self._rows(inputs)
        mean, log_variance = self._posterior(rows, weights, train)
        latent, penalty = mean, None
        if train:
            latent = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(self.noise(), mean.shape)
            if self.latent_dropout is not None:
                latent = self.latent_dropout(latent, deterministic=False)
            divergence = jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
            penalty = 0.5 * self.kl_weight * divergence.sum(axis=0)
        states, genes = self.decoder(latent, gate=gate, shift=shift)
        output = self._output(genes, rows)
        return Prediction(output, jnp.zeros((output.shape[0], 0, output.shape[1])), states.T, penalty)

    def posterior(self, inputs: Inputs) -> tuple[Array, Array]:
        """Mean and standard deviation of the code, ``[latent, sample]`` each."""
        mean, log_variance = self._posterior(self._rows(inputs), None, train=False)
        return mean, jnp.exp(0.5 * log_variance)

    def loss(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        """See `kgnn.models.contract.Trained`: squared error on the scale of training, or the likelihood of counts."""
        if self.log_dispersion is None:
            errors = (prediction.output - targets) / self.output_scaling.scale[...][None, :]
            return share @ jnp.square(errors).sum(axis=1)
        return share @ negative_binomial_loss(prediction.output, targets, jnp.exp(self.log_dispersion[...])).sum(axis=1)

    def _rows(self, inputs: Inputs) -> Array:
        """Measured values ``[gene, sample]``."""
        values = only_table(inputs, "a gene-set autoencoder takes the genes")
        return spread(feature_major(values), values)

    def _posterior(self, rows: Array, weights: Array | None, train: bool) -> tuple[Array, Array]:
        counts = self.likelihood == "negative_binomial"
        scaled = jnp.log1p(jnp.maximum(rows, 0.0)) if counts else self.gene_scaling(rows)
        hidden, _ = self.encoder(scaled, weights=weights, train=train)
        log_variance = jnp.clip(self.to_log_variance(hidden), -MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)
        return self.to_mean(hidden), log_variance

    def _output(self, genes: Array, rows: Array) -> Array:
        if self.likelihood == "gaussian":
            return self.output_scaling.restore(genes.T)
        depth = jnp.maximum(rows, 0.0).sum(axis=0)
        return (jax.nn.softmax(genes, axis=0) * depth[None, :]).T


def negative_binomial_loss(mean: Array, counts: Array, dispersion: Array) -> Array:
    r"""Negative log-likelihood of counts, less what depends on the counts alone.

    The variance is :math:`m + m^2 / \theta`.

    Args:
        mean: ``[sample, gene]``, above 0.
        counts: ``[sample, gene]``.
        dispersion: :math:`\theta`, ``[gene]``.

    Returns:
        ``[sample, gene]``.
    """
    theta = jnp.broadcast_to(dispersion[None, :], mean.shape)
    least = 1e-8
    log_total = jnp.log(theta + mean + least)
    found = counts * (jnp.log(mean + least) - log_total) + theta * (jnp.log(theta + least) - log_total)
    return -(found + jax.lax.lgamma(counts + theta) - jax.lax.lgamma(theta))
