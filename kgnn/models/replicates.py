"""`Replicates`: networks of one kind fitted from different random starts, called as one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError
from kgnn.layers import InputScaling, Prediction
from kgnn.models.contract import BuildArguments, Inputs, Model

TOGETHER = 8
"""Replicates that a prediction computes at once."""


class Replicates(nnx.Module):
    """The mean of several networks; the spread among them says how far to trust any one.

    The output and the auxiliary outputs are means over replicates. The states of a term are those of all replicates
    side by side; `gate` and `shift` act on every replicate alike. See `member` for one network by itself.

    Args:
        members: Networks with the same arguments and structure, at least one.

    Raises:
        KgnnError: If there is none, or they are not of one kind.

    References:
        Esser-Skala & Fortelny 2023, npj Systems Biology and Applications 9:50, doi:10.1038/s41540-023-00310-8, on how
        importance scatters between repeated fits.
    """

    def __init__(self, members: Sequence[Model]):
        if not members:
            raise KgnnError("there are no replicates. Build at least one.")
        first = members[0]
        unlike = sum((each.arguments, each.structure) != (first.arguments, first.structure) for each in members)
        if unlike:
            raise KgnnError(
                f"{unlike} of {len(members)} replicates differ from the first in arguments or structure. Build all "
                "alike, with kgnn.models.build."
            )
        graph = nnx.graphdef(first)
        states = [nnx.state(member) for member in members]
        self.stacked = nnx.merge(graph, jax.tree.map(lambda *arrays: jnp.stack(arrays), *states))
        self.n_replicates = len(members)
        self.structure = first.structure
        self.hierarchy = first.hierarchy
        self.task = first.task
        self.output_names = first.output_names
        self.terms = first.terms
        self.heads = first.heads
        self.genes = first.genes
        self.arguments = BuildArguments("Replicates", None, (("n", len(members)), ("member", first.arguments)))

    @property
    def gene_scaling(self) -> InputScaling:
        """Scaling of the genes, one a replicate."""
        return self.stacked.gene_scaling

    @property
    def output_scaling(self) -> InputScaling:
        """Scaling of the outputs, one a replicate."""
        return self.stacked.output_scaling

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the term that each state belongs to; the replicates of a state are neighbors."""
        return tuple(term for term in self.stacked.term_of_state for _ in range(self.n_replicates))

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; a shift has one value for each state of each replicate."""
        graph, state = nnx.split(self.stacked)
        if shift is not None:
            by_state = shift.reshape(*shift.shape[:-1], -1, self.n_replicates)
            shift = jnp.moveaxis(by_state, -1, 0)

        def one(arrays: nnx.State, shift_of_one: Array | None) -> tuple[Prediction, nnx.State]:
            member = nnx.merge(graph, arrays, copy=True)
            prediction = member(inputs, gate=gate, shift=shift_of_one, weights=weights, train=train)
            return prediction, nnx.state(member)

        predictions, state = _some_at_a_time(one, self.n_replicates)(state, shift)
        if train:
            nnx.update(self.stacked, state)
        states = jnp.moveaxis(predictions.states, 0, -1)
        return Prediction(
            predictions.output.mean(axis=0), predictions.auxiliary.mean(axis=0), states.reshape(states.shape[0], -1)
        )

    def each(self, inputs: Inputs) -> Array:
        """Output of every replicate, ``[replicate, sample, output]``."""
        graph, state = nnx.split(self.stacked)
        return _some_at_a_time(lambda arrays: nnx.merge(graph, arrays)(inputs).output, self.n_replicates)(state)

    def member(self, number: int) -> Model:
        """One of the networks by itself.

        Args:
            number: Which, from 0; it started from the weights of seed ``1000 * seed + number``.

        Returns:
            A network with arrays of its own.

        Raises:
            KgnnError: If there are fewer.
        """
        if not 0 <= number < self.n_replicates:
            raise KgnnError(f"there is no replicate {number}. Choose one of 0 to {self.n_replicates - 1}.")
        graph, state = nnx.split(self.stacked)
        return nnx.merge(graph, jax.tree.map(lambda array: array[number], state))


def _some_at_a_time(function: Callable[..., Any], n: int) -> Callable[..., Any]:
    """The function over the first axis; of many replicates some at a time, whose temporary arrays then suffice."""
    if n <= TOGETHER:
        return jax.vmap(function)
    # A size that divides the number leaves no rest, which would be compiled as a second program.
    size = next((size for size in range(TOGETHER, TOGETHER // 2, -1) if n % size == 0), TOGETHER)
    whole = n // size * size

    def in_parts(*arrays: Any) -> Any:
        # Sizes are written out, since a network without states has arrays of no size, for which -1 would mean nothing.
        parts = jax.tree.map(lambda leaf: leaf[:whole].reshape(n // size, size, *leaf.shape[1:]), arrays)
        found = jax.lax.map(lambda part: jax.vmap(function)(*part), parts)
        found = jax.tree.map(lambda leaf: leaf.reshape(whole, *leaf.shape[2:]), found)
        if whole == n:
            return found
        rest = jax.vmap(function)(*jax.tree.map(lambda leaf: leaf[whole:], arrays))
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), found, rest)

    return in_parts
