"""`TermDecoder`: states of terms from latent variables down a hierarchy, and genes from these states."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError
from kgnn.layers.linked import Linked, at_least_zero
from kgnn.layers.prices import EdgePrice, SourcePrice
from kgnn.layers.propagate import ACTIVATIONS
from kgnn.layers.scaling import FittedStatistic
from kgnn.structure import Hierarchy
from kgnn.structure.descent import plan_descent
from kgnn.structure.links import Links


class DecoderSettings(NamedTuple):
    """What a decoder over a hierarchy is.

    Attributes:
        n_states: States a term.
        latent: Which terms hold the latent variables: ``"root"``, ``"top"`` or ``"every"``; see
            `kgnn.structure.plan_descent`.
        skips: ``"relations"`` or ``"all"``: whether a term feeds its child terms and direct genes, or all below it.
        activation: Of terms that are computed from others.
        non_negative: Whether no weight can be negative.
        term_price: Price of a term: the group lasso over its weights to genes.
        edge_price: Price of a weight between a term and a gene of the prior: what the data do not need becomes 0.
        soft: Price of a weight between a term and a gene that the prior does not link; 0 for no such weights.
        background: Whether the root feeds all genes.
    """

    n_states: int = 1
    latent: str = "top"
    skips: str = "relations"
    activation: str = "identity"
    non_negative: bool = False
    term_price: float = 0.0
    edge_price: float = 0.0
    soft: float = 0.0
    background: bool = False

    def check(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.n_states < 1:
            raise KgnnError(f"n_states is {self.n_states}, but every term needs a state. Choose at least 1.")
        for name in ("term_price", "edge_price", "soft"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise KgnnError(f"{name} is {getattr(self, name)}. Choose a price of at least 0.")


class TermDecoder(nnx.Module):
    r"""States of all terms from latent variables, and genes as linear maps of them.

    .. math:: h_t = \phi(\textstyle\sum_{p \in \mathrm{parents}(t)} W_{tp} h_p + b_t), \qquad
        \hat x_g = \sum_{t \ni g} w_{gt} h_t + \sum_{t \not\ni g} v_{gt} h_t + b_g

    A weight :math:`w` exists for every link of the knowledge. The weights :math:`v` exist only where ``soft`` is above
    0; each has a price, and is exactly 0 where the data do not pay it.

    Args:
        hierarchy: The compiled hierarchy.
        settings: What it is.
        rngs: Stream ``params``.

    References:
        Doncevic & Herrmann 2023, Bioinformatics 39:btad387, doi:10.1093/bioinformatics/btad387 (a hierarchy);
        Seninge et al. 2021, Nature Communications 12:5684, doi:10.1038/s41467-021-26017-0 (gene sets);
        Lotfollahi et al. 2023, Nature Cell Biology 25:337, doi:10.1038/s41556-022-01072-x (prices).
    """

    def __init__(self, hierarchy: Hierarchy, settings: DecoderSettings, *, rngs: nnx.Rngs):
        settings.check()
        self.settings = settings
        self.n_terms = hierarchy.n_terms
        plan = plan_descent(hierarchy, latent=settings.latent, skips=settings.skips, background=settings.background)
        self.plan = plan
        width, options = settings.n_states, {"non_negative": settings.non_negative, "rngs": rngs}
        self.term_of_state = tuple(np.repeat(np.arange(hierarchy.n_terms), width).tolist())
        self.n_latent = plan.n_latent_terms * width
        self.maps = nnx.List([Linked(links, width, width, **options) for links in plan.links])
        self.biases = nnx.List([nnx.Param(jnp.zeros((links.n_targets, width))) for links in plan.links])
        self.genes = Linked(plan.genes, width, 1, price=_price(plan.genes, settings), **options)
        self.gene_bias = nnx.Param(jnp.zeros(hierarchy.n_genes))
        shape = (hierarchy.n_genes, hierarchy.n_terms, width)
        rule = EdgePrice(settings.soft, settings.non_negative)
        self.soft_weights = nnx.Param(jnp.zeros(shape), proximal=rule) if settings.soft else None
        self.reference = FittedStatistic(jnp.zeros(len(self.term_of_state)))

    def __call__(self, latent: Array, *, gate: Array | None = None, shift: Array | None = None) -> tuple[Array, Array]:
        """Decode.

        Args:
            latent: ``[latent, sample]``: the states of the terms that hold latent variables, in the order of the plan.
            gate: ``[term]`` or ``[sample, term]``: 1 keeps the state, 0 replaces it by its reference.
            shift: ``[state]`` or ``[sample, state]``, added to the state.

        Returns:
            States ``[state, sample]`` of all terms, and genes ``[gene, sample]``.
        """
        n_samples = latent.shape[1]
        blocks = (-1, self.settings.n_states, n_samples)
        gates = None if gate is None else self._ordered(gate[..., None], n_samples)
        shifts = None if shift is None else self._ordered(shift.reshape(*shift.shape[:-1], self.n_terms, -1), n_samples)
        reference = self._ordered(self.reference[...].reshape(self.n_terms, -1), n_samples)

        def finished(state: Array, known: int) -> Array:
            here = slice(known, known + state.shape[0])
            if gates is not None:
                state = gates[here] * state + (1 - gates[here]) * reference[here]
            return state if shifts is None else state + shifts[here]

        states = finished(latent.reshape(blocks), 0)
        for linked, bias in zip(self.maps, self.biases, strict=True):
            found = ACTIVATIONS[self.settings.activation](linked(states) + bias[...][:, :, None])
            states = jnp.concatenate([states, finished(found, states.shape[0])])
        genes = self.genes(states)[:, 0] + self.gene_bias[...][:, None]
        states = states[np.array(self.plan.place)].reshape(-1, n_samples)
        if self.soft_weights is not None:
            genes = genes + self.beyond_prior().reshape(genes.shape[0], -1) @ states
        return states, genes

    def beyond_prior(self) -> Array:
        """Weights of links that the prior does not have, ``[gene, term, state]``, 0 where it has one.

        Returns:
            The weights as they are used, all 0 without ``soft``; terms in the order of the hierarchy.
        """
        beyond = ~self.in_prior()[:, :, None]
        if self.soft_weights is None:
            return jnp.zeros((*beyond.shape[:2], self.settings.n_states))
        weights = self.soft_weights[...]
        return jnp.where(beyond, at_least_zero(weights) if self.settings.non_negative else weights, 0.0)

    def weights_of_genes(self) -> Array:
        """All weights between terms and genes as they are used, ``[gene, term, state]``; 0 where there is none."""
        links = self.plan.genes
        shape = (links.n_targets, links.n_sources, self.settings.n_states)
        laid = jnp.zeros(shape).at[links.target, links.source].set(self.genes.effective()[:, 0])
        found = laid[:, np.array(self.plan.place)]
        return found if self.soft_weights is None else found + self.beyond_prior()

    def in_prior(self) -> np.ndarray:
        """bool ``[gene, term]``: links that the knowledge has; terms in the order of the hierarchy."""
        return self.plan.genes.mask[:, np.array(self.plan.place)]

    def _ordered(self, by_term: Array, n_samples: int) -> Array:
        """From ``[term, width]`` or ``[sample, term, width]`` to ``[term, width, sample]`` in the order of the plan."""
        order = np.array(self.plan.order)
        if by_term.ndim == 3:
            return by_term.transpose(1, 2, 0)[order]
        return jnp.broadcast_to(by_term[order][:, :, None], (*by_term.shape, n_samples))


def _price(links: Links, settings: DecoderSettings) -> EdgePrice | SourcePrice | None:
    """What the weights to genes cost; None where they cost nothing."""
    if settings.term_price:
        return SourcePrice(links, settings.term_price, settings.edge_price, settings.non_negative)
    return EdgePrice(settings.edge_price, settings.non_negative) if settings.edge_price else None
