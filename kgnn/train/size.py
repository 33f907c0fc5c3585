"""How large a model is."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from kgnn.models import Replicates


def count_parameters(model: Any) -> int:
    """Number of trained weights.

    Args:
        model: Any model.

    Returns:
        The number; of replicates, that of all together.
    """
    if isinstance(model, Replicates):
        graph, state = nnx.split(model.stacked)
        return model.n_replicates * count_parameters(nnx.merge(graph, jax.tree.map(lambda array: array[0], state)))
    return int(sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))))
