"""Scoring a model: on the parts of the samples at the end, and on the validation samples after every epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import TrainingError
from kgnn.models import Model, Replicates
from kgnn.train.config import TrainConfig
from kgnn.train.devices import ONE_DEVICE, Placement
from kgnn.train.metrics import SCORES, SMALLER_IS_BETTER, evaluate
from kgnn.train.predict import outputs_of, predict
from kgnn.train.processes import share
from kgnn.train.replicate_outputs import EachOutput
from kgnn.train.stream import StreamedData, place_samples


class Validation:
    """Scores arrays of a model on validation samples.

    Args:
        model: Gives the graph.
        samples: Validation samples, with the model's genes.
        score: Name of the score.
        config: Says whether the samples are streamed.
        placement: Devices to compute on.

    Raises:
        TrainingError: If no prediction whatsoever would have a score.
    """

    def __init__(
        self,
        model: Model,
        samples: Samples,
        score: str,
        config: TrainConfig | None = None,
        placement: Placement = ONE_DEVICE,
    ):
        self.score = score
        self.placement = placement
        self.task = model.task
        self.target = samples.require_targets().values
        perfect = self.target if self.task == "regression" else _certain(self.target, len(model.output_names))
        if math.isnan(evaluate(self.task, perfect, self.target)[score]):
            raise TrainingError(
                f"{score} is not defined on the {len(samples):,} validation samples: their targets do not vary. Hold "
                "out more samples (valid_fraction), choose another score, or keep the last epoch (valid_fraction=0)."
            )
        self._graph = nnx.graphdef(model)
        self._stacked = isinstance(model, Replicates)
        data = place_samples(samples, config)
        self._data = data if isinstance(data, StreamedData) else placement.copy(data)
        self._each = EachOutput(model) if isinstance(model, Replicates) and placement.mesh is None else None

    def __call__(self, params: Any, rest: Any, epoch: int) -> float | None:
        """The score of a model with these arrays; None where it is undefined, as for a constant prediction."""
        state = nnx.merge_state(params, rest)
        if self._each is not None:
            outputs = self._each(state, self._data).mean(axis=0)
        else:
            state = nnx.State({"stacked": state}) if self._stacked else state
            outputs = outputs_of(self._graph, state, self._data, placement=self.placement)
        if not np.isfinite(outputs).all():
            raise TrainingError(
                f"predictions of validation samples became infinite or not a number in epoch {epoch}. Lower "
                "learning_rate or set clip_norm."
            )
        score = undefined_as_none(evaluate(self.task, outputs, self.target)[self.score])
        # Processes on unlike processors may differ in the last digit, and must not differ in when they stop.
        return json.loads(share(json.dumps(score).encode()))


def score_name(config: TrainConfig, task: str) -> str:
    """Name of the score that chooses the epoch.

    Raises:
        TrainingError: If the score does not fit the task.
    """
    if config.score == "auto":
        return SCORES[task][0]
    if config.score not in SCORES[task]:
        raise TrainingError(
            f"score is {config.score!r}, which does not fit {task}. Choose one of: {', '.join(SCORES[task])}."
        )
    return config.score


def best_epoch(scores: Sequence[float | None], name: str) -> int:
    """The first epoch, counted from 1, with the best score; an undefined score is worse than any.

    Args:
        scores: Score of every epoch, at least one.
        name: Name of the score; of errors, the smallest is best.

    Returns:
        The epoch.

    Example:
        >>> best_epoch([None, 0.5, 0.7, 0.7], "pearson"), best_epoch([0.4, 0.2], "mse")
        (3, 2)
    """
    sign = -1 if name in SMALLER_IS_BETTER else 1
    return 1 + int(np.argmax([-np.inf if score is None else sign * score for score in scores]))


def score_parts(model: Model, parts: Mapping[str, Samples]) -> dict[str, dict[str, float | None]]:
    """All scores of a fitted model by part; None where a score is undefined.

    Args:
        model: A fitted model.
        parts: Samples with targets, by name of the part.

    Returns:
        Scores by part and name.
    """
    return {
        name: undefined_as_none(evaluate(model.task, predict(model, part), part.require_targets().values))
        for name, part in parts.items()
    }


def undefined_as_none(value: Any) -> Any:
    """The same value, of dictionaries and numbers, with None in place of what is not finite: JSON has no NaN."""
    if isinstance(value, Mapping):
        return {name: undefined_as_none(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _certain(target: np.ndarray, n_outputs: int) -> np.ndarray:
    """Logits of someone who knows the classes or labels."""
    return np.eye(n_outputs)[target] if target.ndim == 1 else target - 0.5
