"""Statistics of a model measured anew on samples, where the subsystems have changed and nowhere else."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.layers.normalization import RowBatchNorm
from kgnn.models import Model
from kgnn.models.contract import Inputs
from kgnn.train.carry import subsystems_of
from kgnn.train.device_data import device_data
from kgnn.train.predict import chunked_inputs
from kgnn.train.reference import MOST_SAMPLES, set_reference

# A branch that does not see the root: its statistics are those of training, whatever the hierarchy.
_BESIDE_ROOT = "['drug']"


def refit_statistics(model: Model, samples: Samples, changed: np.ndarray, *, batch_size: int = 256) -> int:
    """Batch statistics and reference states of changed subsystems, measured on samples.

    As in training, every batch is normalized by its own statistics; these are then pooled over the batches. Statistics
    of unchanged subsystems, and of branches beside the hierarchy, stay as they are.

    Args:
        model: The model; its statistics are written.
        samples: With the model's genes; at most `MOST_SAMPLES` of them are used, spread evenly.
        changed: bool ``[term]``.
        batch_size: Samples a batch.

    Returns:
        How many samples were used.
    """
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MOST_SAMPLES)).astype(np.int64))
    used = samples.with_genes(model.genes).take(chosen)
    if changed.any():
        states = changed[np.asarray(subsystems_of(model).term_of_state)]
        _refit_norms(model, used, states, batch_size)
        kept = np.array(subsystems_of(model).reference[...])
        set_reference(model, used)
        reference = subsystems_of(model).reference
        reference[...] = jnp.asarray(np.where(states, np.asarray(reference[...]), kept))
    return len(used)


def _refit_norms(model: Model, samples: Samples, states: np.ndarray, batch_size: int) -> None:
    """Mean and variance of every normalization that sees a changed subsystem."""
    measuring = nnx.clone(model)
    for _, module in nnx.iter_modules(measuring):  # type: ignore[arg-type]
        if isinstance(module, RowBatchNorm):
            module.momentum = 0.0
    graph, state = nnx.split(measuring)
    total, summed = 0.0, None
    for _, present, inputs in chunked_inputs(device_data(samples), batch_size):
        n = float(present.sum())
        measured = _statistics(graph, state, inputs, jnp.asarray(present))
        named = {jax.tree_util.keystr(path): np.asarray(leaf, np.float64) for path, leaf in _flat(measured)}
        # Sums over samples and their squares; a batch reports the unbiased variance.
        part = {name: _sums(named, name, n) for name in named}
        summed = part if summed is None else {name: summed[name] + part[name] for name in summed}
        total += n
    moments = {name: value / total for name, value in (summed or {}).items()}
    unbiased = total / max(total - 1.0, 1.0)
    found = {
        name: np.maximum(value - moments[_mean_of(name)] ** 2, 0.0) * unbiased if name.endswith(_VARIANCE) else value
        for name, value in moments.items()
    }
    statistics = nnx.state(model, nnx.BatchStat)
    nnx.update(model, jax.tree_util.tree_map_with_path(partial(_chosen, found, states), statistics))


_MEAN, _VARIANCE = "['mean'].value", "['variance'].value"


def _mean_of(name: str) -> str:
    return name.removesuffix(_VARIANCE) + _MEAN


def _sums(named: dict[str, np.ndarray], name: str, n: float) -> np.ndarray:
    if name.endswith(_VARIANCE):
        return n * (named[name] * (max(n - 1.0, 0.0) / n) + named[_mean_of(name)] ** 2)
    return n * named[name]


def _chosen(found: dict[str, np.ndarray], states: np.ndarray, path: Any, leaf: Array) -> Array:
    name = jax.tree_util.keystr(path)
    if name.removeprefix("['stacked']").startswith(_BESIDE_ROOT):
        return leaf
    values = found[name]
    if "['subsystems']" in name:
        values = np.where(states, values, np.asarray(leaf))
    # What lies above the root sees a change wherever it is.
    return jnp.asarray(values, leaf.dtype)


def _flat(tree: Any) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


@partial(jax.jit, static_argnums=0)
def _statistics(graph: Any, state: Any, inputs: Inputs, present: Array) -> Any:
    model = nnx.merge(graph, state, copy=True)
    model(inputs, weights=present, train=True)
    return nnx.state(model, nnx.BatchStat)
