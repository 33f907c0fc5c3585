"""Node weights of a regulatory network, and what is left of them beside networks trained on control inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.interpret.moderated import moderated_t_test
from kgnn.interpret.nulls import benjamini_hochberg
from kgnn.models import Model, Replicates
from kgnn.perturb.natural import natural

if TYPE_CHECKING:
    import pandas

PAPER_STEP = 0.001
"""Half the width of the paper's central difference."""
NORMALIZATIONS = ("minmax", "quantile", "none")
CHUNK = 1024


def node_weights(model: Model, inputs: Array | np.ndarray, *, step: float | None = None) -> np.ndarray:
    r"""Mean change of every output per unit change of every node's activity, with its sign.

    A large weight says that the trained network leans on the node. It also follows from the node's place in the graph
    alone (paths to the output, siblings): compare with networks trained on control inputs, `compare_with_controls`.

    .. math:: s_{no} = \frac{1}{N} \sum_i \frac{\partial \hat y_{io}}{\partial h_{ni}}

    Args:
        model: A fitted model with one state a term, or `Replicates` of one.
        inputs: ``[sample, gene]``, in the unit of the samples that it was trained on; take held-out ones.
        step: None for the exact derivative, or half the width of a central difference (the paper takes 0.001).

    Returns:
        ``[replicate, term, output]``; the outputs are probabilities where targets are labels or classes.

    Raises:
        KgnnError: If a term has several states, whose signs would mean nothing, or the step is not above 0.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.
    """
    network: Any = model.stacked if isinstance(model, Replicates) else model
    n_replicates = model.n_replicates if isinstance(model, Replicates) else 1
    if len(network.term_of_state) != len(model.terms):
        raise KgnnError(
            f"{len(model.terms):,} terms have {len(network.term_of_state):,} states, but a node weight belongs to a "
            "node with one. Build the model with n_states=1, or use kgnn.interpret.node_sensitivity."
        )
    if step is not None and not step > 0:
        raise KgnnError(f"step is {step:g}, but must be above 0. The paper takes {PAPER_STEP}; None is exact.")
    graph, state = nnx.split(network)
    state = state if isinstance(model, Replicates) else jax.tree.map(lambda leaf: leaf[None], state)
    shape = (n_replicates, len(model.terms), len(model.output_names))
    total = np.zeros(shape)
    for first in range(0, len(inputs), CHUNK):
        total += np.asarray(_summed(graph, state, jnp.asarray(inputs[first : first + CHUNK]), model.task, step))
    return total / len(inputs)


@partial(jax.jit, static_argnums=(0, 3, 4))
def _summed(graph: Any, states: Any, inputs: Array, task: str, step: float | None) -> Array:
    """Sum over samples ``[replicate, term, output]``, one replicate after the other."""

    def of_one(state: Any) -> Array:
        network = nnx.merge(graph, state)

        def summed(shift: Array) -> Array:
            return natural(network(inputs, shift=shift).output, task).sum(axis=0)

        zero = jnp.zeros(len(network.term_of_state), inputs.dtype)
        if step is None:
            return jax.jacrev(summed)(zero).T

        def difference(node: Array, width: float = step) -> Array:
            moved = zero.at[node].set(width)
            return (summed(moved) - summed(-moved)) / (2 * width)

        return jax.lax.map(difference, jnp.arange(zero.size), batch_size=64)

    return jax.lax.map(of_one, states)


def compare_with_controls(
    weights: np.ndarray,
    controls: np.ndarray,
    nodes: tuple[str, ...],
    *,
    outputs: tuple[str, ...] = ("output",),
    normalize: str = "minmax",
) -> pandas.DataFrame:
    r"""Which nodes weigh more in the real network than their place in the graph explains.

    Signs are dropped, since a node's activity may mean presence or absence in different replicates; the size of the
    weights is brought to a common scale; and a moderated t-test compares replicates with control replicates. The
    unit of the test is a *training run*: small p-values say that the difference would be seen again in other random
    starts on these very samples.

    Args:
        weights: ``[replicate, node, output]`` of the real network, from `node_weights`; leave failed replicates out.
        controls: The same of networks trained on `kgnn.data.control_samples`.
        nodes: Names of the nodes.
        outputs: Names of the outputs.
        normalize: ``"minmax"`` scales all replicates of an experiment together to 0 to 1 (the paper), ``"quantile"``
            gives every replicate the same distribution, ``"none"`` leaves the sizes.

    Returns:
        One row a node and output: output, node, weight (mean absolute weight), sign (mean sign), control,
        difference, t, p_value (two-sided), q_value (Benjamini-Hochberg over the nodes of an output), and rank by t.

    Raises:
        KgnnError: If shapes and names disagree, or there are fewer than two replicates of either.

    References:
        Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5; Esser-Skala & Fortelny 2023,
        doi:10.1038/s41540-023-00310-8 (quantile normalization); Smyth 2004, doi:10.2202/1544-6115.1027.
    """
    import pandas

    if normalize not in NORMALIZATIONS:
        raise unknown_choice("normalize", normalize, NORMALIZATIONS)
    expected = (len(nodes), len(outputs))
    for what, each in (("weights", weights), ("controls", controls)):
        if each.ndim != 3 or each.shape[1:] != expected or len(each) < 2:
            raise KgnnError(
                f"{what} has the shape {each.shape}, but at least 2 replicates of {expected[0]:,} nodes "
                f"({name_some(nodes)}) and {expected[1]} outputs are expected. Train more, or name what there is."
            )
    tables = []
    for position, output in enumerate(outputs):
        real, control = (weight_sizes(each[:, :, position], normalize) for each in (weights, controls))
        test = moderated_t_test(real, control)
        rank = np.empty(len(nodes), int)
        rank[np.argsort(-test.t, kind="stable")] = np.arange(1, len(nodes) + 1)
        columns = {
            "output": output,
            "node": nodes,
            "weight": real.mean(axis=0),
            "sign": np.sign(weights[:, :, position]).mean(axis=0),
            "control": control.mean(axis=0),
            "difference": test.difference,
            "t": test.t,
            "p_value": test.p_value,
            "q_value": benjamini_hochberg(test.p_value),
            "rank": rank,
        }
        tables.append(pandas.DataFrame(columns).sort_values("rank", ignore_index=True))
    return pandas.concat(tables, ignore_index=True)


def weight_sizes(weights: np.ndarray, normalize: str = "none") -> np.ndarray:
    """Sizes of the node weights of one output on a common scale.

    Args:
        weights: ``[replicate, node]``.
        normalize: See `compare_with_controls`.

    Returns:
        ``[replicate, node]``, at least 0.
    """
    sizes = np.abs(weights)
    if normalize == "minmax":
        low, high = sizes.min(), sizes.max()
        return (sizes - low) / max(high - low, np.finfo(float).tiny)
    if normalize == "quantile":
        from scipy.stats import rankdata

        return (rankdata(sizes, axis=1) - 1) / max(sizes.shape[1] - 1, 1)
    return sizes
