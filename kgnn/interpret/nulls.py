"""Nulls: what importance looks like where there is nothing to find, and how far a real one stands out of it."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers import RowBatchNorm, Subsystems
from kgnn.models.contract import Inputs, Model
from kgnn.train.reference import store_reference

FEWEST_REPETITIONS = 3
KEPT = ("bias", "scale", "offset")
"""Parameters that have no source, and stay where they are."""


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

    Each value is standardized by the mean and deviation of its own null, a null value by those of its *other*
    repetitions (by all of them it could not lie far out, and p-values would be too small). The standardized nulls of
    all terms of an output are pooled, so that few repetitions resolve small p-values. This assumes that standardized
    nulls of different terms are alike in shape; the smallest p-value is one over the size of the pool.

    .. math:: p_t = \frac{1 + \#\{z^0 \ge z_t\}}{1 + PT}

    Args:
        observed: ``[term, output]``.
        null: ``[repetition, term, output]``, at least 3 repetitions.

    Returns:
        The statistics, each ``[term, output]``.

    Raises:
        KgnnError: If there are fewer repetitions.

    References:
        Tusher, Tibshirani & Chu 2001, PNAS 98:5116, doi:10.1073/pnas.091062498 (pooled permutation nulls);
        Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    if len(null) < FEWEST_REPETITIONS:
        raise KgnnError(f"{len(null)} repetitions of the null are too few. Give at least {FEWEST_REPETITIONS}.")
    observed, null = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    n = len(null)
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    floor = _smallest_scale(sd, np.abs(null).max(axis=(0, 1)))
    z = (observed - mean) / np.maximum(sd, floor)
    deviation = null - mean
    squares = np.maximum((n - 1) * sd**2 - deviation**2 * (n / (n - 1)), 0.0)
    z_null = deviation * (n / (n - 1)) / np.maximum(np.sqrt(squares / (n - 2)), floor)
    pool = np.sort(z_null.reshape(-1, observed.shape[1]), axis=0)
    p_value = np.empty_like(observed)
    for output in range(observed.shape[1]):
        smaller = np.searchsorted(pool[:, output], z[:, output], side="left")
        p_value[:, output] = (1 + len(pool) - smaller) / (1 + len(pool))
    q_value = np.stack([benjamini_hochberg(column) for column in p_value.T], axis=1)
    return NullStatistics(mean, sd, p_value, q_value)


def at_equal_total(null: np.ndarray, observed: np.ndarray, *, rooted: bool = True) -> np.ndarray:
    """Bring the importances of null models to the total of the fitted one, so that shares are compared.

    A fitted network saturates more than one with shuffled weights, and its derivatives are smaller everywhere. The
    total is that of all terms below the root; the root itself gets its own value, for it has nothing beside it.

    Args:
        null: ``[repetition, term, output]``, not negative; a root is last.
        observed: ``[term, output]``.
        rooted: Whether there is a root; all terms count else.

    Returns:
        The null, rescaled.
    """
    null, observed = np.asarray(null, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    below = slice(None, -1 if rooted else None)
    totals = null[:, below].sum(axis=1, keepdims=True)
    found = null * (observed[below].sum(axis=0) / np.where(totals > 0, totals, 1.0))
    if rooted:
        found[:, -1] = observed[-1]
    return found


def _smallest_scale(sd: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """A floor under the deviations of the terms of each output, ``[output]``.

    A term whose null never varies (a constant state) carries no evidence; rounding must not make it look certain.
    """
    varying = np.where(sd > 0, sd, np.nan)
    typical = [np.nanmedian(column) if np.isfinite(column).any() else 0.0 for column in varying.T]
    return np.maximum(0.05 * np.asarray(typical), np.maximum(1e-9 * largest, np.finfo(np.float32).tiny))


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
    structure and the size of the weights. Any other layer shuffles its own where it has ``shuffle_weights(random)``;
    else every parameter is shuffled along its last axis, but biases, scales and offsets stay. Batch statistics are
    measured anew on the samples and so is the reference.
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
    modules = list(nnx.iter_modules(shuffled))  # type: ignore[arg-type]
    # A module that shuffles its own weights does so for its parts.
    whole = [path for path, each in modules if isinstance(each, Subsystems) or hasattr(each, "shuffle_weights")]
    for path, module in modules:
        if any(path[: len(outer)] == outer != path for outer in whole):
            continue
        shuffle_own = getattr(module, "shuffle_weights", None)
        if shuffle_own is not None:
            shuffle_own(random)
        elif isinstance(module, Subsystems):
            _shuffle_subsystems(module, random)
        elif not isinstance(module, RowBatchNorm):
            _shuffle_parameters(module, random)
    _settle(shuffled, inputs)
    return shuffled


def _shuffle_parameters(module: Any, random: np.random.Generator) -> None:
    """Shuffle the parameters that a module holds itself along their last axis."""
    for name, parameter in vars(module).items():
        if isinstance(parameter, nnx.Param) and name not in KEPT:
            values = np.asarray(parameter[...])
            parameter[...] = jnp.asarray(random.permuted(values, axis=-1) if values.ndim else values)


def _shuffle_subsystems(subsystems: Subsystems, random: np.random.Generator) -> None:
    """Shuffle the weights of every state among its sources, and those of every head among its states."""
    for weights, state in zip(
        (subsystems.gene_weights, subsystems.child_weights), subsystems.targets_of_weights(), strict=True
    ):
        weights[...] = jnp.asarray(_shuffle_within(np.asarray(weights[...]), state, random))
    if subsystems.heads is not None:
        weights = subsystems.heads.weights
        term = np.asarray(subsystems.term_of_state[: weights.shape[-2]])
        shuffled = _shuffle_within(np.moveaxis(np.asarray(weights[...]), -2, -1), term, random)
        weights[...] = jnp.asarray(np.moveaxis(shuffled, -1, -2))


def _shuffle_within(values: np.ndarray, group: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shuffle the last axis within groups, every row by itself."""
    found = np.empty_like(values)
    places = np.argsort(group, kind="stable")
    for row in np.ndindex(values.shape[:-1]):
        found[row][places] = values[row][np.lexsort((random.random(len(group)), group))]
    return found


def _settle(model: Model, inputs: Inputs) -> None:
    """Measure batch statistics in one pass over the samples, then the reference states."""
    forgetful = nnx.clone(model)
    for _, module in nnx.iter_modules(forgetful):  # type: ignore[arg-type]
        if isinstance(module, RowBatchNorm):
            module.momentum = 0.0
        elif isinstance(module, nnx.Dropout):
            module.rate = 0.0
    graph, state = nnx.split(forgetful)
    statistics, mean = _settled(graph, state, inputs)
    # Only arrays change hands, so that the null model shares all compiled functions of the fitted one.
    nnx.update(model, statistics)
    store_reference(model, mean)


@partial(jax.jit, static_argnums=0)
def _settled(graph: nnx.GraphDef, state: Any, inputs: Inputs) -> tuple[Any, jax.Array]:
    model = nnx.merge(graph, state, copy=True)
    model(inputs, train=True)
    return nnx.state(model, nnx.BatchStat), model(inputs).states.mean(axis=0)
