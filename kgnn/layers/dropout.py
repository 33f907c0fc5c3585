"""`RowDropout`: dropout of feature-major rows from one random byte an element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.structure import Hierarchy

LEVELS = 256
PER_WORD = 4
"""Bytes of a random word of 32 bits."""
MOST_DROPPED = {1: 0.0, 2: 0.1, 3: 0.3}
"""Largest rate of a term by the number of children that its parents have, itself among them."""


class RowDropout(nnx.Dropout):
    r"""Dropout of ``[row, sample]``: an element is 0 with the given rate, else divided by one minus the rate.

    `nnx.Dropout` draws 32 random bits (64 inside) an element, which takes a quarter of the training step of a small
    network on a CPU. Here an element takes one byte. A byte knows rates in steps of 1/256 only, so every row draws its
    threshold, one of the two whole numbers beside :math:`256\,r`, such that the rate is exactly :math:`r`.

    Args:
        rate: Share of elements that become 0.
        of_row: The rate of every row where they differ, 0 for a row that is never dropped.
        rngs: Stream ``dropout``.
    """

    def __init__(self, rate: float, of_row: Sequence[float] = (), *, rngs: nnx.Rngs | None = None):
        super().__init__(rate, rngs=rngs)
        self.of_row = tuple(of_row)

    def __call__(self, inputs: Array, *, deterministic: bool | None = None, rngs: Any = None) -> Array:
        """Drop elements, unless `deterministic`."""
        stream = self.rngs if rngs is None else rngs
        if deterministic or self.rate == 0:
            return inputs
        for_bytes, for_rows = jax.random.split(stream())  # type: ignore[misc]
        n_rows, n_samples = inputs.shape
        words = jax.random.bits(for_bytes, (n_rows, -(-n_samples // PER_WORD)), jnp.uint32)
        drawn = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(n_rows, -1)[:, :n_samples]
        rate = np.asarray(self.of_row or self.rate, np.float64).reshape(-1, 1)
        kept = (1.0 - rate).astype(inputs.dtype)  # in double: in float32 one minus 0.999 has lost four digits
        level = jnp.floor(
            (LEVELS * rate).astype(inputs.dtype) + jax.random.uniform(for_rows, (n_rows, 1), inputs.dtype)
        )
        return jnp.where(drawn.astype(jnp.int32) < level.astype(jnp.int32), 0.0, inputs / kept)


def degree_rates(hierarchy: Hierarchy, rate: float) -> np.ndarray:
    """Dropout rate of every term under KPNN's degree rule: a term that its parents cannot do without is spared.

    Of a term and all other children (terms and genes) of its parents, one alone is never dropped, one of two at a rate
    of at most 0.1, one of three at most 0.3. A term without a parent is an output and is never dropped.

    Args:
        hierarchy: The compiled hierarchy.
        rate: Rate of all other terms.

    Returns:
        float64 ``[term]``.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5; the limits are those of the
        released program.
    """
    rates = np.full(hierarchy.n_terms, rate)
    for term, parents in enumerate(hierarchy.parents_of_term):
        children = {("term", child) for parent in parents for child in hierarchy.children_of_term[parent].tolist()}
        children |= {("gene", gene) for parent in parents for gene in hierarchy.genes_of_term[parent].tolist()}
        rates[term] = min(rate, MOST_DROPPED.get(len(children), rate)) if len(parents) else 0.0
    return rates
