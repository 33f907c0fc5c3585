"""How large a model is."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from kgnn.layers import FanInLinear, Subsystems
from kgnn.models import Replicates


def count_parameters(model: Any) -> int:
    """Number of trained weights, unused slots of padded buckets left out.

    Args:
        model: Any model.

    Returns:
        The number; of replicates, that of all together.
    """
    if isinstance(model, Replicates):
        graph, state = nnx.split(model.stacked)
        return model.n_replicates * count_parameters(nnx.merge(graph, jax.tree.map(lambda array: array[0], state)))
    total = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    for _, module in nnx.iter_modules(model):
        if isinstance(module, FanInLinear):
            total -= module.n_unused
        if isinstance(module, Subsystems) and module.gene_layer is not None:
            # It has a weight and a bias in every slot of the linear map that it precedes.
            total -= 2 * sum(int((~bucket.used_slots[...]).sum()) for bucket in module.gene_linear.buckets)
    return int(total)
