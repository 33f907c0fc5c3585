"""Parameters that training leaves alone, by name."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from kgnn.errors import TrainingError, name_some


def parameter_names(model: Any) -> tuple[str, ...]:
    """Names of the trained arrays of a model, such as ``subsystems.gene_weights``, in their order.

    Args:
        model: One network.
    """
    leaves = jax.tree_util.tree_flatten_with_path(nnx.state(model, nnx.Param))[0]
    return tuple(_name(path) for path, _ in leaves)


def freeze(model: Any, frozen: str) -> optax.GradientTransformation:
    """The last member of a chain: parameters of these names never move, whatever comes before it.

    Args:
        model: One network, or the stacked ones of replicates.
        frozen: Names or patterns, separated by commas, such as ``"filters.*"``.

    Returns:
        The transformation.

    Raises:
        TrainingError: If a name fits no parameter.
    """
    names = parameter_names(model)
    patterns = [part.strip() for part in frozen.split(",") if part.strip()]
    unmet = [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in names)]
    if unmet:
        raise TrainingError(
            f"frozen names {name_some(unmet)}, but no parameter is called so. The model has {name_some(names)}; a "
            "pattern such as 'filters.*' stands for several."
        )
    still = frozenset(name for name in names if any(fnmatch(name, pattern) for pattern in patterns))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        def kept(path: Any, leaf: Any) -> Any:
            return jnp.zeros_like(leaf) if _name(path) in still else leaf

        return jax.tree_util.tree_map_with_path(kept, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _name(path: Any) -> str:
    keys = [str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path]
    return ".".join(key for key in keys if key != "value")
