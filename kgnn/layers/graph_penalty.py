"""Penalties that make weights agree with a network: what is joined should be alike."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.errors import unknown_choice
from kgnn.structure.adjacency import Adjacency

PENALTIES = ("laplacian", "cosine")


def laplacian_penalty(weights: Array, adjacency: Adjacency, *, kind: str = "laplacian") -> Array:
    r"""How much the rows of a weight matrix disagree with a network of them.

    Rows are scaled to length :math:`1/\sqrt{N}` and the network to Frobenius norm 1, so that neither the size of the
    weights nor that of the network matters.

    .. math:: \mathrm{tr}(\bar W^\top L \bar W) = \tfrac12 \sum_{ij} A_{ij} \lVert \bar w_i - \bar w_j \rVert^2
        \quad \text{or} \quad -\sum_{ij} A_{ij} \lvert \cos(w_i, w_j) \rvert

    It is computed edge by edge; the Laplacian is never formed. An undirected network has every edge both ways.

    Args:
        weights: ``[node, unit]``, one row for each real node.
        adjacency: The network; its weights count, not its coefficients.
        kind: ``"laplacian"``, or ``"cosine"``, for which the sign of a weight does not matter.

    Returns:
        One number.

    Raises:
        KgnnError: If the kind is unknown.

    References:
        Ma & Zhang 2019, BMC Genomics 20:944, doi:10.1186/s12864-019-6285-x.
    """
    if kind not in PENALTIES:
        raise unknown_choice("kind of penalty", kind, PENALTIES)
    real = slice(0, adjacency.n_edges)
    norm = max(float(np.sqrt(np.square(adjacency.weight[real]).sum())), 1e-12)
    strength = jnp.asarray(adjacency.weight[real] / norm, jnp.float32)
    squared = jnp.square(weights).sum(axis=1, keepdims=True)
    unit = weights * jax.lax.rsqrt(jnp.maximum(squared, 1e-12))
    ends = unit[jnp.asarray(adjacency.senders[real])], unit[jnp.asarray(adjacency.receivers[real])]
    if kind == "cosine":
        return -(strength * jnp.abs((ends[0] * ends[1]).sum(axis=1))).sum()
    return 0.5 * (strength * jnp.square(ends[0] - ends[1]).sum(axis=1)).sum() / adjacency.n_nodes
