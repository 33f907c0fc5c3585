"""How far two models, one carried over from the other, lie apart on the same samples."""

from __future__ import annotations

from collections.abc import Iterator
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
from kgnn.train.carry import subsystems_of
from kgnn.train.metrics import evaluate, pearson, probabilities
from kgnn.train.predict import chunked_inputs
from kgnn.train.scoring import undefined_as_none
from kgnn.train.stream import place_samples

CHUNK = 256
"""Samples at once: the states of all terms are held for both models."""


class Drift(NamedTuple):
    """What changed between two models, on some samples.

    Attributes:
        predictions: Number of samples; by output, the mean and the largest absolute change and the correlation (None
            where a prediction is constant), for classes and labels of probabilities; scores before and after, or None
            where the samples have no such targets.
        states: ``[term]``, root mean square change of the states that go on, in standard deviations of the old ones
            (those of a term together); NaN for a term that is new.
        largest: ``[term]``, the largest absolute change of any state in any sample; NaN for a term that is new.
    """

    predictions: dict[str, Any]
    states: np.ndarray
    largest: np.ndarray


def measure_drift(old: Model, new: Model, samples: Samples, plan: CarryPlan) -> Drift:
    """Compare a model with the one that it was carried over from.

    Args:
        old: The trained model.
        new: The model that goes on from it.
        samples: With the genes of both.
        plan: Which state goes on from which.

    Returns:
        The change of predictions and states.
    """
    goes_on = np.flatnonzero(plan.state >= 0)
    place = plan.state[goes_on]
    squared, largest, sums = np.zeros(len(goes_on)), np.zeros(len(goes_on)), np.zeros((2, len(goes_on)))
    outputs: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for said, says in zip(*(_said(model, samples) for model in (old, new)), strict=True):
        outputs[0].append(said[0])
        outputs[1].append(says[0])
        a, b = said[1][..., place], says[1][..., goes_on]
        squared += np.square(b - a).sum(axis=1).mean(axis=0)
        largest = np.maximum(largest, np.abs(b - a).max(axis=(0, 1)))
        sums += np.stack([a.sum(axis=1).mean(axis=0), np.square(a).sum(axis=1).mean(axis=0)])
    n, n_terms = len(samples), len(plan.term)
    variance = np.maximum(sums[1] / n - (sums[0] / n) ** 2, 0.0)
    term = np.asarray(subsystems_of(new).term_of_state)[goes_on]
    change, spread = (np.bincount(term, weights=each, minlength=n_terms) for each in (squared / n, variance))
    most = np.zeros(n_terms)
    np.maximum.at(most, term, largest)
    ratio = np.sqrt(np.divide(change, spread, out=np.where(change > 0, np.inf, 0.0), where=spread > 0))
    known = np.bincount(term, minlength=n_terms) > 0
    before, after = (np.concatenate(each) for each in outputs)
    predictions = _of_predictions(old, before, after, samples)
    return Drift(predictions, np.where(known, ratio, np.nan), np.where(known, most, np.nan))


def _of_predictions(model: Model, before: np.ndarray, after: np.ndarray, samples: Samples) -> dict[str, Any]:
    raw = {"before": before, "after": after}
    if model.task != "regression":
        before, after = (probabilities(each, model.task) for each in (before, after))
    outputs = {
        name: {
            "mean_change": float(np.abs(after - before)[:, column].mean()),
            "largest_change": float(np.abs(after - before)[:, column].max()),
            "pearson": pearson(after[:, [column]], before[:, [column]]),
        }
        for column, name in enumerate(model.output_names)
    }
    scores = None
    targets = samples.targets
    if targets is not None and targets.kind == model.task and len(targets.names) == len(model.output_names):
        known = samples.with_classes(model.output_names).require_targets().values
        scores = {when: evaluate(model.task, each, known) for when, each in raw.items()}
    return undefined_as_none({"n_samples": len(samples), "outputs": outputs, "scores": scores})


def _said(model: Model, samples: Samples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Outputs ``[sample, output]`` and states ``[replicate, sample, state]``, some samples at a time."""
    graph, state = nnx.split(model)
    n_replicates = model.n_replicates if isinstance(model, Replicates) else 1
    for _, present, inputs in chunked_inputs(place_samples(samples.with_genes(model.genes)), CHUNK):
        output, states = (np.asarray(each)[present > 0] for each in _forward(graph, state, inputs))
        by_replicate = states.astype(np.float64).reshape(len(states), -1, n_replicates)
        yield output, np.moveaxis(by_replicate, -1, 0)


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: Any, inputs: Inputs) -> tuple[Array, Array]:
    prediction = nnx.merge(graph, state)(inputs)
    return prediction.output, prediction.states
