"""Scores of every replicate beside those of their mean: how far one training of a network can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.models import Model, Replicates
from kgnn.train.metrics import evaluate
from kgnn.train.replicate_outputs import EachOutput
from kgnn.train.scoring import undefined_as_none
from kgnn.train.spread import spread
from kgnn.train.stream import place_samples


def replicate_metrics(model: Model, parts: Mapping[str, Samples]) -> dict[str, dict[str, Any]]:
    """All scores of every replicate by itself, on every part.

    The interval is that of the mean score over random starts on these very samples. The score of the mean prediction
    is another thing, and mostly better than any of them.

    Args:
        model: Fitted replicates; a single network has no scores here.
        parts: Samples with targets, by name of the part.

    Returns:
        An entry ``replicates`` for the metrics: by part and score, ``each`` (one number a replicate), ``mean``, ``sd``,
        and the 95 % t-interval ``low`` to ``high``; None where the score is undefined for a replicate.
    """
    if not isinstance(model, Replicates):
        return {}
    outputs, state = EachOutput(model), nnx.state(model.stacked)
    found = {}
    for part, samples in parts.items():
        target = samples.require_targets().values
        predicted = outputs(state, place_samples(samples.with_genes(model.genes)))
        scores = [evaluate(model.task, one, target) for one in predicted]
        found[part] = {name: _summary(np.array([each[name] for each in scores])) for name in scores[0]}
    return {"replicates": undefined_as_none(found)}


def _summary(scores: np.ndarray) -> dict[str, Any]:
    found = spread(scores)
    low, high = found.mean - found.half_width, found.mean + found.half_width
    summary = {"mean": found.mean, "sd": found.sd, "low": low, "high": high}
    each = [None if math.isnan(score) else float(score) for score in scores]
    return {"each": each, **{name: float(value) for name, value in summary.items()}}
