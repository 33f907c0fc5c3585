"""Prices of weights, as rules that training applies after every step (`kgnn.train.proximal.with_prices`).

An edge whose worth to the loss stays below its price has a weight of exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array, ops

from kgnn.structure.links import Links

NEWTON_STEPS = 12


@dataclass(frozen=True)
class EdgePrice:
    r"""The lasso: :math:`\lambda \sum |w|`, by soft thresholding.

    Attributes:
        price: :math:`\lambda`, in units of the loss for a weight of 1.
        non_negative: Whether weights below 0 become 0 as well.

    References:
        Tibshirani 1996, J. R. Stat. Soc. B 58:267, doi:10.1111/j.2517-6161.1996.tb02080.x.
    """

    price: float
    non_negative: bool = False
    scaled: ClassVar[bool] = True

    def __call__(self, value: Array, step: Array) -> Array:
        """The weights one proximal step of size `step` on."""
        if self.non_negative:
            return jnp.maximum(value - step * self.price, 0.0)
        return jnp.sign(value) * jnp.maximum(jnp.abs(value) - step * self.price, 0.0)


@dataclass(frozen=True)
class WeightPrices:
    r"""The lasso with a price of its own for every weight: :math:`\sum_i \lambda_i |w_i|`.

    Attributes:
        prices: Of a parameter ``[weight]``, in units of the loss.
    """

    prices: tuple[float, ...]
    scaled: ClassVar[bool] = True

    def __call__(self, value: Array, step: Array) -> Array:
        """The weights one proximal step of size `step` on."""
        cost = step * np.asarray(self.prices, np.float32)
        return jnp.sign(value) * jnp.maximum(jnp.abs(value) - cost, 0.0)


@dataclass(frozen=True)
class SourcePrice:
    r"""The sparse group lasso over the sources of links: a source whose weights are all 0 is switched off.

    .. math:: \lambda \sum |w| + \alpha \sum_s \sqrt{n_s}\,\lVert w_s \rVert_2

    Attributes:
        links: Of the weights ``[link, output, input]``.
        group: :math:`\alpha`, the price of a source.
        edge: :math:`\lambda`, the price of an edge beside it.
        non_negative: Whether weights below 0 become 0 as well.

    References:
        Simon et al. 2013, J. Comput. Graph. Stat. 22:231, doi:10.1080/10618600.2012.681250; expiMap: Lotfollahi et al.
        2023, Nature Cell Biology 25:337, doi:10.1038/s41556-022-01072-x.

    Differs from the paper:
        The step may differ among the weights of a source, as with Adam; the norm of the result is then the root of
        :math:`\sum_i (u_i / (n + s_i \alpha))^2 = 1`, found by Newton's method.
    """

    links: Links
    group: float
    edge: float = 0.0
    non_negative: bool = False
    scaled: ClassVar[bool] = True

    def __call__(self, value: Array, step: Array) -> Array:
        """The weights one proximal step of size `step` on."""
        value = EdgePrice(self.edge, self.non_negative)(value, step)
        source, n_sources = jnp.asarray(self.links.source), self.links.n_sources

        def summed(each: Array) -> Array:
            return ops.segment_sum(each.sum(axis=(1, 2)), source, n_sources)

        def spread(by_source: Array) -> Array:
            return by_source[source][:, None, None]

        threshold = step * self.group * spread(jnp.sqrt(summed(jnp.ones_like(value))))
        squared = jnp.square(value)
        off = summed(squared / jnp.maximum(jnp.square(threshold), 1e-30)) <= 1.0
        # The sum is convex and falls with n: from n = 0 the steps never pass the root.
        norm = jnp.zeros(n_sources, value.dtype)
        for _ in range(NEWTON_STEPS):
            below = jnp.maximum(spread(norm) + threshold, 1e-15)
            excess, slope = summed(squared / below**2) - 1.0, 2.0 * summed(squared / below**3)
            norm = jnp.where(off, 0.0, norm + excess / jnp.maximum(slope, 1e-30))
        kept = spread(norm) / jnp.maximum(spread(norm) + threshold, 1e-30)
        return jnp.where(spread(off), 0.0, value * kept)
