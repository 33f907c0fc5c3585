"""What a parameter must obey, or pays for: operators that training applies to it after every step.

A layer gives its parameter one, ``nnx.Param(value, proximal=NonNegative())``, as it gives it a mask: the rule stays
with the structure, and any optimizer obeys it (`kgnn.train.proximal_steps`).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array


class Proximal(Protocol):
    """A proximal operator; hashable, since it is part of what is compiled."""

    def __call__(self, value: Array, rate: Array) -> Array:
        """The parameter after a step, from where the optimizer put it and the learning rate of the step."""
        ...


class NonNegative(NamedTuple):
    r"""At least 0, with an L1 price: :math:`\max(0, w - \eta\lambda)`.

    Attributes:
        price: Of a unit of the parameter, :math:`\lambda`.
    """

    price: float = 0.0

    def __call__(self, value: Array, rate: Array) -> Array:
        """See `Proximal`."""
        return jnp.maximum(value - rate * self.price, 0.0)


class NonPositive(NamedTuple):
    """At most 0."""

    def __call__(self, value: Array, rate: Array) -> Array:
        """See `Proximal`."""
        return jnp.minimum(value, 0.0)


class InformationBound(NamedTuple):
    r"""Filters ``[filter, position, base]`` that can be read as letter heights of a sequence logo, in bits.

    Every weight is at least 0, and those of a position sum up to at most as many bits as a position of DNA can hold; a
    position above is scaled down to it. The price is an L1 penalty that grows from the middle of the filter to its
    ends, so that motifs stay short and centered:

    .. math:: w_{pb} \leftarrow \max\Bigl(0, w_{pb} - \eta\lambda\,\frac{|2p - (L - 1)|}{L - 1}\Bigr),
        \qquad w_p \leftarrow w_p \min\Bigl(1, \frac{2}{\sum_b w_{pb}}\Bigr)

    Attributes:
        bits: Most information of a position.
        price: Of a bit at either end of the filter, :math:`\lambda`.

    References:
        Ploenzke & Irizarry 2018, bioRxiv 411934, doi:10.1101/411934.
    """

    bits: float = 2.0
    price: float = 0.0

    def __call__(self, value: Array, rate: Array) -> Array:
        """See `Proximal`."""
        length = value.shape[-2]
        places = np.arange(length, dtype=value.dtype)
        from_middle = np.abs(2 * places - (length - 1)) / max(length - 1, 1)
        column = (1,) * (value.ndim - 2) + (length, 1)
        heights = jnp.maximum(value - rate * self.price * from_middle.astype(value.dtype).reshape(column), 0.0)
        total = heights.sum(axis=-1, keepdims=True)
        return heights * jnp.minimum(1.0, self.bits / jnp.maximum(total, self.bits))
