"""Baselines beside a model: the mean, a penalized linear model, and networks without its knowledge.

All are fitted on the model's training samples and chosen on its validation samples; the test samples choose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from flax import nnx

from kgnn.data.missing import MEASURED, fit_gene_scaler
from kgnn.data.samples import Samples
from kgnn.data.scaling import Scaler
from kgnn.errors import unknown_choice
from kgnn.models import DenseNetwork, Model, build_like, width_of_equal_size
from kgnn.structure import shuffle_structure
from kgnn.train.config import TrainConfig
from kgnn.train.devices import ONE_DEVICE, Placement
from kgnn.train.loop import train_model
from kgnn.train.metrics import SCORES, evaluate, score_of
from kgnn.train.progress import Progress
from kgnn.train.scoring import score_parts, undefined_as_none
from kgnn.train.size import count_parameters

BASELINES = ("mean", "linear", "dense", "shuffled")
RIDGE_PENALTIES = (1.0, 10.0, 100.0, 1_000.0)
LOGISTIC_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
RAREST = 1e-6
"""Share that a class or label is taken to have at least, so that its log odds are finite."""

MOST_VALUES = 2**27
"""Features times samples that a linear model is fitted on at most; it holds them in double precision several times."""

Predictor = Callable[[np.ndarray], np.ndarray]


def check_baselines(wanted: Collection[str]) -> None:
    """Refuse the name of a baseline that does not exist."""
    for name in wanted:
        if name not in BASELINES:
            raise unknown_choice("baseline", name, BASELINES)


def baseline_scores(
    model: Model,
    parts: Mapping[str, Samples],
    config: TrainConfig,
    wanted: Collection[str],
    progress: Progress | None,
    placement: Placement = ONE_DEVICE,
) -> dict[str, Any]:
    """Fit baselines and score them.

    Args:
        model: The model to stand beside; not changed.
        parts: ``train`` and, where there are any, ``valid`` and ``test``.
        config: Settings of the model; the networks are trained with them.
        wanted: Some of `BASELINES`.
        progress: Told after every epoch of a network.
        placement: Devices to train the networks on; every process fits the others by itself.

    Returns:
        Scores by baseline and part; the training samples are scored only where there are no others.
    """
    train, valid = parts["train"], parts.get("valid")
    scored = {name: part for name, part in parts.items() if name != "train"} or dict(parts)
    scaling = "standard" if train.meaning == "abundance" else "none"
    found = linear_baselines(train, valid, scored, scaling, wanted)
    networks: dict[str, Model] = {}
    if "dense" in wanted:
        networks["dense"] = dense_of_equal_size(model, train, config.seed)
    if "shuffled" in wanted and model.structure is not None:
        null = shuffle_structure(model.structure, config.seed)
        networks["shuffled"] = build_like(model, null, seed=config.seed)
    for name, network in networks.items():
        what = f"{name} baseline"
        used = config.without_hooks() if isinstance(network, DenseNetwork) else config
        fitted, _, _ = train_model(network, train, valid, used, what=what, progress=progress, placement=placement)
        found[name] = score_parts(fitted, scored)
    return found


def linear_baselines(
    train: Samples,
    valid: Samples | None,
    others: Mapping[str, Samples],
    scaling: str,
    wanted: Collection[str] = ("mean", "linear"),
) -> dict[str, Any]:
    """Scores of the mean and of ridge regression (logistic regression for classes and labels).

    The penalty is chosen on the validation samples. Where there are none, it is chosen on a tenth of the training
    samples, and the model is then fitted on all of them. The scaler is fitted on the training samples.
    The linear model sees at most as many samples, drawn at random, as have `MOST_VALUES` features: all of a usual set,
    some tens of thousands of one that is streamed from disk. All samples are scored.

    Args:
        train: Training samples.
        valid: Validation samples, or None.
        others: Samples to score, by name of the part.
        scaling: Method of `kgnn.data.fit_scaler` for the gene values.
        wanted: ``"mean"``, ``"linear"`` or both.

    Returns:
        Scores by baseline (``mean``, and ``ridge`` or ``logistic``) and part; None where a score is undefined.
    """
    task = train.require_targets().kind
    scaler = fit_gene_scaler(train, scaling)
    fitted: dict[str, Predictor] = {}
    if "mean" in wanted:
        fitted["mean"] = mean_predictor(train)
    if "linear" in wanted:
        fitted["ridge" if task == "regression" else "logistic"] = _chosen_linear(train, valid, scaler)
    return {
        name: {
            part: undefined_as_none(
                evaluate(task, _predict_in_blocks(predict, samples, scaler), samples.require_targets().values)
            )
            for part, samples in others.items()
        }
        for name, predict in fitted.items()
    }


def features_of(samples: Samples, scaler: Scaler) -> np.ndarray:
    """All modalities of every sample side by side, float32 ``[sample, feature]``, genes scaled, gaps at their mean."""
    parts = []
    for name, table in samples.modalities.items():
        values = np.asarray(table.values[samples.row_of_sample[name]], dtype=np.float32)
        parts.append(scaler.apply(values) if name == samples.gene_modality else values)
        if name == MEASURED and table.features == samples.genes:
            parts[0] = parts[0] * values
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def few_enough(samples: Samples, most: int = MOST_VALUES) -> Samples:
    """The samples, or as many of them, drawn at random, as have `most` features together.

    Args:
        samples: Any samples.
        most: Features times samples at most.

    Returns:
        At least two samples, in their order.
    """
    n = max(2, most // sum(len(table.features) for table in samples.modalities.values()))
    if len(samples) <= n:
        return samples
    return samples.take(np.sort(np.random.default_rng(0).choice(len(samples), n, replace=False)))


def _predict_in_blocks(predict: Predictor, samples: Samples, scaler: Scaler) -> np.ndarray:
    """Predictions of all samples, some at a time where their features would not fit in memory."""
    size = max(1, MOST_VALUES // 8 // sum(len(table.features) for table in samples.modalities.values()))
    if len(samples) <= size:
        return predict(features_of(samples, scaler))
    starts = range(0, len(samples), size)
    parts = (samples.take(np.arange(first, min(first + size, len(samples)))) for first in starts)
    return np.concatenate([predict(features_of(part, scaler)) for part in parts])


def mean_predictor(train: Samples) -> Predictor:
    """What one would say without looking at the sample: the mean, or the log odds of the shares.

    Args:
        train: Training samples.

    Returns:
        From features, of which only their number counts, to predictions.
    """
    targets = train.require_targets()
    if targets.kind == "classes":
        share = np.bincount(targets.values, minlength=len(targets.names)) / len(train)
    else:
        share = targets.values.mean(axis=0, dtype=np.float64)
    level = share
    if targets.kind != "regression":
        share = np.clip(share, RAREST, 1 - RAREST)
        level = np.log(share) if targets.kind == "classes" else np.log(share / (1 - share))
    return lambda features: np.broadcast_to(level, (len(features), len(level)))


def _chosen_linear(train: Samples, valid: Samples | None, scaler: Scaler) -> Predictor:
    """The linear model whose penalty does best on held-out samples."""
    task = train.require_targets().kind
    train, valid = few_enough(train), None if valid is None else few_enough(valid)
    learn, judge = train, valid
    if judge is None:
        order = np.random.default_rng(0).permutation(len(train))
        held = max(1, len(train) // 10)
        learn, judge = train.take(order[held:]), train.take(order[:held])
    penalties, fit = (RIDGE_PENALTIES, _ridge) if task == "regression" else (LOGISTIC_PENALTIES, _logistic)
    features, judged, truth = features_of(learn, scaler), features_of(judge, scaler), judge.require_targets().values
    candidates = [fit(features, learn, penalty) for penalty in penalties]
    scores = [score_of(SCORES[task][0], task, candidate(judged), truth) for candidate in candidates]
    best = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
    return candidates[best] if valid is not None else fit(features_of(train, scaler), train, penalties[best])


def _ridge(features: np.ndarray, train: Samples, penalty: float) -> Predictor:
    from sklearn.linear_model import Ridge

    # In double precision: one column may all but equal a sum of others (55 cell lines, 2,729 genes).
    wide = features.astype(np.float64)
    model = Ridge(alpha=penalty, solver="cholesky").fit(wide, train.require_targets().values)
    return lambda rows: model.predict(rows).reshape(len(rows), -1)


def _logistic(features: np.ndarray, train: Samples, strength: float) -> Predictor:
    """Logistic regression, one for each label; log odds, so that `evaluate` can make probabilities of them."""
    targets = train.require_targets()
    constant = mean_predictor(train)
    if targets.kind == "classes":
        if len(np.unique(targets.values)) == 1:
            return constant
        return _classifier(features, targets.values, len(targets.names), strength)
    each = [
        _classifier(features, column.astype(np.int64), 2, strength) if len(np.unique(column)) > 1 else None
        for column in targets.values.T
    ]

    def predict(rows: np.ndarray) -> np.ndarray:
        log_odds = np.array(constant(rows))
        for position, classifier in enumerate(each):
            if classifier is not None:
                no, yes = classifier(rows).T
                log_odds[:, position] = yes - no
        return log_odds

    return predict


def _classifier(features: np.ndarray, codes: np.ndarray, n_classes: int, strength: float) -> Predictor:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # The products are small: on a busy machine, threads that wait for each other take far longer than one.
    with threadpool_limits(limits=1, user_api="blas"):
        model = LogisticRegression(C=strength, max_iter=1000).fit(features, codes)

    def predict(rows: np.ndarray) -> np.ndarray:
        log_probability = np.full((len(rows), n_classes), np.log(RAREST))
        log_probability[:, model.classes_] = model.predict_log_proba(rows)
        return log_probability

    return predict


def dense_of_equal_size(model: Model, train: Samples, seed: int) -> DenseNetwork:
    """A network without knowledge that has about as many parameters as a model, over all features of the samples.

    Args:
        model: The model to stand beside.
        train: Give the features.
        seed: Of the initial weights.

    Returns:
        The network, untrained.
    """
    n_others = sum(len(table.features) for table in train.modalities.values()) - len(train.genes)
    hidden = width_of_equal_size(count_parameters(model), len(train.genes) + n_others, len(model.output_names))
    return DenseNetwork(
        train.genes,
        n_others,
        hidden=hidden,
        outputs=model.output_names,
        task=model.task,
        gene_modality=train.gene_modality,
        rngs=nnx.Rngs(seed),
    )
