"""Prices on whole edges: proximal operators that set all weights of an edge to 0 together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array


class GroupHardThreshold(NamedTuple):
    r"""Every group of weights pays a fixed price for being there (group :math:`\ell_0`).

    .. math:: w_g \leftarrow w_g \text{ if } \lVert w_g\rVert^2 > 2\eta\lambda\text{, else } 0

    Attributes:
        sizes: Number of weights of every group; groups lie end to end.
        price: Of a group, :math:`\lambda`.

    References:
        Huang et al. 2021 (ParsVNN), NAR Genomics and Bioinformatics 3:lqab097, doi:10.1093/nargab/lqab097; Bolte et al.
        2014, Mathematical Programming 146:459, doi:10.1007/s10107-013-0701-9.
    """

    sizes: tuple[int, ...]
    price: float

    def __call__(self, value: Array, rate: Array) -> Array:
        """The weights after a step of the given learning rate."""
        squared = _sums(jnp.square(value), self.sizes)
        return jnp.where(_spread(squared, self.sizes) > 2.0 * rate * self.price, value, jnp.zeros_like(value))


class GroupSoftThreshold(NamedTuple):
    r"""Every group of weights pays by its norm (group lasso), more where it is larger.

    .. math:: w_g \leftarrow w_g \max\Bigl(0, 1 - \frac{\eta\lambda\sqrt{n_g}}{\lVert w_g\rVert}\Bigr)

    Attributes:
        sizes: Number of weights :math:`n_g` of every group; groups lie end to end.
        price: Of a unit of the norm, :math:`\lambda`.

    References:
        Yuan & Lin 2006, J. Royal Statistical Society B 68:49, doi:10.1111/j.1467-9868.2005.00532.x; used for
        relations by Huang et al. 2021 (ParsVNN), doi:10.1093/nargab/lqab097.
    """

    sizes: tuple[int, ...]
    price: float

    def __call__(self, value: Array, rate: Array) -> Array:
        """The weights after a step of the given learning rate."""
        return value * _spread(_kept_share(value, self.sizes, rate * self.price), self.sizes)


@dataclass(frozen=True)
class GroupLasso:
    r"""The group lasso in units of the loss: a group goes where the loss gains less by it than it has to pay.

    .. math:: \lambda \sum_g \sqrt{n_g}\,\lVert w_g\rVert, \qquad
        w_g \leftarrow w_g \max\Bigl(0, 1 - \frac{\bar s_g\lambda\sqrt{n_g}}{\lVert w_g\rVert}\Bigr)

    where :math:`s` is the step that Adam takes at a weight for a gradient of 1, and :math:`\bar s_g` its mean over the
    group: weights rest where loss plus price is least, as far as the steps of a group are alike. `GroupSoftThreshold`
    takes the learning rate in its place; behind Adam, which divides every gradient by its own size, it then keeps
    whatever has a steady gradient, however small its gain.

    Attributes:
        sizes: Number of weights :math:`n_g` of every group; groups lie end to end.
        price: Of a unit of the norm, :math:`\lambda`, in units of the loss.

    References:
        Yuan & Lin 2006, J. Royal Statistical Society B 68:49, doi:10.1111/j.1467-9868.2005.00532.x; Melchior et al.
        2019, arXiv:1910.10094, on proximal steps of Adam.
    """

    sizes: tuple[int, ...]
    price: float
    scaled: ClassVar[bool] = True

    def __call__(self, value: Array, step: Array) -> Array:
        """The weights one proximal step on, from the step of every weight."""
        mean = _sums(step, self.sizes) / jnp.asarray(self.sizes, value.dtype)
        return value * _spread(_kept_share(value, self.sizes, mean * self.price), self.sizes)


def group_norms(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Norm of every group ``[..., group]`` of weights ``[..., weight]`` that lie end to end.

    Args:
        values: The weights.
        sizes: int ``[group]``, each at least 1.

    Returns:
        The norms.
    """
    starts = np.cumsum(sizes) - sizes
    squared = np.square(np.asarray(values, np.float64))
    if not len(sizes):
        return np.zeros((*squared.shape[:-1], 0))
    return np.sqrt(np.add.reduceat(squared, starts, axis=-1))


def _kept_share(value: Array, sizes: tuple[int, ...], cost: Array) -> Array:
    """What is left of every group after a soft threshold of its norm, as a share."""
    norm = jnp.sqrt(_sums(jnp.square(value), sizes))
    cost = cost * jnp.asarray(np.sqrt(sizes), value.dtype)
    # A group at 0 stays there; the floor only keeps 0 / 0 away.
    return jnp.maximum(0.0, 1.0 - cost / jnp.maximum(norm, jnp.finfo(value.dtype).tiny))


def _sums(values: Array, sizes: tuple[int, ...]) -> Array:
    """Sum of every group."""
    if len(set(sizes)) == 1:
        return values.reshape(len(sizes), -1).sum(axis=1)
    group = np.repeat(np.arange(len(sizes)), sizes)
    return jnp.zeros(len(sizes), values.dtype).at[group].add(values, indices_are_sorted=True)


def _spread(by_group: Array, sizes: tuple[int, ...]) -> Array:
    """The number of its group for every weight."""
    return by_group[np.repeat(np.arange(len(sizes)), sizes)]
