"""Nulls: what importance looks like where there is nothing to find, and how far a real one stands out of it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.layers import FanInLinear, RowBatchNorm
from kgnn.layers.dense import Dense
from kgnn.models.contract import Inputs, Model


class NullStatistics(NamedTuple):
    """How observed values compare with a null, elementwise.

    Attributes:
        mean: Mean of the null.
        sd: Standard deviation of the null.
        p_value: Share of the pooled, standardized null at least as large.
        q_value: The same after Benjamini and Hochberg, over the terms of each output.
    """

    mean: np.ndarray
    sd: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray


def compare_with_null(observed: np.ndarray, null: np.ndarray) -> NullStatistics:
    r"""One-sided p-values of importance against repeated nulls.

    Each value is standardized by the mean and deviation of its own null, and the standardized nulls of all terms of
    an output are pooled, so that few repetitions resolve small p-values. This assumes that standardized nulls of
    different terms are alike in shape; the smallest p-value is one over the size of the pool.

    .. math:: p_t = \frac{1 + \#\{z^0 \ge z_t\}}{1 + PT}

    Args:
        observed: ``[term, output]``.
        null: ``[repetition, term, output]``.

    Returns:
        The statistics, each ``[term, output]``.

    References:
        Tusher, Tibshirani & Chu 2001, PNAS 98:5116, doi:10.1073/pnas.091062498 (pooled permutation nulls);
        Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    # A term whose null never varies (a constant state) carries no evidence; one shared floor keeps its z finite.
    floor = np.maximum(np.median(sd, axis=0) * 0.05, np.finfo(float).tiny)
    scale = np.maximum(sd, floor)
    p_value = np.empty_like(observed, dtype=float)
    for output in range(observed.shape[1]):
        z = (observed[:, output] - mean[:, output]) / scale[:, output]
        pool = np.sort(((null[:, :, output] - mean[:, output]) / scale[:, output]).reshape(-1))
        larger = len(pool) - np.searchsorted(pool, z, side="left")
        p_value[:, output] = (1 + larger) / (1 + len(pool))
    q_value = np.stack([benjamini_hochberg(column) for column in p_value.T], axis=1)
    return NullStatistics(mean, sd, p_value, q_value)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Adjusted p-values that control the false discovery rate.

    Args:
        p_values: ``[test]``.

    Returns:
        ``[test]``.

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
        [0.04, 0.0533, 0.0533, 0.5]
    """
    from scipy.stats import false_discovery_control

    return false_discovery_control(p_values, method="bh")


def shuffled_weights(model: Model, inputs: Inputs, seed: int) -> Model:
    """A copy whose learned weights stand at random places within each subsystem.

    Inside every term the weights swap their sources, and in every dense layer their inputs; what remains is the
    structure and the size of the weights. Batch statistics are measured anew on the samples and so is the reference.
    Importance that survives this is owed to a term's position, not to what was learned.

    Args:
        model: A fitted model; it is not changed.
        inputs: Of samples on which to measure batch statistics.
        seed: Of the shuffle.

    Returns:
        The null model.

    References:
        In the spirit of Adebayo et al. 2018, arXiv:1810.03292 (randomized models), with the weights kept.
    """
    shuffled = nnx.clone(model)
    random = np.random.default_rng(seed)
    for _, module in nnx.iter_modules(shuffled):
        if isinstance(module, FanInLinear):
            for bucket in module.buckets:
                used = np.asarray(bucket.used_slots[...])
                kernel = np.asarray(bucket.kernel[...])
                bucket.kernel[...] = jnp.asarray(_shuffle_slots(kernel, used, random))
        elif isinstance(module, Dense):
            kernel = np.asarray(module.kernel[...])
            module.kernel[...] = jnp.asarray(random.permuted(kernel, axis=-1))
        elif isinstance(module, RowBatchNorm):
            module.momentum = 0.0
        elif isinstance(module, nnx.Dropout):
            module.rate = 0.0
    return _settle(shuffled, inputs)


def _shuffle_slots(kernel: np.ndarray, used: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shuffle ``[..., block, slot, output]`` along the used slots, each output by itself."""
    # Unused slots get the largest random keys, so that sorting leaves them where they are: at the end.
    keys = random.random(kernel.shape) + 2.0 * ~used[..., None]
    order = np.argsort(keys, axis=-2)
    return np.take_along_axis(kernel, order, axis=-2)


def _settle(model: Model, inputs: Inputs) -> Model:
    """Measure batch statistics in one pass over the samples, then the reference states."""
    graph, state = nnx.split(model)
    state, states = _settled(graph, state, inputs)
    nnx.update(model, state)
    mean = states.mean(axis=0)
    if hasattr(model, "stacked"):
        model.stacked.subsystems.reference[...] = mean.reshape(-1, model.n_replicates).T  # type: ignore[attr-defined]
    else:
        model.subsystems.reference[...] = mean  # type: ignore[attr-defined]
    return model


@partial(jax.jit, static_argnums=0)
def _settled(graph: nnx.GraphDef, state: nnx.State, inputs: Inputs) -> tuple[nnx.State, jax.Array]:
    model = nnx.merge(graph, state, copy=True)
    model(inputs, train=True)
    return nnx.state(model), model(inputs).states
