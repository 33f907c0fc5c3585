"""How far two models, one carried over from the other, lie apart on the same samples."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.models import Model, Replicates
from kgnn.models.contract import Inputs
from kgnn.structure.carry import CarryPlan
from kgnn.train.metrics import evaluate, pearson, probabilities
from kgnn.train.predict import chunked_inputs, predict
from kgnn.train.scoring import undefined_as_none
from kgnn.train.stream import place_samples


class StateDrift(NamedTuple):
    """Change of the states of every term of the new model that goes on from an old one; NaN for the others.

    Attributes:
        root_mean_square: ``[term]``, over the samples and the states that go on, in standard deviations of the old
            states (of all states of the term together).
        largest: ``[term]``, the largest absolute change of any state in any sample.
    """

    root_mean_square: np.ndarray
    largest: np.ndarray


def prediction_drift(old: Model, new: Model, samples: Samples) -> dict[str, Any]:
    """Change of the predictions, and of their scores where the samples have targets.

    Args:
        old: The trained model.
        new: The model that goes on from it.
        samples: With the genes of both.

    Returns:
        Number of samples; by output, the mean and the largest absolute change and the correlation (None where a
        prediction is constant), for classes and labels of probabilities; scores before and after, or None.
    """
    raw = [predict(model, samples) for model in (old, new)]
    before, after = raw if old.task == "regression" else (probabilities(each, old.task) for each in raw)
    outputs = {
        name: {
            "mean_change": float(np.abs(after - before)[:, column].mean()),
            "largest_change": float(np.abs(after - before)[:, column].max()),
            "pearson": pearson(after[:, [column]], before[:, [column]]),
        }
        for column, name in enumerate(old.output_names)
    }
    scores = None
    targets = samples.targets
    if targets is not None and targets.kind == old.task and len(targets.names) == len(old.output_names):
        known = samples.with_classes(old.output_names).require_targets().values
        scores = {name: evaluate(old.task, each, known) for name, each in zip(("before", "after"), raw, strict=True)}
    return undefined_as_none({"n_samples": len(samples), "outputs": outputs}) | {"scores": undefined_as_none(scores)}


def state_drift(old: Model, new: Model, samples: Samples, plan: CarryPlan) -> StateDrift:
    """Change of the states of every term.

    Args:
        old: The trained model.
        new: The model that goes on from it.
        samples: With the genes of both.
        plan: Which state goes on from which.

    Returns:
        The change by term of the new model.
    """
    goes_on = np.flatnonzero(plan.state >= 0)
    place = plan.state[goes_on]
    graphs = [(model, *nnx.split(model)) for model in (old, new)]
    squared, largest, sums = np.zeros(len(goes_on)), np.zeros(len(goes_on)), np.zeros((2, len(goes_on)))
    placed = [place_samples(samples.with_genes(model.genes)) for model in (old, new)]
    n = 0
    for both in zip(*(chunked_inputs(each, 256) for each in placed), strict=True):
        here = both[0][1] > 0
        a, b = (
            _states(model, graph, state, inputs)[:, here]
            for (model, graph, state), (_, _, inputs) in zip(graphs, both, strict=True)
        )
        a, b = a[..., place], b[..., goes_on]
        squared += np.square(b - a).sum(axis=1).mean(axis=0)
        largest = np.maximum(largest, np.abs(b - a).max(axis=(0, 1)))
        sums += np.stack([a.sum(axis=1).mean(axis=0), np.square(a).sum(axis=1).mean(axis=0)])
        n += int(here.sum())
    variance = np.maximum(sums[1] / n - (sums[0] / n) ** 2, 0.0)
    term = np.repeat(np.arange(len(plan.term)), np.bincount(_term_of_state(new)))[goes_on]
    counts = np.bincount(term, minlength=len(plan.term)).astype(np.float64)
    change, spread = (np.bincount(term, weights=each, minlength=len(plan.term)) for each in (squared / n, variance))
    most = np.zeros(len(plan.term))
    np.maximum.at(most, term, largest)
    ratio = np.sqrt(np.divide(change, spread, out=np.where(change > 0, np.inf, 0.0), where=spread > 0))
    return StateDrift(*(np.where(counts > 0, each, np.nan) for each in (ratio, most)))


def _term_of_state(model: Model) -> np.ndarray:
    """Of one network, whatever the number of replicates."""
    if isinstance(model, Replicates):
        return np.asarray(model.stacked.term_of_state)
    return np.asarray(model.term_of_state)


def _states(model: Model, graph: Any, state: Any, inputs: Inputs) -> np.ndarray:
    """``[replicate, sample, state]``."""
    found = np.asarray(_forward(graph, state, inputs), np.float64)
    if not isinstance(model, Replicates):
        return found[None]
    return np.moveaxis(found.reshape(found.shape[0], -1, model.n_replicates), -1, 0)


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: Any, inputs: Inputs) -> Array:
    return nnx.merge(graph, state)(inputs).states
