"""Learners without knowledge, from scikit-learn: each with a few settings, chosen on the inner validation samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kgnn.data.missing import fit_gene_scaler
from kgnn.data.samples import Samples
from kgnn.errors import unknown_choice
from kgnn.train.baselines import RAREST, features_of, few_enough, mean_predictor
from kgnn.train.metrics import SMALLER_IS_BETTER, evaluate

Predict = Callable[[np.ndarray], np.ndarray]
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0)
SHARES = (0.2, 0.8)
MIXED_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)
LEAVES = (1, 3, 10)
TREES = 200
RATES = (0.05, 0.15)


class Chosen(NamedTuple):
    """A learner that was fitted on one fold.

    Attributes:
        predict: From features to predictions (log odds of classes and labels).
        settings: Those that did best on the validation samples, as text.
    """

    predict: Predict
    settings: str


class Learner(NamedTuple):
    """A kind of learner.

    Attributes:
        settings: What may be chosen, each as arguments by name.
        make: Of the task, a seed and settings, an estimator of scikit-learn for one output.
        scaled: Whether features are standardized where they are abundances.
        jointly: Whether one estimator takes several outputs of a regression.
    """

    settings: tuple[dict[str, Any], ...]
    make: Callable[..., Any]
    scaled: bool = True
    jointly: bool = False


def _linear(task: str, seed: int, *, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if task == "regression":
        return Ridge(alpha=penalty)
    return LogisticRegression(C=1.0 / penalty, max_iter=1_000)


def _elastic_net(task: str, seed: int, *, penalty: float, share: float) -> Any:
    from sklearn.linear_model import ElasticNet, SGDClassifier

    if task == "regression":
        return ElasticNet(alpha=penalty, l1_ratio=share, max_iter=5_000, tol=1e-3)
    return SGDClassifier(
        loss="log_loss", penalty="elasticnet", alpha=0.1 * penalty, l1_ratio=share, max_iter=200, random_state=seed
    )


def _forest(task: str, seed: int, *, leaf: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind: Any
    kind, most = (RandomForestRegressor, 1 / 3) if task == "regression" else (RandomForestClassifier, "sqrt")
    return kind(TREES, min_samples_leaf=leaf, max_features=most, random_state=seed, n_jobs=1)


def _boosting(task: str, seed: int, *, rate: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind: Any = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return kind(learning_rate=rate, max_iter=150, max_leaf_nodes=15, early_stopping=False, random_state=seed)


LEARNERS = {
    "linear": Learner(tuple({"penalty": each} for each in PENALTIES), _linear, jointly=True),
    "elastic_net": Learner(
        tuple({"penalty": each, "share": share} for each in MIXED_PENALTIES for share in SHARES), _elastic_net
    ),
    "forest": Learner(tuple({"leaf": each} for each in LEAVES), _forest, scaled=False, jointly=True),
    "boosting": Learner(tuple({"rate": each} for each in RATES), _boosting, scaled=False),
}
"""Ridge or logistic regression, elastic net, random forest and gradient boosting, by name."""


def fit_learner(name: str, train: Samples, valid: Samples, score: str, seed: int) -> tuple[Chosen, Any]:
    """Fit a learner with every one of its settings, and keep what does best on the validation samples.

    Args:
        name: ``"mean"``, or one of `LEARNERS`.
        train: Training samples; the scaler is fitted on them as well.
        valid: Validation samples; nothing is fitted on them.
        score: Name of the score that chooses.
        seed: Of forests and the like.

    Returns:
        The learner, and the scaler of its features (see `kgnn.train.baselines.features_of`).

    Raises:
        KgnnError: If there is no such learner.
    """
    if name != "mean" and name not in LEARNERS:
        raise unknown_choice("learner", name, ("mean", *LEARNERS))
    task = train.require_targets().kind
    train = few_enough(train)
    scaled = name == "mean" or LEARNERS[name].scaled
    method = "standard" if scaled and train.meaning == "abundance" else "none"
    scaler = fit_gene_scaler(train, method)
    if name == "mean":
        return Chosen(mean_predictor(train), ""), scaler
    features, judged = features_of(train, scaler), features_of(valid, scaler)
    truth = valid.require_targets().values
    ranked: list[tuple[float, Chosen]] = []
    for settings in LEARNERS[name].settings:
        predict = _fitted(LEARNERS[name], settings, features, train, seed)
        value = evaluate(task, predict(judged), truth)[score]
        rank = -np.inf if np.isnan(value) else -value if score in SMALLER_IS_BETTER else value
        ranked.append((rank, Chosen(predict, ", ".join(f"{key} {each:g}" for key, each in settings.items()))))
    return max(ranked, key=lambda each: each[0])[1], scaler


def _fitted(learner: Learner, settings: dict[str, Any], features: np.ndarray, train: Samples, seed: int) -> Predict:
    from threadpoolctl import threadpool_limits

    targets = train.require_targets()
    # Threads that wait for each other on a busy machine take far longer than one.
    with threadpool_limits(limits=1):
        if targets.kind == "classes":
            return _classifier(learner, settings, features, targets.values, len(targets.names), seed)
        if targets.kind == "regression":
            return _regressor(learner, settings, features, np.asarray(targets.values, np.float64), seed)
        each = [_classifier(learner, settings, features, y.astype(np.int64), 2, seed) for y in targets.values.T]
    return lambda rows: np.stack([np.subtract(*predict(rows).T[::-1]) for predict in each], axis=1)


def _regressor(
    learner: Learner, settings: dict[str, Any], features: np.ndarray, wanted: np.ndarray, seed: int
) -> Predict:
    # Penalties are in units of a standardized target.
    center, scale = wanted.mean(axis=0), np.where(wanted.std(axis=0) > 0, wanted.std(axis=0), 1.0)
    wide, wanted = features.astype(np.float64), (wanted - center) / scale
    columns: Sequence[np.ndarray] = [wanted] if learner.jointly and wanted.shape[1] > 1 else list(wanted.T)
    models = [learner.make("regression", seed, **settings).fit(wide, column) for column in columns]

    def predict(rows: np.ndarray) -> np.ndarray:
        found = [np.asarray(model.predict(rows.astype(np.float64))).reshape(len(rows), -1) for model in models]
        return np.concatenate(found, axis=1) * scale + center

    return predict


def _classifier(
    learner: Learner, settings: dict[str, Any], features: np.ndarray, codes: np.ndarray, n_classes: int, seed: int
) -> Predict:
    """Logarithms of probabilities; classes that training has not seen are all but impossible."""
    seen = np.unique(codes)
    model = None if len(seen) == 1 else learner.make("classes", seed, **settings).fit(features, codes)

    def predict(rows: np.ndarray) -> np.ndarray:
        share = np.full((len(rows), n_classes), RAREST)
        share[:, seen] = 1.0 if model is None else model.predict_proba(rows)
        return np.log(np.clip(share, RAREST, 1.0))

    return predict
