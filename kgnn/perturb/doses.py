"""`dose_response`: virtual knockdowns of single genes in doses, and what each subsystem adds to the effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.models import Replicates
from kgnn.perturb.knockdown import knocked_down_value, samples_to_perturb
from kgnn.perturb.natural import natural
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

DOSES = (0.25, 0.5, 0.75, 1.0)
MOST_SAMPLES = 256


def dose_response(
    run: Run,
    genes: str | Iterable[str],
    *,
    doses: Sequence[float] = DOSES,
    samples: Samples | None = None,
    seed: int = 0,
) -> pandas.DataFrame:
    r"""Predict what doses of a knockdown do, and through which subsystems.

    A dose of 0.5 takes a gene half of the way to absent (to 0 for an abundance, to 1 for an alteration). The change of
    a subsystem is told in the unit of the output, so that its sign means something and replicates can be averaged:

    .. math:: \Delta_t = \frac{1}{N} \sum_i \sum_{s \in t} \frac{\partial \hat y_i}{\partial h_{is}} \Delta h_{is}

    Where the output is a sum over subsystems (a pathway clock: the terms below the root), these add up to the change of
    the output exactly; else they are its first order. What a network predicts is a hypothesis about the cell.

    Args:
        run: A run.
        genes: Gene names, or one.
        doses: Each between 0 and 1.
        samples: Samples to perturb; see `knockdown` for the default.
        seed: Draws samples where there are more than 256.

    Returns:
        One row a gene, dose, output and target: gene, dose, output, target (``"output"``, else ``"subsystem"``), term
        (empty for the output), effect (mean change, of probability for labels and classes), sd over samples,
        state_change (of a subsystem with one state: mean change of the state itself, in standard deviations of it over
        the samples, positive where it raises the output; else, or where it is the same in all samples, NaN), and
        n_samples. Of replicates, means over the networks.

    Raises:
        AlignmentError: If the model does not know a gene.
        KgnnError: If no gene is named, or a dose is not between 0 and 1.

    References:
        Holzscheck et al. 2021, npj Aging and Mechanisms of Disease 7:15, doi:10.1038/s41514-021-00068-5.
    """
    import pandas

    wanted = [genes] if isinstance(genes, str) else list(genes)
    if not wanted:
        raise KgnnError("no gene is named. Name at least one.")
    unknown = [gene for gene in wanted if gene not in run.model.genes]
    if unknown:
        raise AlignmentError(
            f"the model does not know {len(unknown):,} of {len(wanted):,} genes: {name_some(unknown)}. Its genes are "
            f"{name_some(run.model.genes)}."
        )
    if not doses or not all(0 <= dose <= 1 for dose in doses):
        raise KgnnError(f"the doses are {name_some(doses)}, but each must be between 0 (nothing) and 1 (complete).")
    chosen = samples_to_perturb(run, samples)
    value = knocked_down_value(chosen)
    index = np.random.default_rng(seed).permutation(len(chosen))[:MOST_SAMPLES]
    inputs = jnp.asarray(chosen.take(np.sort(index)).gene_values(), jnp.float32)
    network: Any = run.model.stacked if isinstance(run.model, Replicates) else run.model
    graph, state = nnx.split(network)
    state = state if isinstance(run.model, Replicates) else jax.tree.map(lambda leaf: leaf[None], state)
    terms = jnp.asarray(network.term_of_state, jnp.int32)
    single = np.bincount(network.term_of_state, minlength=len(run.model.terms)) == 1
    before = _before(graph, state, inputs, run.model.task)
    rows = []
    for gene in wanted:
        place = run.model.genes.index(gene)
        for dose in doses:
            changed = inputs.at[:, place].add(dose * (value - inputs[:, place]))
            found = _changes(graph, state, changed, before, terms, len(run.model.terms), run.model.task)
            rows += _rows(run, gene, dose, *map(np.asarray, found), single=single)
    return pandas.DataFrame(rows)


@partial(jax.jit, static_argnums=(0, 3))
def _before(graph: Any, states: Any, inputs: Array, task: str) -> tuple[Array, Array, Array]:
    """Outputs, states and derivatives ``[replicate, output, sample, state]`` of the wild type."""

    def of_one(state: Any) -> tuple[Array, Array, Array]:
        network = nnx.merge(graph, state)
        found = network(inputs)

        def summed(shift: Array) -> Array:
            return natural(network(inputs, shift=shift).output, task).sum(axis=0)

        return natural(found.output, task), found.states, jax.jacrev(summed)(jnp.zeros_like(found.states))

    return jax.lax.map(of_one, states)


@partial(jax.jit, static_argnums=(0, 5, 6))
def _changes(
    graph: Any, states: Any, inputs: Array, before: tuple[Array, Array, Array], terms: Array, n_terms: int, task: str
) -> tuple[Array, Array, Array]:
    """Changes of outputs ``[sample, output]``, of what terms add ``[sample, output, term]`` and of states.

    Those of states ``[output, term]`` are sums over the states of a term in standard deviations, up where the output
    rises. All are means over replicates.
    """

    def of_one(given: tuple[Any, Array, Array, Array]) -> tuple[Array, Array, Array]:
        state, output, activity, derivative = given
        found = nnx.merge(graph, state)(inputs)
        moved = found.states - activity
        spread = activity.std(axis=0)
        standard = jnp.where(spread > 0, moved.mean(axis=0) / jnp.where(spread > 0, spread, 1.0), jnp.nan)

        def by_term(parts: Array) -> Array:
            return jnp.zeros((*parts.shape[:-1], n_terms), parts.dtype).at[..., terms].add(parts)

        upward = by_term(jnp.sign(derivative.mean(axis=1)) * standard[None])
        return natural(found.output, task) - output, by_term(derivative * moved[None]).transpose(1, 0, 2), upward

    found = jax.lax.map(of_one, (states, *before))
    return jax.tree.map(lambda each: each.mean(axis=0), found)


def _rows(
    run: Run,
    gene: str,
    dose: float,
    outputs: np.ndarray,
    by_term: np.ndarray,
    upward: np.ndarray,
    *,
    single: np.ndarray,
) -> list[dict[str, Any]]:
    found = []
    for number, output in enumerate(run.output_names):
        moved = np.where(single, upward[number], np.nan)
        told = [("output", "", outputs[:, number], np.nan)]
        told += [
            ("subsystem", term, by_term[:, number, place], float(moved[place]))
            for place, term in enumerate(run.model.terms)
        ]
        for target, term, change, state in told:
            sd = float(change.std(ddof=1)) if len(change) > 1 else np.nan
            row = {"gene": gene, "dose": dose, "output": output, "target": target, "term": term}
            found.append(
                {**row, "effect": float(change.mean()), "sd": sd, "state_change": state, "n_samples": len(change)}
            )
    return found
